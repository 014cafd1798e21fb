#include "libtunnel/session/gateway_session.hpp"

#include <algorithm>

#include "libtunnel/base/overloaded.hpp"
#include "libtunnel/core/datagram_budget.hpp"
#include "libtunnel/core/wire/concealed_auth.hpp"
#include "libtunnel/core/wire/ip_packet.hpp"
#include "libtunnel/crypto/keys.hpp"
#include "libtunnel/session/request_path.hpp"

namespace slopn::session {
namespace {

// How long somebody may stay without a tunnel, as web servers do it. Otherwise a visitor who sends
// a PING now and then would hold the memory of a connection for ever.
constexpr Clock::duration kVisitTime = std::chrono::seconds(75);

}  // namespace

GatewaySession::GatewaySession(SessionId id, Owner& owner, std::size_t max_queue_bytes,
                               std::uint64_t salt)
    : id_(id),
      owner_(owner),
      http_(quic::Http3Connection::Role::server, *this),
      queue_(max_queue_bytes, salt)
{
}

Result<> GatewaySession::start(const quic::QuicConnection::ServerOrder& order,
                               Clock::time_point now)
{
  now_ = now;
  visit_ends_ = now + kVisitTime;
  auto accepted = quic::QuicConnection::accept(order, http_, now);
  if (!accepted) return accepted.error();
  quic_ = std::move(*accepted);
  http_.attach(*quic_);
  return {};
}

void GatewaySession::read(const quic::UdpPath& path, quic::EcnBits ecn, ByteView packet,
                          Clock::time_point now)
{
  now_ = now;
  quic_->read(path, ecn, packet, now);
  owner_.on_active(*this);
}

void GatewaySession::write(Outbox& outbox, Clock::time_point now)
{
  now_ = now;
  if (tunnel_) queue_.send_queued(*tunnel_, outbox, now);
  do {
    quic_->write(outbox.train(), now);
  } while (outbox.full());
  if (settles_) settles_ = !http_.settle(tunnel_->stream());
}

Clock::time_point GatewaySession::next_deadline() const noexcept
{
  const Clock::time_point quic = quic_->next_deadline();
  return connect_ip_ || quic_->ending() ? quic : std::min(quic, visit_ends_);
}

void GatewaySession::on_deadline(Clock::time_point now)
{
  now_ = now;
  queue_.release_if_idle(now);
  quic_->on_deadline(now);
  if (!connect_ip_ && now >= visit_ends_)
    http_.close(quic::kH3NoError, fail(Errc::timed_out, "visitor without a tunnel"));
  if (connect_ip_ && !quic_->ending()) after_capsules(connect_ip_->on_time(now));
  owner_.on_active(*this);
}

void GatewaySession::send(const offload::Segmenter& packet, const wire::IpHeader& header,
                          Outbox& outbox, Clock::time_point now)
{
  now_ = now;
  if (!connect_ip_) return count_drop(DropReason::not_assigned);
  queue_.send(packet, header, *tunnel_, outbox, now);
}

std::size_t GatewaySession::mtu_bytes() const noexcept
{
  return tunnel_ ? tunnel_->mtu_bytes() : 0;
}

TrafficCounters GatewaySession::counters() const
{
  return tunnel_ ? tunnel_->counters() : TrafficCounters{};
}

void GatewaySession::on_headers(quic::StreamId stream, const quic::HeaderList& headers,
                                quic::MessageEnd end)
{
  if (is_misdirected(headers)) return reply(stream, page_misdirected(headers));
  const bool asks_for_tunnel = headers.get(":method") == "CONNECT" &&
                               headers.get(":protocol") == "connect-ip" &&
                               classify_path(headers.get(":path")) != RequestPath::elsewhere &&
                               end == quic::MessageEnd::more_follows;
  if (asks_for_tunnel) return on_tunnel_request(stream, headers);
  reply(stream, web_page_for(headers));
}

bool GatewaySession::is_misdirected(const quic::HeaderList& request) const
{
  const auto& ours = owner_.admission_rules().hostnames;
  if (ours.empty()) return false;
  const auto authority = wire::split_authority(request.get(":authority"));
  if (!authority) return true;
  std::string_view host = authority->host;
  if (host.starts_with('[')) host = host.substr(1, host.size() - 2);
  return std::ranges::find(ours, host) == ours.end();
}

void GatewaySession::on_tunnel_request(quic::StreamId stream, const quic::HeaderList& request)
{
  // The connection is its client's already, if it has a tunnel.
  auto visitor = tunnel_ ? visitor_ : identify(request);
  if (!visitor) return reply(stream, page_not_found(request));
  // From here on it is a client of ours, so answers may be plain.
  const bool offers_capsules =
      request.get("capsule-protocol") == "?1" && !http_.peer_refuses_datagrams();
  if (tunnel_ || !offers_capsules ||
      classify_path(request.get(":path")) == RequestPath::narrower_tunnel) {
    const char* status = tunnel_ ? "409" : offers_capsules ? "501" : "400";
    if (http_.send_response(stream, {{":status", status}})) http_.finish(stream);
    return;
  }
  tunnel_.emplace(*quic_, stream);
  visitor_ = std::move(visitor);
  wishes_ = wire::parse_wishes(request.get(wire::kFeaturesField));
  owner_.on_admission_wanted(*this, *visitor_);
}

std::optional<Visitor> GatewaySession::identify(const quic::HeaderList& request) const
{
  const AdmissionRules& rules = owner_.admission_rules();
  const UdpEndpoint remote = quic_->path().remote;
  if (const auto key = proven_key(request)) {
    if (const std::string* name = rules.clients.find(*key)) return Visitor{*name, key, remote};
  }
  if (rules.anonymous) return Visitor{"anonymous", std::nullopt, remote};
  return std::nullopt;
}

// The key that the visitor holds: by Concealed authentication, else by a TLS certificate.
std::optional<ClientKey> GatewaySession::proven_key(const quic::HeaderList& request) const
{
  const auto credentials = wire::ConcealedCredentials::parse(request.get("authorization"));
  const auto authority = wire::split_authority(request.get(":authority"));
  if (credentials && authority && credentials->signature_scheme == wire::kSignatureSchemeEd25519) {
    const auto key = crypto::PublicKey::from_bytes(credentials->key_id);
    const auto exported = quic_->export_keying_material(
        wire::kConcealedExporterLabel,
        wire::exporter_context(wire::binding_for(*credentials, authority->host, authority->port)),
        wire::kConcealedExporterBytes);
    if (!key || !exported) return std::nullopt;
    wire::ConcealedExport output{};
    std::ranges::copy(*exported, output.begin());
    const auto check = [&](ByteView message, ByteView signature) {
      return key->verify(message, signature);
    };
    if (!wire::proof_holds(*credentials, key->bytes(), output, check)) return std::nullopt;
    return ClientKey::make(ClientKeyKind::ed25519, key->bytes());
  }
  if (const auto pin = quic_->peer_certificate_pin())
    return ClientKey::make(ClientKeyKind::certificate_spki,
                           view(pin->sha256.data(), pin->sha256.size()));
  return std::nullopt;
}

void GatewaySession::reply(quic::StreamId stream, const WebPage& page)
{
  if (!http_.send_response(stream, page.headers)) return;
  http_.send_body(stream, as_bytes(page.body));
  http_.finish(stream);
}

void GatewaySession::admit(Admission admission)
{
  if (!awaits_admission()) return;
  answered_ = true;
  admission_ = std::move(admission);
  quic_->release_tls();  // who it is does not change any more
  settles_ = true;
  quic::HeaderList answer{{":status", "200"}, {"capsule-protocol", "?1"}};
  const std::string granted = wire::format_grants(wire::wished_part(wishes_, admission_.features));
  if (!granted.empty()) answer.add(wire::kFeaturesField, granted);
  if (!http_.send_response(tunnel_->stream(), answer)) return;
  client_addresses_.assign(admission_.addresses);
  offers_v6_ = mtu_bytes() >= kMinIpV6MtuBytes;
  connect_ip_.emplace(offer_that_fits());
  connect_ip_->on_accepted();
  after_capsules(connect_ip_->on_stream_data(early_capsules_, now_));
  early_capsules_ = {};
  owner_.on_active(*this);
}

void GatewaySession::refuse(std::string_view details)
{
  if (!awaits_admission()) return;
  answered_ = true;
  quic::HeaderList answer{{":status", "503"}};
  answer.add("proxy-status",
             "slopn; error=connection_limit_reached; details=\"" + std::string{details} + "\"");
  if (http_.send_response(tunnel_->stream(), answer)) http_.finish(tunnel_->stream());
  owner_.on_active(*this);
}

void GatewaySession::close(Error reason)
{
  http_.close(quic::kH3NoError, std::move(reason));
  owner_.on_active(*this);
}

// RFC 9484 section 7.1: IPv6 only over a path that carries 1280 bytes.
ConnectIpOffer GatewaySession::offer_that_fits() const
{
  const bool carries_v6 = mtu_bytes() >= kMinIpV6MtuBytes;
  ConnectIpOffer offer;
  for (const IpPrefix& address : admission_.addresses) {
    if (address.version() == IpVersion::v4 || carries_v6) offer.addresses.push_back(address);
  }
  for (const wire::IpRange& route : admission_.routes) {
    if (route.first.version() == IpVersion::v4 || carries_v6) offer.routes.push_back(route);
  }
  return offer;
}

void GatewaySession::on_path_mtu(std::size_t)
{
  const bool carries_v6 = mtu_bytes() >= kMinIpV6MtuBytes;
  if (!connect_ip_ || carries_v6 == offers_v6_) return;
  offers_v6_ = carries_v6;
  connect_ip_->change_offer(offer_that_fits());
  after_capsules({});
}

void GatewaySession::on_body(quic::StreamId stream, ByteView bytes)
{
  if (!tunnel_ || stream != tunnel_->stream()) return;  // a web visitor's upload goes nowhere
  if (connect_ip_) return after_capsules(connect_ip_->on_stream_data(bytes, now_));
  // RFC 9484 section 4.7 lets a client send capsules before the answer; keep what is small.
  if (early_capsules_.size() + bytes.size() > kMaxEarlyCapsuleBytes)
    return http_.close(quic::kH3MessageError, fail(Errc::protocol_violation, "early capsules"));
  early_capsules_.insert(early_capsules_.end(), bytes.begin(), bytes.end());
}

void GatewaySession::on_body_end(quic::StreamId stream)
{
  if (!tunnel_ || stream != tunnel_->stream()) return;
  if (connect_ip_) return after_capsules(connect_ip_->on_stream_end());
  http_.close(quic::kH3NoError, fail(Errc::peer_closed, "client ended the tunnel"));
}

void GatewaySession::on_stream_gone(quic::StreamId stream)
{
  if (tunnel_ && stream == tunnel_->stream())
    http_.close(quic::kH3NoError, fail(Errc::peer_closed, "client ended the tunnel"));
}

// What the capsule logic wants done: send, deliver, or give up.
void GatewaySession::after_capsules(Result<> outcome)
{
  http_.send_body(tunnel_->stream(), connect_ip_->take_output());
  for (const connect_ip::Event& event : connect_ip_->take_events()) {
    if (const auto* received = std::get_if<connect_ip::PacketReceived>(&event))
      take_packet(received->packet);
  }
  if (outcome) return;
  const bool malformed = outcome.error().code == Errc::protocol_violation;
  // One tunnel a connection: what ends the stream may end both (RFC 9114 section 8).
  http_.close(malformed ? quic::kH3MessageError : quic::kH3NoError, std::move(outcome.error()));
}

void GatewaySession::on_datagram(ByteView payload)
{
  if (!tunnel_) return;
  if (const auto packet = tunnel_->unwrap(payload)) take_packet(*packet);
}

void GatewaySession::take_packet(ByteView packet)
{
  const auto header = wire::parse_ip_header(packet);
  if (!header) return count_drop(DropReason::malformed);
  if (!connect_ip_) return count_drop(DropReason::not_assigned);
  if (const auto foreign = client_addresses_.check_from_client(*header))
    return count_drop(*foreign);
  tunnel_->count_received(header->packet_bytes);
  owner_.on_inner_packet(*this, *header, packet.first(header->packet_bytes));
}

}  // namespace slopn::session
