#pragma once

#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>
#include <sys/types.h>

#include <filesystem>
#include <memory>
#include <vector>

#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "libtunnel/base/unique_fd.hpp"
#include "slopn/control/v1/control.grpc.pb.h"

/// The other end of the control socket, without any of slopnctl.
namespace slopn::test {

/// A connected socket; empty when the connection was refused.
[[nodiscard]] UniqueFd connect_socket(const std::filesystem::path& path);

struct User {
  uid_t uid;
  gid_t gid;
  std::vector<gid_t> groups = {};
};

/// The same as another user. The kernel notes who connects, so one thread becomes that user for a
/// moment; needs root. The socket file must let the user in.
[[nodiscard]] UniqueFd connect_socket_as(const User& user, const std::filesystem::path& path);

/// gRPC on a connected socket.
[[nodiscard]] std::shared_ptr<grpc::Channel> channel_on(UniqueFd socket);

/// A gRPC client on a connected socket.
struct Client {
  explicit Client(UniqueFd socket);
  std::unique_ptr<control::v1::Control::Stub> control;
  std::unique_ptr<control::v1::Gateway::Stub> gateway;
};

/// A context whose call ends after ten seconds, so that a test fails and does not hang.
struct Context : grpc::ClientContext {
  Context();
};

/// GetStatus: the shortest call there is.
[[nodiscard]] grpc::Status ask_status(Client& client, control::v1::Status* answer = nullptr);

/// The one detail of that type in a failed call; an empty message when there is none, or several.
template <class Detail>
[[nodiscard]] Detail detail_as(const grpc::Status& status)
{
  google::rpc::Status rich;
  Detail detail;
  if (!rich.ParseFromString(status.error_details())) return detail;
  int found = 0;
  for (const auto& any : rich.details()) {
    if (any.Is<Detail>() && ++found) any.UnpackTo(&detail);
  }
  return found == 1 ? detail : Detail{};
}

/// The ErrorDetail of a failed call; an empty one when there is none.
[[nodiscard]] control::v1::ErrorDetail detail_of(const grpc::Status& status);

}  // namespace slopn::test
