#!/usr/bin/env bash
# tests/bench/fleet.sh [OPTION...] - what many clients cost a gateway. Needs root.
#
# Starts slopnd as a gateway in a network namespace, lets `fleet` open sessions to it from another,
# and prints handshakes per second, memory and CPU of slopnd. OPTIONs are those of fleet
# (fleet --help); without any: --clients 10000 --hold 30 --reconnect.
#
#   cmake --preset release && cmake --build build/release --target slopnd slopnctl fleet
#   tests/bench/fleet.sh
#   tests/bench/fleet.sh --clients 2000 --concurrency 32 --json fleet.json
#
# Environment: SLOPN_BUILD=DIR (build/release), FLEET_TOML=FILE with more lines for slopnd.toml,
# PERF=FILE: record a profile of slopnd there (perf record), KEEP_LOG=FILE: slopnd's log
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
build=${SLOPN_BUILD:-$root/build/release}
extra_toml=${FLEET_TOML:-} perf_file=${PERF:-} keep_log=${KEEP_LOG:-}
unset "${!SLOPN_@}"  # such variables configure slopnd

case " $* " in
  *' --help '* | *' -h '*)
    sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//p}' "$0"
    exec "$build/bench/fleet" --help
    ;;
esac
[ $# -gt 0 ] || set -- --clients 10000 --hold 30 --reconnect
[ "$(id -u)" = 0 ] || { echo "fleet: network namespaces need root" >&2; exit 1; }
for program in bin/slopnd bin/slopnctl bench/fleet; do
  [ -x "$build/$program" ] || { echo "fleet: build $program first (see -h)" >&2; exit 1; }
done

# shellcheck source=tests/bench/lib.sh
. "$here/lib.sh"
leave() {
  [ -z "$keep_log" ] || cp "$work/server.log" "$keep_log" 2>/dev/null || true
  finish
}
trap leave EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

mkdir -m 700 "$work/gateway"
"$build/bench/fleet" "$@" --write-clients "$work/gateway/clients.toml"
cat >"$work/gateway.toml" <<TOML
role = "gateway"
state_dir = "$work/gateway"
log.level = "warn"
control.socket = "$work/gateway.sock"
control.group = ""
gateway.listen = ["$server_outer:443"]
gateway.limits.max_sessions = 100000
TOML
[ -z "$extra_toml" ] || cat "$extra_toml" >>"$work/gateway.toml"

net_up
spawn server "$build/bin/slopnd" --config "$work/gateway.toml"
slopnd_pid=${server_pids[0]}  # `ip netns exec` becomes the program
gateway_ctl() { "$build/bin/slopnctl" --socket "$work/gateway.sock" "$@"; }
wait_for gateway_ctl status || { cat "$work/server.log" >&2; exit 1; }
pin=$(gateway_ctl status | grep -o 'sha256:[A-Za-z0-9_-]*')

if [ -n "$perf_file" ]; then
  perf record -q -g -e cpu-clock -o "$perf_file" -p "$slopnd_pid" >/dev/null 2>&1 &
  helper_pids+=($!)
fi
ip netns exec "$client_ns" "$build/bench/fleet" "$@" --gateway "$server_outer:443" --pin "$pin" \
  --pid "$slopnd_pid" &
client_pids+=($!)
code=0
wait "${client_pids[0]}" || code=$?
if [ -n "$perf_file" ]; then
  kill -INT "${helper_pids[0]}" || true
  wait "${helper_pids[0]}" || true
  helper_pids=()
fi
[ ! -s "$work/server.log" ] || { echo "slopnd said:" >&2; tail -n 20 "$work/server.log" >&2; }
exit "$code"
