#include "tests/unit/control/client.hpp"

#include <fcntl.h>
#include <grpcpp/create_channel_posix.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include <chrono>
#include <thread>

namespace slopn::test {

namespace v1 = control::v1;

UniqueFd connect_socket(const std::filesystem::path& path)
{
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.native().copy(address.sun_path, sizeof address.sun_path - 1);
  UniqueFd socket{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) < 0) {
    return UniqueFd{};
  }
  ::fcntl(socket.get(), F_SETFL, O_NONBLOCK);
  return socket;
}

UniqueFd connect_socket_as(const User& user, const std::filesystem::path& path)
{
  UniqueFd socket;
  std::thread{[&] {
    // The system calls themselves change one thread only; glibc's functions change all.
    if (::syscall(SYS_setgroups, user.groups.size(), user.groups.data()) == 0 &&
        ::syscall(SYS_setresgid, -1, user.gid, -1) == 0 &&
        ::syscall(SYS_setresuid, -1, user.uid, -1) == 0) {
      socket = connect_socket(path);
    }
  }}.join();
  return socket;
}

std::shared_ptr<grpc::Channel> channel_on(UniqueFd socket)
{
  return grpc::CreateInsecureChannelFromFd("slopnd", socket.release());
}

Client::Client(UniqueFd socket)
{
  const auto channel = channel_on(std::move(socket));
  control = v1::Control::NewStub(channel);
  gateway = v1::Gateway::NewStub(channel);
}

Context::Context()
{
  set_deadline(std::chrono::system_clock::now() + std::chrono::seconds{10});
}

grpc::Status ask_status(Client& client, v1::Status* answer)
{
  Context context;
  v1::GetStatusResponse response;
  auto status = client.control->GetStatus(&context, {}, &response);
  if (answer != nullptr) *answer = response.status();
  return status;
}

v1::ErrorDetail detail_of(const grpc::Status& status)
{
  return detail_as<v1::ErrorDetail>(status);
}

}  // namespace slopn::test
