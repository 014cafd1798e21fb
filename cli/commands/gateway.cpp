#include <unistd.h>

#include <chrono>
#include <memory>
#include <optional>
#include <ostream>
#include <vector>

#include "cli/commands/commands.hpp"
#include "cli/daemon_link.hpp"
#include "cli/format/qr_code.hpp"
#include "cli/format/table.hpp"
#include "cli/format/values.hpp"
#include "libtunnel/base/text.hpp"

namespace slopn::cli {
namespace {

Outcome<std::vector<v1::Session>> all_sessions(DaemonLink& link)
{
  std::vector<v1::Session> sessions;
  v1::ListSessionsRequest request;
  for (;;) {
    const auto page = call(link.gateway(), &v1::Gateway::Stub::ListSessions, request);
    if (!page) return page.error();
    sessions.insert(sessions.end(), page->sessions().begin(), page->sessions().end());
    if (page->next_after_id() <= request.after_id()) return sessions;
    request.set_after_id(page->next_after_id());
  }
}

std::vector<std::string> row_of(const v1::Session& session,
                                std::chrono::system_clock::time_point now)
{
  std::string addresses;
  for (const auto& address : session.addresses()) {
    addresses += (addresses.empty() ? "" : ", ") + address;
  }
  const auto age = std::chrono::duration_cast<std::chrono::seconds>(now - to_time(session.since()));
  const auto& traffic = session.traffic();
  return {std::to_string(session.id()),
          session.client(),
          addresses,
          session.remote(),
          human_duration(age),
          human_latency(to_duration(session.smoothed_rtt())),
          human_bytes(traffic.sent_bytes()),
          human_bytes(traffic.received_bytes())};
}

Outcome<ExitCode> list_sessions(const Console& console, const NoOptions&)
{
  auto link = DaemonLink::open(console.socket_path);
  if (!link) return link.error();
  const auto sessions = all_sessions(*link);
  if (!sessions) return sessions.error();
  if (console.json()) {
    Json list = Json::array();
    for (const auto& session : *sessions) list.push_back(to_json(session));
    console.print(Json{{"sessions", list}});
  } else if (sessions->empty()) {
    console.out << "no sessions\n";
  } else {
    const auto now = std::chrono::system_clock::now();
    std::vector<std::vector<std::string>> rows;
    for (const auto& session : *sessions) rows.push_back(row_of(session, now));
    console.out << table({"ID", "CLIENT", "ADDRESSES", "REMOTE", "AGE", "RTT", "SENT", "RECEIVED"},
                         rows, console.out_style);
  }
  return ExitCode::ok;
}

struct KickOptions {
  std::string who;
};

Outcome<ExitCode> kick(const Console& console, const KickOptions& options)
{
  auto link = DaemonLink::open(console.socket_path);
  if (!link) return link.error();
  v1::KickSessionRequest request;
  request.set_who(options.who);
  const auto response = call(link->gateway(), &v1::Gateway::Stub::KickSession, request);
  if (!response) return response.error();
  if (console.json()) {
    console.print(Json{{"ended", response->ended()}});
  } else {
    console.out << "ended " << response->ended()
                << (response->ended() == 1 ? " session\n" : " sessions\n");
  }
  return ExitCode::ok;
}

struct InviteOptions {
  std::string name;
  std::string public_key;
  std::string endpoint;
  std::optional<bool> qr;  // unset: if there is a terminal that is wide enough
};

void print_invitation(const Console& console, const InviteOptions& options,
                      const v1::InviteResponse& invitation)
{
  const Style& style = console.out_style;
  const std::string uri = printable(invitation.uri());
  console.out << uri << '\n';
  const bool wanted = options.qr.value_or(console.out_columns > 0);
  if (const auto code = wanted ? qr_code(invitation.uri(), style) : std::nullopt; code) {
    if (options.qr || code->columns <= console.out_columns) {
      console.out << '\n' << code->lines << '\n';
    } else {
      console.err << "(the terminal is narrower than the QR code's " << code->columns
                  << " columns; --qr prints it all the same)\n";
    }
  }
  if (console.out_columns == 0) return;  // a pipe gets the URI alone
  console.out << "public key: " << printable(invitation.public_key()) << '\n';
  if (options.public_key.empty()) {
    console.out << style.warn("The URI holds the client's private key:")
                << " hand it over in confidence, and only once.\n";
  }
  console.out << "On the client: slopnctl connect -   (then paste the URI and press Ctrl-D)\n";
}

Outcome<ExitCode> invite(const Console& console, const InviteOptions& options)
{
  auto link = DaemonLink::open(console.socket_path);
  if (!link) return link.error();
  v1::InviteRequest request;
  request.set_name(options.name);
  request.set_public_key(options.public_key);
  request.set_endpoint(options.endpoint);
  const auto response = call(link->gateway(), &v1::Gateway::Stub::Invite, request);
  if (!response) return response.error();
  if (console.json()) {
    console.print(Json{
        {"name", options.name}, {"uri", response->uri()}, {"public_key", response->public_key()}});
  } else {
    print_invitation(console, options, *response);
  }
  return ExitCode::ok;
}

void add_kick(Group parent)
{
  auto verb = parent.verb<KickOptions>("kick", "End sessions", kick);
  verb.option("who", verb->who, "WHO",
              "A session's id, a client's name or key, or an inner address")
      ->required();
  verb.explain(
      {.examples = {"slopnctl gateway kick 17", "slopnctl gateway kick laptop"},
       .notes = "The client may come back: remove its key from the gateway to keep it out."});
}

void add_invite(Group parent)
{
  auto verb = parent.verb<InviteOptions>("invite", "Let one more client in", invite);
  verb.option("name", verb->name, "NAME", "What the gateway shall call the client")->required();
  verb.option("--key", verb->public_key, "ed25519:...",
              "The client's own public key (slopnctl keygen); default: a key pair is made and its "
              "private key is put into the URI");
  verb.option("--endpoint", verb->endpoint, "HOST[:PORT]",
              "Where clients reach the gateway; default: what its configuration says");
  verb.flag("--qr,!--no-qr", verb->qr,
            "Show the URI as a QR code too (default: on a terminal), or do not");
  verb.explain(
      {.examples = {
           "slopnctl gateway invite laptop",
           "slopnctl gateway invite laptop --key ed25519:AAAA... --endpoint vpn.example.org:443",
           "slopnctl gateway invite laptop | ssh laptop slopnctl connect -"}});
}

}  // namespace

void add_gateway(Group top)
{
  const Group gateway =
      top.group("gateway", "See and steer who uses this gateway",
                {.section = "On a gateway",
                 .examples = {"slopnctl gateway invite laptop", "slopnctl gateway sessions"}});
  auto sessions = gateway.verb<NoOptions>("sessions", "List who is connected", list_sessions);
  sessions.explain({.examples = {"slopnctl gateway sessions", "slopnctl gateway sessions --json"}});
  add_kick(gateway);
  add_invite(gateway);
}

}  // namespace slopn::cli
