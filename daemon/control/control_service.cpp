#include <algorithm>
#include <chrono>
#include <string>

#include "daemon/control/api_level.hpp"
#include "daemon/control/messages.hpp"
#include "daemon/control/serve.hpp"

namespace slopn::control {
namespace {

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

v1::Role to_message(daemon::Role role)
{
  switch (role) {
    case daemon::Role::none:
      return v1::ROLE_UNSPECIFIED;
    case daemon::Role::read:
      return v1::ROLE_READ;
    case daemon::Role::operate:
      return v1::ROLE_OPERATE;
    case daemon::Role::admin:
      return v1::ROLE_ADMIN;
  }
  return v1::ROLE_UNSPECIFIED;
}

}  // namespace

grpc::ServerUnaryReactor* ControlService::GetVersion(Context* context,
                                                     const v1::GetVersionRequest* request,
                                                     v1::GetVersionResponse* response)
{
  return serve(backend_, *context, {.method = "GetVersion", .request = request, .user = user_},
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

grpc::ServerUnaryReactor* ControlService::GetCaller(Context* context,
                                                    const v1::GetCallerRequest* request,
                                                    v1::GetCallerResponse* response)
{
  return serve(
      backend_, *context, {.method = "GetCaller", .request = request, .user = user_},
      [response, user = user_, backend = backend_](daemon::Commands&, const daemon::Caller&) {
        response->set_uid(user.uid);
        response->set_user(backend->user_names.of(user.uid));
        response->set_role(to_message(user.role));
        return grpc::Status::OK;
      });
}

grpc::ServerUnaryReactor* ControlService::Connect(Context* context,
                                                  const v1::ConnectRequest* request,
                                                  v1::ConnectResponse* response)
{
  return serve(backend_, *context, {.method = "Connect", .request = request, .user = user_},
               [request, response, backend = backend_](daemon::Commands& commands,
                                                       const daemon::Caller& caller) {
                 const auto profile = commands.connect(order_in(*request), caller);
                 if (!profile) return profile_failure(profile.error());
                 if (request->has_uri())
                   backend->events.publish(daemon::ProfileChanged{*profile, false});
                 response->set_profile(*profile);
                 return grpc::Status::OK;
               });
}

grpc::ServerUnaryReactor* ControlService::ConfirmConnection(
    Context* context, const v1::ConfirmConnectionRequest* request,
    v1::ConfirmConnectionResponse* response)
{
  return serve(backend_, *context,
               {.method = "ConfirmConnection", .request = request, .user = user_},
               [response](daemon::Commands& commands, const daemon::Caller& caller) {
                 const auto profile = commands.confirm_connection(caller);
                 if (!profile) return to_status(profile.error());
                 response->set_profile(*profile);
                 return grpc::Status::OK;
               });
}

grpc::ServerUnaryReactor* ControlService::Disconnect(Context* context,
                                                     const v1::DisconnectRequest* request,
                                                     v1::DisconnectResponse*)
{
  return serve(backend_, *context, {.method = "Disconnect", .request = request, .user = user_},
               [](daemon::Commands& commands, const daemon::Caller& caller) {
                 const auto done = commands.disconnect(caller);
                 return done ? grpc::Status::OK : to_status(done.error());
               });
}

grpc::ServerUnaryReactor* ControlService::GetStatus(Context* context,
                                                    const v1::GetStatusRequest* request,
                                                    v1::GetStatusResponse* response)
{
  return serve_later(
      backend_, *context, {.method = "GetStatus", .request = request, .user = user_},
      [response](daemon::Commands& commands, const daemon::Caller&, const LaterAnswer& answer) {
        commands.refresh_status([response, answer, &commands] {
          answer([&] {
            *response->mutable_status() = to_message(commands.status());
            return grpc::Status::OK;
          });
        });
      });
}

grpc::ServerUnaryReactor* ControlService::ImportProfile(Context* context,
                                                        const v1::ImportProfileRequest* request,
                                                        v1::ImportProfileResponse* response)
{
  return serve(backend_, *context, {.method = "ImportProfile", .request = request, .user = user_},
               [request, response, backend = backend_](daemon::Commands& commands,
                                                       const daemon::Caller& caller) {
                 const auto profile = commands.import_profile(
                     {request->text(), request->name(), request->replace()}, caller);
                 if (!profile) {
                   const bool taken = profile.error().code == Errc::already_exists;
                   return to_status_for("text", profile.error(),
                                        taken ? "choose another --name, or use --replace" : "");
                 }
                 backend->events.publish(daemon::ProfileChanged{profile->name, false});
                 *response->mutable_profile() = to_message(*profile);
                 return grpc::Status::OK;
               });
}

grpc::ServerUnaryReactor* ControlService::ListProfiles(Context* context,
                                                       const v1::ListProfilesRequest* request,
                                                       v1::ListProfilesResponse* response)
{
  return serve(backend_, *context, {.method = "ListProfiles", .request = request, .user = user_},
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
      backend_, *context, {.method = "GetProfile", .request = request, .user = user_},
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
  return serve(
      backend_, *context, {.method = "RemoveProfile", .request = request, .user = user_},
      [request, backend = backend_](daemon::Commands& commands, const daemon::Caller& caller) {
        const auto removed = commands.remove_profile(request->name(), caller);
        if (removed) {
          backend->events.publish(daemon::ProfileChanged{request->name(), true});
          return grpc::Status::OK;
        }
        if (removed.error().code == Errc::busy) {
          return to_status(removed.error(), "disconnect first: slopnctl disconnect");
        }
        return profile_failure(removed.error());
      });
}

}  // namespace slopn::control
