#!/usr/bin/env bash
# tests/demo/demo.sh - a client, a gateway and a host behind it, on one machine. `make demo` runs it.
#
# Everything happens between three network namespaces without any way out. Nothing of it remains,
# also when it is interrupted. Needs root; takes about 15 seconds.
#
#   SLOPN_BIN=DIR   where slopnd and slopnctl are (build/release/bin)
set -euo pipefail

root=$(cd "$(dirname "$0")/../.." && pwd)
bin=${SLOPN_BIN:-$root/build/release/bin}
unset "${!SLOPN_@}"  # such variables configure slopnd
client=slopn-demo-client-$$ gateway=slopn-demo-gateway-$$ host=slopn-demo-host-$$
work='' pids=()

if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then
  bold=$'\e[1m' dim=$'\e[2m' green=$'\e[32m' blue=$'\e[34m' red=$'\e[31m' plain=$'\e[0m'
else
  bold='' dim='' green='' blue='' red='' plain=''
fi
step() { printf '\n%s== %s%s\n' "$bold$blue" "$*" "$plain"; }
show() { printf '%s$ %s%s\n' "$dim" "$*" "$plain"; }
good() { printf '%sok%s  %s\n' "$green" "$plain" "$*"; }
fail() {
  printf '%sfailed:%s %s\n' "$red" "$plain" "$*" >&2
  local log
  for log in "$work"/*.log; do
    [ ! -s "$log" ] || { printf -- '--- the end of %s\n' "${log##*/}" >&2; tail -n 15 "$log" >&2; }
  done
  exit 1
}

clean_up() {
  local pid name
  trap '' INT TERM HUP
  # The daemons first: they take down what they have set up.
  for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
  for pid in "${pids[@]}"; do
    for _ in $(seq 60); do kill -0 "$pid" 2>/dev/null || break; sleep 0.05; done
    kill -9 "$pid" 2>/dev/null || true
    wait "$pid" 2>/dev/null || true
  done
  for name in "$client" "$gateway" "$host"; do ip netns del "$name" 2>/dev/null || true; done
  [ -z "$work" ] || rm -rf "$work"
}

in_client() { ip netns exec "$client" "$@"; }
client_ctl() { in_client "$bin/slopnctl" --socket "$work/client.sock" "$@"; }
gateway_ctl() { ip netns exec "$gateway" "$bin/slopnctl" --socket "$work/gateway.sock" "$@"; }
background() { # LOG COMMAND...
  local log=$1
  shift
  "$@" >"$work/$log" 2>&1 </dev/null &
  pids+=($!)
}
wait_for() { # WHAT COMMAND...
  local what=$1
  shift
  for _ in $(seq 100); do
    if "$@" >/dev/null 2>&1; then return; fi
    sleep 0.05
  done
  fail "$what did not start"
}

check() {
  [ "$(id -u)" = 0 ] || { echo "demo: network namespaces need root: sudo make demo" >&2; exit 1; }
  [ -c /dev/net/tun ] || { echo "demo: no /dev/net/tun here (modprobe tun)" >&2; exit 1; }
  [ -x "$bin/slopnd" ] || { echo "demo: no $bin/slopnd; 'make demo' builds it" >&2; exit 1; }
}

join() { # NAMESPACE DEVICE ADDRESS4 ADDRESS6  NAMESPACE DEVICE ADDRESS4 ADDRESS6
  ip link add "$2" netns "$1" type veth peer name "$6" netns "$5"
  while [ $# -gt 0 ]; do
    ip -n "$1" address add "$3" dev "$2"
    ip -n "$1" address add "$4" dev "$2" nodad
    ip -n "$1" link set "$2" up
    shift 4
  done
}

make_networks() {
  local name
  for name in "$client" "$gateway" "$host"; do
    ip netns add "$name"
    ip -n "$name" link set lo up
  done
  join "$client" outer0 192.0.2.2/24 2001:db8:1::2/64 "$gateway" outer0 192.0.2.1/24 2001:db8:1::1/64
  join "$gateway" lan0 198.51.100.1/24 2001:db8:2::1/64 "$host" lan0 198.51.100.2/24 2001:db8:2::2/64
}

write_configs() {
  cat >"$work/gateway.toml" <<TOML
role = "gateway"
state_dir = "$work/gateway"
control.socket = "$work/gateway.sock"
control.group = ""

[gateway]
listen = ["192.0.2.1:443"]
public_endpoint = "192.0.2.1:443"
pools = ["10.77.0.0/24", "fd77::/64"]
TOML
  cat >"$work/client.toml" <<TOML
role = "client"
state_dir = "$work/client"
control.socket = "$work/client.sock"
control.group = ""
TOML
}

start_daemons() {
  background gateway.log ip netns exec "$gateway" "$bin/slopnd" --config "$work/gateway.toml"
  background client.log ip netns exec "$client" "$bin/slopnd" --config "$work/client.toml"
  wait_for "the gateway" gateway_ctl status
  wait_for "the client" client_ctl status
  good "slopnd runs twice, as gateway and as client"
}

start_services() { # what the host behind the gateway offers
  mkdir "$work/page"
  echo "Hello from the host behind the gateway." >"$work/page/index.html"
  background web.log ip netns exec "$host" /usr/bin/python3 -m http.server --bind 198.51.100.2 --directory "$work/page" 80
  background iperf.log ip netns exec "$host" iperf3 --server --bind 198.51.100.2
}

connect() {
  local uri watch
  show "slopnctl gateway invite laptop"
  uri=$(gateway_ctl gateway invite laptop)
  echo "${uri%%key=*}key=...   ${dim}(holds the key pair of the new client)${plain}"
  show "slopnctl status --watch &   slopnctl connect slopn://..."
  ip netns exec "$client" "$bin/slopnctl" --socket "$work/client.sock" status --watch > >(sed -u 's/^/  | /') &
  watch=$!
  sleep 0.2
  client_ctl connect - --timeout 10 <<<"$uri" 2>"$work/connect.log" || fail "the client could not connect"
  sleep 0.2
  kill "$watch" 2>/dev/null || true
  wait "$watch" 2>/dev/null || true
}

use_tunnel() {
  local address
  for address in 198.51.100.2 2001:db8:2::2; do
    show "ping $address"
    in_client ping -n -q -c 5 -i 0.1 -W 2 "$address" | tail -n 2 || fail "$address does not answer"
  done
  show "curl http://198.51.100.2/"
  in_client curl -sS --max-time 5 http://198.51.100.2/ || fail "no page"
  show "iperf3 --client 198.51.100.2 --time 3"
  in_client iperf3 --client 198.51.100.2 --time 3 --json >"$work/iperf.json" || fail "iperf3"
  jq -r '"\(.end.sum_received.bits_per_second / 1e6 | round) Mbit/s of TCP through the tunnel"' "$work/iperf.json"
}

show_status() {
  show "slopnctl status                      (on the client)"
  client_ctl status
  show "slopnctl gateway sessions            (on the gateway)"
  gateway_ctl gateway sessions
}

picture() {
  cat <<PICTURE

   client                        gateway                       host behind it
  +----------------+            +----------------+            +----------------+
  | ping, curl     |            |                |            | web server     |
  |   |            |            |                |            |   |            |
  | ${green}slopn0${plain}         |            | ${green}slopn0${plain}         |            |   |            |
  | ${green}10.77.0.x${plain}      |            | ${green}10.77.0.1${plain}      |            |   |            |
  |   | slopnd     |            |   | slopnd     |            |   |            |
  | 192.0.2.2      |${bold}==QUIC======${plain}| 192.0.2.1      |------------| 198.51.100.2   |
  +----------------+ UDP 443,   +----------------+ plain IP,  +----------------+
                     encrypted     forwards, NAT   both families

PICTURE
}

for_real() {
  cat <<'TEXT'
On two machines: install the programs on both (make install), then

  on the gateway   /etc/slopn/slopnd.toml:   role = "gateway"
                                             gateway.public_endpoint = "vpn.example.org"
                   slopnd &
                   slopnctl gateway invite laptop      prints a slopn:// URI

  on the client    slopnd &                            needs no configuration
                   slopnctl connect -                  paste the URI there, then Ctrl-D

UDP port 443 of the gateway has to be reachable. README.md has more.
TEXT
}

check
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
work=$(mktemp -d)

step "Three network namespaces: a client, a gateway, and a host that only the gateway reaches"
make_networks
write_configs
start_services
if in_client ping -q -c 1 -W 1 198.51.100.2 >/dev/null 2>&1; then fail "the host is reachable without a tunnel"; fi
good "the client cannot reach the host (198.51.100.2) yet"
step "Two daemons"
start_daemons
step "An invitation, and a connection"
connect
step "Real packets through the tunnel"
use_tunnel
step "What the daemons say"
show_status
step "What you have seen"
picture
for_real
