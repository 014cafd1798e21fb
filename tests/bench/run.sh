#!/usr/bin/env bash
# tests/bench/run.sh [OPTION...] [PEER...] - slopn and other VPNs side by side. `make bench` runs it.
#
# Fetches the other programs by itself, measures everyone between two network namespaces of this
# machine, round after round (A B C A B C ...), prints Markdown tables and says which targets of
# targets.py slopn reaches; the exit code is 1 if it misses one. Needs root. Peers:
#
#   slopn      build/release/bin, concealed authentication; slopn@FOLDER: see peers.sh
#   nullrelay  a tunnel without cryptography (tunrelay.cpp): what TUN and UDP can do
#   wgsid      wireguard-go of Debian sid: TUN and UDP offloads
#   openvpn    Debian's, UDP, AES-128-GCM
#   nebula     of Debian sid, AES-GCM
#   fastd      Debian's, salsa2012+umac
#   ocserv     Debian's with openconnect, DTLS 1.2, AES-128-GCM
#   tinc       Debian's, AES-128-CBC; only if named
#   raw        no tunnel, what the link can do; only if named
#
# Options:
#   -l "LINK..."  over which links: gso, nogso (lib.sh), wan (delay and loss; only slopn and wgsid
#                 of the peers). All three
#   -r ROUNDS     how often each peer is measured (3)
#   -o FILE       where the figures go, one a line (build/bench/TIME.tsv), and the results of the
#                 targets (FILE.targets)
#   -a PEER       the peer to whom the tables of ratios compare all others (wgsid)
#   -q            quick, for developers: 2 s for each TCP run, no search for the loss-free UDP rate,
#                 no waiting for a quiet machine, and LINK=gso only, unless -l says otherwise
#   -c            only what UDP sockets of this kernel can do (udpbench.cpp)
#   -t FILE       only the tables of an earlier run
# What is left out by -l, -q or naming peers is not judged. wan.sh has more of delay and loss.
# Environment: MTU=1420, SLOPN_BIN=DIR, SECONDS_TCP=4, SECONDS_WAN=15, SECONDS_FAIR=20,
# CONGESTION=cubic, MAX_WAIT=120 (s, for a quiet machine), MAX_TRIES=3 (when it was disturbed),
# BENCH_TOML=FILE (peers.sh)
set -euo pipefail

# shellcheck source=tests/bench/setup.sh
. "$(dirname "$0")/setup.sh"
rounds=3 anchor=wgsid out='' links='' earlier='' ceilings_only=no partial=()
while getopts l:r:o:a:qct:h option; do
  case $option in
    l) links=$OPTARG ;;
    r) rounds=$OPTARG ;;
    o) out=$OPTARG ;;
    a) anchor=$OPTARG ;;
    q) be_quick ;;
    c) ceilings_only=yes ;;
    t) earlier=$OPTARG ;;
    h) usage 0 ;;
    *) usage 2 >&2 ;;
  esac
done
shift $((OPTIND - 1))
peers=("$@")

if [ $# -gt 0 ] || [ -n "$links$earlier" ] || [ $quick = yes ]; then partial=(--partial); fi
if [ -n "$earlier" ]; then
  out=$earlier
  report --anchor "$anchor" "${partial[@]}"
  exit
fi
[ ${#peers[@]} -gt 0 ] || peers=(nullrelay slopn wgsid openvpn nebula fastd ocserv)
[ -n "$links" ] || { [ $quick = yes ] && links=gso || links='gso nogso wan'; }
for link in $links; do
  case $link in
    gso | nogso | wan) ;;
    *) echo "bench: unknown link $link" >&2; usage 2 >&2 ;;
  esac
done
prepare_peers "${peers[@]}"

if [ $ceilings_only = yes ]; then
  net_up
  for mode in plain mmsg gso; do
    for size in 200 1400; do
      "$BENCH_DIR/udpbench" $mode $size 3 "$client_ns" "$server_ns" "$server_outer"
    done
  done
  exit 0
fi

measure_wan() { # ROUND: the targets' cells
  local peer loss
  for loss in 0 0.1 1 3; do
    for peer in "${peers[@]}"; do
      case $peer in slopn* | wgsid) wan_cell "$peer" "$1" "$out" 20 $loss tcp1 ;; esac
    done
  done
  for peer in "${peers[@]}"; do
    case $peer in slopn* | wgsid) wan_cell "$peer" "$1" "$out" 1 1 tcp8 bbr1 udp100 ;; esac
  done
  for peer in "${peers[@]}"; do
    case $peer in slopn* | wgsid) wan_fairness "$peer" "$1" "$out" ;; esac
  done
}

start_file "${out:-$BENCH_DIR/$(date +%Y-%m-%dT%H%M%S).tsv}"
started=$SECONDS
for round in $(seq "$rounds"); do
  for LINK in $links; do
    if [ "$LINK" = wan ]; then
      measure_wan "$round"
    else
      for peer in "${peers[@]}"; do
        measure_undisturbed "$peer" "$round" measure_everything "$out"
      done
    fi
  done
done
describe_machine
echo "$rounds rounds in $(((SECONDS - started) / 60)) minutes."
code=0
report --anchor "$anchor" --verdicts "$out.targets" "${partial[@]}" || code=$?
echo
echo "The figures are in $out; run.sh -t FILE prints the tables again."
exit $code
