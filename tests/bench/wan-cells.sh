# shellcheck shell=bash
# shellcheck disable=SC2154  # names of lib.sh and measure.sh
# What is measured over a wide-area link. Sourced by run.sh and wan.sh. A cell is a delay each way,
# a loss and a kind of traffic; all from the client to the server, Mbit/s received inside:
#
#   tcp1 tcp8   one or eight CUBIC flows, after their first 2 s
#   bbr1        one BBR flow, likewise
#   udp100      100 Mbit/s of 1200-byte payloads
#
# The figure of a cell is tcp1_20ms_0.1pct_mbps, with LINK wan. And for fairness, over 20 ms each way
# and 200 Mbit/s with a queue of one bandwidth-delay product (1 MB):
#
#   fair_share  of one CUBIC flow inside the tunnel beside one outside of it: its part of the sum
#
# A round has the same seed for all peers, so that packets of the same number are lost.

SECONDS_WAN=${SECONDS_WAN:-15}
SECONDS_FAIR=${SECONDS_FAIR:-20}

mbit() { jq -r '(.end.sum_received.bits_per_second // 0) / 1e4 | round / 100'; }

traffic_tcp1() { iperf --congestion cubic --omit 2 --time "$SECONDS_WAN" | mbit; }
traffic_tcp8() { iperf --congestion cubic --omit 2 --time "$SECONDS_WAN" --parallel 8 | mbit; }
traffic_bbr1() { iperf --congestion bbr --omit 2 --time "$SECONDS_WAN" | mbit; }
traffic_udp100() {
  iperf --udp --bitrate 100M --length 1200 --window 2M --time "$SECONDS_WAN" |
    jq -r '.end.sum | if .packets then (.packets - .lost_packets) * 1200 * 8 / .seconds / 1e4 | round / 100 else "NA" end'
}

measure_cell() { # of $wan_delay $wan_loss $wan_traffic
  local traffic
  start_iperf_server
  # shellcheck disable=SC2086  # several words
  for traffic in $wan_traffic; do
    put "${traffic}_${wan_delay}ms_${wan_loss}pct_mbps" "$("traffic_$traffic")"
  done
}

measure_fairness() {
  local inside outside plain=$work/plain.json
  start_iperf_server
  start_iperf_server $server_outer
  in_client timeout 60 iperf3 --json --client $server_outer --congestion cubic --omit 3 --time "$SECONDS_FAIR" \
    >"$plain" 2>/dev/null &
  inside=$(iperf --congestion cubic --omit 3 --time "$SECONDS_FAIR" | mbit)
  wait $! || true
  outside=$(mbit <"$plain")
  put fair_inside_mbps "$inside"
  put fair_outside_mbps "$outside"
  put fair_share "$(awk "BEGIN { s = $inside + ${outside:-0}; if (s) printf \"%.3f\", $inside / s; else print \"NA\" }")"
}

wan_cell() { # PEER ROUND OUT DELAY LOSS TRAFFIC...
  local LINK=wan WAN_OPTIONS="--delay $4 --loss $5 --seed $2"
  wan_delay=$4 wan_loss=$5 wan_traffic=${*:6}
  measure_undisturbed "$1" "$2" measure_cell "$3"
}

wan_fairness() { # PEER ROUND OUT
  local LINK=wan WAN_OPTIONS="--delay 20 --rate 200 --queue-kb 1000"
  measure_undisturbed "$1" "$2" measure_fairness "$3"
}
