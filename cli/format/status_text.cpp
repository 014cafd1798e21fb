#include "cli/format/status_text.hpp"

#include "cli/format/json.hpp"
#include "cli/format/table.hpp"
#include "cli/format/values.hpp"
#include "libtunnel/base/text.hpp"

namespace slopn::cli {
namespace {

using std::chrono::seconds;
using std::chrono::system_clock;

template <class Repeated>
std::string joined(const Repeated& values)
{
  std::string out;
  for (const auto& value : values) {
    if (!out.empty()) out += ", ";
    out += value;
  }
  return out;
}

std::string amount(std::uint64_t bytes, std::uint64_t packets)
{
  return human_bytes(bytes) + " (" + human_count(packets) +
         (packets == 1 ? " packet)" : " packets)");
}

std::string drops_text(const v1::Traffic& traffic)
{
  std::uint64_t total = 0;
  std::string reasons;
  for (const auto& drop : traffic.drops()) {
    total += drop.packets();
    if (!reasons.empty()) reasons += ", ";
    reasons += drop.reason() + " " + human_count(drop.packets());
  }
  if (total == 0) return {};
  return human_count(total) + (total == 1 ? " packet: " : " packets: ") + reasons;
}

std::string ago(const google::protobuf::Timestamp& since, system_clock::time_point now)
{
  return human_duration(std::chrono::duration_cast<seconds>(now - to_time(since)));
}

std::string interface_text(const std::string& name, std::uint32_t mtu_bytes)
{
  return name.empty() ? std::string{} : name + ", MTU " + std::to_string(mtu_bytes);
}

std::string error_text(const v1::ErrorDetail& error)
{
  std::string text = printable(error.message());
  if (!error.remedy().empty()) text += " (" + printable(error.remedy()) + ")";
  return text;
}

std::string disconnected_line(const v1::ClientStatus::Disconnected& state, const Style& style)
{
  std::string line = state.has_reason() ? style.bad("disconnected") : style.strong("disconnected");
  if (state.locked()) line += ", " + style.warn("locked");
  return state.has_reason() ? line + ": " + error_text(state.reason()) : line;
}

std::string connecting_line(const v1::ClientStatus::Connecting& state, const Style& style)
{
  std::string line = style.warn("connecting") + " to " + printable(state.profile());
  if (!state.gateway().empty()) line += " by " + printable(state.gateway());
  if (state.attempt() > 1) line += ", try " + std::to_string(state.attempt());
  const std::string phase = phase_name(state.phase());
  return phase.empty() ? line : line + ": " + phase;
}

std::string reconnecting_line(const v1::ClientStatus::Reconnecting& state, const Style& style,
                              system_clock::time_point now)
{
  const auto wait = std::chrono::ceil<seconds>(to_time(state.retry_at()) - now);
  return style.warn("reconnecting") + " to " + printable(state.profile()) + ": " +
         printable(state.reason().message()) + "; try " + std::to_string(state.next_attempt()) +
         (wait.count() > 0 ? " in " + human_duration(wait) : " now");
}

std::string connected_line(const v1::ClientStatus::Connected& state, const Style& style,
                           system_clock::time_point now)
{
  return style.good("connected") + " to " + style.strong(printable(state.profile())) + " for " +
         ago(state.since(), now);
}

std::string client_line(const v1::ClientStatus& status, const Style& style,
                        system_clock::time_point now)
{
  switch (status.state_case()) {
    case v1::ClientStatus::kDisconnected:
      return disconnected_line(status.disconnected(), style);
    case v1::ClientStatus::kConnecting:
      return connecting_line(status.connecting(), style);
    case v1::ClientStatus::kConnected:
      return connected_line(status.connected(), style, now);
    case v1::ClientStatus::kReconnecting:
      return reconnecting_line(status.reconnecting(), style, now);
    case v1::ClientStatus::kDisconnecting:
      return style.warn("disconnecting") + " from " + printable(status.disconnecting().profile());
    case v1::ClientStatus::kFailed:
      return style.bad("failed") + " to connect to " + printable(status.failed().profile()) + ": " +
             error_text(status.failed().error());
    case v1::ClientStatus::STATE_NOT_SET:
      break;
  }
  return style.warn("in a state that this slopnctl does not know; is slopnd newer?");
}

std::string gateway_line(const v1::GatewayStatus& status, const Style& style)
{
  std::string line = style.good("gateway") + " with " + human_count(status.sessions()) +
                     (status.sessions() == 1 ? " session" : " sessions");
  if (status.anonymous_allowed()) line += ", " + style.bad("open to anybody (auth.anonymous)");
  return line;
}

std::string confirm_text(const v1::ClientStatus::Connected& state)
{
  if (!state.has_confirm_until()) return {};
  return "ends at " + local_time(to_time(state.confirm_until())) +
         " unless you keep it: slopnctl confirm";
}

std::string heard_text(const v1::ClientStatus::Connected& state, system_clock::time_point now)
{
  return state.has_last_heard() ? ago(state.last_heard(), now) + " ago" : std::string{};
}

std::string blocked_text(const v1::ClientStatus& status)
{
  return status.traffic_blocked() ? "what should go through the tunnel goes nowhere at present"
                                  : std::string{};
}

std::string client_details(const v1::ClientStatus& status, const Style& style,
                           system_clock::time_point now)
{
  if (!status.has_connected()) return details({{"blocked", blocked_text(status)}}, style);
  const auto& state = status.connected();
  const auto& traffic = status.traffic();
  std::string gateway = state.gateway();
  if (!state.remote().empty() && state.remote() != gateway) gateway += " (" + state.remote() + ")";
  if (status.has_smoothed_rtt()) {
    gateway += ", round trip " + human_latency(to_duration(status.smoothed_rtt()));
  }
  std::string security = state.cipher();
  if (!state.key_exchange_group().empty()) security += ", " + state.key_exchange_group();
  if (!state.authentication().empty()) security += ", authentication " + state.authentication();
  return details({{"since", local_time(to_time(state.since()))},
                  {"gateway", gateway},
                  {"interface", interface_text(state.interface_name(), state.mtu_bytes())},
                  {"addresses", joined(state.addresses())},
                  {"routes", joined(state.routes())},
                  {"protocol", state.protocol()},
                  {"security", security},
                  {"last heard", heard_text(state, now)},
                  {"to confirm", confirm_text(state)},
                  {"blocked", blocked_text(status)},
                  {"sent", amount(traffic.sent_bytes(), traffic.sent_packets())},
                  {"received", amount(traffic.received_bytes(), traffic.received_packets())},
                  {"dropped", drops_text(traffic)}},
                 style);
}

std::string gateway_details(const v1::GatewayStatus& status, const Style& style)
{
  const auto& traffic = status.traffic();
  return details({{"listening", joined(status.listening())},
                  {"interface", interface_text(status.interface_name(), status.mtu_bytes())},
                  {"pools", joined(status.pools())},
                  {"pin", status.certificate_pin()},
                  {"sent", amount(traffic.sent_bytes(), traffic.sent_packets())},
                  {"received", amount(traffic.received_bytes(), traffic.received_packets())},
                  {"dropped", drops_text(traffic)}},
                 style);
}

}  // namespace

std::string status_line(const v1::Status& status, const Style& style, system_clock::time_point now)
{
  switch (status.role_case()) {
    case v1::Status::kClient:
      return client_line(status.client(), style, now);
    case v1::Status::kGateway:
      return gateway_line(status.gateway(), style);
    case v1::Status::ROLE_NOT_SET:
      break;
  }
  return style.warn("in a role that this slopnctl does not know; is slopnd newer?");
}

std::string status_text(const v1::Status& status, const Style& style, system_clock::time_point now)
{
  std::string text = status_line(status, style, now) + '\n';
  if (status.has_client()) text += client_details(status.client(), style, now);
  if (status.has_gateway()) text += gateway_details(status.gateway(), style);
  return text;
}

}  // namespace slopn::cli
