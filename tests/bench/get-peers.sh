#!/usr/bin/env bash
# tests/bench/get-peers.sh PEER... - fetches or builds what run.sh needs for these peers.
#
# OpenVPN, tinc, fastd and ocserv are installed from the machine's own Debian suite; none of their
# services is started. wireguard-go and nebula come
# from Debian sid, whose versions have the offloads: they are single static programs and are only
# unpacked, below build/bench. Our own programs are compiled.
set -euo pipefail

root=$(cd "$(dirname "$0")/../.." && pwd)
bench_dir=${BENCH_DIR:-$root/build/bench}
mkdir -p "$bench_dir"

packages=(iperf3 jq ethtool iproute2 iputils-ping) private=()
for peer in "$@"; do
  case ${peer%%@*} in
    wgsid) packages+=(wireguard-tools) private+=(wireguard-go) ;;
    nebula) private+=(nebula) ;;
    openvpn) packages+=(openvpn openssl) ;;
    tinc) packages+=(tinc) ;;
    fastd) packages+=(fastd) ;;
    ocserv) packages+=(ocserv openconnect openssl) ;;
  esac
done

missing=()
for package in "${packages[@]}"; do
  [ "$(dpkg-query -W -f '${db:Status-Abbrev}' "$package" 2>/dev/null)" = 'ii ' ] || missing+=("$package")
done
install_missing() {
  echo "bench: installing ${missing[*]}" >&2
  # Debian's way to keep installed services from starting.
  local policy=/usr/sbin/policy-rc.d
  if [ ! -e $policy ]; then
    trap 'rm -f /usr/sbin/policy-rc.d' EXIT
    printf '#!/bin/sh\nexit 101\n' >$policy
    chmod +x $policy
  fi
  export DEBIAN_FRONTEND=noninteractive
  apt-get -q update >"$bench_dir/apt.log" 2>&1 || true
  apt-get -q install -y --no-install-recommends "${missing[@]}" >>"$bench_dir/apt.log" 2>&1 ||
    { tail -n 5 "$bench_dir/apt.log" >&2; echo "bench: cannot install ${missing[*]}" >&2; exit 1; }
}
[ ${#missing[@]} -eq 0 ] || (install_missing)

fetch_private() {
  export SLOPN_ROOT=$root SLOPN_DEPS=$bench_dir/deps SLOPN_RUN=$$
  SLOPN_CODENAME=$(. /etc/os-release && printf '%s' "${VERSION_CODENAME:-}")
  export SLOPN_CODENAME
  # shellcheck source=packaging/bootstrap-lib.sh
  . "$root/packaging/bootstrap-lib.sh"
  mkdir -p "$SLOPN_DEPS/log"
  SLOPN_MIRROR=$(find_mirror)
  export SLOPN_MIRROR
  local package
  for package in "$@"; do private_fetch sid "$package" "$bench_dir/sid"; done
}
wanted=()
for package in "${private[@]}"; do
  [ -x "$bench_dir/sid/usr/bin/$package" ] || wanted+=("$package")
done
[ ${#wanted[@]} -eq 0 ] || fetch_private "${wanted[@]}"

compile() { # PROGRAM SOURCE...
  local program=$bench_dir/$1 source
  shift
  for source in "$@"; do
    if [ ! -x "$program" ] || [ "$root/$source" -nt "$program" ]; then
      (cd "$root" && g++ -std=c++20 -O2 -pthread -I. -o "$program" "$@")
      return
    fi
  done
}
compile tunrelay tests/bench/tunrelay.cpp
compile udpbench tests/bench/udpbench.cpp
compile firstping tests/bench/firstping.cpp
compile wan tests/support/wan.cpp tests/support/wan_direction.cpp
