#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "libtunnel/base/ip.hpp"
#include "libtunnel/base/result.hpp"
#include "platform/linux/netlink.hpp"

/// Addresses, routes and policy rules as values, and the kernel's lists of them. Only what carries
/// the given routing protocol number is ever listed or removed, so that nobody else's is touched.
namespace slopn::platform {

/// A route without a next hop: to an interface, a refusal, or back to the rules after ours.
struct KernelRoute {
  IpPrefix destination;
  std::uint32_t table = 0;
  std::uint8_t type = 0;              ///< RTN_UNICAST, RTN_UNREACHABLE or RTN_THROW.
  std::uint32_t interface_index = 0;  ///< 0 without an interface.
  std::uint32_t metric = 0;           ///< Lower wins among equal prefixes.

  [[nodiscard]] std::string to_string() const;
  friend auto operator<=>(const KernelRoute&, const KernelRoute&) = default;
};

/// A policy rule. Rules are consulted by rising priority.
struct KernelRule {
  IpVersion version = IpVersion::v4;
  std::uint32_t priority = 0;
  std::optional<std::uint32_t> mark;  ///< Absent: every packet.
  std::uint8_t action = 0;            ///< FR_ACT_TO_TBL or FR_ACT_UNREACHABLE.
  std::uint32_t table = 0;            ///< 0 for a refusal.

  [[nodiscard]] std::string to_string() const;
  friend auto operator<=>(const KernelRule&, const KernelRule&) = default;
};

/// How an address is added: with the kernel's own on-link route in `main`, or without.
enum class OnLinkRoute { by_kernel, none };

class KernelRouting {
 public:
  /// `socket` must outlive this. `protocol` is 1 to 255, see /etc/iproute2/rt_protos.
  KernelRouting(netlink::Socket& socket, std::uint8_t protocol) noexcept
      : socket_(socket), protocol_(protocol)
  {
  }

  [[nodiscard]] Result<std::vector<IpInterfaceAddress>> addresses(std::uint32_t interface_index);
  [[nodiscard]] Result<> add_address(std::uint32_t interface_index,
                                     const IpInterfaceAddress& address, OnLinkRoute on_link);
  [[nodiscard]] Result<> remove_address(std::uint32_t interface_index,
                                        const IpInterfaceAddress& address);

  /// Ours, in every table, both families.
  [[nodiscard]] Result<std::vector<KernelRoute>> routes();
  /// Takes the place of a route with the same prefix, table and metric.
  [[nodiscard]] Result<> add_route(const KernelRoute& route);
  [[nodiscard]] Result<> remove_route(const KernelRoute& route);

  /// Ours, both families.
  [[nodiscard]] Result<std::vector<KernelRule>> rules();
  [[nodiscard]] Result<> add_rule(const KernelRule& rule);
  [[nodiscard]] Result<> remove_rule(const KernelRule& rule);

 private:
  void fill(netlink::Request& request, const KernelRoute& route) const;
  void fill(netlink::Request& request, const KernelRule& rule) const;

  netlink::Socket& socket_;
  std::uint8_t protocol_;
};

}  // namespace slopn::platform
