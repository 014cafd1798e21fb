#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace slopn::config {

/// A host as people write it, and a UDP port: "vpn.example.org:443", "[2001:db8::1]:4242".
struct HostPort {
  std::string host;  ///< DNS name in lower case, or an IP address without brackets.
  std::uint16_t port = 443;

  /// `default_port` is taken when there is none. IPv6 needs brackets. nullopt for anything that
  /// is no DNS name (RFC 1123: letters, digits, hyphens; at most 253 bytes) and no IP address.
  [[nodiscard]] static std::optional<HostPort> parse(std::string_view text,
                                                     std::uint16_t default_port = 443);
  /// Always with the port.
  [[nodiscard]] std::string to_string() const;
  /// Whether `host` is an IP address.
  [[nodiscard]] bool is_address() const;

  friend bool operator==(const HostPort&, const HostPort&) = default;
};

/// The host alone, in lower case: a DNS name or an IP address without brackets.
[[nodiscard]] std::optional<std::string> parse_host(std::string_view text);

}  // namespace slopn::config
