#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libtunnel/base/ip.hpp"
#include "libtunnel/base/result.hpp"

namespace slopn::config {

/// Inner addresses that belong to a client also while it is away.
struct StoredLease {
  std::string client;                ///< Its identity, "ed25519:..." or "sha256:..."; no spaces.
  std::vector<IpAddress> addresses;  ///< At most one of each family; never empty.
  friend bool operator==(const StoredLease&, const StoredLease&) = default;
};

/// Keeps leases over restarts, in one file with a checksum (0600). Blocking, but small.
class LeaseStore {
 public:
  explicit LeaseStore(std::filesystem::path file) : file_(std::move(file)) {}

  struct Loaded {
    std::vector<StoredLease> leases;
    /// Errc::data_corrupt: the file was damaged and set aside, and all leases start anew. Clients
    /// may get other addresses than before; nothing else depends on it. To be logged once.
    std::optional<Error> damage;
  };
  /// A missing file means no leases. An error only if it can be neither read nor set aside.
  [[nodiscard]] Result<Loaded> load() const;

  [[nodiscard]] Result<> save(const std::vector<StoredLease>& leases) const;

 private:
  std::filesystem::path file_;
};

/// The file, line by line:
///
///     slopn-leases 1
///     ed25519:... 10.86.0.2 fd86:736c:6f70::2
///     end <number of leases> <CRC-32 of all bytes above, 8 hex digits>
///
/// Errc::data_corrupt for anything else, also for an address or client that occurs twice.
[[nodiscard]] Result<std::vector<StoredLease>> parse_leases(std::string_view text);
[[nodiscard]] std::string format_leases(const std::vector<StoredLease>& leases);

}  // namespace slopn::config
