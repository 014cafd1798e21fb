#include <iostream>
#include <memory>
#include <string>

#include "cli/commands/commands.hpp"
#include "cli/follow.hpp"
#include "cli/format/status_text.hpp"
#include "cli/format/values.hpp"
#include "cli/input.hpp"
#include "libtunnel/base/text.hpp"

namespace slopn::cli {
namespace {

struct ConnectOptions {
  std::string target;
  bool wait = true;
  unsigned timeout_seconds = 30;
  unsigned confirm_seconds = 0;  ///< 0: no confirmation needed.
};

Outcome<v1::ConnectRequest> request_for(const std::string& target)
{
  v1::ConnectRequest request;
  if (target == "-") {
    auto uri = read_standard_input();
    if (!uri) return uri.error();
    request.set_uri(*uri);
  } else if (is_profile_uri(target)) {
    request.set_uri(target);
  } else if (!target.empty()) {
    request.set_profile(target);
  }
  return request;
}

void print_connected(const Console& console, const v1::Status& status)
{
  if (console.json()) return console.print(to_json(status));
  const auto& state = status.client().connected();
  std::string addresses;
  for (const auto& address : state.addresses()) {
    addresses += (addresses.empty() ? "" : ", ") + printable(address);
  }
  console.out << console.out_style.good("connected") << " to "
              << console.out_style.strong(printable(state.profile())) << ": " << addresses << " on "
              << printable(state.interface_name()) << ", MTU " << state.mtu_bytes() << '\n';
}

/// Follows the tries of one `connect`, and keeps why the last one failed.
class Progress {
 public:
  Progress(const Console& console, std::string profile)
      : console_(console), profile_(std::move(profile))
  {
  }

  Verdict operator()(const v1::WatchStatusResponse& change)
  {
    const v1::ClientStatus& client = change.status().client();
    const bool first = std::exchange(first_, false);
    switch (client.state_case()) {
      case v1::ClientStatus::kConnected:
        print_connected(console_, change.status());
        return ExitCode::ok;
      case v1::ClientStatus::kDisconnected:
        if (client.disconnected().has_reason()) return to_failure(client.disconnected().reason());
        if (first) return std::nullopt;  // our call has been accepted, but not begun
        return Failure{ExitCode::failed, "cancelled", "somebody else asked to disconnect", ""};
      case v1::ClientStatus::kFailed:
        return to_failure(client.failed().error());
      case v1::ClientStatus::kReconnecting:
        reason_ = client.reconnecting().reason();
        break;
      case v1::ClientStatus::kConnecting:
      case v1::ClientStatus::kDisconnecting:
      case v1::ClientStatus::STATE_NOT_SET:
        break;
    }
    console_.progress(
        status_line(change.status(), console_.err_style, std::chrono::system_clock::now()));
    return std::nullopt;
  }

  /// What to say when time is up.
  [[nodiscard]] Failure timed_out(unsigned seconds) const
  {
    std::string message =
        "not connected to " + profile_ + " after " + std::to_string(seconds) + " s";
    if (reason_.has_value()) message += ": " + reason_->message();
    return {ExitCode::timed_out, "timed_out", message,
            "slopnd goes on trying: slopnctl status --watch shows it, slopnctl disconnect ends it"};
  }

 private:
  const Console& console_;
  std::string profile_;
  std::optional<v1::ErrorDetail> reason_;
  bool first_ = true;
};

Outcome<ExitCode> connect(const Console& console, const ConnectOptions& options)
{
  auto request = request_for(options.target);
  if (!request) return request.error();
  if (options.confirm_seconds > 0)
    request->mutable_confirm_within()->set_seconds(options.confirm_seconds);
  auto link = DaemonLink::open(console.socket_path);
  if (!link) return link.error();
  const auto response = call(link->control(), &v1::Control::Stub::Connect, *request);
  if (!response) return response.error();
  if (!options.wait) {
    if (console.json()) {
      console.print(Json{{"profile", response->profile()}});
    } else {
      console.out << "connecting to " << printable(response->profile()) << '\n';
    }
    return ExitCode::ok;
  }

  Progress progress{console, response->profile()};
  auto end = follow(*link, std::chrono::seconds{options.timeout_seconds}, std::ref(progress));
  if (!end && end.error().exit == ExitCode::timed_out && end.error().reason == "timed_out") {
    return progress.timed_out(options.timeout_seconds);
  }
  return end;
}

}  // namespace

void add_connect(CLI::App& parent, Run& chosen)
{
  auto* command = parent.add_subcommand("connect", "Connect to a gateway");
  const auto options = std::make_shared<ConnectOptions>();
  command
      ->add_option("target", options->target,
                   "A stored profile, a slopn:// URI, or - to read a URI from standard input; "
                   "default: the only profile there is, or the one slopnd is configured for")
      ->type_name("PROFILE|URI");
  command->add_flag("--wait,!--no-wait", options->wait,
                    "Wait until connected and show what happens (default), or return at once");
  command
      ->add_option("--timeout", options->timeout_seconds,
                   "How long to wait; slopnd goes on trying. 0: for ever")
      ->type_name("SECONDS")
      ->check(CLI::Range(0U, 86'400U))
      ->capture_default_str();
  command
      ->add_option("--confirm", options->confirm_seconds,
                   "Disconnect again after this time, unless a second connect confirms it")
      ->type_name("SECONDS")
      ->check(CLI::Range(1U, 3'600U));
  command->footer(
      "Examples:\n"
      "  slopnctl connect\n"
      "  slopnctl connect office --timeout 10\n"
      "  slopnctl connect - < invitation.txt      (a URI on the command line is seen by ps)\n"
      "Exit: 0 connected, 6 authentication refused, 7 timed out, 1 ended otherwise.");
  command->callback([&chosen, options] {
    chosen = [options](const Console& console) { return connect(console, *options); };
  });
}

}  // namespace slopn::cli
