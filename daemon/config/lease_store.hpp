#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libtunnel/base/result.hpp"
#include "libtunnel/core/address_pool.hpp"

namespace slopn::config {

using Reservations = std::vector<AddressPool::Reservation>;

/// Keeps what `AddressPool::snapshot()` says over restarts, in one file with a checksum (0600).
/// Blocking, but small.
class LeaseStore {
 public:
  explicit LeaseStore(std::filesystem::path file) : file_(std::move(file)) {}

  struct Loaded {
    Reservations reservations;
    /// Errc::data_corrupt: the file was damaged and set aside, and all leases start anew. Clients
    /// may get other addresses than before; nothing else depends on it. To be logged once.
    std::optional<Error> damage;
  };
  /// A missing file means no leases. An error only if it can be neither read nor set aside.
  [[nodiscard]] Result<Loaded> load() const;

  [[nodiscard]] Result<> save(const Reservations& reservations) const;

 private:
  std::filesystem::path file_;
};

/// The file, line by line, in the order of the snapshot:
///
///     slopn-leases 1
///     ed25519:... 10.86.0.2
///     ed25519:... fd86:736c:6f70::2
///     end <number of leases> <CRC-32 of all bytes above, 8 hex digits>
///
/// Errc::data_corrupt for anything else. What is not a fact about the file, such as an address in
/// no pool, is left to `AddressPool::restore()`.
[[nodiscard]] Result<Reservations> parse_leases(std::string_view text);

/// Leaves out clients whose name has white space or control characters, or is "end": no key is.
[[nodiscard]] std::string format_leases(const Reservations& reservations);

}  // namespace slopn::config
