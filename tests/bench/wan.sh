#!/usr/bin/env bash
# tests/bench/wan.sh [OPTION...] [PEER...] - VPNs over delay and loss, side by side.
#
# For peers (those of run.sh -h; slopn and wgsid unless named) and each cell of delay, loss and
# traffic: the rate inside the tunnel, in interleaved rounds, and a table of medians. `make bench`
# runs some of these cells; wan-cells.sh says what they mean. Needs root.
#
# Options:
#   -d "MS..."       delays each way ("1 20 80")
#   -l "PERCENT..."  losses ("0 0.1 1 3")
#   -t "TRAFFIC..."  of tcp1 tcp8 bbr1 udp100 (all)
#   -f               fairness beside a plain TCP flow, and no cells
#   -r ROUNDS        how often each cell is measured (3)
#   -o FILE          where the figures go, one a line (build/bench/wan-TIME.tsv)
#   -q               quick: 4 s each, and no waiting for a quiet machine
# Environment: SECONDS_WAN=15, SECONDS_FAIR=20, and that of run.sh
set -euo pipefail

# shellcheck source=tests/bench/setup.sh
. "$(dirname "$0")/setup.sh"
delays='1 20 80' losses='0 0.1 1 3' traffic='tcp1 tcp8 bbr1 udp100' fairness=no rounds=3 out=''
while getopts d:l:t:fr:o:qh option; do
  case $option in
    d) delays=$OPTARG ;;
    l) losses=$OPTARG ;;
    t) traffic=$OPTARG ;;
    f) fairness=yes ;;
    r) rounds=$OPTARG ;;
    o) out=$OPTARG ;;
    q) be_quick ;;
    h) usage 0 ;;
    *) usage 2 >&2 ;;
  esac
done
shift $((OPTIND - 1))
peers=("$@")
[ ${#peers[@]} -gt 0 ] || peers=(slopn wgsid)
for one in $traffic; do
  declare -F "traffic_$one" >/dev/null || { echo "wan: unknown traffic $one" >&2; usage 2 >&2; }
done
prepare_peers "${peers[@]}"
start_file "${out:-$BENCH_DIR/wan-$(date +%Y-%m-%dT%H%M%S).tsv}"

for round in $(seq "$rounds"); do
  for delay in $delays; do
    for loss in $losses; do
      for peer in "${peers[@]}"; do
        if [ $fairness = yes ]; then
          wan_fairness "$peer" "$round" "$out"
        else
          # shellcheck disable=SC2086  # several words
          wan_cell "$peer" "$round" "$out" "$delay" "$loss" $traffic
        fi
      done
      [ $fairness = no ] || break 2
    done
  done
done
describe_machine
report --no-targets
