#include "libtunnel/core/drop_reason.hpp"

#include <numeric>

namespace slopn {

std::string_view to_string(DropReason reason) noexcept
{
  switch (reason) {
    case DropReason::malformed:
      return "malformed";
    case DropReason::foreign_source:
      return "foreign_source";
    case DropReason::foreign_destination:
      return "foreign_destination";
    case DropReason::not_assigned:
      return "not_assigned";
    case DropReason::bad_scope:
      return "bad_scope";
    case DropReason::no_route:
      return "no_route";
    case DropReason::client_to_client:
      return "client_to_client";
    case DropReason::ttl_expired:
      return "ttl_expired";
    case DropReason::too_big:
      return "too_big";
    case DropReason::unknown_stream:
      return "unknown_stream";
    case DropReason::unknown_context:
      return "unknown_context";
    case DropReason::congestion:
      return "congestion";
    case DropReason::tun_full:
      return "tun_full";
    case DropReason::tunnel_down:
      return "tunnel_down";
  }
  return "unknown";
}

std::uint64_t DropCounters::total() const noexcept
{
  return std::accumulate(packets_.begin(), packets_.end(), std::uint64_t{0});
}

DropCounters& DropCounters::operator+=(const DropCounters& other) noexcept
{
  for (std::size_t i = 0; i < packets_.size(); ++i) packets_[i] += other.packets_[i];
  return *this;
}

const std::array<DropReason, kDropReasonCount>& all_drop_reasons() noexcept
{
  static constexpr auto kAll = [] {
    std::array<DropReason, kDropReasonCount> all{};
    for (std::size_t i = 0; i < all.size(); ++i) all[i] = static_cast<DropReason>(i);
    return all;
  }();
  return kAll;
}

}  // namespace slopn
