#include "tests/support/http3_peers.hpp"

#include <algorithm>
#include <array>
#include <stdexcept>

#include "libtunnel/core/wire/concealed_auth.hpp"
#include "tests/support/tunnel_hosts.hpp"

namespace slopn::test {
namespace {

constexpr Clock::duration kPatience = std::chrono::seconds(5);

template <class T>
T must(Result<T> result)
{
  if (!result) throw std::runtime_error(result.error().message());
  return std::move(*result);
}

}  // namespace

Http3Peer::Http3Peer(SimulatedNetwork& network, UdpEndpoint address,
                     quic::Http3Connection::Role role)
    : network_(network), address_(address), http_(role, *this)
{
}

bool Http3Peer::send_datagram(ByteView payload)
{
  const std::array payloads = {payload};
  const bool taken = quic_->write_datagram(payloads, train_, network_.now());
  flush(network_.now());
  return taken;
}

void Http3Peer::flush(Clock::time_point now)
{
  if (!quic_) return;
  bool full = true;
  while (full) {
    quic_->write(train_, now);
    full = !train_.has_room();
    network_.send(address_, train_);
    train_.clear();
  }
}

Clock::time_point Http3Peer::next_deadline() const
{
  return quic_ ? quic_->next_deadline() : Clock::time_point::max();
}

void Http3Peer::on_deadline(Clock::time_point now)
{
  quic_->on_deadline(now);
  flush(now);
}

void Http3Peer::on_ready(bool allows_tunnels)
{
  allows_tunnels_ = allows_tunnels;
}

void Http3Peer::on_headers(quic::StreamId stream, const quic::HeaderList& headers,
                           quic::MessageEnd end)
{
  messages[stream].headers = headers;
  messages[stream].complete = end == quic::MessageEnd::complete;
}

void Http3Peer::on_body(quic::StreamId stream, ByteView bytes)
{
  messages[stream].body += as_text(bytes);
}

void Http3Peer::on_body_end(quic::StreamId stream)
{
  messages[stream].complete = true;
}

void Http3Peer::on_stream_gone(quic::StreamId stream)
{
  messages[stream].gone = true;
}

void Http3Peer::on_datagram(ByteView payload)
{
  datagrams.emplace_back(payload.begin(), payload.end());
}

Http3Visitor::Http3Visitor(SimulatedNetwork& network, const UdpEndpoint& address,
                           const UdpEndpoint& server, quic::QuicOptions options)
    : Http3Peer(network, address, quic::Http3Connection::Role::client),
      server_(server),
      tls_(must(quic::TlsContext::for_client({.trust = quic::PinnedKeys{{gateway_pin()}},
                                              .server_name = "gateway.example",
                                              .certificate = std::nullopt})))
{
  quic_ = must(quic::QuicConnection::connect(
      {.tls = tls_, .path = {.local = address_, .remote = server_}, .options = options}, http_,
      network_.now()));
  http_.attach(*quic_);
  network_.attach(address_, *this);
  flush(network_.now());
}

Http3Visitor::~Http3Visitor()
{
  network_.detach(address_);
}

bool Http3Visitor::connect()
{
  return network_.run_until([&] { return allows_tunnels_ || quic_->closed(); }, kPatience) &&
         allows_tunnels_;
}

quic::StreamId Http3Visitor::request(const quic::HeaderList& headers, Body body)
{
  const quic::StreamId stream = must(http_.send_request(headers));
  if (body == Body::none) http_.finish(stream);
  flush(network_.now());
  return stream;
}

Http3Peer::Message Http3Visitor::ask(const quic::HeaderList& headers, Body body)
{
  const quic::StreamId stream = request(headers, body);
  (void)network_.run_until(
      [&] { return messages[stream].complete || messages[stream].gone || quic_->closed(); },
      kPatience);
  return messages[stream];
}

quic::HeaderList Http3Visitor::tunnel_request() const
{
  return {{":method", "CONNECT"},
          {":protocol", "connect-ip"},
          {":scheme", "https"},
          {":authority", server_.to_string()},
          {":path", "/.well-known/masque/ip/*/*/"},
          {"capsule-protocol", "?1"}};
}

std::string Http3Visitor::concealed_authorization(const crypto::KeyPair& key) const
{
  const auto copy = [](ByteView bytes) { return ByteVector{bytes.begin(), bytes.end()}; };
  wire::ConcealedCredentials credentials;
  credentials.key_id = copy(key.public_key().bytes());
  credentials.public_key = credentials.key_id;
  const auto authority = *wire::split_authority(server_.to_string());
  const ByteVector exported = must(quic_->export_keying_material(
      wire::kConcealedExporterLabel,
      wire::exporter_context(wire::binding_for(credentials, authority.host, authority.port)),
      wire::kConcealedExporterBytes));
  wire::ConcealedExport output{};
  std::ranges::copy(exported, output.begin());
  credentials.verification = copy(wire::verification(output));
  const auto signature = key.sign(wire::signed_content(wire::signature_input(output)));
  credentials.proof = copy(view(signature.data(), signature.size()));
  return credentials.format();
}

void Http3Visitor::receive(const quic::UdpPath& path, quic::EcnBits ecn, ByteView payload,
                           Clock::time_point now)
{
  quic_->read(path, ecn, payload, now);
}

Http3Server::Http3Server(SimulatedNetwork& network, const UdpEndpoint& address)
    : Http3Peer(network, address, quic::Http3Connection::Role::server),
      tls_(must(quic::TlsContext::for_server(
          {.identity = gateway_identity(), .request_client_certificate = false}))),
      door_({}, quic::ConnectionIdFactory{0})
{
  network_.attach(address_, *this);
}

Http3Server::~Http3Server()
{
  network_.detach(address_);
}

void Http3Server::receive(const quic::UdpPath& path, quic::EcnBits ecn, ByteView payload,
                          Clock::time_point now)
{
  if (!quic_) {
    auto decision = door_.decide(path, payload, quic::ServerDoor::AddressProof::optional, now);
    auto* welcome = std::get_if<quic::ServerDoor::LetIn>(&decision);
    if (welcome == nullptr) return;
    quic_ = must(quic::QuicConnection::accept({.tls = tls_,
                                               .path = path,
                                               .options = {},
                                               .initial = std::move(welcome->initial),
                                               .id_factory = quic::ConnectionIdFactory{0},
                                               .registry = *this,
                                               .reset_secret = {}},
                                              http_, now));
    http_.attach(*quic_);
  }
  quic_->read(path, ecn, payload, now);
}

void Http3Server::on_headers(quic::StreamId stream, const quic::HeaderList& headers,
                             quic::MessageEnd end)
{
  Http3Peer::on_headers(stream, headers, end);
  if (on_request) on_request(stream, headers);
}

}  // namespace slopn::test
