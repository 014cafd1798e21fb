#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <memory>

#include "daemon/commands.hpp"
#include "daemon/control/calls.hpp"
#include "daemon/control/connections.hpp"
#include "daemon/control/control_server.hpp"
#include "daemon/control/watch.hpp"
#include "slopn/control/v1/control.grpc.pb.h"

namespace slopn::control {

/// What all services share. Shared with handlers that wait in the control thread's queue, which
/// find `stopped` set when they come too late.
struct Backend {
  Backend(ControlOptions chosen, daemon::Commands& orders, asio::any_io_executor executor,
          std::shared_ptr<spdlog::logger> logger);

  const ControlOptions options;
  const asio::any_io_executor control;
  OpenCalls calls;

  // Only on the control thread.
  daemon::Commands& commands;
  const std::shared_ptr<spdlog::logger> log;
  Connections connections;
  WatchHub watchers;
  bool stopped = false;
};

/// Both services for one user. A caller's identity is the service it talks to, so it cannot be
/// mistaken, however sockets come and go.
class ControlService final : public slopn::control::v1::Control::CallbackService {
 public:
  ControlService(std::shared_ptr<Backend> backend, uid_t uid)
      : backend_(std::move(backend)), uid_(uid)
  {
  }

 private:
  using Context = grpc::CallbackServerContext;
  using Unary = grpc::ServerUnaryReactor;
  template <class M>
  using Writer = grpc::ServerWriteReactor<M>;

  Unary* GetVersion(Context* context, const v1::GetVersionRequest* request,
                    v1::GetVersionResponse* response) override;
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

  const std::shared_ptr<Backend> backend_;
  const uid_t uid_;
};

class GatewayService final : public slopn::control::v1::Gateway::CallbackService {
 public:
  GatewayService(std::shared_ptr<Backend> backend, uid_t uid)
      : backend_(std::move(backend)), uid_(uid)
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
  const uid_t uid_;
};

}  // namespace slopn::control
