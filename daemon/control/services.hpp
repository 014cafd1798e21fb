#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <memory>

#include "daemon/commands.hpp"
#include "daemon/control/audit_log.hpp"
#include "daemon/control/calls.hpp"
#include "daemon/control/connections.hpp"
#include "daemon/control/control_server.hpp"
#include "daemon/control/gate.hpp"
#include "daemon/control/log_hub.hpp"
#include "daemon/control/status_hub.hpp"
#include "slopn/control/v1/control.grpc.pb.h"

namespace slopn::control {

/// What all services share. Shared with handlers that wait in the control thread's queue, which
/// find `stopped` set when they come too late.
struct Backend {
  Backend(ControlOptions chosen, ControlParts parts, asio::any_io_executor executor);

  /// Takes other grants; calls that rest on the old ones end.
  void change_grants(std::vector<daemon::Grant> grants);
  /// Ends everything that is open. `commands` is not called again.
  void stop();

  const ControlOptions options;
  const asio::any_io_executor control;
  OpenCalls calls;

  // Only on the control thread.
  daemon::Commands& commands;
  EventHub& events;
  const std::shared_ptr<spdlog::logger> log;
  AuditLog audit;
  Connections connections;
  StatusHub watchers;
  const std::shared_ptr<LogHub> logs;
  std::unique_ptr<daemon::Commands::Subscription> status_changes;  // for the events
  std::vector<daemon::Grant> grants;                               // all of them, with the group's
  std::uint64_t grants_version = 1;
  UserNames user_names;
  bool stopped = false;
};

/// Both services for one user. A caller's identity and role are those of the service it talks to, so
/// they cannot be mistaken, however sockets come and go.
class ControlService final : public slopn::control::v1::Control::CallbackService {
 public:
  ControlService(std::shared_ptr<Backend> backend, const ServedUser& user)
      : backend_(std::move(backend)), user_(user)
  {
  }

 private:
  using Context = grpc::CallbackServerContext;
  using Unary = grpc::ServerUnaryReactor;
  template <class M>
  using Writer = grpc::ServerWriteReactor<M>;

  Unary* GetVersion(Context* context, const v1::GetVersionRequest* request,
                    v1::GetVersionResponse* response) override;
  Unary* GetCaller(Context* context, const v1::GetCallerRequest* request,
                   v1::GetCallerResponse* response) override;
  Unary* Connect(Context* context, const v1::ConnectRequest* request,
                 v1::ConnectResponse* response) override;
  Unary* ConfirmConnection(Context* context, const v1::ConfirmConnectionRequest* request,
                           v1::ConfirmConnectionResponse* response) override;
  Unary* Disconnect(Context* context, const v1::DisconnectRequest* request,
                    v1::DisconnectResponse* response) override;
  Unary* GetStatus(Context* context, const v1::GetStatusRequest* request,
                   v1::GetStatusResponse* response) override;
  Writer<v1::WatchStatusResponse>* WatchStatus(Context* context,
                                               const v1::WatchStatusRequest* request) override;
  Writer<v1::WatchEventsResponse>* WatchEvents(Context* context,
                                               const v1::WatchEventsRequest* request) override;
  Writer<v1::WatchLogsResponse>* WatchLogs(Context* context,
                                           const v1::WatchLogsRequest* request) override;
  Unary* SetLogLevel(Context* context, const v1::SetLogLevelRequest* request,
                     v1::SetLogLevelResponse* response) override;
  Unary* ImportProfile(Context* context, const v1::ImportProfileRequest* request,
                       v1::ImportProfileResponse* response) override;
  Unary* ListProfiles(Context* context, const v1::ListProfilesRequest* request,
                      v1::ListProfilesResponse* response) override;
  Unary* GetProfile(Context* context, const v1::GetProfileRequest* request,
                    v1::GetProfileResponse* response) override;
  Unary* RemoveProfile(Context* context, const v1::RemoveProfileRequest* request,
                       v1::RemoveProfileResponse* response) override;
  Unary* GetSettings(Context* context, const v1::GetSettingsRequest* request,
                     v1::GetSettingsResponse* response) override;
  Unary* UpdateSettings(Context* context, const v1::UpdateSettingsRequest* request,
                        v1::UpdateSettingsResponse* response) override;
  Unary* ExportSettings(Context* context, const v1::ExportSettingsRequest* request,
                        v1::ExportSettingsResponse* response) override;
  Unary* ImportSettings(Context* context, const v1::ImportSettingsRequest* request,
                        v1::ImportSettingsResponse* response) override;
  Unary* Diagnose(Context* context, const v1::DiagnoseRequest* request,
                  v1::DiagnoseResponse* response) override;

  const std::shared_ptr<Backend> backend_;
  const ServedUser user_;
};

class GatewayService final : public slopn::control::v1::Gateway::CallbackService {
 public:
  GatewayService(std::shared_ptr<Backend> backend, const ServedUser& user)
      : backend_(std::move(backend)), user_(user)
  {
  }

 private:
  using Context = grpc::CallbackServerContext;
  using Unary = grpc::ServerUnaryReactor;

  Unary* ListSessions(Context* context, const v1::ListSessionsRequest* request,
                      v1::ListSessionsResponse* response) override;
  Unary* KickSession(Context* context, const v1::KickSessionRequest* request,
                     v1::KickSessionResponse* response) override;
  Unary* Invite(Context* context, const v1::InviteRequest* request,
                v1::InviteResponse* response) override;

  const std::shared_ptr<Backend> backend_;
  const ServedUser user_;
};

}  // namespace slopn::control
