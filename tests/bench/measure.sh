# shellcheck shell=bash
# shellcheck disable=SC2154  # names of lib.sh
# What is measured. Each figure is one line: round, peer, link, name, value.
#
#   tcp_up tcp_down tcp4_up     Gbit/s received; up is client to server, tcp4 has four streams
#   udp_flood_kpps, _loss_pct   1200-byte payloads, as fast as iperf3 sends
#   udp_lossless_mbps           the highest rate of which not one datagram was lost, by bisection
#   rtt_ms, rtt_p99_ms          500 pings 2 ms apart; loaded_* with one TCP upload beside them
#   first_ping_ms               from the start of the client to the first answer. The probe itself
#                               costs some ms: see the raw row
#   connect_ms                  slopn only: "slopnctl connect" to the first answer, median of 15
#   cpu_s_per_gb                user and system time of both ends for 1e9 bytes of tcp_up
#   memory_server_mb, _client_  the most that was resident
#   foreign_cpu_pct             what others used of the machine meanwhile, percent of one core

SECONDS_TCP=${SECONDS_TCP:-5}

# Waits for an answer from the other end, probing every 2 ms. Fails after 15 s.
first_answer() {
  in_client bash -c 'end=$((SECONDS + 15))
    while [ $SECONDS -lt $end ]; do
      if ping -n -q -i 0.002 -c 1 -w 2 "$1" >/dev/null 2>&1; then exit 0; fi
    done
    exit 1' probe $server_inner
}

milliseconds_since() { awk "BEGIN { printf \"%.1f\", ($(date +%s%N) - $1) / 1e6 }"; }

# Sets first_ping_ms.
bring_up() { # PEER
  local started
  net_up
  : >"$work/server.log"
  : >"$work/client.log"
  if declare -F "$1_prepare" >/dev/null; then "$1_prepare"; fi
  "$1_server"
  wait_for has_address "$server_ns" $server_inner || return 1
  sleep 0.3
  started=$(date +%s%N)
  "$1_client" || return 1
  first_answer || return 1
  first_ping_ms=$(milliseconds_since "$started")
}

iperf() { in_client timeout 60 iperf3 --json --client $server_inner "$@" 2>/dev/null || echo '{}'; }
gbit() { jq -r '(.end.sum_received.bits_per_second // 0) / 1e9 * 1000 | round / 1000'; }
ping_figures() { # mean and 99th percentile
  { in_client ping -n -i 0.002 -c 500 $server_inner || true; } | sed -n 's/.*time=\([0-9.]*\) ms.*/\1/p' |
    sort -n | awk '{ v[NR] = $1; sum += $1 }
      END { if (!NR) { print "NA NA"; exit }
            i = int(NR * 0.99); if (i < 1) i = 1; printf "%.3f %.3f\n", sum / NR, v[i] }'
}

measure_tcp() {
  local result bytes ticks
  ticks=$(cpu_ticks_of "${server_pids[@]}" "${client_pids[@]}")
  result=$(iperf --time "$SECONDS_TCP")
  ticks=$(($(cpu_ticks_of "${server_pids[@]}" "${client_pids[@]}") - ticks))
  put tcp_up "$(gbit <<<"$result")"
  bytes=$(jq -r '.end.sum_received.bytes // 0' <<<"$result")
  put cpu_s_per_gb "$(awk "BEGIN { print $bytes ? $ticks / 100 / ($bytes / 1e9) : \"NA\" }")"
  put tcp_down "$(iperf --time "$SECONDS_TCP" --reverse | gbit)"
  put tcp4_up "$(iperf --time "$SECONDS_TCP" --parallel 4 | gbit)"
}

measure_latency() {
  local mean p99 load
  read -r mean p99 < <(ping_figures)
  put rtt_ms "$mean"
  put rtt_p99_ms "$p99"
  in_client timeout 20 iperf3 --client $server_inner --time 3 >/dev/null 2>&1 &
  load=$!
  sleep 0.7
  read -r mean p99 < <(ping_figures)
  put loaded_rtt_ms "$mean"
  put loaded_rtt_p99_ms "$p99"
  wait $load || true
}

measure_udp() { # QUICK
  local result low=20 high=4000 best=0 rate reached
  result=$(iperf --udp --bitrate 0 --length 1200 --window 2M --time 2)
  put udp_flood_kpps "$(jq -r '.end.sum | if .packets then (.packets - .lost_packets) / .seconds / 100 | round / 10 else "NA" end' <<<"$result")"
  put udp_flood_loss_pct "$(jq -r '.end.sum.lost_percent // "NA"' <<<"$result")"
  [ "$1" = no ] || return 0
  for _ in 1 2 3 4 5 6 7; do
    rate=$(awk "BEGIN { printf \"%.0f\", sqrt($low * $high) }")
    result=$(iperf --udp --bitrate "${rate}M" --length 1200 --window 2M --time 1)
    reached=$(jq -r '.end.sum | if .packets and .lost_packets == 0 then .bits_per_second / 1e6 | round else 0 end' <<<"$result")
    if [ "${reached:-0}" -gt 0 ]; then
      low=$rate
      [ "$reached" -le "$best" ] || best=$reached
    else
      high=$rate
    fi
  done
  put udp_lossless_mbps "$best"
}

measure_connects() {
  local started times=()
  for _ in $(seq 15); do
    slopn_ctl client disconnect >/dev/null
    started=$(date +%s%N)
    slopn_ctl client connect --no-wait >/dev/null
    first_answer || return 0
    times+=("$(milliseconds_since "$started")")
  done
  put connect_ms "$(printf '%s\n' "${times[@]}" | sort -n | sed -n 8p)"
}

put() { # NAME VALUE
  printf '%s\t%s\t%s\t%s\t%s\n' "$round_now" "$peer_now" "$LINK" "$1" "$2" >>"$part"
  printf '  %-20s %s\n' "$1" "$2" >&2
}

measure() { # PEER ROUND QUICK; figures to $part
  peer_now=$1 round_now=$2
  local machine ours started
  printf 'bench: %s, round %s\n' "$1" "$2" >&2
  machine=$(cpu_ticks_of_machine) ours=$(cpu_ticks_of_ours) started=$(date +%s%N)
  if ! bring_up "$1"; then
    put failed 1
    tail -n 5 "$work/server.log" "$work/client.log" >&2
  else
    put first_ping_ms "$first_ping_ms"
    [ "$1" != slopn ] || measure_connects
    spawn_helper iperf3 --server --bind $server_inner
    wait_for listens 5201 || true
    measure_latency
    measure_tcp
    measure_udp "$3"
    if [ ${#client_pids[@]} -gt 0 ]; then
      put memory_server_mb "$(peak_memory_mb "${server_pids[@]}")"
      put memory_client_mb "$(peak_memory_mb "${client_pids[@]}")"
    fi
  fi
  stop_all
  net_down
  put foreign_cpu_pct "$(awk "BEGIN { f = ($(cpu_ticks_of_machine) - $machine - ($(cpu_ticks_of_ours) - $ours)) \
    / (($(date +%s%N) - $started) / 1e9); printf \"%.1f\", f < 0 ? 0 : f }")"
}

# Again, up to three times, when others took more than 10 % of a core meanwhile.
measure_undisturbed() { # PEER ROUND OUT QUICK
  part=$work/part.tsv
  if [ "$4" = yes ]; then SECONDS_TCP=2; fi
  for _ in 1 2 3; do
    [ "$4" = yes ] || wait_for_quiet
    : >"$part"
    measure "$1" "$2" "$4"
    [ "$4" = no ] || break
    awk -F'\t' '$4 == "foreign_cpu_pct" && $5 > 10 { disturbed = 1 } END { exit disturbed }' "$part" && break
    echo "bench: disturbed; once more" >&2
  done
  cat "$part" >>"$3"
}
