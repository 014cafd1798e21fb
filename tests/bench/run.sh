#!/usr/bin/env bash
# tests/bench/run.sh [OPTION...] [PEER...] - slopn and other VPNs side by side. `make bench` runs it.
#
# Fetches the other programs by itself, measures everyone between two network namespaces of this
# machine, round after round (A B C A B C ...), and prints Markdown tables. Needs root. Peers:
#
#   raw        no tunnel: what the link between the namespaces can do
#   nullrelay  a tunnel without cryptography (tunrelay.cpp): what TUN and UDP can do
#   slopn      build/release/bin, concealed authentication
#   wgsid      wireguard-go of Debian sid: TUN and UDP offloads
#   openvpn    Debian's, UDP, AES-128-GCM
#   tinc       Debian's, AES-128-CBC
#   nebula     of Debian sid, AES-GCM
#
# Options:
#   -r ROUNDS  how often each peer is measured (3)
#   -o FILE    where the figures go, one a line (build/bench/TIME.tsv)
#   -a PEER    the peer to whom the last table compares all others (openvpn)
#   -q         quick: 2 s for each TCP run, no search for the loss-free UDP rate
#   -c         only what UDP sockets of this kernel can do (udpbench.cpp)
#   -t FILE    only the tables of an earlier run
# Environment: LINK=gso|nogso (lib.sh), MTU=1420, SLOPN_BIN=DIR, SECONDS_TCP=5, MAX_WAIT=120
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
rounds=3 anchor=openvpn quick=no out=''
export BENCH_DIR="${BENCH_DIR:-$root/build/bench}"
# shellcheck disable=SC2034  # used in peers.sh
slopn_bin=${SLOPN_BIN:-$root/build/release/bin}
unset "${!SLOPN_@}"  # such variables configure slopnd

usage() { sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//p}' "$0"; exit "$1"; }

ceilings_only=no
while getopts r:o:a:qct:h option; do
  case $option in
    r) rounds=$OPTARG ;;
    o) out=$OPTARG ;;
    a) anchor=$OPTARG ;;
    q) quick=yes ;;
    c) ceilings_only=yes ;;
    t) exec /usr/bin/python3 "$here/report.py" "$OPTARG" "$anchor" ;;
    h) usage 0 ;;
    *) usage 2 >&2 ;;
  esac
done
shift $((OPTIND - 1))
peers=("$@")
[ ${#peers[@]} -gt 0 ] || peers=(raw nullrelay slopn wgsid openvpn tinc nebula)

[ "$(id -u)" = 0 ] || { echo "bench: network namespaces need root" >&2; exit 1; }
"$here/get-peers.sh" "${peers[@]}"

# shellcheck source=tests/bench/lib.sh
. "$here/lib.sh"
# shellcheck source=tests/bench/peers.sh
. "$here/peers.sh"
# shellcheck source=tests/bench/measure.sh
. "$here/measure.sh"

trap 'finish' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

if [ $ceilings_only = yes ]; then
  net_up
  for mode in plain mmsg gso; do
    for size in 200 1400; do
      "$BENCH_DIR/udpbench" $mode $size 3 "$client_ns" "$server_ns" "$server_outer"
    done
  done
  exit 0
fi

for peer in "${peers[@]}"; do
  declare -F "${peer}_client" >/dev/null || { echo "bench: unknown peer $peer" >&2; usage 2 >&2; }
done
out=${out:-$BENCH_DIR/$(date +%Y-%m-%dT%H%M%S).tsv}
mkdir -p "$(dirname "$out")"
: >"$out"
for round in $(seq "$rounds"); do
  for peer in "${peers[@]}"; do measure_undisturbed "$peer" "$round" "$out" "$quick"; done
done
describe_machine
/usr/bin/python3 "$here/report.py" "$out" "$anchor"
echo
echo "The figures are in $out; run.sh -t FILE prints the tables again."
