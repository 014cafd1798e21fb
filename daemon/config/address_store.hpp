#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libtunnel/base/ip.hpp"
#include "libtunnel/base/result.hpp"

namespace slopn::config {

/// What DNS has answered for the names of gateways.
using KnownAddresses = std::map<std::string, std::vector<IpAddress>>;

/// Keeps them over restarts, in one file (0600): under lockdown no question to DNS leaves the host
/// before there is a tunnel. Blocking, but small.
class AddressStore {
 public:
  static constexpr std::size_t kMaxNames = 64;
  static constexpr std::size_t kMaxAddresses = 16;  ///< Of one name.

  explicit AddressStore(std::filesystem::path file) : file_(std::move(file)) {}

  struct Loaded {
    KnownAddresses addresses;
    std::optional<Error> damage;  ///< Errc::data_corrupt: set aside, and nothing is known.
  };
  /// A missing file means that nothing is known.
  [[nodiscard]] Result<Loaded> load() const;

  [[nodiscard]] Result<> save(const KnownAddresses& addresses) const;

 private:
  std::filesystem::path file_;
};

/// The file:
///
///     slopn-gateways 1
///     vpn.example.org 192.0.2.1
///     vpn.example.org 2001:db8::1
///
/// Errc::data_corrupt for anything else, and for more than `AddressStore` keeps.
[[nodiscard]] Result<KnownAddresses> parse_addresses(std::string_view text);

/// Leaves out what is too much.
[[nodiscard]] std::string format_addresses(const KnownAddresses& addresses);

}  // namespace slopn::config
