#pragma once

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libtunnel/base/result.hpp"
#include "libtunnel/crypto/keys.hpp"

namespace slopn::config {

/// A client that came by invitation.
struct InvitedClient {
  std::string name;  ///< As `is_valid_profile_name()` allows.
  crypto::PublicKey public_key;
  std::chrono::sys_seconds created;
  friend bool operator==(const InvitedClient&, const InvitedClient&) = default;
};

/// The clients a gateway was told of by `slopnctl gateway invite`, kept in one file (0600), which is
/// written whole at every change. Blocking, but small.
class ClientRegistry {
 public:
  struct Opened;
  /// A missing file is an empty registry. A damaged one is set aside as FILE.damaged-N and the
  /// registry starts empty: nobody comes in by a guess. Clients in the config are not affected.
  /// An error only if the file can be neither read nor set aside.
  [[nodiscard]] static Result<Opened> open(std::filesystem::path file);

  [[nodiscard]] const std::vector<InvitedClient>& clients() const noexcept { return clients_; }

  /// Errc::already_exists if the name or the key is taken. On failure nothing has changed.
  [[nodiscard]] Result<> add(InvitedClient client);

  /// Errc::not_found. On failure nothing has changed.
  [[nodiscard]] Result<> remove(std::string_view name);

 private:
  explicit ClientRegistry(std::filesystem::path file) : file_(std::move(file)) {}
  // Writes the file and, if that worked, takes the list over.
  [[nodiscard]] Result<> keep(std::vector<InvitedClient> changed);

  std::filesystem::path file_;
  std::vector<InvitedClient> clients_;
};

struct ClientRegistry::Opened {
  ClientRegistry registry;
  /// Errc::data_corrupt: what was wrong, where the file is now and what to do. To be logged once.
  std::optional<Error> damage;
};

/// The file's content, for tests and fuzzing. Errc::data_corrupt.
[[nodiscard]] Result<std::vector<InvitedClient>> parse_clients(std::string_view text);
[[nodiscard]] std::string format_clients(const std::vector<InvitedClient>& clients);

}  // namespace slopn::config
