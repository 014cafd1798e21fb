#include "libtunnel/quic/quic_native.hpp"

#include <openssl/rand.h>

#include <cstring>

namespace slopn::quic {
namespace {

UdpEndpoint from_socket_address(const ngtcp2_addr& address) noexcept
{
  UdpEndpoint endpoint;
  if (address.addrlen == sizeof(sockaddr_in)) {
    sockaddr_in v4{};
    std::memcpy(&v4, address.addr, sizeof v4);
    endpoint.address = *IpAddress::from_bytes(
        {reinterpret_cast<const std::byte*>(&v4.sin_addr), sizeof v4.sin_addr});
    endpoint.port = ntohs(v4.sin_port);
  } else if (address.addrlen == sizeof(sockaddr_in6)) {
    sockaddr_in6 v6{};
    std::memcpy(&v6, address.addr, sizeof v6);
    endpoint.address = *IpAddress::from_bytes(
        {reinterpret_cast<const std::byte*>(&v6.sin6_addr), sizeof v6.sin6_addr});
    endpoint.port = ntohs(v6.sin6_port);
    endpoint.scope_id = v6.sin6_scope_id;
  }
  return endpoint;
}

}  // namespace

std::size_t to_socket_address(const UdpEndpoint& endpoint, sockaddr_storage& storage) noexcept
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

ngtcp2_cid random_id(std::size_t size_bytes) noexcept
{
  ngtcp2_cid id{};
  id.datalen = size_bytes;
  RAND_bytes(id.data, size_bytes);
  return id;
}

NativePath::NativePath(const UdpPath& path) noexcept
{
  sockaddr_storage local{};
  sockaddr_storage remote{};
  // ngtcp2 compares whole paths: both ends must be of one family.
  UdpEndpoint local_end = path.local;
  if (local_end.address.version() != path.remote.address.version())
    local_end.address = IpAddress::any(path.remote.address.version());
  const auto local_size = to_socket_address(local_end, local);
  const auto remote_size = to_socket_address(path.remote, remote);
  ngtcp2_path_storage_init(&storage_, reinterpret_cast<const ngtcp2_sockaddr*>(&local),
                           static_cast<ngtcp2_socklen>(local_size),
                           reinterpret_cast<const ngtcp2_sockaddr*>(&remote),
                           static_cast<ngtcp2_socklen>(remote_size), nullptr);
}

UdpPath from_native(const ngtcp2_path& path) noexcept
{
  return {from_socket_address(path.local), from_socket_address(path.remote)};
}

}  // namespace slopn::quic
