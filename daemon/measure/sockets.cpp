#include "daemon/measure/sockets.hpp"

#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <string>

#include "libtunnel/base/socket_address.hpp"

namespace slopn::measure {
namespace {

constexpr int kBacklog = 64;

Error last_os_error(std::string_view operation, const UdpEndpoint& at)
{
  const boost::system::error_code code{errno, boost::system::system_category()};
  return fail(code, std::string{operation} + " " + at.to_string());
}

bool switch_on(int fd, int level, int name) noexcept
{
  constexpr int on = 1;
  return ::setsockopt(fd, level, name, &on, sizeof on) == 0;
}

Result<UniqueFd> open_bound(const UdpEndpoint& at, int type, std::string_view interface_name)
{
  const bool v4 = at.address.is_v4();
  UniqueFd fd{::socket(v4 ? AF_INET : AF_INET6, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
  if (!fd) return last_os_error("open a socket for", at);
  const auto name_size = static_cast<socklen_t>(interface_name.size());
  if (::setsockopt(fd.get(), SOL_SOCKET, SO_BINDTODEVICE, interface_name.data(), name_size) < 0)
    return last_os_error("bind to " + std::string{interface_name} + " for", at);
  const bool set = v4 ? switch_on(fd.get(), IPPROTO_IP, IP_FREEBIND)
                      : switch_on(fd.get(), IPPROTO_IPV6, IPV6_FREEBIND) &&
                            switch_on(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY);
  // A restarted gateway must not wait for its last connections to be forgotten.
  if (!set || (type == SOCK_STREAM && !switch_on(fd.get(), SOL_SOCKET, SO_REUSEADDR)))
    return last_os_error("prepare a socket for", at);
  sockaddr_storage storage{};
  const socklen_t size = to_socket_address(at, storage);
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&storage), size) < 0)
    return last_os_error("bind to", at);
  return fd;
}

}  // namespace

Result<UniqueFd> listen_tcp(const UdpEndpoint& at, std::string_view interface_name)
{
  auto fd = open_bound(at, SOCK_STREAM, interface_name);
  if (fd && ::listen(fd->get(), kBacklog) < 0) return last_os_error("listen at", at);
  return fd;
}

Result<UniqueFd> open_udp(const UdpEndpoint& at, std::string_view interface_name)
{
  return open_bound(at, SOCK_DGRAM, interface_name);
}

}  // namespace slopn::measure
