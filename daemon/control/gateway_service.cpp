#include <algorithm>
#include <vector>

#include "daemon/control/messages.hpp"
#include "daemon/control/serve.hpp"

namespace slopn::control {
namespace {

constexpr std::uint32_t kLongestPage = 1000;

/// The page after `request.after_id`; ids are never used twice, so pages stay in step with sessions
/// that come and go.
void fill_page(v1::ListSessionsResponse& response, const v1::ListSessionsRequest& request,
               std::vector<daemon::SessionInfo> sessions)
{
  std::sort(sessions.begin(), sessions.end(),
            [](const auto& a, const auto& b) { return a.id < b.id; });
  auto next = std::upper_bound(sessions.begin(), sessions.end(), request.after_id(),
                               [](std::uint64_t id, const auto& one) { return id < one.id; });
  const std::uint32_t wanted = request.page_size();
  const std::uint32_t most = wanted == 0 ? kLongestPage : std::min(wanted, kLongestPage);
  for (std::uint32_t i = 0; i < most && next != sessions.end(); ++i, ++next) {
    *response.add_sessions() = to_message(*next);
  }
  if (next != sessions.end()) response.set_next_after_id(std::prev(next)->id);
}

}  // namespace

grpc::ServerUnaryReactor* GatewayService::ListSessions(Context* context,
                                                       const v1::ListSessionsRequest* request,
                                                       v1::ListSessionsResponse* response)
{
  return serve_later(
      backend_, *context, {.method = "ListSessions", .request = request, .user = user_},
      [request, response](daemon::Commands& commands, const daemon::Caller&,
                          const LaterAnswer& answer) {
        commands.list_sessions(
            [request, response, answer](Result<std::vector<daemon::SessionInfo>> sessions) {
              answer([&] {
                if (!sessions) return to_status(sessions.error());
                fill_page(*response, *request, std::move(*sessions));
                return grpc::Status::OK;
              });
            });
      });
}

grpc::ServerUnaryReactor* GatewayService::KickSession(Context* context,
                                                      const v1::KickSessionRequest* request,
                                                      v1::KickSessionResponse* response)
{
  return serve_later(
      backend_, *context, {.method = "KickSession", .request = request, .user = user_},
      [request, response](daemon::Commands& commands, const daemon::Caller& caller,
                          const LaterAnswer& answer) {
        commands.kick_sessions(
            request->who(), caller, [response, answer](const Result<std::uint32_t>& ended) {
              answer([&] {
                if (!ended) {
                  const bool unknown = ended.error().code == Errc::not_found;
                  return to_status(ended.error(),
                                   unknown ? "see who is there: slopnctl gateway sessions" : "");
                }
                response->set_ended(*ended);
                return grpc::Status::OK;
              });
            });
      });
}

grpc::ServerUnaryReactor* GatewayService::Invite(Context* context, const v1::InviteRequest* request,
                                                 v1::InviteResponse* response)
{
  return serve(backend_, *context, {.method = "Invite", .request = request, .user = user_},
               [request, response](daemon::Commands& commands, const daemon::Caller& caller) {
                 const auto invitation = commands.invite(
                     {request->name(), request->public_key(), request->endpoint()}, caller);
                 if (!invitation) return to_status(invitation.error());
                 response->set_uri(invitation->uri);
                 response->set_public_key(invitation->public_key);
                 return grpc::Status::OK;
               });
}

}  // namespace slopn::control
