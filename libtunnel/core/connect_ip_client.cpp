#include "libtunnel/core/connect_ip_client.hpp"

#include <algorithm>
#include <utility>

#include "libtunnel/base/overloaded.hpp"
#include "libtunnel/core/wire/http_datagram.hpp"
#include "libtunnel/core/wire/varint.hpp"

namespace slopn {
namespace {

const std::vector<wire::CapsuleType> kWantedCapsules = {
    wire::CapsuleType::datagram, wire::CapsuleType::address_assign,
    wire::CapsuleType::address_request, wire::CapsuleType::route_advertisement};

}  // namespace

ConnectIpClient::ConnectIpClient(ConnectIpClientOptions options)
    : options_(std::move(options)), parser_(kWantedCapsules)
{
}

void ConnectIpClient::on_accepted(Clock::time_point now, Clock::duration unsolicited_wait)
{
  if (!std::holds_alternative<NotAccepted>(state_)) return;
  if (options_.wishes.empty())
    state_ = Asked{now + unsolicited_wait + options_.answer_timeout};
  else
    state_ = Waiting{now + unsolicited_wait};
}

Result<> ConnectIpClient::on_stream_data(ByteView bytes, Clock::time_point)
{
  if (auto parsed = parser_.feed(bytes, *this); !parsed) return parsed;
  report();
  return {};
}

Result<> ConnectIpClient::on_stream_end()
{
  if (auto complete = parser_.finish(); !complete) return complete;
  return fail(Errc::peer_closed, "the gateway ended the tunnel");
}

Result<> ConnectIpClient::on_time(Clock::time_point now)
{
  const auto deadline = next_deadline();
  if (!deadline || now < *deadline) return {};
  if (std::holds_alternative<Asked>(state_))
    return fail(Errc::timed_out, "wait for an inner address");
  ask(now);
  return {};
}

std::optional<Clock::time_point> ConnectIpClient::next_deadline() const noexcept
{
  using Deadline = std::optional<Clock::time_point>;
  return std::visit(Overloaded{
                        [](const NotAccepted&) -> Deadline { return std::nullopt; },
                        [](const Waiting& s) -> Deadline { return s.until; },
                        [](const Asked& s) -> Deadline { return s.until; },
                        [](const Settled&) -> Deadline { return std::nullopt; },
                    },
                    state_);
}

ByteVector ConnectIpClient::take_output() noexcept
{
  return std::exchange(output_, {});
}

std::vector<connect_ip::Event> ConnectIpClient::take_events() noexcept
{
  return std::exchange(events_, {});
}

Result<> ConnectIpClient::on_capsule(std::uint64_t type, ByteView value)
{
  switch (static_cast<wire::CapsuleType>(type)) {
    case wire::CapsuleType::datagram:
      on_datagram(value);
      return {};
    case wire::CapsuleType::address_assign:
      return on_address_assign(value);
    case wire::CapsuleType::address_request:
      return on_address_request(value);
    case wire::CapsuleType::route_advertisement:
      return on_route_advertisement(value);
  }
  return {};
}

Result<> ConnectIpClient::on_address_assign(ByteView value)
{
  const auto assigned = wire::parse_address_assign(value);
  if (!assigned) return Error{assigned.error()}.within("ADDRESS_ASSIGN");

  const bool had_addresses = !addresses_.empty();
  addresses_.clear();
  for (const wire::AssignedAddress& one : *assigned) {
    std::erase(open_wishes_, one.request_id);
    if (!wire::is_refusal(one)) addresses_.push_back(one.prefix);
  }
  if (!addresses_.empty()) {
    state_ = Settled{};
    return {};
  }
  if (had_addresses) return fail(Errc::refused, "the gateway took the inner addresses away");
  if (std::holds_alternative<Asked>(state_) && !options_.wishes.empty() && open_wishes_.empty())
    return fail(Errc::pool_exhausted, "the gateway has no inner address for us");
  return {};  // nothing yet, but nothing refused either
}

// A gateway may ask for addresses on our side, for example to join two sites. We have none to
// give, and say so, as section 4.7.2 wants.
Result<> ConnectIpClient::on_address_request(ByteView value)
{
  const auto requests = wire::parse_address_request(value);
  if (!requests) return Error{requests.error()}.within("ADDRESS_REQUEST");
  if (auto added = peer_requests_.add(*requests); !added) return added;

  std::vector<wire::AssignedAddress> refusals;
  for (const wire::RequestedAddress& request : *requests)
    refusals.push_back({request.request_id, wire::refusal(request.prefix.version())});
  wire::append_address_assign(output_, refusals);
  return {};
}

Result<> ConnectIpClient::on_route_advertisement(ByteView value)
{
  auto routes = wire::parse_route_advertisement(value);
  if (!routes) return std::move(routes.error()).within("ROUTE_ADVERTISEMENT");
  routes_ = std::move(*routes);
  return {};
}

void ConnectIpClient::on_datagram(ByteView value)
{
  if (wire::read_varint(value) != wire::kIpPacketContext) return;
  events_.emplace_back(connect_ip::PacketReceived{{value.begin(), value.end()}});
}

void ConnectIpClient::ask(Clock::time_point now)
{
  std::vector<wire::RequestedAddress> requests;
  for (const IpPrefix& wish : options_.wishes) {
    requests.push_back({requests.size() + 1, wish});
    open_wishes_.push_back(requests.back().request_id);
  }
  wire::append_address_request(output_, requests);
  state_ = Asked{now + options_.answer_timeout};
}

void ConnectIpClient::report()
{
  if (addresses_.empty()) return;
  connect_ip::Configured configured{addresses_, routes_};
  if (reported_ == configured) return;
  reported_ = configured;
  events_.emplace_back(std::move(configured));
}

}  // namespace slopn
