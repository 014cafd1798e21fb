#include <memory>
#include <ostream>
#include <string>

#include "cli/commands/commands.hpp"
#include "cli/follow.hpp"
#include "cli/format/spinner.hpp"
#include "cli/format/status_text.hpp"
#include "cli/format/values.hpp"
#include "cli/input.hpp"
#include "cli/names.hpp"
#include "libtunnel/base/text.hpp"

namespace slopn::cli {
namespace {

struct ConnectOptions {
  std::string target;
  bool wait = true;
  unsigned timeout_seconds = 30;
  unsigned confirm_seconds = 0;  ///< 0: no confirmation is needed.
};

Outcome<v1::ConnectRequest> request_for(const ConnectOptions& options)
{
  v1::ConnectRequest request;
  if (options.target == "-") {
    auto uri = read_standard_input();
    if (!uri) return uri.error();
    request.set_uri(*uri);
  } else if (is_profile_uri(options.target)) {
    request.set_uri(options.target);
  } else if (!options.target.empty()) {
    request.set_profile(options.target);
  }
  if (options.confirm_seconds > 0) {
    request.mutable_confirm_within()->set_seconds(options.confirm_seconds);
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
  if (state.has_confirm_until()) {
    console.out << console.out_style.warn("It ends at " +
                                          local_time(to_time(state.confirm_until())) +
                                          " unless you keep it:")
                << " slopnctl confirm\n";
  }
}

/// Follows the tries of one `connect`, and keeps why the last one failed.
class Progress {
 public:
  Progress(const Console& console, std::string profile)
      : console_(console), profile_(std::move(profile)), spinner_(console)
  {
  }

  Verdict operator()(const v1::WatchStatusResponse& change)
  {
    const v1::ClientStatus& client = change.status().client();
    const bool first = std::exchange(first_, false);
    switch (client.state_case()) {
      case v1::ClientStatus::kConnected:
        spinner_.clear();
        print_connected(console_, change.status());
        return ExitCode::ok;
      case v1::ClientStatus::kDisconnected:
        if (client.disconnected().has_reason()) return to_failure(client.disconnected().reason());
        if (first) return std::nullopt;  // our call has been accepted, but not begun
        return Failure{ExitCode::failed, "cancelled", "somebody else asked to disconnect"};
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
    spinner_.show(
        status_line(change.status(), Style{Colour::off}, std::chrono::system_clock::now()));
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
  Spinner spinner_;
};

Outcome<ExitCode> connect(const Console& console, const ConnectOptions& options)
{
  const auto request = request_for(options);
  if (!request) return request.error();
  auto link = DaemonLink::open(console.socket_path);
  if (!link) return link.error();
  const auto response = call(link->control(), &v1::Control::Stub::Connect, *request);
  if (!response) return with_profile_suggestion(*link, response.error(), request->profile());
  if (!options.wait) {
    if (console.json()) {
      console.print(Json{{"profile", response->profile()}});
    } else {
      console.out << "connecting to " << printable(response->profile()) << '\n';
    }
    return ExitCode::ok;
  }

  const auto progress = std::make_unique<Progress>(console, response->profile());
  auto end = follow(*link, std::chrono::seconds{options.timeout_seconds}, std::ref(*progress));
  if (!end && end.error().exit == ExitCode::timed_out && end.error().reason == "timed_out" &&
      end.error().error_class.empty()) {
    return progress->timed_out(options.timeout_seconds);
  }
  return end;
}

Outcome<ExitCode> confirm(const Console& console, const NoOptions&)
{
  auto link = DaemonLink::open(console.socket_path);
  if (!link) return link.error();
  const auto response =
      call(link->control(), &v1::Control::Stub::ConfirmConnection, v1::ConfirmConnectionRequest{});
  if (!response) return response.error();
  if (console.json()) {
    console.print(Json{{"profile", response->profile()}});
  } else {
    console.out << "the connection to " << printable(response->profile()) << " stays\n";
  }
  return ExitCode::ok;
}

}  // namespace

void add_connect(Group top)
{
  auto verb = top.verb<ConnectOptions>("connect", "Connect to a gateway", connect);
  verb.option("target", verb->target, "PROFILE|URI",
              "A stored profile, a slopn:// URI, or - to read a URI from standard input; default: "
              "the only profile there is, or the one the settings name",
              {Candidates::Kind::profiles});
  verb.flag("--wait,!--no-wait", verb->wait,
            "Wait until connected and show what happens (default), or return at once");
  verb.number("--timeout", verb->timeout_seconds, "SECONDS",
              "How long to wait; slopnd goes on trying. 0: for ever", 0U, 86'400U)
      ->capture_default_str();
  verb.number("--confirm", verb->confirm_seconds, "SECONDS",
              "Disconnect again after so long unless slopnctl confirm is called meanwhile; 1 to "
              "3600",
              1U, 3'600U);
  verb.explain({.section = "Connecting",
                .examples = {"slopnctl connect", "slopnctl connect office --timeout 10",
                             "slopnctl connect office --confirm 60 && slopnctl confirm",
                             "slopnctl connect - < invitation.txt"},
                .notes = "--confirm is for hosts that are reached over the network: if the tunnel "
                         "locks you out, it ends by itself.\n"
                         "A URI on the command line is seen by ps and kept by the shell; - avoids "
                         "both.",
                .exits = "0 connected, 6 authentication refused, 7 timed out, 1 ended otherwise"});
}

void add_confirm(Group top)
{
  auto verb =
      top.verb<NoOptions>("confirm", "Keep a connection made with connect --confirm", confirm);
  verb.explain({.section = "Connecting",
                .examples = {"slopnctl confirm"},
                .notes = "Call it from a session that goes over the new connection: that it "
                         "arrives is the proof."});
}

}  // namespace slopn::cli
