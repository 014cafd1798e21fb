#!/usr/bin/env bash
# packaging/bootstrap.sh [--boringssl] [--lint] [--update]
#
# Makes a fresh Debian 12 or 13 machine able to build and test slopn:
#   1. installs packages of the machine's own suite with apt (needs root only when some are missing),
#   2. unpacks newer libraries privately below build/deps, without installing them,
#   3. builds the TLS library there, static,
#   4. writes build/deps/deps.lock: what was taken, from which suite, with its SHA-256.
# May be run at any time, also after an interrupted run. When nothing changed it takes no time.
#
#   --boringssl  also builds Debian's BoringSSL snapshot (for SLOPN_TLS=boringssl)
#   --lint       also installs clang, clang-format and clang-tidy
#   --update     looks for newer versions even if nothing changed here
#
# Environment:
#   SLOPN_TLS=boringssl     the same as --boringssl
#   SLOPN_BORINGSSL_ROOT    an own BoringSSL (include/, lib/): nothing is built for --boringssl
#   SLOPN_MIRROR            a Debian mirror, if the machine's own cannot be found in /etc/apt
#   SLOPN_DEPS              another place than build/deps
set -euo pipefail

SLOPN_ROOT=$(cd "$(dirname "$0")/.." && pwd)
SLOPN_DEPS=$(realpath -m "${SLOPN_DEPS:-$SLOPN_ROOT/build/deps}")
SLOPN_JOBS=${SLOPN_JOBS:-$(nproc)}
export SLOPN_ROOT SLOPN_DEPS SLOPN_JOBS
export DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8
# shellcheck source=packaging/bootstrap-lib.sh
. "$SLOPN_ROOT/packaging/bootstrap-lib.sh"

with_boringssl=no with_lint=no update=no
[ "${SLOPN_TLS:-}" != boringssl ] || with_boringssl=yes
for option in "$@"; do
  case $option in
    --boringssl) with_boringssl=yes ;;
    --lint) with_lint=yes ;;
    --update) update=yes ;;
    -h | --help) sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//p}' "$0"; exit 0 ;;
    *) die "unknown option $option" "Options: --boringssl --lint --update" ;;
  esac
done
[ -z "${SLOPN_BORINGSSL_ROOT:-}" ] || with_boringssl=no

# What compiles, links and runs slopn and its tests.
packages=(
  build-essential ca-certificates ccache cmake debian-archive-keyring git mold ninja-build patch pkg-config
  libcli11-dev libgrpc++-dev libmnl-dev libnftables-dev libprotobuf-dev libqrencode-dev libspdlog-dev
  libsystemd-dev libtomlplusplus-dev nlohmann-json3-dev protobuf-compiler protobuf-compiler-grpc zlib1g-dev
  curl dbus-daemon iperf3 iproute2 iputils-ping jq nftables openssl procps python3 python3-grpcio
  python3-protobuf systemd tcpdump util-linux xz-utils
)
# Of those, what ends up inside the programs; the lock file names them too.
linked_packages=(
  libcli11-dev libgrpc++-dev libmnl-dev libnftables-dev libprotobuf-dev libqrencode-dev libspdlog-dev
  libsystemd-dev libtomlplusplus-dev zlib1g-dev
)
[ $with_lint = no ] || packages+=(clang clang-format clang-tidy)

check_system() {
  local id=''
  if [ -r /etc/os-release ]; then
    # shellcheck disable=SC1091
    id=$(. /etc/os-release && printf '%s' "${ID:-}")
    SLOPN_CODENAME=$(. /etc/os-release && printf '%s' "${VERSION_CODENAME:-}")
  fi
  if [ "$id" != debian ]; then
    say "This is not Debian: CMake will look for installed libraries (see docs/decisions/0001-*.md)."
    exit 0
  fi
  case $SLOPN_CODENAME in
    bookworm) newer=bookworm-backports ;;
    trixie) newer=trixie ;;
    *) newer=trixie; say "Debian '$SLOPN_CODENAME' is not tested; Debian 12 and 13 are." ;;
  esac
  export SLOPN_CODENAME
}

missing_packages() {
  local installed
  installed=$(dpkg-query -W -f '${db:Status-Abbrev} ${Package}\n' "${packages[@]}" 2>/dev/null |
    awk '$1 == "ii" { print $2 }') || true
  comm -23 <(printf '%s\n' "${packages[@]}" | sort -u) <(printf '%s\n' "$installed" | sort -u)
}

# Changes whenever a run could give another result.
wanted_stamp() {
  {
    cat "$SLOPN_ROOT"/packaging/bootstrap.sh "$SLOPN_ROOT"/packaging/bootstrap-lib.sh
    cat "$SLOPN_ROOT"/packaging/bootstrap.d/*.sh 2>/dev/null || true
    printf '%s\n' "$SLOPN_CODENAME" "$(dpkg --print-architecture)" "$SLOPN_DEPS"
  } | sha256sum | cut -d' ' -f1
}

# A look at one file of each part, in case somebody removed some.
damaged() {
  local root="$SLOPN_DEPS/root/usr" file
  for file in "$SLOPN_DEPS/deps.lock" "$SLOPN_DEPS/src/ngtcp2/crypto/boringssl/boringssl.c" \
    "$root/include/boost/asio.hpp" "$root/include/catch2/catch_all.hpp" "$root/lib/cmake/Catch2/Catch2Config.cmake" \
    "$root"/lib/*/{libngtcp2,libnghttp3}.a; do
    [ -s "$file" ] || return 0
  done
  return 1
}

complete() {
  [ $update = no ] && built all "$1" && ! damaged &&
    { [ -e "$SLOPN_DEPS/aws-lc/lib/libssl.a" ] || [ -e "$SLOPN_DEPS/boringssl/lib/libssl.a" ]; } &&
    { [ $with_boringssl = no ] || [ -e "$SLOPN_DEPS/boringssl/lib/libssl.a" ]; } &&
    [ -z "$(missing_packages)" ]
}

install_packages() {
  local missing
  mapfile -t missing < <(missing_packages)
  [ ${#missing[@]} -gt 0 ] || return 0
  if [ "$(id -u)" != 0 ]; then
    die "these packages are missing: ${missing[*]}" \
      "Run 'sudo apt-get install ${missing[*]}', or run packaging/bootstrap.sh as root."
  fi
  say "installing ${#missing[@]} packages with apt"
  local apt=(apt-get -q -o DPkg::Lock::Timeout=600 -o Acquire::Retries=3)
  [ -z "$(dpkg --audit)" ] || run_logged dpkg-configure dpkg --configure -a
  # A broken third-party source must not stop us, as long as the installation works.
  "${apt[@]}" update >"$SLOPN_DEPS/log/apt-update.log" 2>&1 || say "apt-get update had errors; going on"
  run_logged apt-install "${apt[@]}" install -y --no-install-recommends "${missing[@]}"
}

find_mirror_or_die() {
  if ! SLOPN_MIRROR=$(find_mirror); then
    [ "$(id -u)" != 0 ] || apt-get -q update >"$SLOPN_DEPS/log/apt-update.log" 2>&1 || true
    SLOPN_MIRROR=$(find_mirror) ||
      die "no Debian mirror for '$SLOPN_CODENAME' in this machine's apt sources" \
        "Run 'apt-get update' as root, or name a mirror with SLOPN_MIRROR=URL."
  fi
  export SLOPN_MIRROR
}

lock_installed() {
  local package version sum
  for package in "${linked_packages[@]}"; do
    version=$(dpkg-query -W -f '${Version}' "$package")
    sum=$(apt-cache show "$package=$version" 2>/dev/null | sed -n 's/^SHA256: //p' | head -n 1) || true
    lock_entry "$package" "$version" "${sum:--}" "$SLOPN_CODENAME"
  done
}

# True when a static library of another suite links with this machine's compiler and C library.
links_here() {
  printf 'int main(void) { return 0; }\n' |
    gcc -x c - -x none -Wl,--whole-archive "$@" -Wl,--no-whole-archive -o /dev/null 2>"$SLOPN_DEPS/log/link.log"
}

# ngtcp2, nghttp3 and the source of ngtcp2's TLS glue. The glue must have the library's version.
fetch_quic_from() { # SUITE
  local version lib
  lib="$SLOPN_DEPS/root/usr/lib/$(gcc -dumpmachine)"
  version=$(private_version "$1" libngtcp2-dev) || return 1
  private_source "$1" ngtcp2 "$(upstream_version "$version")" || return 1
  private_fetch "$1" libngtcp2-dev "$SLOPN_DEPS/root" || return 1
  private_fetch "$1" libnghttp3-dev "$SLOPN_DEPS/root" || return 1
  links_here "$lib/libngtcp2.a" "$lib/libnghttp3.a" || return 1
}

fetch_quic() {
  local lock_before
  lock_before=$(cat "$SLOPN_DEPS/deps.lock.new")
  fetch_quic_from sid && return
  say "ngtcp2 and nghttp3 of sid are not usable here; taking those of $newer"
  printf '%s\n' "$lock_before" >"$SLOPN_DEPS/deps.lock.new"
  fetch_quic_from "$newer" ||
    die "no usable ngtcp2 and nghttp3 in sid and $newer" "See $SLOPN_DEPS/log/link.log."
}

fetch_catch2() { private_fetch "$newer" libcatch2-dev "$SLOPN_DEPS/root" || die "no libcatch2-dev in $newer"; }

# Only headers are used: slopn compiles no Boost library.
fetch_boost() { private_fetch trixie libboost1.88-dev "$SLOPN_DEPS/root" || die "no libboost1.88-dev in trixie"; }

# Hidden, so that nobody else binds to it; in sections, so that only what is used is linked.
tls_flags="-fvisibility=hidden -ffunction-sections -fdata-sections"

build_static() { # NAME SOURCE_DIR CMAKE_OPTION...
  local name=$1 source=$2 launcher=()
  shift 2
  command -v ccache >/dev/null && launcher=(-DCMAKE_C_COMPILER_LAUNCHER=ccache -DCMAKE_CXX_COMPILER_LAUNCHER=ccache)
  rm -rf "${SLOPN_DEPS:?}/$name" "$SLOPN_DEPS/work/$name"
  run_logged "$name-configure" cmake -S "$source" -B "$SLOPN_DEPS/work/$name" -G Ninja \
    -DCMAKE_BUILD_TYPE=Release -DBUILD_SHARED_LIBS=OFF -DCMAKE_POSITION_INDEPENDENT_CODE=ON \
    -DCMAKE_C_FLAGS="$tls_flags" -DCMAKE_CXX_FLAGS="$tls_flags" -DCMAKE_ASM_FLAGS=-fvisibility=hidden \
    -DCMAKE_INSTALL_PREFIX="$SLOPN_DEPS/$name" -DCMAKE_INSTALL_LIBDIR=lib "${launcher[@]}" "$@"
  run_logged "$name-build" cmake --build "$SLOPN_DEPS/work/$name" --parallel "$SLOPN_JOBS"
}

# AWS-LC comes inside a Rust source package, whole and without generated files missing.
build_aws_lc() {
  local package=librust-aws-lc-sys-dev dir="$SLOPN_DEPS/src/aws-lc" key source
  private_fetch sid "$package" "$dir" || return 1
  key="$(tail -n 1 "$SLOPN_DEPS/deps.lock.new") $tls_flags"
  if built aws-lc "$key" && [ -e "$SLOPN_DEPS/aws-lc/lib/libssl.a" ]; then return 0; fi
  source=$(find "$dir" -path '*/aws-lc/ssl/ssl_lib.cc' -printf '%h\n' | sort -V | tail -n 1)
  [ -n "$source" ] || die "$package has no AWS-LC in it any more" "Use SLOPN_TLS=boringssl and tell the maintainers."
  say "building AWS-LC (about a minute)"
  build_static aws-lc "${source%/ssl}" -DDISABLE_GO=ON -DDISABLE_PERL=ON -DBUILD_TESTING=OFF -DBUILD_TOOL=OFF \
    -DENABLE_SOURCE_MODIFICATION=OFF
  run_logged aws-lc-install cmake --install "$SLOPN_DEPS/work/aws-lc"
  rm -rf "$SLOPN_DEPS/work/aws-lc"
  mark_built aws-lc "$key"
}

# Debian's snapshot of BoringSSL for Android. Its upstream CMake files need Go and Perl, Android's
# list of sources does not; packaging/boringssl/CMakeLists.txt reads that list.
build_boringssl() {
  local source=android-platform-external-boringssl key
  private_source "$newer" "$source" || die "no $source in $newer"
  key="$(tail -n 1 "$SLOPN_DEPS/deps.lock.new") $(sha256sum <"$SLOPN_ROOT/packaging/boringssl/CMakeLists.txt") $tls_flags"
  if built boringssl "$key" && [ -e "$SLOPN_DEPS/boringssl/lib/libssl.a" ]; then return 0; fi
  say "building BoringSSL (about a minute)"
  build_static boringssl "$SLOPN_ROOT/packaging/boringssl" -DSLOPN_BORINGSSL_SOURCE="$SLOPN_DEPS/src/$source"
  run_logged boringssl-install cmake --install "$SLOPN_DEPS/work/boringssl"
  rm -rf "$SLOPN_DEPS/work/boringssl"
  mark_built boringssl "$key"
}

run_hooks() {
  local hook
  for hook in "$SLOPN_ROOT"/packaging/bootstrap.d/*.sh; do
    [ -e "$hook" ] || continue
    bash -c 'set -euo pipefail; . "$1"; . "$2"' hook "$SLOPN_ROOT/packaging/bootstrap-lib.sh" "$hook" ||
      die "${hook#"$SLOPN_ROOT/"} failed" "Correct what it says and run packaging/bootstrap.sh again."
  done
}

main() {
  check_system
  local stamp
  stamp=$(wanted_stamp)
  if complete "$stamp"; then return 0; fi

  { mkdir -p "$SLOPN_DEPS/log" && : >>"$SLOPN_DEPS/.running"; } 2>/dev/null ||
    die "cannot write below $SLOPN_DEPS" "Run this as root, or as the owner of that folder."
  exec 9>"$SLOPN_DEPS/.running"
  if ! flock -n 9; then
    say "another bootstrap is running; waiting for it"
    flock 9
    if complete "$stamp"; then return 0; fi
  fi

  printf 'bootstrap: libraries and tools for slopn on Debian %s\n' "$SLOPN_CODENAME" >&2
  rm -f "$SLOPN_DEPS/stamps/all"
  install_packages
  SLOPN_RUN="$$-$(date +%s%N)"
  export SLOPN_RUN
  find_mirror_or_die
  : >"$SLOPN_DEPS/deps.lock.new"
  # What was built for --boringssl once is kept up to date by every later run.
  [ ! -e "$SLOPN_DEPS/boringssl/lib/libssl.a" ] || with_boringssl=yes
  lock_installed
  fetch_boost
  fetch_catch2
  fetch_quic
  build_aws_lc || { say "sid has no AWS-LC now; building BoringSSL instead"; with_boringssl=yes; }
  [ $with_boringssl = no ] || build_boringssl
  run_hooks
  sort -u "$SLOPN_DEPS/deps.lock.new" >"$SLOPN_DEPS/deps.lock.sorted"
  mv "$SLOPN_DEPS/deps.lock.sorted" "$SLOPN_DEPS/deps.lock"
  rm -f "$SLOPN_DEPS/deps.lock.new"
  ! damaged || die "something is missing below $SLOPN_DEPS" "Remove that folder and run packaging/bootstrap.sh again."
  mark_built all "$stamp"
  say "done: $SLOPN_DEPS"
}

main
