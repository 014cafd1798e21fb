#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libtunnel/base/result.hpp"
#include "platform/linux/netlink.hpp"

/// Network interfaces over rtnetlink.
namespace slopn::platform {

/// Whether slopn uses `name` for an interface: 1 to 15 letters, digits, `_`, `-` and `.`, beginning
/// with a letter or digit. Narrower than the kernel's rule, so that names are harmless in paths,
/// nftables text and logs.
[[nodiscard]] bool valid_interface_name(std::string_view name) noexcept;

struct Link {
  std::uint32_t index = 0;
  std::string name;
  std::string alias;  ///< Free text; `kOurAlias` on what we made.
  std::string kind;   ///< "tun", "veth", ... Empty for hardware.
  std::uint32_t mtu_bytes = 0;
  bool up = false;
  bool persistent_tun = false;  ///< Stays without a process that holds it.
};

/// What `set_link` changes; the rest stays.
struct LinkChange {
  std::optional<std::uint32_t> mtu_bytes = {};
  std::optional<std::uint32_t> transmit_queue_packets = {};
  std::string_view alias = {};  ///< Empty: no change.
  bool bring_up = false;
};

/// Marks the interfaces we make, for `ip link` and for `restore()`.
inline constexpr std::string_view kOurAlias = "slopn tunnel";

/// `Errc::not_found` if there is none.
[[nodiscard]] Result<Link> find_link(netlink::Socket& socket, std::string_view name);
[[nodiscard]] Result<std::vector<Link>> list_links(netlink::Socket& socket);
[[nodiscard]] Result<> set_link(netlink::Socket& socket, std::uint32_t index,
                                const LinkChange& change);
/// No error if it is gone already.
[[nodiscard]] Result<> delete_link(netlink::Socket& socket, std::uint32_t index);

/// Stops the kernel from talking on the interface by itself: no link-local address, hence no
/// router solicitation, and no router advertisement is believed. The kernel forgets this whenever
/// the MTU was below 1280. Does nothing on a host without IPv6.
void silence_ipv6(netlink::Socket& socket, const Link& link);

/// Whether the kernel of this network namespace speaks IPv6 at all.
[[nodiscard]] bool host_has_ipv6();

}  // namespace slopn::platform
