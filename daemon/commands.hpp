#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "daemon/model.hpp"
#include "platform/diagnosis.hpp"

namespace slopn::daemon {

/// Who calls, as the kernel says (SO_PEERCRED).
struct Caller {
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  std::int32_t pid = 0;
};

struct ByName {
  std::string name;  ///< A stored profile; empty: the only one, or the config's default.
};
struct ByUri {
  std::string uri;  ///< "slopn://..."; stored under its name before connecting.
};
using ProfileChoice = std::variant<ByName, ByUri>;

struct ConnectOrder {
  ProfileChoice profile;
  /// Disconnects again after this time unless somebody confirms; 1 s to 1 h. Empty: needs none.
  std::optional<std::chrono::milliseconds> confirm_within = std::nullopt;
};

struct InviteOrder {
  std::string name;        ///< What the gateway calls the client.
  std::string public_key;  ///< The client's own key; empty: make a key pair for it.
  std::string endpoint;    ///< "host[:port]" to put into the URI; empty: the config's.
};

/// Everything a caller can ask of the daemon. The supervisor implements it; `daemon/control` turns
/// gRPC calls into it.
///
/// All calls happen on the control thread and return at once. A client's calls on a gateway, and
/// the other way round, answer Errc::refused with a message that says which role is running.
class Commands {
 public:
  virtual ~Commands() = default;

  /// As far as the control thread knows: states at once, counters from the last refresh.
  [[nodiscard]] virtual Status status() const = 0;

  /// Asks the workers for their counters, then calls `done` on the control thread.
  virtual void refresh_status(std::function<void()> done) { done(); }

  /// Starts to connect and returns; progress is seen in the status. Does nothing when already
  /// connected or connecting with the same profile, except that an order without `confirm_within`
  /// confirms; another profile: Errc::busy. Errc::not_found for an unknown profile,
  /// Errc::invalid_argument for a time to confirm out of its range. Returns the profile's name.
  [[nodiscard]] virtual Result<std::string> connect(const ConnectOrder& order,
                                                    const Caller& caller) = 0;
  /// Keeps a connection that was ordered with `confirm_within`. Errc::refused when nothing waits
  /// for it. Returns the profile's name.
  [[nodiscard]] virtual Result<std::string> confirm_connection(const Caller& caller) = 0;
  /// Starts to disconnect and returns. Nothing to do is success.
  [[nodiscard]] virtual Result<> disconnect(const Caller& caller) = 0;

  /// `text` is a profile in TOML or a slopn:// URI; `name` may be empty to take the one in it.
  /// Errc::already_exists unless `replace`. Returns the name.
  struct ImportOrder {
    std::string text;
    std::string name;
    bool replace = false;
  };
  [[nodiscard]] virtual Result<ProfileSummary> import_profile(const ImportOrder& order,
                                                              const Caller& caller) = 0;
  [[nodiscard]] virtual Result<std::vector<ProfileSummary>> list_profiles() const = 0;
  /// Errc::busy while it is in use.
  [[nodiscard]] virtual Result<> remove_profile(const std::string& name, const Caller& caller) = 0;

  [[nodiscard]] virtual Result<SettingsReport> settings() const = 0;
  /// All changes or none. Errc::invalid_argument with the key at fault.
  [[nodiscard]] virtual config::SettingsResult<SettingsChange> update_settings(
      const std::vector<config::SettingText>& changes, const Caller& caller) = 0;
  /// As a text that `import_settings` takes.
  [[nodiscard]] virtual Result<std::string> export_settings() const = 0;
  /// Replaces all settings. Errc::refused for those of a newer version.
  [[nodiscard]] virtual config::SettingsResult<SettingsChange> import_settings(
      const std::string& text, const Caller& caller) = 0;

  using SessionsReply = std::function<void(Result<std::vector<SessionInfo>>)>;
  /// Asks the workers and calls `reply` on the control thread.
  virtual void list_sessions(SessionsReply reply) const = 0;
  /// `who` is a session id, a client name, an identity or an inner address.
  /// Replies with how many sessions were ended; Errc::not_found if none matched.
  virtual void kick_sessions(const std::string& who, const Caller& caller,
                             std::function<void(Result<std::uint32_t>)> reply) = 0;
  [[nodiscard]] virtual Result<Invitation> invite(const InviteOrder& order,
                                                  const Caller& caller) = 0;

  using DiagnosisReply = std::function<void(std::vector<platform::Finding>)>;
  /// Looks at the host, changes nothing, and calls `reply` on the control thread.
  virtual void diagnose(DiagnosisReply reply) { reply({}); }

  /// Calls `listener` on the control thread after every change of the client's state, until the
  /// returned subscription is destroyed (on the control thread too).
  class Subscription {
   public:
    virtual ~Subscription() = default;
  };
  [[nodiscard]] virtual std::unique_ptr<Subscription> on_status_change(
      std::function<void()> listener) = 0;
};

}  // namespace slopn::daemon
