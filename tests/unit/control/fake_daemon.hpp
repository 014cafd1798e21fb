#pragma once

#include <spdlog/logger.h>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <filesystem>
#include <functional>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "daemon/commands.hpp"
#include "daemon/control/control_server.hpp"
#include "tests/support/temporary_dir.hpp"

/// A daemon that is only its control API, for tests of both ends of it.
namespace slopn::test {

/// Answers as its public members say. Control thread only.
class FakeCommands final : public daemon::Commands {
 public:
  daemon::Status now = daemon::ClientStatus{};
  std::vector<daemon::ProfileSummary> profiles;
  std::vector<daemon::SessionInfo> sessions;
  daemon::SettingsReport stored;       ///< What settings() answers.
  config::SettingsRefusal no_change;   ///< Why settings are not changed, if it has a code.
  std::vector<std::string> for_later;  ///< What a change does not touch at once.
  Error failure;  ///< What connect, disconnect and invite answer, if it has a code.
  daemon::Status after_connect = daemon::ClientStatus{};  ///< What connect leads to, at once.
  daemon::Caller last_caller;
  std::vector<std::string> asked;  ///< One line per call that reached us.
  bool answers_sessions = true;    ///< False: list_sessions never replies.
  bool answers_refresh = true;     ///< False: the workers never answer.

  /// Whether list_sessions was asked and keeps its caller waiting.
  [[nodiscard]] bool keeps_replies() const { return !kept_.empty(); }

  /// Sets the status and tells who watches.
  void change(daemon::Status status);

  daemon::Status status() const override;
  void refresh_status(std::function<void()> done) override
  {
    if (answers_refresh) done();
  }
  Result<std::string> connect(const daemon::ConnectOrder& order,
                              const daemon::Caller& caller) override;
  Result<std::string> confirm_connection(const daemon::Caller& caller) override;
  Result<> disconnect(const daemon::Caller& caller) override;
  Result<daemon::ProfileSummary> import_profile(const ImportOrder& order,
                                                const daemon::Caller& caller) override;
  Result<std::vector<daemon::ProfileSummary>> list_profiles() const override;
  Result<> remove_profile(const std::string& name, const daemon::Caller& caller) override;
  Result<daemon::SettingsReport> settings() const override;
  config::SettingsResult<daemon::SettingsChange> update_settings(
      const std::vector<config::SettingText>& changes, const daemon::Caller& caller) override;
  Result<std::string> export_settings() const override;
  config::SettingsResult<daemon::SettingsChange> import_settings(
      const std::string& text, const daemon::Caller& caller) override;
  void list_sessions(SessionsReply reply) const override;
  void kick_sessions(const std::string& who, const daemon::Caller& caller,
                     std::function<void(Result<std::uint32_t>)> reply) override;
  Result<daemon::Invitation> invite(const daemon::InviteOrder& order,
                                    const daemon::Caller& caller) override;
  std::unique_ptr<Subscription> on_status_change(std::function<void()> listener) override;

 private:
  std::vector<std::shared_ptr<std::function<void()>>> listeners_;
  mutable std::vector<SessionsReply> kept_;
};

/// A `ControlServer` with `FakeCommands` and a control thread. With ThreadSanitizer the test that
/// makes one is skipped: Debian's gRPC is built without it, so what orders its threads is not seen,
/// and every call is reported as a race.
class FakeDaemon {
 public:
  explicit FakeDaemon(control::ControlOptions options = {});
  ~FakeDaemon();
  FakeDaemon(const FakeDaemon&) = delete;
  FakeDaemon& operator=(const FakeDaemon&) = delete;

  [[nodiscard]] std::filesystem::path socket_path() const { return dir_.path() / "slopnd.sock"; }

  /// Runs `work(commands)` on the control thread and waits for it.
  template <class Work>
  auto on_control(Work work)
  {
    std::packaged_task<std::invoke_result_t<Work, FakeCommands&>()> task{
        [this, &work] { return work(commands_); }};
    auto result = task.get_future();
    asio::post(io_, [&task] { task(); });
    return result.get();
  }

  /// What the daemon logs; from any thread. WatchLogs shows it.
  [[nodiscard]] spdlog::logger& log() { return *log_; }
  /// Control thread only.
  [[nodiscard]] control::EventHub& events() { return events_; }
  [[nodiscard]] control::ControlServer& server() { return *server_; }

  /// Stops the server on the control thread.
  void stop();

 private:
  TemporaryDir dir_{0755};
  asio::io_context io_;
  asio::executor_work_guard<asio::io_context::executor_type> work_{io_.get_executor()};
  FakeCommands commands_;
  control::EventHub events_;
  std::shared_ptr<control::LogRing> log_ring_ = std::make_shared<control::LogRing>();
  std::shared_ptr<spdlog::logger> log_ = std::make_shared<spdlog::logger>("test", log_ring_);
  std::unique_ptr<control::ControlServer> server_;
  std::thread thread_;
};

}  // namespace slopn::test
