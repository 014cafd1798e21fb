#include "libtunnel/io/gateway_worker.hpp"

#include <algorithm>

namespace slopn::io {

GatewayWorker::GatewayWorker(asio::any_io_executor executor, Setup setup,
                             GatewayWorkerListener& listener)
    : executor_(executor),
      listener_(listener),
      number_(setup.endpoint.worker),
      exchange_(setup.exchange),
      endpoint_(std::move(setup.endpoint), setup.tls, std::move(setup.rules), *this, *this),
      alarm_(executor),
      tasks_(executor),
      burials_(executor)
{
}

GatewayWorker::~GatewayWorker() = default;

Result<std::unique_ptr<GatewayWorker>> GatewayWorker::start(asio::any_io_executor executor,
                                                            Setup setup,
                                                            GatewayWorkerListener& listener)
{
  const bool pacing = setup.endpoint.quic.pacing;
  setup.socket.share = {.workers = setup.endpoint.workers, .worker = setup.endpoint.worker};
  std::vector<std::unique_ptr<UdpSocket>> sockets;
  for (const UdpEndpoint& local : setup.listen) {
    auto socket = UdpSocket::listen(executor, local, setup.socket);
    if (!socket) return socket.error();
    sockets.push_back(std::move(*socket));
  }
  std::unique_ptr<GatewayWorker> made{new GatewayWorker{executor, std::move(setup), listener}};
  made->alarm_.be_precise(pacing);
  made->sockets_ = std::move(sockets);
  if (made->exchange_ != nullptr)
    made->exchange_->join(made->number_, executor, [worker = made.get()] { worker->on_mail(); });
  for (const auto& socket : made->sockets_) made->tasks_.spawn(made->receive(*socket));
  made->tasks_.spawn(made->keep_time());
  return made;
}

void GatewayWorker::attach_tun(std::unique_ptr<platform::TunDevice> device)
{
  detach_tun();
  to_host_.attach(device.get());
  pump_ =
      std::make_unique<TunPump>(executor_, std::move(device), static_cast<InnerHandler&>(*this));
}

void GatewayWorker::detach_tun()
{
  to_host_.attach(nullptr);
  if (pump_) burials_.spawn(bury(std::move(pump_)));
}

asio::awaitable<void> GatewayWorker::bury(std::unique_ptr<TunPump> pump)
{
  co_await pump->stop();
}

asio::awaitable<void> GatewayWorker::stop()
{
  stopped_ = true;
  endpoint_.close(Clock::now());
  detach_tun();
  tasks_.cancel();
  co_await tasks_.join();
  co_await burials_.join();
}

bool GatewayWorker::admit(session::SessionId id, session::Admission admission)
{
  const bool admitted = endpoint_.admit(id, std::move(admission), Clock::now());
  after_activity();
  return admitted;
}

void GatewayWorker::refuse(session::SessionId id, std::string_view details)
{
  endpoint_.refuse(id, details, Clock::now());
  after_activity();
}

void GatewayWorker::kick(std::span<const session::SessionId> ids)
{
  endpoint_.kick(ids, Clock::now());
  after_activity();
}

void GatewayWorker::end(session::SessionId id, Error reason)
{
  endpoint_.end(id, std::move(reason), Clock::now());
  after_activity();
}

void GatewayWorker::change_rules(session::AdmissionRules rules)
{
  endpoint_.change_rules(std::move(rules), Clock::now());
  after_activity();
}

GatewayReport GatewayWorker::report() const
{
  GatewayReport report;
  report.traffic = endpoint_.past_counters();
  report.traffic.drops.count(DropReason::tun_full, to_host_.dropped_packets());
  if (exchange_ != nullptr)
    report.traffic.drops.count(DropReason::congestion, exchange_->dropped_packets(number_));
  endpoint_.for_each_session([&](const session::GatewaySession& session) {
    report.traffic += session.counters();
    session::Visitor visitor = *session.visitor();
    visitor.remote = session.quic().path().remote;  // it may have moved since it was let in
    report.sessions.push_back({session.id(), std::move(visitor), session.admission().addresses,
                               session.quic().path_facts().smoothed_rtt, session.counters()});
  });
  return report;
}

asio::awaitable<void> GatewayWorker::receive(UdpSocket& socket)
{
  co_await asio::this_coro::throw_if_cancelled(false);
  for (;;) {
    const auto ready = co_await socket.wait_readable();
    const bool stop = co_await stop_requested();
    if (stop) co_return;
    if (!ready) co_return;  // only a closed socket cannot be waited for
    now_ = Clock::now();
    // An error here is what ICMP said about some client's address: it concerns nobody else.
    (void)socket.receive(*this);
    endpoint_.flush(now_);
    after_activity();
  }
}

asio::awaitable<void> GatewayWorker::keep_time()
{
  co_await asio::this_coro::throw_if_cancelled(false);
  for (;;) {
    const bool rang = co_await alarm_.wait();
    if (!rang) co_return;
    on_alarm();
  }
}

void GatewayWorker::on_alarm()
{
  now_ = Clock::now();
  endpoint_.on_deadline(now_);
  after_activity();
}

void GatewayWorker::after_activity()
{
  to_host_.flush();
  alarm_.set(endpoint_.next_deadline());
}

void GatewayWorker::on_inner_packet(ByteView packet)
{
  to_host_.push(packet);
}

void GatewayWorker::on_admission_wanted(session::SessionId id, const session::Visitor& visitor)
{
  listener_.on_admission_wanted(id, visitor);
}

void GatewayWorker::on_session_over(session::SessionId id, const session::Visitor& visitor,
                                    const session::Admission& admission, const Error& reason)
{
  listener_.on_session_over(id, visitor, admission, reason);
}

void GatewayWorker::send(const quic::PacketTrain& train)
{
  for (const quic::PacketTrain::Run& run : train.runs()) {
    if (UdpSocket* socket = socket_for(run.path)) socket->send(run, train.bytes(run));
  }
}

// Answers leave from where the question came in.
UdpSocket* GatewayWorker::socket_for(const quic::UdpPath& path) noexcept
{
  const auto serves = [&](const std::unique_ptr<UdpSocket>& socket) {
    const UdpEndpoint& local = socket->local();
    return local.port == path.local.port &&
           local.address.version() == path.remote.address.version() &&
           (local.address.is_unspecified() || local.address == path.local.address);
  };
  const auto found = std::ranges::find_if(sockets_, serves);
  return found == sockets_.end() ? nullptr : found->get();
}

void GatewayWorker::on_udp_payload(const quic::UdpPath& path, quic::EcnBits ecn, ByteView payload)
{
  endpoint_.read(path, ecn, payload, now_);
}

void GatewayWorker::on_inner_packets(std::span<const HostPacket> packets)
{
  now_ = Clock::now();
  endpoint_.send(packets, now_);
}

bool GatewayWorker::on_foreign_packet(const IpAddress& destination, const HostPacket& packet)
{
  // What was handed over once stays, lest it go round in circles while a client moves.
  return exchange_ != nullptr && !reading_mail_ &&
         exchange_->hand_over(number_, destination, packet);
}

void GatewayWorker::on_mail()
{
  if (stopped_) return;
  now_ = Clock::now();
  exchange_->collect(number_, mail_);
  reading_mail_ = true;
  endpoint_.send(mail_.packets(), now_);
  reading_mail_ = false;
  endpoint_.flush(now_);
  after_activity();
}

void GatewayWorker::on_inner_pause()
{
  endpoint_.flush(now_);
  after_activity();
}

void GatewayWorker::on_tun_lost(Error reason)
{
  // A pump that was taken away is not heard any more, so it is the present one.
  if (pump_) listener_.on_tun_lost(pump_->device().index(), std::move(reason));
}

}  // namespace slopn::io
