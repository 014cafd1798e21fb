#include "libtunnel/core/source_filter.hpp"

#include <algorithm>

namespace slopn {
namespace {

// Addresses that mean nothing beyond a host or a link; a tunnel forwards none of them
// (RFC 9484 section 7.2, RFC 6890).
bool stays_local(const IpAddress& address) noexcept
{
  // Most addresses begin in a way that none of those do.
  const auto first = std::to_integer<unsigned>(address.bytes().front());
  const bool ordinary = address.is_v4() ? first != 0 && first != 127 && first != 169 && first < 224
                                        : first != 0 && first < 0xfe;
  if (ordinary) return false;
  return address.is_unspecified() || address.is_loopback() || address.is_link_local() ||
         address.is_multicast() || address == IpAddress::v4({255, 255, 255, 255});
}

bool stays_local(const wire::IpHeader& header) noexcept
{
  return stays_local(header.source) || stays_local(header.destination);
}

}  // namespace

std::optional<DropReason> SourceFilter::check_from_client(
    const wire::IpHeader& header) const noexcept
{
  if (stays_local(header)) return DropReason::bad_scope;
  return owned(header.source, DropReason::foreign_source);
}

std::optional<DropReason> SourceFilter::check_from_gateway(
    const wire::IpHeader& header) const noexcept
{
  if (stays_local(header)) return DropReason::bad_scope;
  return owned(header.destination, DropReason::foreign_destination);
}

std::optional<DropReason> SourceFilter::owned(const IpAddress& address,
                                              DropReason otherwise) const noexcept
{
  bool any_of_family = false;
  for (const IpPrefix& prefix : assigned_) {
    if (prefix.contains(address)) return std::nullopt;
    any_of_family = any_of_family || prefix.version() == address.version();
  }
  return any_of_family ? otherwise : DropReason::not_assigned;
}

}  // namespace slopn
