#include "libtunnel/session/client_session.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "libtunnel/base/overloaded.hpp"
#include "libtunnel/core/datagram_budget.hpp"
#include "libtunnel/core/wire/concealed_auth.hpp"
#include "libtunnel/core/wire/ip_packet.hpp"

namespace slopn::session {
namespace {

// Long enough for one round trip of an address that comes unasked, short enough not to be felt.
constexpr Clock::duration kLeastUnsolicitedWait = std::chrono::milliseconds(20);

constexpr wire::FeatureWishes kWishes{.measurement = true};

unsigned status_of(const quic::HeaderList& headers) noexcept
{
  const std::string_view text = headers.get(":status");
  unsigned status = 0;
  std::from_chars(text.data(), text.data() + text.size(), status);
  return status;
}

// RFC 9484 section 4.5: any 2xx, except those that cannot have a body to carry capsules.
bool is_acceptance(unsigned status) noexcept
{
  return status >= 200 && status < 300 && status != 204 && status != 205 && status != 206;
}

// Why the gateway said no, and whether it is worth asking again.
Error refusal(unsigned status, const quic::HeaderList& headers)
{
  const std::string_view proxy_status = headers.get("proxy-status");
  std::string said = "gateway answered " + std::to_string(status);
  if (!proxy_status.empty()) said.append(" (").append(proxy_status).append(")");
  switch (status) {
    case 401:
    case 403:
    case 407:
      return fail(Errc::auth_rejected, said);
    case 404:
      // A gateway of ours hides the tunnel from everybody it does not know.
      return fail(Errc::auth_rejected, said + ": it does not know this client's key");
    case 503:
      if (proxy_status.find("connection_limit_reached") != std::string_view::npos)
        return fail(Errc::pool_exhausted, said);
      return fail(Errc::refused, said);
    default:
      return fail(Errc::refused, said);
  }
}

}  // namespace

ClientSession::ClientSession(ClientSessionOptions options, ClientSessionListener& listener,
                             Outlet& outlet)
    : options_(std::move(options)),
      listener_(listener),
      outbox_(outlet, options_.quic.max_udp_payload_bytes),
      // Packets of the host's batch that is being read may come on top of what fills the queue.
      queue_(2 * options_.max_queue_bytes, random_salt()),
      http_(quic::Http3Connection::Role::client, *this),
      health_(options_.health),
      connect_ip_(options_.connect_ip)
{
}

Result<std::unique_ptr<ClientSession>> ClientSession::start(const quic::TlsContext& tls,
                                                            const quic::UdpPath& path,
                                                            ClientSessionOptions options,
                                                            ClientSessionListener& listener,
                                                            Outlet& outlet, Clock::time_point now)
{
  std::unique_ptr<ClientSession> session{new ClientSession{std::move(options), listener, outlet}};
  auto connection = quic::QuicConnection::connect(
      {.tls = tls, .path = path, .options = session->options_.quic}, session->http_, now);
  if (!connection) return connection.error();
  session->quic_ = std::move(*connection);
  session->http_.attach(*session->quic_);
  session->flush(now);
  return session;
}

void ClientSession::read(const quic::UdpPath& path, quic::EcnBits ecn, ByteView packet,
                         Clock::time_point now)
{
  now_ = now;
  quic_->read(path, ecn, packet, now);
}

void ClientSession::send(std::span<const HostPacket> packets, Clock::time_point now)
{
  now_ = now;
  if (!tunnel_) return;
  for (const HostPacket& packet : packets) send_one(packet);
  outbox_.depart();
}

bool ClientSession::wants_packets() const noexcept
{
  return queue_.size_bytes() < options_.max_queue_bytes;
}

void ClientSession::send_one(const HostPacket& packet)
{
  const auto header = wire::parse_ip_header(packet.bytes);
  if (const auto refused = why_not_to_leave(header, packet.bytes))
    return tunnel_->count_drop(*refused);
  const std::size_t mtu_bytes = tunnel_->mtu_bytes();
  auto pieces = offload::Segmenter::open(packet, mtu_bytes);
  if (!pieces) return tunnel_->count_drop(DropReason::malformed);
  const auto first = pieces->piece();
  if (first.packet_bytes() > mtu_bytes) {
    tunnel_->count_drop(DropReason::too_big);
    return answer_too_big(first, *header);
  }
  queue_.send(*pieces, *header, *tunnel_, outbox_, now_);
}

void ClientSession::flush(Clock::time_point now)
{
  now_ = now;
  if (tunnel_) queue_.send_queued(*tunnel_, outbox_, now);
  do {
    quic_->write(outbox_.train(), now);
  } while (outbox_.full());
  outbox_.depart();
  note_health();
}

Clock::time_point ClientSession::next_deadline() const noexcept
{
  if (quic_->ending()) return quic_->next_deadline();
  const auto own = connect_ip_.next_deadline();
  return std::min(
      {quic_->next_deadline(), health_.next_deadline(), own.value_or(Clock::time_point::max())});
}

void ClientSession::on_deadline(Clock::time_point now)
{
  now_ = now;
  queue_.release_if_idle(now);
  quic_->on_deadline(now);
  judge_health();
  if (!quic_->ending()) after_capsules(connect_ip_.on_time(now));
  flush(now);
}

void ClientSession::migrate(const quic::UdpPath& path, Clock::time_point now)
{
  now_ = now;
  if (auto moved = quic_->migrate(path, now); moved)
    health_.on_moved(now);
  else
    fail_with(quic::kH3NoError, fail(Errc::unreachable, moved.error().message()));
  flush(now);
}

void ClientSession::doubt(Clock::time_point now)
{
  now_ = now;
  health_.on_doubt(now);
  quic_->demand_answer();
  flush(now);
}

// The handshake has deadlines of its own.
void ClientSession::note_health()
{
  if (!reported_ || quic_->ending()) return;
  const quic::PathFacts facts = quic_->path_facts();
  if (quic_->path_confirmed()) health_.on_confirmed(now_);
  health_.note(std::exchange(heard_packets_, facts.received_packets) != facts.received_packets,
               facts.answer_due, facts.probe_timeout, now_);
}

// One last packet tells the gateway: it may still hear us.
void ClientSession::judge_health()
{
  if (quic_->ending()) return;
  switch (health_.on_time(now_)) {
    case PathHealth::Verdict::good:
      return;
    case PathHealth::Verdict::ask:
      return quic_->demand_answer();
    case PathHealth::Verdict::silent:
      return fail_with(quic::kH3NoError, fail(Errc::timed_out, "the gateway fell silent"));
    case PathHealth::Verdict::not_confirmed:
      return fail_with(quic::kH3NoError,
                       fail(Errc::timed_out, "the gateway does not hear us on the new path"));
    case PathHealth::Verdict::no_way:
      return fail_with(quic::kH3NoError, fail(Errc::unreachable, "no way to the gateway"));
  }
}

void ClientSession::close(Clock::time_point now)
{
  quic_->close(quic::kH3NoError, fail(Errc::cancelled, "tunnel"));
  flush(now);
}

TrafficCounters ClientSession::counters() const
{
  return tunnel_ ? tunnel_->counters() : TrafficCounters{};
}

void ClientSession::on_ready(bool allows_tunnels)
{
  if (!allows_tunnels || quic_->max_datagram_bytes() == 0)
    return fail_with(quic::kH3NoError,
                     fail(Errc::refused, "server offers no CONNECT-IP (RFC 9484)"));
  auto request = make_request();
  if (!request) return fail_with(quic::kH3InternalError, std::move(request.error()));
  const auto stream = http_.send_request(*request);
  if (!stream) return fail_with(quic::kH3InternalError, stream.error());
  tunnel_.emplace(*quic_, *stream);
  listener_.on_phase(tunnel::Phase::authenticating);
}

Result<quic::HeaderList> ClientSession::make_request() const
{
  quic::HeaderList request{{":method", "CONNECT"},   {":protocol", "connect-ip"},
                           {":scheme", "https"},     {":authority", options_.authority},
                           {":path", options_.path}, {"capsule-protocol", "?1"}};
  if (const std::string wishes = wire::format_wishes(kWishes); !wishes.empty())
    request.add(wire::kFeaturesField, wishes);
  if (const auto* bearer = std::get_if<BearerCredentials>(&options_.credentials))
    request.add("authorization", "Bearer " + bearer->token.reveal());
  if (const auto* concealed = std::get_if<ConcealedKey>(&options_.credentials)) {
    const auto authorization = concealed_authorization(concealed->key);
    if (!authorization) return authorization.error();
    request.add("authorization", *authorization);
  }
  return request;
}

// RFC 9729 section 3: a signature over what only the two ends of this connection can compute.
Result<std::string> ClientSession::concealed_authorization(const crypto::KeyPair& key) const
{
  const auto authority = wire::split_authority(options_.authority);
  if (!authority) return fail(Errc::invalid_argument, "authority " + options_.authority);
  const ByteView public_key = key.public_key().bytes();

  wire::ConcealedCredentials credentials;
  credentials.key_id.assign(public_key.begin(), public_key.end());
  credentials.public_key.assign(public_key.begin(), public_key.end());
  const ByteVector context =
      wire::exporter_context(wire::binding_for(credentials, authority->host, authority->port));
  const auto exported = quic_->export_keying_material(wire::kConcealedExporterLabel, context,
                                                      wire::kConcealedExporterBytes);
  if (!exported) return exported.error();
  wire::ConcealedExport output{};
  std::ranges::copy(*exported, output.begin());

  const ByteView verification = wire::verification(output);
  credentials.verification.assign(verification.begin(), verification.end());
  const auto signature = key.sign(wire::signed_content(wire::signature_input(output)));
  const ByteView proof = view(signature.data(), signature.size());
  credentials.proof.assign(proof.begin(), proof.end());
  return credentials.format();
}

void ClientSession::on_headers(quic::StreamId stream, const quic::HeaderList& headers,
                               quic::MessageEnd end)
{
  if (!tunnel_ || stream != tunnel_->stream() || accepted_) return;
  const unsigned status = status_of(headers);
  if (status >= 100 && status < 200) return;  // interim: the answer is still to come
  if (!is_acceptance(status) || end == quic::MessageEnd::complete)
    return fail_with(quic::kH3NoError, refusal(status, headers));
  accepted_ = true;
  listener_.on_phase(tunnel::Phase::configuring);
  features_ = wire::wished_part(kWishes, wire::parse_grants(headers.get(wire::kFeaturesField)));
  connect_ip_.on_accepted(
      now_, std::max<Clock::duration>(quic_->path_facts().smoothed_rtt, kLeastUnsolicitedWait));
  after_capsules({});
}

void ClientSession::on_body(quic::StreamId stream, ByteView bytes)
{
  if (tunnel_ && stream == tunnel_->stream() && accepted_)
    after_capsules(connect_ip_.on_stream_data(bytes, now_));
}

void ClientSession::on_body_end(quic::StreamId stream)
{
  if (tunnel_ && stream == tunnel_->stream()) after_capsules(connect_ip_.on_stream_end());
}

void ClientSession::on_stream_gone(quic::StreamId stream)
{
  if (tunnel_ && stream == tunnel_->stream())
    fail_with(quic::kH3NoError, fail(Errc::peer_closed, "gateway ended the tunnel"));
}

void ClientSession::fail_with(quic::AppErrorCode code, Error reason)
{
  http_.close(code, std::move(reason));
}

// What the capsule logic wants done: send, report, or give up.
void ClientSession::after_capsules(Result<> outcome)
{
  if (!tunnel_) return;
  http_.send_body(tunnel_->stream(), connect_ip_.take_output());
  for (connect_ip::Event& event : connect_ip_.take_events()) {
    std::visit(Overloaded{
                   [&](connect_ip::Configured& configured) { configured_ = std::move(configured); },
                   [&](connect_ip::PacketReceived& received) { take_packet(received.packet); },
               },
               event);
  }
  if (!outcome) {
    const bool malformed = outcome.error().code == Errc::protocol_violation;
    return fail_with(malformed ? quic::kH3MessageError : quic::kH3NoError,
                     std::move(outcome.error()));
  }
  report();
}

// Tells the listener what has changed, if there is an address to use.
void ClientSession::report()
{
  if (!configured_) return;
  TunnelParameters now_valid;
  now_valid.mtu_bytes = std::min(tunnel_->mtu_bytes(), options_.max_mtu_bytes);
  const bool carries_v6 = now_valid.mtu_bytes >= kMinIpV6MtuBytes;
  for (const IpPrefix& address : configured_->addresses) {
    if (address.version() == IpVersion::v4 || carries_v6) now_valid.addresses.push_back(address);
  }
  if (configured_->routes) now_valid.routes = *configured_->routes;
  now_valid.features = features_;
  if (now_valid.addresses.empty() || now_valid == reported_) return;
  own_addresses_.assign(now_valid.addresses);
  reported_ = now_valid;
  listener_.on_configured(now_valid);
}

void ClientSession::on_path_mtu(std::size_t)
{
  report();
}

void ClientSession::on_datagram(ByteView payload)
{
  if (!tunnel_) return;
  if (const auto packet = tunnel_->unwrap(payload)) take_packet(*packet);
}

void ClientSession::take_packet(ByteView packet)
{
  const auto header = wire::parse_ip_header(packet);
  if (!header) return tunnel_->count_drop(DropReason::malformed);
  if (const auto foreign = own_addresses_.check_from_gateway(*header))
    return tunnel_->count_drop(*foreign);
  tunnel_->count_received(header->packet_bytes);
  listener_.on_inner_packet(packet.first(header->packet_bytes));
}

std::optional<DropReason> ClientSession::why_not_to_leave(
    const std::optional<wire::IpHeader>& header, ByteView packet) const
{
  if (!header || header->packet_bytes != packet.size()) return DropReason::malformed;
  if (!reported_) return DropReason::not_assigned;
  return own_addresses_.check_from_client(*header);
}

// From the destination, as a router on the way has no address here; RFC 9484 section 7.2.
void ClientSession::answer_too_big(offload::Segmenter::Piece packet, const wire::IpHeader& header)
{
  if (!icmp_limit_.allow(now_)) return;
  std::array<std::byte, wire::kMaxIcmpErrorBytes> answer;
  const std::size_t size =
      wire::build_too_big(answer, packet.to_bytes(), header.destination, tunnel_->mtu_bytes());
  if (size > 0) listener_.on_inner_packet(ByteView{answer}.first(size));
}

}  // namespace slopn::session
