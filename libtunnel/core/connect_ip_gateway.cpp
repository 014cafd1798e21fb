#include "libtunnel/core/connect_ip_gateway.hpp"

#include <algorithm>
#include <utility>

#include "libtunnel/core/wire/http_datagram.hpp"
#include "libtunnel/core/wire/varint.hpp"

namespace slopn {
namespace {

const std::vector<wire::CapsuleType> kWantedCapsules = {
    wire::CapsuleType::datagram, wire::CapsuleType::address_assign,
    wire::CapsuleType::address_request, wire::CapsuleType::route_advertisement};

// The address that answers `request`: of its family, and the very one it names if we have that.
// `open` are those that answer no other request of the same capsule.
wire::AssignedAddress* best_answer(const wire::RequestedAddress& request,
                                   std::span<wire::AssignedAddress* const> open)
{
  wire::AssignedAddress* best = nullptr;
  for (wire::AssignedAddress* candidate : open) {
    if (candidate->prefix.version() != request.prefix.version()) continue;
    if (candidate->prefix == request.prefix) return candidate;
    if (best == nullptr) best = candidate;
  }
  return best;
}

}  // namespace

ConnectIpGateway::ConnectIpGateway(ConnectIpOffer offer) : parser_(kWantedCapsules)
{
  change_offer(std::move(offer));
}

void ConnectIpGateway::on_accepted()
{
  if (std::exchange(accepted_, true)) return;
  announce_addresses({});
  announce_routes();
}

void ConnectIpGateway::change_offer(ConnectIpOffer offer)
{
  std::vector<wire::AssignedAddress> assigned;
  for (const IpPrefix& prefix : offer.addresses) {
    const auto known = std::ranges::find(assigned_, prefix, &wire::AssignedAddress::prefix);
    assigned.push_back({known == assigned_.end() ? 0 : known->request_id, prefix});
  }
  auto routes = wire::normalized(std::move(offer.routes));

  const bool other_addresses = std::exchange(assigned_, assigned) != assigned;
  const bool other_routes = std::exchange(routes_, routes) != routes;
  if (accepted_ && other_addresses) announce_addresses({});
  if (accepted_ && other_routes) announce_routes();
}

Result<> ConnectIpGateway::on_stream_data(ByteView bytes, Clock::time_point)
{
  on_accepted();
  return parser_.feed(bytes, *this);
}

Result<> ConnectIpGateway::on_stream_end()
{
  if (auto complete = parser_.finish(); !complete) return complete;
  return fail(Errc::peer_closed, "the client ended the tunnel");
}

ByteVector ConnectIpGateway::take_output() noexcept
{
  return std::exchange(output_, {});
}

std::vector<connect_ip::Event> ConnectIpGateway::take_events() noexcept
{
  return std::exchange(events_, {});
}

Result<> ConnectIpGateway::on_capsule(std::uint64_t type, ByteView value)
{
  switch (static_cast<wire::CapsuleType>(type)) {
    case wire::CapsuleType::datagram:
      if (wire::read_varint(value) == wire::kIpPacketContext)
        events_.emplace_back(connect_ip::PacketReceived{{value.begin(), value.end()}});
      return {};
    case wire::CapsuleType::address_request:
      return on_address_request(value);
    // A client may offer addresses and routes of its own. We use none, but hold it to the rules.
    case wire::CapsuleType::address_assign:
      if (auto parsed = wire::parse_address_assign(value); !parsed)
        return std::move(parsed.error()).within("ADDRESS_ASSIGN");
      return {};
    case wire::CapsuleType::route_advertisement:
      if (auto parsed = wire::parse_route_advertisement(value); !parsed)
        return std::move(parsed.error()).within("ROUTE_ADVERTISEMENT");
      return {};
  }
  return {};
}

Result<> ConnectIpGateway::on_address_request(ByteView value)
{
  const auto requests = wire::parse_address_request(value);
  if (!requests) return Error{requests.error()}.within("ADDRESS_REQUEST");
  if (auto added = client_requests_.add(*requests); !added) return added;

  std::vector<wire::AssignedAddress*> open;
  for (wire::AssignedAddress& assigned : assigned_) open.push_back(&assigned);
  std::vector<wire::AssignedAddress> refused;
  for (const wire::RequestedAddress& request : *requests) {
    if (wire::AssignedAddress* answer = best_answer(request, open)) {
      answer->request_id = request.request_id;
      std::erase(open, answer);
    } else {
      refused.push_back({request.request_id, wire::refusal(request.prefix.version())});
    }
  }
  announce_addresses(refused);
  return {};
}

void ConnectIpGateway::announce_addresses(std::span<const wire::AssignedAddress> refused)
{
  std::vector<wire::AssignedAddress> list = assigned_;
  list.insert(list.end(), refused.begin(), refused.end());
  wire::append_address_assign(output_, list);
}

void ConnectIpGateway::announce_routes()
{
  wire::append_route_advertisement(output_, routes_);
}

}  // namespace slopn
