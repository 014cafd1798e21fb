#include <algorithm>
#include <chrono>
#include <string>

#include "daemon/control/messages.hpp"
#include "daemon/control/serve.hpp"

namespace slopn::control {
namespace {

// Grows by one with every addition to control.proto.
constexpr std::uint32_t kApiLevel = 2;

daemon::ConnectOrder order_in(const v1::ConnectRequest& request)
{
  daemon::ConnectOrder order{daemon::ByName{request.profile()}};
  if (request.has_uri()) order.profile = daemon::ByUri{request.uri()};
  if (request.has_confirm_within()) {
    // Clamped, so that no number overflows; what is out of range is refused all the same.
    constexpr std::int64_t kFarOutSeconds = 1'000'000;
    const auto& within = request.confirm_within();
    order.confirm_within =
        std::chrono::seconds{std::clamp(within.seconds(), -kFarOutSeconds, kFarOutSeconds)} +
        std::chrono::duration_cast<std::chrono::milliseconds>(
            std::chrono::nanoseconds{within.nanos()});
  }
  return order;
}

grpc::Status profile_failure(const Error& error)
{
  const bool unknown = error.code == Errc::not_found;
  return to_status(error, unknown ? "see what there is: slopnctl profile list" : "");
}

}  // namespace

grpc::ServerUnaryReactor* ControlService::GetVersion(Context* context, const v1::GetVersionRequest*,
                                                     v1::GetVersionResponse* response)
{
  return serve(backend_, *context, {.method = "GetVersion", .uid = uid_},
               [response, backend = backend_](daemon::Commands&, const daemon::Caller&) {
                 response->set_version(backend->options.version.version);
                 response->set_api_level(kApiLevel);
                 for (const auto& library : backend->options.version.libraries) {
                   auto& one = *response->add_libraries();
                   one.set_name(library.name);
                   one.set_version(library.version);
                 }
                 return grpc::Status::OK;
               });
}

grpc::ServerUnaryReactor* ControlService::Connect(Context* context,
                                                  const v1::ConnectRequest* request,
                                                  v1::ConnectResponse* response)
{
  return serve(backend_, *context, {.method = "Connect", .audit = Audit::yes, .uid = uid_},
               [request, response](daemon::Commands& commands, const daemon::Caller& caller) {
                 const auto profile = commands.connect(order_in(*request), caller);
                 if (!profile) return profile_failure(profile.error());
                 response->set_profile(*profile);
                 return grpc::Status::OK;
               });
}

grpc::ServerUnaryReactor* ControlService::ConfirmConnection(Context* context,
                                                            const v1::ConfirmConnectionRequest*,
                                                            v1::ConfirmConnectionResponse* response)
{
  return serve(backend_, *context,
               {.method = "ConfirmConnection", .audit = Audit::yes, .uid = uid_},
               [response](daemon::Commands& commands, const daemon::Caller& caller) {
                 const auto profile = commands.confirm_connection(caller);
                 if (!profile) return to_status(profile.error());
                 response->set_profile(*profile);
                 return grpc::Status::OK;
               });
}

grpc::ServerUnaryReactor* ControlService::Disconnect(Context* context, const v1::DisconnectRequest*,
                                                     v1::DisconnectResponse*)
{
  return serve(backend_, *context, {.method = "Disconnect", .audit = Audit::yes, .uid = uid_},
               [](daemon::Commands& commands, const daemon::Caller& caller) {
                 const auto done = commands.disconnect(caller);
                 return done ? grpc::Status::OK : to_status(done.error());
               });
}

grpc::ServerUnaryReactor* ControlService::GetStatus(Context* context, const v1::GetStatusRequest*,
                                                    v1::GetStatusResponse* response)
{
  return serve_later(
      backend_, *context, {.method = "GetStatus", .uid = uid_},
      [response](daemon::Commands& commands, const daemon::Caller&, const LaterAnswer& answer) {
        commands.refresh_status([response, answer, &commands] {
          answer([&] {
            *response->mutable_status() = to_message(commands.status());
            return grpc::Status::OK;
          });
        });
      });
}

grpc::ServerWriteReactor<v1::WatchStatusResponse>* ControlService::WatchStatus(
    Context*, const v1::WatchStatusRequest*)
{
  auto call = WatchCall::start(backend_->options.limits.pending_states,
                               [backend = backend_](const std::shared_ptr<WatchCall>& done) {
                                 backend->calls.remove(done);
                               });
  if (auto added = backend_->calls.add(call); !added.ok()) {
    call->end(added);
    return call.get();
  }
  asio::post(backend_->control, [backend = backend_, call] {
    if (!backend->stopped) backend->watchers.add(call);
  });
  return call.get();
}

grpc::ServerUnaryReactor* ControlService::ImportProfile(Context* context,
                                                        const v1::ImportProfileRequest* request,
                                                        v1::ImportProfileResponse* response)
{
  return serve(
      backend_, *context, {.method = "ImportProfile", .audit = Audit::yes, .uid = uid_},
      [request, response](daemon::Commands& commands, const daemon::Caller& caller) {
        const auto profile =
            commands.import_profile({request->text(), request->name(), request->replace()}, caller);
        if (!profile) {
          const bool taken = profile.error().code == Errc::already_exists;
          return to_status(profile.error(), taken ? "choose another --name, or use --replace" : "");
        }
        *response->mutable_profile() = to_message(*profile);
        return grpc::Status::OK;
      });
}

grpc::ServerUnaryReactor* ControlService::ListProfiles(Context* context,
                                                       const v1::ListProfilesRequest*,
                                                       v1::ListProfilesResponse* response)
{
  return serve(backend_, *context, {.method = "ListProfiles", .uid = uid_},
               [response](daemon::Commands& commands, const daemon::Caller&) {
                 const auto profiles = commands.list_profiles();
                 if (!profiles) return to_status(profiles.error());
                 for (const auto& profile : *profiles) {
                   *response->add_profiles() = to_message(profile);
                 }
                 return grpc::Status::OK;
               });
}

grpc::ServerUnaryReactor* ControlService::GetProfile(Context* context,
                                                     const v1::GetProfileRequest* request,
                                                     v1::GetProfileResponse* response)
{
  return serve(
      backend_, *context, {.method = "GetProfile", .uid = uid_},
      [request, response](daemon::Commands& commands, const daemon::Caller&) {
        const auto profiles = commands.list_profiles();
        if (!profiles) return to_status(profiles.error());
        const auto found =
            std::find_if(profiles->begin(), profiles->end(),
                         [request](const auto& one) { return one.name == request->name(); });
        if (found == profiles->end()) {
          return profile_failure(fail(Errc::not_found, "profile '" + request->name() + "'"));
        }
        *response->mutable_profile() = to_message(*found);
        return grpc::Status::OK;
      });
}

grpc::ServerUnaryReactor* ControlService::RemoveProfile(Context* context,
                                                        const v1::RemoveProfileRequest* request,
                                                        v1::RemoveProfileResponse*)
{
  return serve(backend_, *context, {.method = "RemoveProfile", .audit = Audit::yes, .uid = uid_},
               [request](daemon::Commands& commands, const daemon::Caller& caller) {
                 const auto removed = commands.remove_profile(request->name(), caller);
                 if (removed) return grpc::Status::OK;
                 if (removed.error().code == Errc::busy) {
                   return to_status(removed.error(), "disconnect first: slopnctl disconnect");
                 }
                 return profile_failure(removed.error());
               });
}

}  // namespace slopn::control
