# shellcheck shell=bash
# shellcheck disable=SC2154  # names of lib.sh
# What is measured. Each figure is one line: round, peer, link, name, value.
#
#   tcp_up tcp_down tcp4_up     Gbit/s received; up is client to server, tcp4 has four streams
#   udp_flood_kpps, _loss_pct   1200-byte payloads, as fast as iperf3 sends
#   udp_lossless_mbps           the highest rate of which not one datagram was lost in a second, by
#                               bisection; a rate with losses gets a second try
#   rtt_ms, rtt_p99_ms          2000 pings 2 ms apart; loaded_* with one TCP upload beside them
#   first_ping_ms               from the start of the client to the first answer; firstping.cpp asks
#                               every 0.5 ms from before that on
#   connect_ms                  slopn only: "slopnctl connect" to the first answer, median of 15
#   cpu_s_per_gb                user and system time of both ends for 1e9 bytes of tcp_up
#   memory_server_mb, _client_  the most that was resident
#   wan_late_us                 LINK=wan: by how much the emulated link was late with a packet, mean
#   foreign_cpu_pct             what others used of the machine meanwhile, percent of one core

SECONDS_TCP=${SECONDS_TCP:-4}
CONGESTION=${CONGESTION:-cubic}  # Linux's default, whatever this machine's is
quick=no
pings=2000

be_quick() {
  quick=yes SECONDS_TCP=2 SECONDS_WAN=4 SECONDS_FAIR=8 pings=500
}

# Starts asking the other end, and stops the clock of first_answer at its first answer.
start_probe() {
  exec {probe}< <(ip netns exec "$client_ns" "$BENCH_DIR/firstping" $server_inner 15)
  read -r _ <&"$probe"
  clock_start=${EPOCHREALTIME/./}
}
first_answer() { # sets answer_ms
  local answered='' failed=0
  read -r answered <&"$probe" || failed=1
  exec {probe}<&-
  answer_ms=$(awk "BEGIN { printf \"%.1f\", (${answered:-0} - $clock_start) / 1e3 }")
  return $failed
}

# Sets first_ping_ms.
bring_up() { # PEER, or PEER@FOLDER
  local base=${1%%@*}
  variant=''
  [[ $1 != *@* ]] || variant=${1#*@}
  net_up
  : >"$work/server.log"
  : >"$work/client.log"
  if declare -F "${base}_prepare" >/dev/null; then "${base}_prepare"; fi
  "${base}_server"
  [ "$base" = ocserv ] || wait_for has_address "$server_ns" $server_inner || return 1
  sleep 0.3
  start_probe
  "${base}_client" || return 1
  first_answer || return 1
  first_ping_ms=$answer_ms
}

# shellcheck disable=SC2120  # wan-cells.sh gives one
start_iperf_server() { # [ADDRESS]
  spawn_helper iperf3 --server --bind "${1:-$server_inner}"
  wait_for listens_at "${1:-$server_inner}" 5201 || true
}

iperf() { in_client timeout 60 iperf3 --json --client $server_inner "$@" 2>/dev/null || echo '{}'; }
iperf_tcp() { iperf --congestion "$CONGESTION" "$@"; }
gbit() { jq -r '(.end.sum_received.bits_per_second // 0) / 1e9 * 1000 | round / 1000'; }
ping_figures() { # mean and 99th percentile
  { in_client ping -n -i 0.002 -c $pings $server_inner || true; } | sed -n 's/.*time=\([0-9.]*\) ms.*/\1/p' |
    sort -n | awk '{ v[NR] = $1; sum += $1 }
      END { if (!NR) { print "NA NA"; exit }
            i = int(NR * 0.99); if (i < 1) i = 1; printf "%.3f %.3f\n", sum / NR, v[i] }'
}

measure_tcp() {
  local result bytes ticks
  ticks=$(cpu_ticks_of "${server_pids[@]}" "${client_pids[@]}")
  result=$(iperf_tcp --time "$SECONDS_TCP")
  ticks=$(($(cpu_ticks_of "${server_pids[@]}" "${client_pids[@]}") - ticks))
  put tcp_up "$(gbit <<<"$result")"
  bytes=$(jq -r '.end.sum_received.bytes // 0' <<<"$result")
  put cpu_s_per_gb "$(awk "BEGIN { print $bytes ? $ticks / 100 / ($bytes / 1e9) : \"NA\" }")"
  put tcp_down "$(iperf_tcp --time "$SECONDS_TCP" --reverse | gbit)"
  put tcp4_up "$(iperf_tcp --time "$SECONDS_TCP" --parallel 4 | gbit)"
}

measure_latency() {
  local mean p99 load
  read -r mean p99 < <(ping_figures)
  put rtt_ms "$mean"
  put rtt_p99_ms "$p99"
  in_client timeout 20 iperf3 --client $server_inner --congestion "$CONGESTION" \
    --time $((2 + pings / 500)) >/dev/null 2>&1 &
  load=$!
  sleep 0.7
  read -r mean p99 < <(ping_figures)
  put loaded_rtt_ms "$mean"
  put loaded_rtt_p99_ms "$p99"
  wait $load || true
}

lossless_rate() { # MBIT: what was reached, or 0 if a datagram was lost
  iperf --udp --bitrate "$1M" --length 1200 --window 2M --time 1 |
    jq -r '.end.sum | if .packets and .lost_packets == 0 then .bits_per_second / 1e6 | round else 0 end'
}

measure_udp() {
  local result low=100 high=4000 best=0 rate reached
  result=$(iperf --udp --bitrate 0 --length 1200 --window 2M --time 2)
  put udp_flood_kpps "$(jq -r '.end.sum | if .packets then (.packets - .lost_packets) / .seconds / 100 | round / 10 else "NA" end' <<<"$result")"
  put udp_flood_loss_pct "$(jq -r '.end.sum.lost_percent // "NA"' <<<"$result")"
  [ $quick = no ] || return 0
  for _ in 1 2 3 4 5 6 7; do
    rate=$(awk "BEGIN { printf \"%.0f\", sqrt($low * $high) }")
    reached=$(lossless_rate "$rate")
    [ "$reached" -gt 0 ] || reached=$(lossless_rate "$rate")  # it may have been somebody else
    if [ "$reached" -gt 0 ]; then
      low=$rate
      [ "$reached" -le "$best" ] || best=$reached
    else
      high=$rate
    fi
  done
  put udp_lossless_mbps "$best"
}

measure_connects() {
  local times=()
  for _ in $(seq 15); do
    slopn_ctl client disconnect >/dev/null
    start_probe
    slopn_ctl client connect --no-wait >/dev/null
    first_answer || return 0
    times+=("$answer_ms")
  done
  put connect_ms "$(printf '%s\n' "${times[@]}" | sort -n | sed -n 8p)"
}

measure_everything() { # PEER
  put first_ping_ms "$first_ping_ms"
  [[ $1 != slopn* ]] || measure_connects
  start_iperf_server
  sleep 0.5  # ocserv has only TLS at first
  measure_latency
  measure_tcp
  measure_udp
  if [ ${#client_pids[@]} -gt 0 ]; then
    put memory_server_mb "$(peak_memory_mb "${server_pids[@]}")"
    put memory_client_mb "$(peak_memory_mb "${client_pids[@]}")"
  fi
}

put() { # NAME VALUE
  printf '%s\t%s\t%s\t%s\t%s\n' "$round_now" "$peer_now" "$LINK" "$1" "$2" >>"$part"
  printf '  %-20s %s\n' "$1" "$2" >&2
}

# Brings PEER up, lets FUNCTION measure it and ends it. The figures go to $part.
measure() { # PEER ROUND FUNCTION
  peer_now=$1 round_now=$2
  [[ $1 != *@* ]] || peer_now=${1%%@*}@$(basename "$1")
  local machine ours started
  printf 'bench: %s, LINK=%s %s, round %s\n' "$peer_now" "$LINK" "$WAN_OPTIONS" "$2" >&2
  machine=$(cpu_ticks_of_machine) ours=$(cpu_ticks_of_ours) started=${EPOCHREALTIME/./}
  if bring_up "$1"; then
    "$3" "$1"
  else
    put failed 1
    tail -n 5 "$work/server.log" "$work/client.log" >&2
  fi
  stop_all
  net_down
  if [ "$LINK" = wan ]; then
    put wan_late_us "$(sed -n 's/^up.*late_mean_us=\([0-9.]*\).*/\1/p' "$work/wan.counters")"
  fi
  put foreign_cpu_pct "$(awk "BEGIN { f = ($(cpu_ticks_of_machine) - $machine - ($(cpu_ticks_of_ours) - $ours)) \
    / ((${EPOCHREALTIME/./} - $started) / 1e6); printf \"%.1f\", f < 0 ? 0 : f }")"
}

# Again, up to MAX_TRIES times, when others took more than 10 % of a core meanwhile.
measure_undisturbed() { # PEER ROUND FUNCTION OUT
  part=$work/part.tsv
  local try
  for try in $(seq "${MAX_TRIES:-3}"); do
    [ "$try" = 1 ] || echo "bench: disturbed; once more" >&2
    [ $quick = yes ] || wait_for_quiet
    : >"$part"
    measure "$1" "$2" "$3"
    [ $quick = no ] || break
    awk -F'\t' '$4 == "foreign_cpu_pct" && $5 > 10 { disturbed = 1 } END { exit disturbed }' "$part" && break
  done
  cat "$part" >>"$4"
}
