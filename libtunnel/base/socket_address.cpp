#include "libtunnel/base/socket_address.hpp"

#include <netinet/in.h>

#include <cstring>
#include <span>

namespace slopn {

socklen_t to_socket_address(const UdpEndpoint& endpoint, sockaddr_storage& storage) noexcept
{
  const ByteView bytes = endpoint.address.bytes();
  if (endpoint.address.is_v4()) {
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    v4.sin_port = htons(endpoint.port);
    std::memcpy(&v4.sin_addr, bytes.data(), bytes.size());
    std::memcpy(&storage, &v4, sizeof v4);
    return sizeof v4;
  }
  sockaddr_in6 v6{};
  v6.sin6_family = AF_INET6;
  v6.sin6_port = htons(endpoint.port);
  v6.sin6_scope_id = endpoint.scope_id;
  std::memcpy(&v6.sin6_addr, bytes.data(), bytes.size());
  std::memcpy(&storage, &v6, sizeof v6);
  return sizeof v6;
}

UdpEndpoint from_socket_address(const sockaddr* address, socklen_t size) noexcept
{
  UdpEndpoint endpoint;
  if (address->sa_family == AF_INET && size >= sizeof(sockaddr_in)) {
    sockaddr_in v4{};
    std::memcpy(&v4, address, sizeof v4);
    endpoint.address = *IpAddress::from_bytes(std::as_bytes(std::span{&v4.sin_addr, 1}));
    endpoint.port = ntohs(v4.sin_port);
  } else if (address->sa_family == AF_INET6 && size >= sizeof(sockaddr_in6)) {
    sockaddr_in6 v6{};
    std::memcpy(&v6, address, sizeof v6);
    endpoint.address = *IpAddress::from_bytes(std::as_bytes(std::span{&v6.sin6_addr, 1}));
    endpoint.port = ntohs(v6.sin6_port);
    if (endpoint.address.is_link_local()) endpoint.scope_id = v6.sin6_scope_id;
  }
  return endpoint;
}

}  // namespace slopn
