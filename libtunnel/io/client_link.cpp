#include "libtunnel/io/client_link.hpp"

#include <boost/asio/this_coro.hpp>
#include <utility>

namespace slopn::io {
namespace {

// Some round trips: until the gateway has noticed that we moved, and its last packets have come.
constexpr Clock::duration kFormerSocketStays = std::chrono::seconds(1);

}  // namespace

ClientLink::ClientLink(asio::any_io_executor executor, Order order, ClientLinkListener& listener)
    : executor_(executor),
      order_(std::move(order)),
      listener_(listener),
      alarm_(executor),
      tasks_(executor)
{
  alarm_.be_precise(order_.session.quic.pacing);
}

ClientLink::~ClientLink() = default;

Result<std::unique_ptr<ClientLink>> ClientLink::start(asio::any_io_executor executor, Order order,
                                                      ClientLinkListener& listener)
{
  std::unique_ptr<ClientLink> link{new ClientLink{executor, std::move(order), listener}};
  auto socket = UdpSocket::connect(executor, link->order_.gateway, link->order_.socket);
  if (!socket) return socket.error();
  link->socket_ = std::move(*socket);  // the session sends its first packet from start()
  auto session = session::ClientSession::start(link->order_.tls,
                                               {link->socket_->local(), link->order_.gateway},
                                               link->order_.session, *link, *link, Clock::now());
  if (!session) return session.error();
  link->session_ = std::move(*session);
  link->alarm_.set(link->session_->next_deadline());
  link->tasks_.spawn(link->receive(link->socket_));
  link->tasks_.spawn(link->keep_time());
  return link;
}

void ClientLink::send(std::span<const HostPacket> packets, Clock::time_point now)
{
  session_->send(packets, now);
  alarm_.set(session_->next_deadline());
}

void ClientLink::on_inner_pause()
{
  now_ = Clock::now();  // the packets before the pause may have been dropped without a look at it
  session_->flush(now_);
  after_activity();
}

void ClientLink::close()
{
  session_->close(Clock::now());
}

void ClientLink::stop()
{
  stopped_ = true;
  tasks_.cancel();
}

asio::awaitable<void> ClientLink::bury()
{
  co_await tasks_.join();
}

asio::awaitable<void> ClientLink::receive(std::shared_ptr<UdpSocket> socket)
{
  co_await asio::this_coro::throw_if_cancelled(false);
  for (;;) {
    auto ready = co_await socket->wait_readable();
    bool stop = co_await stop_requested();
    if (stop || socket->closed()) co_return;
    if (!ready) {
      listener_.on_lost(*this, std::move(ready.error()));
      co_return;
    }
    receive_batch(*socket);
    stop = co_await stop_requested();  // the batch may have ended the link
    if (stop || socket->closed()) co_return;
  }
}

void ClientLink::receive_batch(UdpSocket& socket)
{
  if (stopped_) return;
  now_ = Clock::now();
  const auto received = socket.receive(*this);
  // ICMP says that nobody is there. Before the tunnel is up that is an answer; afterwards it may be
  // forged, and silence is what ends a connection. "Too long" concerns a probe for the path's MTU.
  const bool probe_too_long =
      !received && received.error().code == boost::system::errc::message_size;
  if (!received && !configured_ && !probe_too_long)
    return listener_.on_lost(
        *this, fail(Errc::unreachable, "gateway at " + order_.gateway.to_string() + " (" +
                                           received.error().code.message() + ")"));
  session_->flush(now_);
  after_activity();
}

void ClientLink::move()
{
  auto socket = UdpSocket::connect(executor_, order_.gateway, order_.socket);
  if (!socket) return listener_.on_lost(*this, std::move(socket.error()));
  now_ = Clock::now();
  close_former();
  former_ = std::exchange(socket_, std::move(*socket));
  moved_at_ = now_;
  tasks_.spawn(receive(socket_));
  session_->migrate({socket_->local(), order_.gateway}, now_);
  after_activity();
}

void ClientLink::close_former()
{
  if (former_) former_->close();
  former_.reset();
}

void ClientLink::lose_way()
{
  session_->lose_way(Clock::now());
  alarm_.set(session_->next_deadline());
}

void ClientLink::doubt()
{
  now_ = Clock::now();
  session_->doubt(now_);
  after_activity();
}

asio::awaitable<void> ClientLink::keep_time()
{
  co_await asio::this_coro::throw_if_cancelled(false);
  for (;;) {
    const bool rang = co_await alarm_.wait();
    if (!rang) co_return;
    on_alarm();
  }
}

void ClientLink::on_alarm()
{
  if (stopped_) return;
  now_ = Clock::now();
  session_->on_deadline(now_);
  after_activity();
}

// After anything that may have changed the session.
void ClientLink::after_activity()
{
  if (const auto phase = std::exchange(new_phase_, std::nullopt)) listener_.on_phase(*this, *phase);
  if (const auto parameters = std::exchange(new_parameters_, std::nullopt); parameters && !stopped_)
    listener_.on_configured(*this, *parameters);
  if (stopped_) return;
  if (session_->closed()) return listener_.on_lost(*this, session_->close_reason());
  if (former_ && session_->path_confirmed() && now_ - moved_at_ > kFormerSocketStays)
    close_former();
  alarm_.set(session_->next_deadline());
  listener_.on_activity(*this);
}

void ClientLink::on_phase(tunnel::Phase phase)
{
  new_phase_ = phase;
}

void ClientLink::on_configured(const session::TunnelParameters& parameters)
{
  configured_ = true;
  new_parameters_ = parameters;
}

void ClientLink::on_inner_packet(ByteView packet)
{
  listener_.on_inner_packet(packet);
}

void ClientLink::send(const quic::PacketTrain& train)
{
  for (const quic::PacketTrain::Run& run : train.runs()) socket_->send(run, train.bytes(run));
}

void ClientLink::on_udp_payload(const quic::UdpPath& path, quic::EcnBits ecn, ByteView payload)
{
  // What still comes to a former address is as good: QUIC proves who sent it.
  session_->read({socket_->local(), path.remote}, ecn, payload, now_);
}

}  // namespace slopn::io
