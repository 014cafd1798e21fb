# shellcheck shell=bash
# What run.sh and wan.sh share. Sourced by them, first of all.
# shellcheck disable=SC2034  # names for the files sourced below

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
export BENCH_DIR="${BENCH_DIR:-$root/build/bench}" LC_ALL=C
slopn_bin=${SLOPN_BIN:-$root/build/release/bin}
unset "${!SLOPN_@}"  # such variables configure slopnd

usage() { sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//p}' "$0"; exit "$1"; }

report() { /usr/bin/python3 -B "$here/report.py" "$@" "$out"; }

# Fetches what they need, and makes sure that nothing stays behind.
prepare_peers() { # PEER...
  local peer
  for peer in "$@"; do
    declare -F "${peer%%@*}_client" >/dev/null || { echo "bench: unknown peer $peer" >&2; usage 2 >&2; }
    [[ $peer != *@* || -d ${peer#*@} ]] || { echo "bench: no folder ${peer#*@}" >&2; exit 2; }
  done
  [ "$(id -u)" = 0 ] || { echo "bench: network namespaces need root" >&2; exit 1; }
  "$here/get-peers.sh" "$@"
}

start_file() { # FILE: sets out
  out=$1
  mkdir -p "$(dirname "$out")"
  : >"$out"
}

# shellcheck source=tests/bench/lib.sh
. "$here/lib.sh"
# shellcheck source=tests/bench/peers.sh
. "$here/peers.sh"
# shellcheck source=tests/bench/measure.sh
. "$here/measure.sh"
# shellcheck source=tests/bench/wan-cells.sh
. "$here/wan-cells.sh"

trap 'finish' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
