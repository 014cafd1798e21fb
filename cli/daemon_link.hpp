#pragma once

#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>

#include <chrono>
#include <filesystem>
#include <memory>

#include "cli/exit_code.hpp"
#include "slopn/control/v1/control.grpc.pb.h"

namespace slopn::cli {

/// How long a call may take that the daemon answers from memory.
inline constexpr std::chrono::seconds kCallTimeout{10};

/// A connection to slopnd, over a socket that was checked before gRPC got it: whoever listens there
/// runs as root, as the user slopn or as this user. So an absent daemon is known at once, and an
/// impostor too.
class DaemonLink {
 public:
  [[nodiscard]] static Outcome<DaemonLink> open(const std::filesystem::path& socket_path);

  [[nodiscard]] v1::Control::Stub& control() { return *control_; }
  [[nodiscard]] v1::Gateway::Stub& gateway() { return *gateway_; }

 private:
  explicit DaemonLink(const std::shared_ptr<grpc::Channel>& channel)
      : control_(v1::Control::NewStub(channel)), gateway_(v1::Gateway::NewStub(channel))
  {
  }

  std::unique_ptr<v1::Control::Stub> control_;
  std::unique_ptr<v1::Gateway::Stub> gateway_;
};

/// One call and its answer: `call(link.control(), &v1::Control::Stub::GetStatus, request)`.
template <class Stub, class Request, class Response>
[[nodiscard]] Outcome<Response> call(Stub& stub,
                                     grpc::Status (Stub::*method)(grpc::ClientContext*,
                                                                  const Request&, Response*),
                                     const Request& request)
{
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + kCallTimeout);
  Response response;
  const grpc::Status status = (stub.*method)(&context, request, &response);
  if (!status.ok()) return to_failure(status);
  return response;
}

}  // namespace slopn::cli
