#pragma once

#include "daemon/supervisor/supervisor.hpp"

namespace slopn::daemon {

/// A client: refuses what only a gateway can do, and says so.
class ClientRole : public Supervisor {
 public:
  void list_sessions(SessionsReply reply) const final;
  void kick_sessions(const std::string& who, const Caller& caller,
                     std::function<void(Result<std::uint32_t>)> reply) final;
  [[nodiscard]] Result<Invitation> invite(const InviteOrder& order, const Caller& caller) final;
};

/// A gateway: refuses what only a client can do, and says so. It has no states to watch.
class GatewayRole : public Supervisor {
 public:
  [[nodiscard]] Result<std::string> connect(const ConnectOrder& order, const Caller& caller) final;
  [[nodiscard]] Result<std::string> confirm_connection(const Caller& caller) final;
  [[nodiscard]] Result<> disconnect(const Caller& caller) final;
  [[nodiscard]] Result<ProfileSummary> import_profile(const ImportOrder& order,
                                                      const Caller& caller) final;
  [[nodiscard]] Result<std::vector<ProfileSummary>> list_profiles() const final;
  [[nodiscard]] Result<> remove_profile(const std::string& name, const Caller& caller) final;
  [[nodiscard]] Result<SettingsReport> settings() const final;
  [[nodiscard]] config::SettingsResult<SettingsChange> update_settings(
      const std::vector<config::SettingText>& changes, const Caller& caller) final;
  [[nodiscard]] Result<std::string> export_settings() const final;
  [[nodiscard]] config::SettingsResult<SettingsChange> import_settings(const std::string& text,
                                                                       const Caller& caller) final;
  [[nodiscard]] std::unique_ptr<Subscription> on_status_change(
      std::function<void()> listener) final;
};

}  // namespace slopn::daemon
