#include "cli/measure/target.hpp"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <random>

#include "libtunnel/base/socket_address.hpp"

namespace slopn::cli {
namespace {

constexpr std::chrono::seconds kConnectTimeout{5};

Failure not_connected(const v1::ClientStatus& client)
{
  if (client.has_connecting() || client.has_reconnecting()) {
    return {ExitCode::not_connected, "not_connected", "slopnd is still connecting",
            "wait until it is connected: slopnctl status --watch"};
  }
  return {ExitCode::not_connected, "not_connected", "there is no tunnel to measure",
          "connect first: slopnctl connect"};
}

Failure not_offered(const std::string& gateway)
{
  return {ExitCode::failed, "not_offered",
          "the gateway " + gateway + " offers no measurements inside this tunnel",
          "its gateway.speedtest may be off, its address not among the routes of this profile, "
          "or it is not slopn"};
}

Failure silent(const MeasureTarget& target, const std::string& why)
{
  return {ExitCode::failed, "unreachable",
          "nobody answers at " + target.gateway.to_string() + " inside the tunnel: " + why,
          "does the tunnel carry anything? slopnctl status"};
}

Outcome<UniqueFd> connect_to(const MeasureTarget& target, int type)
{
  UniqueFd fd{::socket(target.gateway.address.is_v4() ? AF_INET : AF_INET6,
                       type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
  if (!fd) return measure_failure("open a socket", errno);
  sockaddr_storage storage{};
  const socklen_t size = to_socket_address(target.gateway, storage);
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&storage), size) < 0 &&
      errno != EINPROGRESS)
    return silent(target, std::strerror(errno));
  return fd;
}

Outcome<> wait_connected(const MeasureTarget& target, const UniqueFd& fd,
                         std::chrono::steady_clock::time_point deadline)
{
  const auto left =
      std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
  pollfd one{fd.get(), POLLOUT, 0};
  if (::poll(&one, 1, std::max(static_cast<int>(left.count()), 0)) == 0)
    return silent(target, "timed out");
  int error = 0;
  socklen_t size = sizeof error;
  if (::getsockopt(fd.get(), SOL_SOCKET, SO_ERROR, &error, &size) < 0) error = errno;
  if (error != 0) return silent(target, std::strerror(error));
  return {};
}

}  // namespace

Failure measure_failure(const std::string& what, int error)
{
  return {ExitCode::failed, "system", what + ": " + std::strerror(error), ""};
}

Outcome<MeasureTarget> measure_target(const v1::Status& status)
{
  if (status.has_gateway()) {
    return Failure{ExitCode::failed, "invalid_argument",
                   "this slopnd is a gateway; a tunnel is measured from its client's end",
                   "run it where slopnctl connect was run"};
  }
  if (!status.client().has_connected()) return not_connected(status.client());
  const auto& connected = status.client().connected();
  MeasureTarget target;
  target.interface_name = connected.interface_name();
  for (const auto& text : connected.addresses()) {
    if (const auto own = IpInterfaceAddress::parse(text)) target.addresses.push_back(own->address);
  }
  for (const auto& text : connected.measurement_endpoints()) {
    if (const auto endpoint = UdpEndpoint::parse(text)) {
      target.gateway = *endpoint;
      return target;
    }
  }
  return not_offered(connected.gateway());
}

Outcome<UniqueFd> open_udp(const MeasureTarget& target)
{
  auto fd = connect_to(target, SOCK_DGRAM);
  if (!fd) return fd.error();
  sockaddr_storage own{};
  socklen_t size = sizeof own;
  if (::getsockname(fd->get(), reinterpret_cast<sockaddr*>(&own), &size) < 0)
    return measure_failure("look at a socket", errno);
  const auto source = from_socket_address(reinterpret_cast<const sockaddr*>(&own), size).address;
  if (std::ranges::find(target.addresses, source) == target.addresses.end()) {
    return Failure{ExitCode::failed, "unreachable",
                   "the way to " + target.gateway.to_string() + " does not lead through " +
                       target.interface_name,
                   "another route or rule takes it elsewhere: ip route get " +
                       target.gateway.address.to_string()};
  }
  return std::move(*fd);
}

Outcome<std::vector<UniqueFd>> open_tcp(const MeasureTarget& target, unsigned count)
{
  const auto deadline = std::chrono::steady_clock::now() + kConnectTimeout;
  std::vector<UniqueFd> connections;
  while (connections.size() < count) {
    auto fd = connect_to(target, SOCK_STREAM);
    if (!fd) return fd.error();
    connections.push_back(std::move(*fd));
  }
  for (const UniqueFd& fd : connections) {
    if (auto done = wait_connected(target, fd, deadline); !done) return done.error();
  }
  return connections;
}

std::uint64_t random_test_number()
{
  std::random_device random;
  return std::uint64_t{random()} << 32U | random();
}

}  // namespace slopn::cli
