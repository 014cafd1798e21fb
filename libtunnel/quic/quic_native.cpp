#include "libtunnel/quic/quic_native.hpp"

#include <openssl/rand.h>

#include <cstring>

namespace slopn::quic {
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
  const auto endpoint = [](const ngtcp2_addr& address) {
    return address.addr == nullptr
               ? UdpEndpoint{}
               : from_socket_address(address.addr, static_cast<socklen_t>(address.addrlen));
  };
  return {endpoint(path.local), endpoint(path.remote)};
}

}  // namespace slopn::quic
