#include "daemon/supervisor/role.hpp"

namespace slopn::daemon {
namespace {

Error not_a_gateway()
{
  return fail(Errc::refused, "this slopnd is a client; ask the gateway's slopnd");
}

Error not_a_client()
{
  return fail(Errc::refused, "this slopnd is a gateway; it has no profiles and connects nowhere");
}

Error no_settings()
{
  return fail(Errc::refused, "this slopnd is a gateway; all it is told is in slopnd.toml");
}

}  // namespace

void ClientRole::list_sessions(SessionsReply reply) const
{
  reply(not_a_gateway());
}

void ClientRole::kick_sessions(const std::string&, const Caller&,
                               std::function<void(Result<std::uint32_t>)> reply)
{
  reply(not_a_gateway());
}

Result<Invitation> ClientRole::invite(const InviteOrder&, const Caller&)
{
  return not_a_gateway();
}

Result<std::string> GatewayRole::connect(const ConnectOrder&, const Caller&)
{
  return not_a_client();
}

Result<std::string> GatewayRole::confirm_connection(const Caller&)
{
  return not_a_client();
}

Result<> GatewayRole::disconnect(const Caller&)
{
  return not_a_client();
}

Result<ProfileSummary> GatewayRole::import_profile(const ImportOrder&, const Caller&)
{
  return not_a_client();
}

Result<std::vector<ProfileSummary>> GatewayRole::list_profiles() const
{
  return not_a_client();
}

Result<> GatewayRole::remove_profile(const std::string&, const Caller&)
{
  return not_a_client();
}

Result<SettingsReport> GatewayRole::settings() const
{
  return no_settings();
}

config::SettingsResult<SettingsChange> GatewayRole::update_settings(
    const std::vector<config::SettingText>&, const Caller&)
{
  return config::SettingsRefusal{no_settings(), {}};
}

Result<std::string> GatewayRole::export_settings() const
{
  return no_settings();
}

config::SettingsResult<SettingsChange> GatewayRole::import_settings(const std::string&,
                                                                    const Caller&)
{
  return config::SettingsRefusal{no_settings(), {}};
}

std::unique_ptr<Commands::Subscription> GatewayRole::on_status_change(std::function<void()>)
{
  return nullptr;
}

}  // namespace slopn::daemon
