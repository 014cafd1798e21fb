#include "tests/unit/cli/status_samples.hpp"

namespace slopn::test {

v1::Status disconnected_sample()
{
  v1::Status status;
  status.mutable_client()->mutable_disconnected();
  return status;
}

v1::Status refused_sample()
{
  v1::Status status;
  auto& reason = *status.mutable_client()->mutable_disconnected()->mutable_reason();
  reason.set_reason(v1::ERROR_REASON_AUTH_REJECTED);
  reason.set_message("connect to home: authentication refused");
  reason.set_remedy("ask for a new invitation");
  return status;
}

v1::Status connecting_sample()
{
  v1::Status status;
  auto& state = *status.mutable_client()->mutable_connecting();
  state.set_profile("home");
  state.set_attempt(3);
  return status;
}

v1::Status connected_sample()
{
  v1::Status status;
  auto& client = *status.mutable_client();
  auto& state = *client.mutable_connected();
  state.set_profile("home");
  state.mutable_since()->set_seconds(kSince);
  state.set_gateway("vpn.example.org:443");
  state.set_remote("192.0.2.1:443");
  state.set_interface_name("slopn0");
  state.set_mtu_bytes(1420);
  state.add_addresses("10.8.0.2/24");
  state.add_addresses("fd00:8::2/64");
  state.add_routes("0.0.0.0/0");
  state.add_routes("::/0");
  state.set_cipher("TLS_AES_128_GCM_SHA256");
  state.set_key_exchange_group("X25519MLKEM768");
  state.set_authentication("concealed");
  state.add_measurement_endpoints("10.8.0.1:5202");
  client.mutable_traffic()->set_sent_packets(1234);
  client.mutable_traffic()->set_sent_bytes(1'300'000);
  client.mutable_traffic()->set_received_packets(1);
  client.mutable_traffic()->set_received_bytes(84);
  auto& drop = *client.mutable_traffic()->add_drops();
  drop.set_reason("too_big");
  drop.set_packets(2);
  client.mutable_smoothed_rtt()->set_nanos(12'345'678);
  return status;
}

v1::Status reconnecting_sample()
{
  v1::Status status;
  auto& state = *status.mutable_client()->mutable_reconnecting();
  state.set_profile("home");
  state.mutable_reason()->set_reason(v1::ERROR_REASON_TIMED_OUT);
  state.mutable_reason()->set_message("handshake: no answer in time");
  state.set_next_attempt(4);
  state.mutable_retry_at()->set_seconds(kSince + 125 + 7);
  return status;
}

v1::Status disconnecting_sample()
{
  v1::Status status;
  status.mutable_client()->mutable_disconnecting()->set_profile("home");
  return status;
}

v1::Status gateway_sample()
{
  v1::Status status;
  auto& gateway = *status.mutable_gateway();
  gateway.add_listening("0.0.0.0:443");
  gateway.add_listening("[::]:443");
  gateway.set_interface_name("slopn0");
  gateway.set_mtu_bytes(1420);
  gateway.set_certificate_pin("sha256:abc");
  gateway.add_pools("10.8.0.0/24");
  gateway.set_sessions(2);
  gateway.mutable_traffic()->set_sent_bytes(10);
  gateway.mutable_traffic()->set_sent_packets(1);
  return status;
}

v1::Session session_sample()
{
  v1::Session session;
  session.set_id(17);
  session.set_client("laptop");
  session.set_identity("ed25519:abc");
  session.set_remote("198.51.100.7:50000");
  session.add_addresses("10.8.0.2/24");
  session.mutable_since()->set_seconds(kSince);
  session.mutable_smoothed_rtt()->set_nanos(5'000'000);
  return session;
}

}  // namespace slopn::test
