# shellcheck shell=bash
# shellcheck disable=SC2154  # names of lib.sh
# The peers. Each has three functions:
#
#   NAME_prepare   makes keys and files; not timed, may be missing
#   NAME_server    starts the server with $server_inner on its tunnel device
#   NAME_client    starts the client with $client_inner; its start is the zero of "first ping"
#
# A peer may be named NAME@FOLDER: then $variant is that folder, for slopn.

raw_server() { ip -n "$server_ns" address add $server_inner/24 dev outer0; }
raw_client() { ip -n "$client_ns" address add $client_inner/24 dev outer0; }

use_device() { # NAMESPACE DEVICE ADDRESS
  ip -n "$1" address add "$3/24" dev "$2"
  ip -n "$1" link set "$2" mtu "$MTU" up
}

nullrelay_server() {
  spawn server "$BENCH_DIR/tunrelay" null0 $server_outer:7000 $client_outer:7000
  wait_for ip -n "$server_ns" link show null0
  use_device "$server_ns" null0 $server_inner
}
nullrelay_client() {
  spawn client "$BENCH_DIR/tunrelay" null0 $client_outer:7000 $server_outer:7000
  wait_for ip -n "$client_ns" link show null0
  use_device "$client_ns" null0 $client_inner
}

# ---- slopn: before the clock starts, both daemons run and the client has been invited --------------

# slopn@FOLDER is slopn with what FOLDER has of: slopnd, slopnctl (other programs), slopnd.toml (added
# to both configurations), client.toml, gateway.toml (to one). So settings and builds can be compared
# in one run: run.sh slopn slopn@/tmp/cubic. BENCH_TOML names a file that is added always.

slopn_program() { # slopnd|slopnctl
  if [ -n "$variant" ] && [ -x "$variant/$1" ]; then echo "$variant/$1"; else echo "$slopn_bin/$1"; fi
}
slopn_extra_toml() { # client|gateway
  local file
  for file in "${BENCH_TOML:-}" ${variant:+"$variant/slopnd.toml" "$variant/$1.toml"}; do
    [ ! -e "$file" ] || cat "$file"
  done
}
slopn_ctl() { # client|server ARGUMENTS...
  local side=$1
  shift
  "$(slopn_program slopnctl)" --socket "$work/slopn-$side.sock" "$@"
}
slopn_prepare() {
  local side role
  for side in client server; do
    role=client
    [ $side = client ] || role=gateway
    rm -rf "$work/slopn-$side"
    cat >"$work/slopn-$side.toml" <<TOML
role = "$role"
state_dir = "$work/slopn-$side"
log.level = "warn"
control.socket = "$work/slopn-$side.sock"
control.group = ""
TOML
  done
  cat >>"$work/slopn-server.toml" <<TOML
gateway.listen = ["$server_outer:443"]
gateway.public_endpoint = "$server_outer:443"
gateway.pools = ["198.19.0.0/24"]
gateway.routes = ["198.19.0.0/24"]
gateway.masquerade = false
TOML
  slopn_extra_toml client >>"$work/slopn-client.toml"
  slopn_extra_toml gateway >>"$work/slopn-server.toml"
}
slopn_server() {
  spawn server "$(slopn_program slopnd)" --config "$work/slopn-server.toml"
  spawn client "$(slopn_program slopnd)" --config "$work/slopn-client.toml"
  wait_for slopn_ctl server status
  wait_for slopn_ctl client status
  # iperf3's server runs on the gateway itself here, which slopn's firewall does not allow.
  in_server nft flush chain inet slopn to_gateway
  printf %s "$(slopn_ctl server gateway invite bench)" | slopn_ctl client profile import - >/dev/null
}
slopn_client() { slopn_ctl client connect --no-wait >/dev/null; }

# ---- WireGuard in user space ---------------------------------------------------------------------

wgsid_prepare() {
  local side
  (
    umask 077
    for side in client server; do
      wg genkey >"$work/wg-$side.key"
      wg pubkey <"$work/wg-$side.key" >"$work/wg-$side.pub"
    done
  )
}
wgsid_start() { # SIDE NAMESPACE DEVICE ADDRESS WG_ARGUMENTS...
  local side=$1 ns=$2 device=$3 address=$4
  shift 4
  spawn "$side" "$BENCH_DIR/sid/usr/bin/wireguard-go" -f "$device"
  wait_for test -S "/var/run/wireguard/$device.sock"
  ip netns exec "$ns" wg set "$device" private-key "$work/wg-$side.key" "$@"
  use_device "$ns" "$device" "$address"
}
wgsid_server() {
  wgsid_start server "$server_ns" wgbench0 $server_inner listen-port 51820 \
    peer "$(cat "$work/wg-client.pub")" allowed-ips $client_inner/32
}
wgsid_client() {
  wgsid_start client "$client_ns" wgbench1 $client_inner \
    peer "$(cat "$work/wg-server.pub")" endpoint $server_outer:51820 allowed-ips $server_inner/32
}

# ---- OpenVPN ---------------------------------------------------------------------------------------

certificates_prepare() { # a CA, a server and a client; P-256
  local name
  [ ! -e "$work/ca.crt" ] || return 0
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj /CN=bench \
    -keyout "$work/ca.key" -out "$work/ca.crt" 2>/dev/null
  for name in server client; do
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$name" \
      -keyout "$work/$name.key" -out "$work/$name.csr" 2>/dev/null
    printf 'subjectAltName=DNS:%s,IP:%s\nextendedKeyUsage=%sAuth\nkeyUsage=digitalSignature\n' \
      $name $server_outer $name >"$work/$name.ext"
    openssl x509 -req -in "$work/$name.csr" -CA "$work/ca.crt" -CAkey "$work/ca.key" \
      -CAcreateserial -days 30 -extfile "$work/$name.ext" -out "$work/$name.crt" 2>/dev/null
  done
}
openvpn_prepare() { certificates_prepare; }
openvpn_options() { # SIDE
  printf '%s ' --proto udp --dev-type tun --topology subnet --tun-mtu "$MTU" --txqueuelen 1000 \
    --data-ciphers AES-128-GCM --fast-io --sndbuf 2097152 --rcvbuf 2097152 --verb 3 \
    --ca "$work/ca.crt" --cert "$work/$1.crt" --key "$work/$1.key"
}
openvpn_server() {
  # shellcheck disable=SC2046
  spawn server openvpn $(openvpn_options server) --dev ovpn0 --local $server_outer --port 1194 \
    --server 198.19.0.0 255.255.255.0 nopool --ifconfig-pool $client_inner 198.19.0.9 \
    --dh none --keepalive 10 60
  wait_for has_address "$server_ns" $server_inner
  sleep 0.3
}
openvpn_client() {
  # shellcheck disable=SC2046
  spawn client openvpn $(openvpn_options client) --dev ovpn1 --client --nobind \
    --remote $server_outer 1194 --remote-cert-tls server
}

# ---- tinc 1.0: its only AES mode -------------------------------------------------------------------

tinc_prepare() {
  local side other inner dir
  [ ! -d "$work/tinc" ] || return 0
  for side in server client; do
    dir=$work/tinc/$side inner=$client_inner
    [ $side = client ] || inner=$server_inner
    mkdir -p "$dir/hosts"
    cat >"$dir/tinc.conf" <<CONF
Name = $side
Interface = tinc0
DeviceType = tun
UDPRcvBuf = 2097152
UDPSndBuf = 2097152
CONF
    [ $side = server ] || echo "ConnectTo = server" >>"$dir/tinc.conf"
    printf '#!/bin/sh\nip address add %s/24 dev "$INTERFACE"\nip link set "$INTERFACE" mtu %s up\n' \
      "$inner" "$MTU" >"$dir/tinc-up"
    chmod +x "$dir/tinc-up"
    yes '' 2>/dev/null | tincd -c "$dir" -K2048 >/dev/null 2>&1 || true
    {
      [ $side = client ] || echo "Address = $server_outer"
      printf 'Subnet = %s/32\nCipher = aes-128-cbc\nDigest = sha256\n' "$inner"
      cat "$dir/hosts/$side"
    } >"$work/tinc/$side.host"
  done
  for side in server client; do
    for other in server client; do cp "$work/tinc/$other.host" "$work/tinc/$side/hosts/$other"; done
  done
}
tinc_server() {
  spawn server tincd -c "$work/tinc/server" -D --pidfile="$work/tinc/server.pid"
  wait_for has_address "$server_ns" $server_inner
}
tinc_client() { spawn client tincd -c "$work/tinc/client" -D --pidfile="$work/tinc/client.pid"; }

# ---- nebula ----------------------------------------------------------------------------------------

nebula_prepare() {
  local side bin=$BENCH_DIR/sid/usr/bin
  [ ! -d "$work/nebula" ] || return 0
  mkdir "$work/nebula"
  (
    cd "$work/nebula"
    "$bin/nebula-cert" ca -name bench -duration 100h
    "$bin/nebula-cert" sign -name server -ip $server_inner/24
    "$bin/nebula-cert" sign -name client -ip $client_inner/24
  ) >/dev/null
  for side in server client; do
    cat >"$work/nebula/$side.yml" <<YML
pki: {ca: $work/nebula/ca.crt, cert: $work/nebula/$side.crt, key: $work/nebula/$side.key}
static_host_map: {"$server_inner": ["$server_outer:4242"], "$client_inner": ["$client_outer:4242"]}
lighthouse: {am_lighthouse: false}
listen: {host: 0.0.0.0, port: 4242, batch: 64, read_buffer: 4194304, write_buffer: 4194304}
cipher: aes
punchy: {punch: false}
tun: {dev: nebula0, mtu: $MTU, tx_queue: 1000}
logging: {level: error}
firewall: {outbound: [{port: any, proto: any, host: any}], inbound: [{port: any, proto: any, host: any}]}
YML
  done
}
nebula_server() {
  spawn server "$BENCH_DIR/sid/usr/bin/nebula" -config "$work/nebula/server.yml"
  wait_for has_address "$server_ns" $server_inner
  sleep 0.3
}
nebula_client() { spawn client "$BENCH_DIR/sid/usr/bin/nebula" -config "$work/nebula/client.yml"; }

# ---- fastd -----------------------------------------------------------------------------------------

fastd_prepare() {
  local side other inner dir=$work/fastd
  [ ! -d "$dir" ] || return 0
  mkdir "$dir"
  for side in server client; do
    fastd --generate-key 2>&1 | awk '{ print tolower($1), $2 }' >"$dir/$side.key"
  done
  for side in server client; do
    other=client inner=$server_inner
    [ $side = server ] || other=server inner=$client_inner
    {
      echo "mode tun; interface \"fastd0\"; mtu $MTU; method \"salsa2012+umac\"; log level warn;"
      echo "secret \"$(awk '/secret/ { print $2 }' "$dir/$side.key")\";"
      [ $side = client ] || echo "bind $server_outer:10000;"
      echo "peer \"$other\" { key \"$(awk '/public/ { print $2 }' "$dir/$other.key")\";"
      [ $side = server ] || echo "remote $server_outer:10000;"
      echo "}"
      echo "on up \"ip address add $inner/24 dev fastd0; ip link set fastd0 up\";"
    } >"$dir/$side.conf"
  done
}
fastd_server() {
  spawn server fastd -c "$work/fastd/server.conf"
  wait_for has_address "$server_ns" $server_inner
}
fastd_client() { spawn client fastd -c "$work/fastd/client.conf"; }

# ---- ocserv and openconnect: certificates, DTLS 1.2 with AES-128-GCM ------------------------------

ocserv_prepare() {
  certificates_prepare
  mkdir -p "$work/ocserv"
  cat >"$work/ocserv/ocserv.conf" <<CONF
auth = "certificate"
cert-user-oid = 2.5.4.3
ca-cert = $work/ca.crt
server-cert = $work/server.crt
server-key = $work/server.key
tcp-port = 4433
udp-port = 4433
listen-host = $server_outer
run-as-user = root
run-as-group = root
socket-file = $work/ocserv/socket
pid-file = $work/ocserv/pid
device = ocs
ipv4-network = 198.19.0.0/24
ping-leases = false
mtu = $MTU
dtls-legacy = false
isolate-workers = false
tls-priorities = "NORMAL:-VERS-ALL:+VERS-TLS1.2:-CIPHER-ALL:+AES-128-GCM"
max-clients = 4
keepalive = 300
CONF
  cat >"$work/ocserv/script" <<'SCRIPT'
#!/bin/sh
[ "$reason" = connect ] || exit 0
ip address add $INTERNAL_IP4_ADDRESS/24 dev $TUNDEV
ip link set $TUNDEV mtu $INTERNAL_IP4_MTU up
SCRIPT
  chmod +x "$work/ocserv/script"
}
ocserv_server() { # its device comes with the first client
  spawn server ocserv -f -c "$work/ocserv/ocserv.conf"
  wait_for listens 4433
}
ocserv_client() {
  spawn client openconnect --cafile "$work/ca.crt" -c "$work/client.crt" -k "$work/client.key" \
    -i occ0 --script "$work/ocserv/script" --non-inter "https://$server_outer:4433/"
}
