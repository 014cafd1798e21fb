#!/usr/bin/env bash
# tests/bench/profile.sh [-d] [PEER] - where the cycles of a tunnel go.
#
# Runs one TCP stream through PEER (slopn unless named), from client to gateway, and samples both
# daemons with perf for some seconds: a table of what they did, in percent of each daemon's time and
# in nanoseconds for each inner packet. Needs root and perf.
#
#   -d   the stream goes the other way
# Environment: SECONDS_PROFILE=5, and that of run.sh -h
set -euo pipefail

# shellcheck source=tests/bench/setup.sh
. "$(dirname "$0")/setup.sh"
direction=''
while getopts dh option; do
  case $option in
    d) direction=--reverse ;;
    h) usage 0 ;;
    *) usage 2 >&2 ;;
  esac
done
shift $((OPTIND - 1))
peer=${1:-slopn}
command -v perf >/dev/null || { echo "profile: perf is missing (Debian: linux-perf)" >&2; exit 1; }
prepare_peers "$peer"
bring_up "$peer" || { echo "profile: $peer did not come up" >&2; exit 1; }
spawn_helper iperf3 --server --bind $server_inner
wait_for listens 5201 || true

seconds=${SECONDS_PROFILE:-5}
# shellcheck disable=SC2086  # may be nothing
iperf_tcp --time $((seconds + 3)) $direction >"$work/iperf.json" &
load=$!
sleep 1.5
sample() { # NAME PIDS...
  local name=$1 pids
  shift
  pids=$(with_children "$@" | paste -sd,)
  perf record --quiet --event cpu-clock --freq 2500 --call-graph fp --output "$work/$name.perf" \
    --pid "$pids" -- sleep "$seconds" >/dev/null 2>&1
}
sample client "${client_pids[@]}" &
sampler=$!
sample gateway "${server_pids[@]}"
wait $sampler $load || true

describe_machine
for side in client gateway; do
  perf script --input "$work/$side.perf" --fields comm,period,ip,sym,dso 2>/dev/null >"$work/$side.samples"
done
/usr/bin/python3 -B "$here/profile.py" --seconds "$seconds" --iperf "$work/iperf.json" \
  "$work/client.samples" "$work/gateway.samples"
