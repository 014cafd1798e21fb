#include "tests/unit/control/fake_daemon.hpp"

#include <spdlog/logger.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <stdexcept>

#include "daemon/control/access.hpp"

namespace slopn::test {
namespace {

class FakeSubscription final : public daemon::Commands::Subscription {
 public:
  explicit FakeSubscription(std::shared_ptr<std::function<void()>> listener)
      : listener_(std::move(listener))
  {
  }
  ~FakeSubscription() override { *listener_ = nullptr; }

 private:
  std::shared_ptr<std::function<void()>> listener_;
};

}  // namespace

void FakeCommands::change(daemon::Status status)
{
  now = std::move(status);
  const auto listeners = listeners_;
  for (const auto& listener : listeners) {
    if (*listener) (*listener)();
  }
}

daemon::Status FakeCommands::status() const
{
  return now;
}

Result<std::string> FakeCommands::connect(const daemon::ConnectOrder& order,
                                          const daemon::Caller& caller)
{
  last_caller = caller;
  const auto* by_name = std::get_if<daemon::ByName>(&order.profile);
  asked.push_back("connect " +
                  (by_name ? by_name->name : std::get<daemon::ByUri>(order.profile).uri));
  if (order.confirm_within)
    asked.back() += " confirm_ms=" + std::to_string(order.confirm_within->count());
  if (failure.code) return failure;
  change(after_connect);
  return by_name && !by_name->name.empty() ? by_name->name : std::string{"home"};
}

Result<std::string> FakeCommands::confirm_connection(const daemon::Caller& caller)
{
  last_caller = caller;
  asked.emplace_back("confirm");
  if (failure.code) return failure;
  return std::string{"home"};
}

Result<> FakeCommands::disconnect(const daemon::Caller& caller)
{
  last_caller = caller;
  asked.emplace_back("disconnect");
  if (failure.code) return failure;
  change(daemon::ClientStatus{});
  return {};
}

Result<daemon::ProfileSummary> FakeCommands::import_profile(const ImportOrder& order,
                                                            const daemon::Caller& caller)
{
  last_caller = caller;
  asked.push_back("import " + order.text);
  const std::string name = order.name.empty() ? "imported" : order.name;
  const auto same = [&](const auto& one) { return one.name == name; };
  if (!order.replace && std::any_of(profiles.begin(), profiles.end(), same)) {
    return fail(Errc::already_exists, "profile '" + name + "'");
  }
  std::erase_if(profiles, same);
  profiles.push_back({name, "vpn.example.org:443", "concealed", "ed25519:client", "sha256:pin"});
  return profiles.back();
}

Result<std::vector<daemon::ProfileSummary>> FakeCommands::list_profiles() const
{
  return profiles;
}

Result<> FakeCommands::remove_profile(const std::string& name, const daemon::Caller& caller)
{
  last_caller = caller;
  if (std::erase_if(profiles, [&](const auto& one) { return one.name == name; }) == 0) {
    return fail(Errc::not_found, "profile '" + name + "'");
  }
  return {};
}

Result<daemon::SettingsReport> FakeCommands::settings() const
{
  if (failure.code) return failure;
  return stored;
}

config::SettingsResult<daemon::SettingsChange> FakeCommands::update_settings(
    const std::vector<config::SettingText>& changes, const daemon::Caller& caller)
{
  last_caller = caller;
  std::string line = "settings";
  for (const auto& [key, value] : changes) line += " " + key + "=" + value;
  asked.push_back(line);
  if (no_change.code) return no_change;
  return daemon::SettingsChange{stored.settings, for_later};
}

Result<std::string> FakeCommands::export_settings() const
{
  if (failure.code) return failure;
  return std::string{"schema_version = 1\n"};
}

config::SettingsResult<daemon::SettingsChange> FakeCommands::import_settings(
    const std::string& text, const daemon::Caller& caller)
{
  last_caller = caller;
  asked.push_back("settings import " + text);
  if (no_change.code) return no_change;
  return daemon::SettingsChange{stored.settings, for_later};
}

void FakeCommands::list_sessions(SessionsReply reply) const
{
  if (answers_sessions) {
    reply(sessions);
  } else {
    kept_.push_back(std::move(reply));
  }
}

void FakeCommands::kick_sessions(const std::string& who, const daemon::Caller& caller,
                                 std::function<void(Result<std::uint32_t>)> reply)
{
  last_caller = caller;
  const auto gone = std::erase_if(sessions, [&](const auto& one) {
    return one.client == who || std::to_string(one.id) == who;
  });
  if (gone == 0) return reply(fail(Errc::not_found, "session '" + who + "'"));
  reply(static_cast<std::uint32_t>(gone));
}

Result<daemon::Invitation> FakeCommands::invite(const daemon::InviteOrder& order,
                                                const daemon::Caller& caller)
{
  last_caller = caller;
  if (failure.code) return failure;
  const std::string key = order.public_key.empty() ? "ed25519:made" : order.public_key;
  return daemon::Invitation{"slopn://vpn.example.org/?name=" + order.name, key};
}

std::unique_ptr<daemon::Commands::Subscription> FakeCommands::on_status_change(
    std::function<void()> listener)
{
  listeners_.push_back(std::make_shared<std::function<void()>>(std::move(listener)));
  return std::make_unique<FakeSubscription>(listeners_.back());
}

FakeDaemon::FakeDaemon(control::ControlOptions options)
{
#ifdef __SANITIZE_THREAD__
  SKIP("gRPC is not built with ThreadSanitizer");
#endif
  auto listener =
      control::UnixListener::open({.socket_path = socket_path(),
                                   .group = options.group,
                                   .access = control::access_for(options.grants, options.group)});
  if (!listener) throw std::runtime_error(listener.error().message());
  auto server =
      control::ControlServer::start(std::move(*listener), std::move(options),
                                    {commands_, events_, log_ring_, log_}, io_.get_executor());
  if (!server) throw std::runtime_error(server.error().message());
  server_ = std::move(*server);
  thread_ = std::thread{[this] { io_.run(); }};
}

FakeDaemon::~FakeDaemon()
{
  stop();
  work_.reset();
  io_.stop();
  thread_.join();
}

void FakeDaemon::stop()
{
  on_control([this](FakeCommands&) {
    server_.reset();
    return 0;
  });
}

}  // namespace slopn::test
