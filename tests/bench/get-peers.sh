#!/usr/bin/env bash
# tests/bench/get-peers.sh PEER... - fetches or builds what run.sh needs for these peers.
#
# OpenVPN and tinc are installed from the machine's own Debian suite. wireguard-go and nebula come
# from Debian sid, whose versions have the offloads: they are single static programs and are only
# unpacked, below build/bench. tunrelay and udpbench are compiled.
set -euo pipefail

root=$(cd "$(dirname "$0")/../.." && pwd)
bench_dir=${BENCH_DIR:-$root/build/bench}
mkdir -p "$bench_dir"

packages=(iperf3 jq ethtool iproute2 iputils-ping) private=()
for peer in "$@"; do
  case $peer in
    wgsid) packages+=(wireguard-tools) private+=(wireguard-go) ;;
    nebula) private+=(nebula) ;;
    openvpn) packages+=(openvpn openssl) ;;
    tinc) packages+=(tinc) ;;
  esac
done

missing=()
for package in "${packages[@]}"; do
  [ "$(dpkg-query -W -f '${db:Status-Abbrev}' "$package" 2>/dev/null)" = 'ii ' ] || missing+=("$package")
done
if [ ${#missing[@]} -gt 0 ]; then
  echo "bench: installing ${missing[*]}" >&2
  export DEBIAN_FRONTEND=noninteractive
  apt-get -q update >"$bench_dir/apt.log" 2>&1 || true
  apt-get -q install -y --no-install-recommends "${missing[@]}" >>"$bench_dir/apt.log" 2>&1 ||
    { tail -n 5 "$bench_dir/apt.log" >&2; echo "bench: cannot install ${missing[*]}" >&2; exit 1; }
fi

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

for program in tunrelay udpbench; do
  source="$root/tests/bench/$program.cpp"
  if [ ! -x "$bench_dir/$program" ] || [ "$source" -nt "$bench_dir/$program" ]; then
    g++ -std=c++20 -O2 -pthread -o "$bench_dir/$program" "$source"
  fi
done
