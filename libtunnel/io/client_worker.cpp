#include "libtunnel/io/client_worker.hpp"

#include <boost/asio/this_coro.hpp>

namespace slopn::io {

// One try to connect and, if it succeeds, the tunnel. Kept until its coroutines have ended.
struct ClientWorker::Link {
  Link(asio::any_io_executor executor, LinkOrder taken)
      : order(std::move(taken)), alarm(executor), tasks(executor)
  {
    alarm.be_precise(order.session.quic.pacing);
  }

  LinkOrder order;
  std::unique_ptr<UdpSocket> socket;
  std::unique_ptr<session::ClientSession> session;
  bool configured = false;
  Alarm alarm;
  TaskGroup tasks;
};

ClientWorker::ClientWorker(asio::any_io_executor executor, ClientWorkerListener& listener)
    : executor_(executor), listener_(listener), burials_(executor)
{
}

ClientWorker::~ClientWorker() = default;

void ClientWorker::start_link(LinkOrder order)
{
  end_link();
  const tunnel::LinkId id = order.id;
  auto link = std::make_unique<Link>(executor_, std::move(order));
  auto socket = UdpSocket::connect(executor_, link->order.gateway, link->order.socket);
  if (!socket) return listener_.on_link_lost(id, std::move(socket.error()));
  link->socket = std::move(*socket);

  link_ = std::move(link);  // the session sends its first packet from start()
  auto session = session::ClientSession::start(link_->order.tls,
                                               {link_->socket->local(), link_->order.gateway},
                                               link_->order.session, *this, *this, Clock::now());
  if (!session) {
    link_.reset();
    return listener_.on_link_lost(id, std::move(session.error()));
  }
  link_->session = std::move(*session);
  link_->alarm.set(link_->session->next_deadline());
  link_->tasks.spawn(receive(*link_));
  link_->tasks.spawn(keep_time(*link_));
}

void ClientWorker::drop_link()
{
  end_link();
}

void ClientWorker::drain_link(tunnel::LinkId id)
{
  if (link_ && link_->order.id == id) {
    link_->session->close(Clock::now());
    end_link();
  }
  listener_.on_link_drained(id);
}

void ClientWorker::end_link()
{
  if (!link_) return;
  past_ += link_->session->counters();
  link_->tasks.cancel();
  burials_.spawn(bury(std::move(link_)));
  // What the host had waiting for this link is offered again, and dropped.
  if (pump_) pump_->resume();
}

asio::awaitable<void> ClientWorker::bury(std::unique_ptr<Link> link)
{
  co_await link->tasks.join();
}

asio::awaitable<void> ClientWorker::bury(std::unique_ptr<TunPump> pump)
{
  co_await pump->stop();
}

void ClientWorker::attach_tun(std::unique_ptr<platform::TunDevice> device)
{
  detach_tun();
  to_host_.attach(device.get());
  pump_ =
      std::make_unique<TunPump>(executor_, std::move(device), static_cast<InnerHandler&>(*this));
}

void ClientWorker::detach_tun()
{
  to_host_.attach(nullptr);
  if (pump_) burials_.spawn(bury(std::move(pump_)));
}

asio::awaitable<void> ClientWorker::stop()
{
  end_link();
  detach_tun();
  co_await burials_.join();  // a coroutine: what is above belongs on our executor too
}

ClientCounters ClientWorker::counters() const
{
  ClientCounters counters{past_, std::nullopt};
  if (link_ && link_->session) {
    counters.traffic += link_->session->counters();
    if (link_->configured) counters.smoothed_rtt = link_->session->path_facts().smoothed_rtt;
  }
  counters.traffic.drops.count(DropReason::tun_full, to_host_.dropped_packets());
  return counters;
}

asio::awaitable<void> ClientWorker::receive(Link& link)
{
  co_await asio::this_coro::throw_if_cancelled(false);
  for (;;) {
    auto ready = co_await link.socket->wait_readable();
    bool stop = co_await stop_requested();
    if (stop) co_return;
    if (!ready) {
      lose(link, std::move(ready.error()));
      co_return;
    }
    receive_batch(link);
    stop = co_await stop_requested();  // the batch may have ended the link, and us with it
    if (stop) co_return;
  }
}

void ClientWorker::receive_batch(Link& link)
{
  now_ = Clock::now();
  const auto received = link.socket->receive(*this);
  // ICMP says that nobody is there. Before the tunnel is up that is an answer; afterwards it may be
  // forged, and silence is what ends a connection. "Too long" concerns a probe for the path's MTU.
  const bool probe_too_long =
      !received && received.error().code == boost::system::errc::message_size;
  if (!received && !link.configured && !probe_too_long)
    return lose(link, fail(Errc::unreachable, "gateway at " + link.order.gateway.to_string() +
                                                  " (" + received.error().code.message() + ")"));
  link.session->flush(now_);
  after_activity(link);
}

asio::awaitable<void> ClientWorker::keep_time(Link& link)
{
  co_await asio::this_coro::throw_if_cancelled(false);
  for (;;) {
    const bool rang = co_await link.alarm.wait();
    if (!rang) co_return;
    on_alarm(link);
  }
}

void ClientWorker::on_alarm(Link& link)
{
  now_ = Clock::now();
  link.session->on_deadline(now_);
  after_activity(link);
}

// After anything that may have changed the session.
void ClientWorker::after_activity(Link& link)
{
  to_host_.flush();
  if (link.session->closed()) return lose(link, link.session->close_reason());
  link.alarm.set(link.session->next_deadline());
  if (pump_ && pump_->waiting() && wants_inner_packets()) pump_->resume();
}

void ClientWorker::lose(Link& link, Error reason)
{
  const tunnel::LinkId id = link.order.id;
  if (link_.get() != &link) return;  // it is being buried already
  end_link();
  listener_.on_link_lost(id, std::move(reason));
}

void ClientWorker::on_configured(const session::TunnelParameters& parameters)
{
  link_->configured = true;
  listener_.on_link_configured(
      link_->order.id, {link_->order.gateway, link_->session->handshake_facts(), parameters});
}

void ClientWorker::on_inner_packet(ByteView packet)
{
  to_host_.push(packet);
}

void ClientWorker::send(const quic::PacketTrain& train)
{
  for (const quic::PacketTrain::Run& run : train.runs()) link_->socket->send(run, train.bytes(run));
}

void ClientWorker::on_udp_payload(const quic::UdpPath& path, quic::EcnBits ecn, ByteView payload)
{
  link_->session->read(path, ecn, payload, now_);
}

void ClientWorker::on_inner_packets(std::span<const HostPacket> packets)
{
  if (!link_ || !link_->configured)
    return past_.drops.count(DropReason::tunnel_down, packets.size());
  now_ = Clock::now();
  link_->session->send(packets, now_);
  link_->alarm.set(link_->session->next_deadline());
}

// Without a link they are wanted too: lost here, instead of going out late.
bool ClientWorker::wants_inner_packets() const
{
  return !link_ || !link_->session || link_->session->wants_packets();
}

void ClientWorker::on_inner_pause()
{
  if (!link_) return;
  now_ = Clock::now();  // the packets before the pause may have been dropped without a look at it
  link_->session->flush(now_);
  after_activity(*link_);
}

void ClientWorker::on_tun_lost(Error reason)
{
  listener_.on_tun_lost(std::move(reason));
}

}  // namespace slopn::io
