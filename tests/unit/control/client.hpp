#pragma once

#include <grpcpp/client_context.h>
#include <sys/types.h>

#include <filesystem>
#include <memory>
#include <vector>

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

/// The ErrorDetail of a failed call; an empty one when there is none.
[[nodiscard]] control::v1::ErrorDetail detail_of(const grpc::Status& status);

}  // namespace slopn::test
