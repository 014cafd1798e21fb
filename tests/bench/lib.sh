# shellcheck shell=bash
# Namespaces and processes of the benchmark. Sourced by run.sh and wan.sh.
#
#   client namespace 198.18.0.2/24 ---- link, MTU 1500 ---- 198.18.0.1/24 server namespace
#   inside a tunnel:  198.19.0.2                            198.19.0.1
#
# (RFC 2544's test range. The namespaces have no way out.)
#
# LINK=gso    the veth as it is: packets of 64 KB cross it whole, which flatters who uses GSO
# LINK=nogso  the sender's kernel cuts to 1500 bytes before the link and the receiver's GRO joins
#             them again: nearer to a network card
# LINK=wan    tests/support/wan.cpp with $WAN_OPTIONS: delay, loss, a limited rate; every packet
#             crosses it by itself

LINK=${LINK:-gso}
WAN_OPTIONS=${WAN_OPTIONS:-}
MTU=${MTU:-1420}
client_ns=slopn-bench-client-$$
server_ns=slopn-bench-server-$$
client_outer=198.18.0.2 server_outer=198.18.0.1
client_inner=198.19.0.2 server_inner=198.19.0.1
work=$(mktemp -d)
client_pids=() server_pids=() helper_pids=() wan_pid=''
exec {never}<> <(:)  # nothing to read, ever: nap() waits for it

in_client() { ip netns exec "$client_ns" "$@"; }
in_server() { ip netns exec "$server_ns" "$@"; }

net_up() {
  local ns
  net_down
  ip netns add "$client_ns"
  ip netns add "$server_ns"
  if [ "$LINK" = wan ]; then
    # shellcheck disable=SC2086  # several words
    nice -n -10 "$BENCH_DIR/wan" $WAN_OPTIONS "$client_ns" "$server_ns" >"$work/wan.counters" &
    wan_pid=$!
    wait_for ip -n "$server_ns" link show outer0
  else
    ip link add outer0 netns "$client_ns" type veth peer name outer0 netns "$server_ns"
  fi
  for ns in "$client_ns" "$server_ns"; do
    # No IPv6 of the link itself: its chatter would be in the figures.
    ip netns exec "$ns" sysctl -qw net.ipv6.conf.outer0.disable_ipv6=1
    ip -n "$ns" link set lo up
    # A TUN device drops what exceeds this queue, however fast the link.
    [ "$LINK" != wan ] || ip -n "$ns" link set outer0 txqueuelen 20000
    ip -n "$ns" link set outer0 up
    [ "$LINK" != nogso ] || ip netns exec "$ns" ethtool -K outer0 tso off gso off \
      tx-udp-segmentation off gro on >/dev/null
  done
  ip -n "$client_ns" address add $client_outer/24 dev outer0
  ip -n "$server_ns" address add $server_outer/24 dev outer0
}

net_down() {
  if [ -n "$wan_pid" ]; then
    kill "$wan_pid" 2>/dev/null || true
    wait "$wan_pid" 2>/dev/null || true
    wan_pid=''
  fi
  ip netns del "$client_ns" 2>/dev/null || true
  ip netns del "$server_ns" 2>/dev/null || true
}

# Starts a program of a peer and remembers it: spawn client|server COMMAND...
spawn() {
  local side=$1 ns=$server_ns
  shift
  [ "$side" = server ] || ns=$client_ns
  ip netns exec "$ns" "$@" >>"$work/$side.log" 2>&1 </dev/null &
  if [ "$side" = server ]; then server_pids+=($!); else client_pids+=($!); fi
}

# A program of the measurement itself, in the server's namespace.
spawn_helper() {
  ip netns exec "$server_ns" "$@" >/dev/null 2>&1 </dev/null &
  helper_pids+=($!)
}

with_children() {
  local pid child
  for pid in "$@"; do
    [ -d "/proc/$pid" ] || continue
    echo "$pid"
    for child in $(cat "/proc/$pid/task/"*/children 2>/dev/null); do with_children "$child"; done
  done
}

stop_all() {
  local pid all
  all=$(with_children "${client_pids[@]}" "${server_pids[@]}" "${helper_pids[@]}")
  for pid in $all; do kill "$pid" 2>/dev/null || true; done
  for pid in $all; do
    for _ in $(seq 60); do kill -0 "$pid" 2>/dev/null || break; sleep 0.05; done
    kill -9 "$pid" 2>/dev/null || true
  done
  for pid in "${client_pids[@]}" "${server_pids[@]}" "${helper_pids[@]}"; do wait "$pid" 2>/dev/null || true; done
  client_pids=() server_pids=() helper_pids=()
}

finish() {
  stop_all
  net_down
  rm -rf "$work"
}

nap() { read -rt "$1" -u "$never" _ || true; }  # SECONDS, without starting a program
wait_for() { # COMMAND...: up to 5 s
  local end=$((${EPOCHREALTIME/./} + 5000000))
  until "$@" >/dev/null 2>&1; do
    [ ${EPOCHREALTIME/./} -lt $end ] || return 1
    nap 0.001
  done
}
has_address() { [[ $(ip -n "$1" -o -4 address show) == *" $2/"* ]]; }
listens() { [[ $(in_server ss -Hltn "sport = :$1") ]]; }
listens_at() { [[ $(in_server ss -Hltn "sport = :$2 and src $1") ]]; } # ADDRESS PORT

# ---- what the machine does ---------------------------------------------------------------------

cpu_ticks_of() { # PIDS...: user and system time of these and their children
  local pid stat total=0
  for pid in $(with_children "$@"); do
    stat=$(cat "/proc/$pid/stat" 2>/dev/null) || continue
    read -r -a stat <<<"${stat##*) }"
    total=$((total + stat[11] + stat[12]))
  done
  echo $total
}
cpu_ticks_of_machine() { awk '/^cpu / { print $2 + $3 + $4 + $7 + $8; exit }' /proc/stat; }
cpu_ticks_of_ours() { # everything we started, the dead ones too, and the kernel's softirq threads
  local pid stat total=0
  for pid in $(with_children $$) $(pgrep ksoftirqd); do
    stat=$(cat "/proc/$pid/stat" 2>/dev/null) || continue
    read -r -a stat <<<"${stat##*) }"
    total=$((total + stat[11] + stat[12] + stat[13] + stat[14]))
  done
  echo $total
}
peak_memory_mb() { # PIDS...: the largest resident size each had
  local pid kb total=0
  for pid in $(with_children "$@"); do
    kb=$(awk '/^VmHWM/ { print $2 }' "/proc/$pid/status" 2>/dev/null) || continue
    total=$((total + ${kb:-0}))
  done
  awk "BEGIN { printf \"%.1f\", $total / 1024 }"
}

# Waits until nobody else uses the machine: below 4 % of one core for a second.
wait_for_quiet() {
  local before
  for _ in $(seq "${MAX_WAIT:-120}"); do
    before=$(cpu_ticks_of_machine)
    sleep 1
    [ $(($(cpu_ticks_of_machine) - before)) -ge 4 ] || return 0
  done
  echo "bench: this machine is never quiet; measuring all the same" >&2
}

describe_machine() {
  printf '\n%s cores %s, %s MiB, Linux %s, %s; inner MTU %s (slopn: as negotiated), TCP is %s.\n' \
    "$(nproc)" "$(awk -F': ' '/^model name/ { print $2; exit }' /proc/cpuinfo)" \
    "$(awk '/^MemTotal/ { print int($2 / 1024) }' /proc/meminfo)" "$(uname -r)" "$(date -u +%F)" "$MTU" "$CONGESTION"
  echo "Both ends, iperf3 and the kernel share these cores: compare ratios, not absolute figures."
}
