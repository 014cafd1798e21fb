#include "tests/bench/fleet/client.hpp"

#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>

#include "libtunnel/base/socket_address.hpp"

namespace slopn::fleet {
namespace {

Error last_os_error(std::string_view operation)
{
  return fail({errno, boost::system::system_category()}, operation);
}

Result<UniqueFd> connected_socket(const UdpEndpoint& remote)
{
  const int family = remote.address.is_v4() ? AF_INET : AF_INET6;
  UniqueFd fd{::socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
  if (!fd) return last_os_error("open UDP socket");
  sockaddr_storage address{};
  const socklen_t size = to_socket_address(remote, address);
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), size) < 0)
    return last_os_error("connect UDP socket");
  return fd;
}

UdpEndpoint local_end(int socket)
{
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  if (::getsockname(socket, reinterpret_cast<sockaddr*>(&address), &size) < 0) return {};
  return from_socket_address(reinterpret_cast<const sockaddr*>(&address), size);
}

}  // namespace

crypto::KeyPair key_of_client(std::size_t number)
{
  crypto::KeyPair::Seed seed{'f', 'l', 'e', 'e', 't'};
  for (std::size_t i = 0; i < sizeof number; ++i)
    seed[8 + i] = static_cast<std::uint8_t>(number >> (8 * i));
  return crypto::KeyPair::from_seed(Secret{seed});
}

Result<> Client::start(const Order& order, Clock::time_point now)
{
  auto socket = connected_socket(order.gateway);
  if (!socket) return socket.error();
  socket_ = std::move(*socket);
  path_ = {local_end(socket_.get()), order.gateway};
  started_at_ = now;
  configured_ = false;

  session::ClientSessionOptions options;
  options.authority = order.gateway.to_string();
  options.credentials = session::ConcealedKey{key_of_client(number_)};
  options.quic.keep_alive = order.keep_alive;
  options.quic.idle_timeout = std::chrono::seconds(60);
  auto session =
      session::ClientSession::start(order.tls, path_, std::move(options), *this, *this, now);
  if (!session) return session.error();
  session_ = std::move(*session);
  return {};
}

void Client::on_readable(std::span<std::byte> buffer, Clock::time_point now)
{
  for (;;) {
    const ssize_t size = ::recv(socket_.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (size < 0) break;  // nothing more, or what ICMP said: the handshake's time-out judges that
    session_->read(path_, 0, buffer.first(static_cast<std::size_t>(size)), now);
  }
  session_->flush(now);
}

Clock::time_point Client::next_deadline() const noexcept
{
  return session_ && !session_->closed() ? session_->next_deadline() : Clock::time_point::max();
}

void Client::stop(Clock::time_point now)
{
  if (session_ && !session_->closed()) session_->close(now);
  session_.reset();
  socket_ = {};
  configured_ = false;
  counted = false;
}

void Client::send(const quic::PacketTrain& train)
{
  for (const quic::PacketTrain::Run& run : train.runs()) {
    ByteView rest = train.bytes(run);
    while (!rest.empty()) {
      const ByteView payload = rest.first(std::min(run.segment_bytes, rest.size()));
      (void)::send(socket_.get(), payload.data(), payload.size(), MSG_DONTWAIT);
      rest = rest.subspan(payload.size());
    }
  }
}

}  // namespace slopn::fleet
