#pragma once

#include <optional>
#include <span>
#include <vector>

#include "libtunnel/base/ip.hpp"
#include "libtunnel/core/drop_reason.hpp"
#include "libtunnel/core/wire/ip_packet.hpp"

namespace slopn {

/// Which inner packets belong to a session, by the addresses assigned to its client.
///
/// RFC 9484 section 7.2.1 demands the check of sources (BCP 38); destinations are checked by the
/// client, so that a gateway cannot reach past the tunnel's addresses.
class SourceFilter {
 public:
  SourceFilter() = default;
  explicit SourceFilter(std::vector<IpPrefix> assigned) : assigned_(std::move(assigned)) {}

  /// Replaces what is assigned.
  void assign(std::vector<IpPrefix> assigned) { assigned_ = std::move(assigned); }
  [[nodiscard]] std::span<const IpPrefix> assigned() const noexcept { return assigned_; }

  /// For packets that come from the client: nullopt lets `header`'s packet pass.
  /// bad_scope, not_assigned or foreign_source otherwise.
  [[nodiscard]] std::optional<DropReason> check_from_client(
      const wire::IpHeader& header) const noexcept;

  /// For packets that come from the gateway: nullopt lets `header`'s packet pass.
  /// bad_scope, not_assigned or foreign_destination otherwise.
  [[nodiscard]] std::optional<DropReason> check_from_gateway(
      const wire::IpHeader& header) const noexcept;

 private:
  [[nodiscard]] std::optional<DropReason> owned(const IpAddress& address,
                                                DropReason otherwise) const noexcept;

  std::vector<IpPrefix> assigned_;
};

}  // namespace slopn
