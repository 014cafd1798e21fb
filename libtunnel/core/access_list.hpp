#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "libtunnel/base/bytes.hpp"
#include "libtunnel/base/result.hpp"

namespace slopn {

/// How a client proves who it is.
enum class ClientKeyKind : std::uint8_t {
  ed25519,           ///< A raw public key, with Concealed authentication (RFC 9729).
  certificate_spki,  ///< SHA-256 of the SubjectPublicKeyInfo of a TLS client certificate.
};

struct ClientKey {
  ClientKeyKind kind = ClientKeyKind::ed25519;
  std::array<std::uint8_t, 32> bytes{};

  /// nullopt unless `bytes` are 32.
  [[nodiscard]] static std::optional<ClientKey> make(ClientKeyKind kind, ByteView bytes) noexcept;
  friend auto operator<=>(const ClientKey&, const ClientKey&) noexcept = default;
};

/// Who may connect. A value: to change it, make another.
class AccessList {
 public:
  struct Entry {
    std::string name;  ///< For people; several keys may share one.
    ClientKey key;
  };

  /// Nobody.
  AccessList() = default;

  /// Errc::invalid_argument for an empty name, Errc::already_exists for a key that occurs twice.
  [[nodiscard]] static Result<AccessList> make(std::vector<Entry> entries);

  /// The name that `key` belongs to, or nullptr. Valid as long as this list.
  [[nodiscard]] const std::string* find(const ClientKey& key) const;

  [[nodiscard]] std::size_t size() const noexcept { return names_.size(); }
  [[nodiscard]] bool empty() const noexcept { return names_.empty(); }

 private:
  std::map<ClientKey, std::string> names_;
};

}  // namespace slopn
