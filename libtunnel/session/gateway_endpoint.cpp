#include "libtunnel/session/gateway_endpoint.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "libtunnel/core/wire/ip_packet.hpp"
#include "libtunnel/quic/worker_steering.hpp"

namespace slopn::session {
namespace {

// While `session`'s code runs, connection IDs that come and go are its.
class InCall {
 public:
  InCall(GatewaySession*& slot, GatewaySession& session) noexcept
      : slot_(slot), before_(std::exchange(slot, &session))
  {
  }
  InCall(const InCall&) = delete;
  InCall& operator=(const InCall&) = delete;
  ~InCall() { slot_ = before_; }

 private:
  GatewaySession*& slot_;
  GatewaySession* before_;
};

}  // namespace

GatewayEndpoint::GatewayEndpoint(GatewayEndpointOptions options, const quic::TlsContext& tls,
                                 AdmissionRules rules, GatewayEndpointListener& listener,
                                 Outlet& outlet)
    : options_(std::move(options)),
      tls_(tls),
      rules_(std::move(rules)),
      listener_(listener),
      door_(options_.reset_secret, quic::ConnectionIdFactory{options_.worker}),
      outbox_(outlet, options_.quic.max_udp_payload_bytes),
      flow_salt_(random_salt()),
      last_id_(options_.worker)
{
}

GatewayEndpoint::~GatewayEndpoint() = default;

void GatewayEndpoint::read(const quic::UdpPath& path, quic::EcnBits ecn, ByteView packet,
                           Clock::time_point now)
{
  const auto destination = quic::destination_of(packet);
  if (!destination) return;
  if (GatewaySession* session = find(*destination)) {
    const InCall guard{in_call_, *session};
    return session->read(path, ecn, packet, now);
  }
  // The kernel has brought it to the wrong worker, as it may while the sockets are being opened.
  // Whatever we answered could end a connection that is alive elsewhere.
  if (quic::worker_for(packet, options_.workers) != options_.worker) return;
  const auto proof = handshakes_.size() >= options_.retry_above_handshakes
                         ? quic::ServerDoor::AddressProof::required
                         : quic::ServerDoor::AddressProof::optional;
  auto decision = door_.decide(path, packet, proof, now);
  if (auto* welcome = std::get_if<quic::ServerDoor::LetIn>(&decision))
    return let_in(path, ecn, packet, std::move(welcome->initial), now);
  if (const auto* reply = std::get_if<quic::ServerDoor::Answer>(&decision))
    answer(path, reply->reply);
}

void GatewayEndpoint::let_in(const quic::UdpPath& path, quic::EcnBits ecn, ByteView packet,
                             quic::AcceptedInitial initial, Clock::time_point now)
{
  if (sessions_.size() >= options_.max_sessions && visitors_.empty()) return;
  last_id_ += options_.workers;
  const SessionId id{last_id_};
  auto made = std::make_unique<GatewaySession>(id, static_cast<Owner&>(*this),
                                               options_.max_queue_bytes, flow_salt_);
  GatewaySession& session = *made;
  {
    const InCall guard{in_call_, session};
    const auto started = session.start({.tls = tls_,
                                        .path = path,
                                        .options = options_.quic,
                                        .initial = std::move(initial),
                                        .id_factory = quic::ConnectionIdFactory{options_.worker},
                                        .registry = *this,
                                        .reset_secret = options_.reset_secret},
                                       now);
    if (!started) return;
    sessions_.emplace(id, std::move(made));
    handshakes_.insert(id);
    visitors_.insert(id);
    session.read(path, ecn, packet, now);
  }
  if (!session.quic().closed()) return keep_limits(now);
  // Garbage. It goes at once, lest it swallow a real first packet that comes right behind it.
  const bool wants_address_proof = session.quic().wants_address_proof();
  std::erase(active_, &session);
  forget(session);
  if (!wants_address_proof) return;
  const auto decision = door_.decide(path, packet, quic::ServerDoor::AddressProof::required, now);
  if (const auto* reply = std::get_if<quic::ServerDoor::Answer>(&decision))
    answer(path, reply->reply);
}

// After a newcomer: not before, because garbage must not end anything.
void GatewayEndpoint::keep_limits(Clock::time_point now)
{
  if (handshakes_.size() > options_.max_handshakes)
    end_at_once(*find(*handshakes_.begin()), now);
  else if (visitors_.size() > options_.max_visitors || sessions_.size() > options_.max_sessions)
    end_at_once(*find(*visitors_.begin()), now);
}

void GatewayEndpoint::end_at_once(GatewaySession& session, Clock::time_point now)
{
  session.close(fail(Errc::busy, "too many visitors"));
  write_session(session, now);
  std::erase(active_, &session);
  forget(session);
}

void GatewayEndpoint::answer(const quic::UdpPath& path, ByteView reply)
{
  quic::PacketTrain& train = outbox_.train();
  std::ranges::copy(reply, train.tail().begin());
  train.append(reply.size(), path, 0);
}

void GatewayEndpoint::send(std::span<const HostPacket> packets, Clock::time_point now)
{
  for (const HostPacket& packet : packets) send_one(packet, now);
}

void GatewayEndpoint::send_one(const HostPacket& packet, Clock::time_point now)
{
  const auto header = wire::parse_ip_header(packet.bytes);
  if (!header) return past_.drops.count(DropReason::malformed);
  const auto found = by_inner_address_.find(header->destination);
  if (found == by_inner_address_.end()) {
    if (!listener_.on_foreign_packet(header->destination, packet))
      past_.drops.count(DropReason::no_route);
    return;
  }
  GatewaySession& session = *found->second;
  const std::size_t mtu_bytes = session.mtu_bytes();
  auto pieces = offload::Segmenter::open({packet.bytes.first(header->packet_bytes), packet.offload},
                                         mtu_bytes);
  if (!pieces) return session.count_drop(DropReason::malformed);
  const auto first = pieces->piece();
  if (first.packet_bytes() > mtu_bytes) {
    session.count_drop(DropReason::too_big);
    return answer_too_big(first, *header, mtu_bytes, now);
  }
  const InCall guard{in_call_, session};
  session.send(*pieces, *header, outbox_, now);
  on_active(session);
}

// In the client's name: the kernel takes no packet from outside that bears its own address.
void GatewayEndpoint::answer_too_big(offload::Segmenter::Piece packet, const wire::IpHeader& header,
                                     std::size_t mtu_bytes, Clock::time_point now)
{
  if (!icmp_limit_.allow(now)) return;
  std::array<std::byte, wire::kMaxIcmpErrorBytes> reply;
  const std::size_t size =
      wire::build_too_big(reply, packet.to_bytes(), header.destination, mtu_bytes);
  if (size > 0) listener_.on_inner_packet(ByteView{reply}.first(size));
}

bool GatewayEndpoint::is_client_address(const IpAddress& address) const noexcept
{
  return std::ranges::any_of(options_.pools,
                             [&](const IpPrefix& pool) { return pool.contains(address); }) &&
         std::ranges::find(options_.own_addresses, address) == options_.own_addresses.end();
}

void GatewayEndpoint::on_inner_packet(GatewaySession& session, const wire::IpHeader& header,
                                      ByteView packet)
{
  if (!options_.client_to_client && is_client_address(header.destination))
    return session.count_drop(DropReason::client_to_client);
  listener_.on_inner_packet(packet);
}

void GatewayEndpoint::on_active(GatewaySession& session)
{
  if (std::exchange(session.marked_active, true)) return;
  active_.push_back(&session);
}

void GatewayEndpoint::on_id_added(const quic::ConnectionId& id)
{
  if (in_call_ == nullptr || !by_connection_id_.emplace(id, in_call_).second) return;
  in_call_->connection_ids.push_back(id);
}

void GatewayEndpoint::on_id_retired(const quic::ConnectionId& id)
{
  const auto found = by_connection_id_.find(id);
  if (found == by_connection_id_.end() || found->second != in_call_) return;
  std::erase(in_call_->connection_ids, id);
  by_connection_id_.erase(found);
  last_read_session_ = nullptr;
}

void GatewayEndpoint::on_admission_wanted(GatewaySession& session, const Visitor& visitor)
{
  listener_.on_admission_wanted(session.id(), visitor);
}

void GatewayEndpoint::flush(Clock::time_point now)
{
  // Asked for from inside a callback: the caller of that session flushes, and QUIC connections
  // must not be written while they are being read.
  if (in_call_ != nullptr || std::exchange(flushing_, true)) return;
  // The listener may make more sessions active (admit, kick): the list grows while it is read.
  for (std::size_t i = 0; i < active_.size(); ++i) {
    GatewaySession& session = *active_[i];
    write_session(session, now);
    session.marked_active = false;
    if (session.quic().handshake_completed() || session.quic().closed())
      handshakes_.erase(session.id());
    if (session.quic().closed())
      forget(session);
    else
      reschedule(session);
  }
  active_.clear();
  outbox_.depart();
  flushing_ = false;
}

void GatewayEndpoint::write_session(GatewaySession& session, Clock::time_point now)
{
  const InCall guard{in_call_, session};
  session.write(outbox_, now);
}

void GatewayEndpoint::reschedule(GatewaySession& session)
{
  const Clock::time_point deadline = session.next_deadline();
  if (deadline == session.scheduled_at) return;
  if (session.scheduled_at != Clock::time_point::max())
    schedule_.erase({session.scheduled_at, session.id()});
  session.scheduled_at = deadline;
  if (deadline != Clock::time_point::max()) schedule_.emplace(deadline, session.id());
}

void GatewayEndpoint::forget(GatewaySession& session)
{
  const SessionId id = session.id();
  // First, so that nothing the listener does can reach it any more.
  const auto kept_until_the_end = sessions_.extract(id);
  schedule_.erase({session.scheduled_at, id});
  handshakes_.erase(id);
  visitors_.erase(id);
  for (const quic::ConnectionId& connection_id : session.connection_ids)
    by_connection_id_.erase(connection_id);
  last_read_session_ = nullptr;
  for (const IpPrefix& address : session.admission().addresses) {
    const auto found = by_inner_address_.find(address.address());
    if (found != by_inner_address_.end() && found->second == &session)
      by_inner_address_.erase(found);
  }
  past_ += session.counters();
  if (session.visitor() && !session.admission().addresses.empty())
    listener_.on_session_over(id, *session.visitor(), session.admission(),
                              session.quic().close_reason());
}

Clock::time_point GatewayEndpoint::next_deadline() const noexcept
{
  return schedule_.empty() ? Clock::time_point::max() : schedule_.begin()->first;
}

void GatewayEndpoint::on_deadline(Clock::time_point now)
{
  while (!schedule_.empty() && schedule_.begin()->first <= now) {
    GatewaySession* session = find(schedule_.begin()->second);
    schedule_.erase(schedule_.begin());
    if (session == nullptr) continue;
    session->scheduled_at = Clock::time_point::max();
    const InCall guard{in_call_, *session};
    session->on_deadline(now);
  }
  flush(now);
}

GatewaySession* GatewayEndpoint::find(SessionId id) const noexcept
{
  const auto found = sessions_.find(id);
  return found == sessions_.end() ? nullptr : found->second.get();
}

GatewaySession* GatewayEndpoint::find(const quic::ConnectionId& id) noexcept
{
  if (last_read_session_ != nullptr && id == last_read_id_) return last_read_session_;
  const auto found = by_connection_id_.find(id);
  if (found == by_connection_id_.end()) return nullptr;
  last_read_id_ = id;
  last_read_session_ = found->second;
  return found->second;
}

bool GatewayEndpoint::admit(SessionId id, Admission admission, Clock::time_point now)
{
  GatewaySession* session = find(id);
  if (session == nullptr || !session->awaits_admission()) return false;
  // A client that comes back before its old connection has timed out takes its addresses over.
  std::vector<SessionId> replaced;
  for (const IpPrefix& address : admission.addresses) {
    GatewaySession*& holder = by_inner_address_[address.address()];
    if (holder != nullptr && holder != session) replaced.push_back(holder->id());
    holder = session;
  }
  {
    const InCall guard{in_call_, *session};
    session->admit(std::move(admission));
  }
  visitors_.erase(id);
  for (const SessionId old : replaced) {
    if (GatewaySession* other = find(old))
      other->close(fail(Errc::refused, "the client has connected anew"));
  }
  flush(now);
  return true;
}

void GatewayEndpoint::refuse(SessionId id, std::string_view details, Clock::time_point now)
{
  GatewaySession* session = find(id);
  if (session == nullptr) return;
  {
    const InCall guard{in_call_, *session};
    session->refuse(details);
  }
  flush(now);
}

void GatewayEndpoint::kick(std::span<const SessionId> ids, Clock::time_point now)
{
  for (const SessionId id : ids) {
    if (GatewaySession* session = find(id))
      session->close(fail(Errc::cancelled, "kicked by the gateway's operator"));
  }
  flush(now);
}

void GatewayEndpoint::end(SessionId id, Error reason, Clock::time_point now)
{
  if (GatewaySession* session = find(id)) session->close(std::move(reason));
  flush(now);
}

void GatewayEndpoint::change_rules(AdmissionRules rules, Clock::time_point now)
{
  rules_ = std::move(rules);
  for (const auto& [id, session] : sessions_) {
    const auto& visitor = session->visitor();
    if (!visitor) continue;
    const bool welcome =
        visitor->key ? rules_.clients.find(*visitor->key) != nullptr : rules_.anonymous;
    if (!welcome) session->close(fail(Errc::auth_rejected, "client was removed"));
  }
  flush(now);
}

void GatewayEndpoint::change_options(const GatewayEndpointOptions& options)
{
  const std::size_t max_udp_payload_bytes = options_.quic.max_udp_payload_bytes;
  options_.quic = options.quic;
  options_.quic.max_udp_payload_bytes = max_udp_payload_bytes;
  options_.max_sessions = options.max_sessions;
  options_.max_handshakes = options.max_handshakes;
  options_.max_visitors = options.max_visitors;
  options_.retry_above_handshakes = options.retry_above_handshakes;
}

void GatewayEndpoint::close(Clock::time_point now)
{
  for (const auto& [id, session] : sessions_)
    session->close(fail(Errc::cancelled, "gateway is stopping"));
  flush(now);
}

void GatewayEndpoint::for_each_session(
    const std::function<void(const GatewaySession&)>& visit) const
{
  for (const auto& [id, session] : sessions_) {
    if (session->admitted() && !session->quic().ending()) visit(*session);
  }
}

}  // namespace slopn::session
