#include "tests/support/tunnel_hosts.hpp"

#include <algorithm>
#include <array>
#include <stdexcept>

#include "tests/support/packets.hpp"

namespace slopn::test {
namespace {

// A fixture that cannot be built is a failed test: Catch2 reports what is thrown.
template <class T>
T must(Result<T> result)
{
  if (!result) throw std::runtime_error(result.error().message());
  return std::move(*result);
}

quic::TlsContext server_tls(const GatewaySetup& setup)
{
  return must(quic::TlsContext::for_server(
      {.identity = gateway_identity(),
       .request_client_certificate = setup.request_client_certificate}));
}

quic::TlsContext client_tls(const ClientSetup& setup)
{
  return must(quic::TlsContext::for_client(
      {.trust = setup.trust.value_or(quic::PinnedKeys{{gateway_pin()}}),
       .server_name = setup.server_name,
       .certificate = setup.certificate}));
}

}  // namespace

UdpEndpoint client_address(std::uint32_t number, IpVersion version)
{
  const auto high = static_cast<std::uint8_t>(number >> 8U);
  const auto low = static_cast<std::uint8_t>(number);
  if (version == IpVersion::v4) return {IpAddress::v4({198, 51, high, low}), 40'000};
  return {IpAddress::v6({0x20, 0x01, 0x0d, 0xb8, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, high, low}), 40'000};
}

const crypto::Identity& gateway_identity()
{
  static const crypto::Identity identity =
      must(crypto::make_self_signed_identity("gateway.example"));
  return identity;
}

crypto::SpkiPin gateway_pin()
{
  return must(crypto::spki_pin(gateway_identity().certificate_pem));
}

GatewayHost::GatewayHost(SimulatedNetwork& network, GatewaySetup setup)
    : network_(network),
      setup_(std::move(setup)),
      tls_(server_tls(setup_)),
      pool_(must(AddressPool::make(setup_.pools)))
{
  setup_.endpoint.pools = setup_.pools;
  for (const IpVersion version : {IpVersion::v4, IpVersion::v6}) {
    if (const auto own = pool_.gateway_address(version))
      setup_.endpoint.own_addresses.push_back(own->address);
  }
  start();
  network_.attach(setup_.address, *this);
}

GatewayHost::~GatewayHost()
{
  network_.detach(setup_.address);
}

void GatewayHost::start()
{
  endpoint_ = std::make_unique<session::GatewayEndpoint>(
      setup_.endpoint, tls_, setup_.rules, static_cast<session::GatewayEndpointListener&>(*this),
      static_cast<session::Outlet&>(*this));
}

void GatewayHost::restart(const quic::ResetSecret& reset_secret)
{
  setup_.endpoint.reset_secret = reset_secret;
  pool_ = must(AddressPool::make(setup_.pools));
  start();
}

void GatewayHost::send(ByteView packet)
{
  ByteVector copy{packet.begin(), packet.end()};
  const std::array packets = {HostPacket{.bytes = copy, .offload = {}}};
  send(packets);
}

void GatewayHost::send(std::span<const HostPacket> packets)
{
  endpoint_->send(packets, network_.now());
  endpoint_->flush(network_.now());
}

std::vector<session::SessionId> GatewayHost::sessions() const
{
  std::vector<session::SessionId> ids;
  endpoint_->for_each_session([&](const session::GatewaySession& one) { ids.push_back(one.id()); });
  return ids;
}

session::TrafficCounters GatewayHost::counters() const
{
  session::TrafficCounters sum = endpoint_->past_counters();
  endpoint_->for_each_session([&](const session::GatewaySession& one) { sum += one.counters(); });
  return sum;
}

void GatewayHost::receive(const quic::UdpPath& path, quic::EcnBits ecn, ByteView payload,
                          Clock::time_point now)
{
  endpoint_->read(path, ecn, payload, now);
}

void GatewayHost::flush(Clock::time_point now)
{
  endpoint_->flush(now);
}

Clock::time_point GatewayHost::next_deadline() const
{
  return endpoint_->next_deadline();
}

void GatewayHost::on_deadline(Clock::time_point now)
{
  endpoint_->on_deadline(now);
}

void GatewayHost::on_inner_packet(ByteView packet)
{
  ++inner_count;
  if (keep_inner) inner.emplace_back(packet.begin(), packet.end());
}

void GatewayHost::on_admission_wanted(session::SessionId id, const session::Visitor& visitor)
{
  visitors.push_back(visitor);
  if (admits_at_once) admit(id, visitor);
}

void GatewayHost::admit(session::SessionId id, const session::Visitor& visitor)
{
  session::Admission admission;
  admission.features = setup_.features;
  for (const IpVersion version : {IpVersion::v4, IpVersion::v6}) {
    if (!pool_.gateway_address(version)) continue;
    const auto address =
        visitor.key ? pool_.lease(visitor.client, version) : pool_.lease_anonymous(version);
    if (!address) return endpoint_->refuse(id, "no inner address is left", network_.now());
    admission.addresses.push_back(IpPrefix::host(*address));
    admission.routes.push_back(wire::range_of(IpPrefix::all(version)));
  }
  endpoint_->admit(id, std::move(admission), network_.now());
}

void GatewayHost::on_session_over(session::SessionId id, const session::Visitor&,
                                  const session::Admission& admission, const Error& reason)
{
  over.push_back({id, reason});
  for (const IpPrefix& address : admission.addresses) pool_.release(address.address());
}

void GatewayHost::send(const quic::PacketTrain& train)
{
  network_.send(setup_.address, train);
}

ClientHost::ClientHost(SimulatedNetwork& network, ClientSetup setup)
    : network_(network),
      setup_(std::move(setup)),
      seen_from_outside_(setup_.address),
      tls_(client_tls(setup_))
{
  setup_.session.authority = setup_.gateway.to_string();
  network_.attach(seen_from_outside_, *this);
  session_ = must(session::ClientSession::start(
      tls_, {.local = setup_.address, .remote = setup_.gateway}, setup_.session,
      static_cast<session::ClientSessionListener&>(*this), static_cast<session::Outlet&>(*this),
      network_.now()));
}

ClientHost::~ClientHost()
{
  network_.detach(seen_from_outside_);
}

boost::system::error_code ClientHost::close_code() const
{
  return session_->closed() ? session_->close_reason().code : boost::system::error_code{};
}

IpAddress ClientHost::inner_address(IpVersion version) const
{
  if (!parameters) throw std::runtime_error("client is not online");
  const auto found = std::ranges::find(parameters->addresses, version, &IpPrefix::version);
  if (found == parameters->addresses.end()) throw std::runtime_error("no address of that family");
  return found->address();
}

void ClientHost::send(ByteView packet)
{
  offer({packet.begin(), packet.end()});
  pump();
}

void ClientHost::pump()
{
  while (!waiting_.empty() && session_->wants_packets()) {
    const std::array packets = {HostPacket{.bytes = waiting_.front(), .offload = {}}};
    session_->send(packets, network_.now());
    waiting_.pop_front();
  }
  session_->flush(network_.now());
}

void ClientHost::close()
{
  session_->close(network_.now());
}

void ClientHost::move_to(const UdpEndpoint& address)
{
  network_.detach(seen_from_outside_);
  seen_from_outside_ = address;
  network_.attach(seen_from_outside_, *this);
}

void ClientHost::roam_to(const UdpEndpoint& address)
{
  move_to(address);
  setup_.address = address;
  session_->migrate({.local = address, .remote = setup_.gateway}, network_.now());
}

void ClientHost::receive(const quic::UdpPath& path, quic::EcnBits ecn, ByteView payload,
                         Clock::time_point now)
{
  session_->read({.local = setup_.address, .remote = path.remote}, ecn, payload, now);
}

void ClientHost::flush(Clock::time_point)
{
  pump();
}

Clock::time_point ClientHost::next_deadline() const
{
  return session_->next_deadline();
}

void ClientHost::on_deadline(Clock::time_point now)
{
  session_->on_deadline(now);
  pump();
}

void ClientHost::on_configured(const session::TunnelParameters& tunnel)
{
  parameters = tunnel;
  all_parameters.push_back(tunnel);
}

void ClientHost::on_inner_packet(ByteView packet)
{
  ++inner_count;
  if (keep_inner) inner.emplace_back(packet.begin(), packet.end());
}

void ClientHost::send(const quic::PacketTrain& train)
{
  network_.send(seen_from_outside_, train);
}

TunnelScene::TunnelScene(GatewaySetup gateway_setup, ClientSetup like_it, LinkShape shape,
                         std::uint64_t seed)
    : network(seed), client_setup(std::move(like_it))
{
  network.shape_everything(shape);
  if (gateway_setup.rules.clients.empty() && !gateway_setup.rules.anonymous)
    gateway_setup.rules = rules_for(std::span{&key, 1});
  if (std::holds_alternative<session::NoCredentials>(client_setup.session.credentials))
    client_setup.session.credentials = session::ConcealedKey{key};
  client_setup.gateway = gateway_setup.address;
  gateway = std::make_unique<GatewayHost>(network, std::move(gateway_setup));
}

bool TunnelScene::connect(Clock::duration limit)
{
  client.reset();  // first, because the next one may have its address
  client = std::make_unique<ClientHost>(network, client_setup);
  return network.run_until([&] { return client->online() || client->closed(); }, limit) &&
         client->online();
}

session::AdmissionRules rules_for(std::span<const crypto::KeyPair> keys)
{
  std::vector<AccessList::Entry> entries;
  for (const crypto::KeyPair& key : keys)
    entries.push_back({"client" + std::to_string(entries.size() + 1),
                       *ClientKey::make(ClientKeyKind::ed25519, key.public_key().bytes())});
  session::AdmissionRules rules;
  rules.clients = must(AccessList::make(std::move(entries)));
  return rules;
}

ByteVector inner_packet(const IpAddress& from, const IpAddress& to, std::size_t size_bytes,
                        std::uint32_t seed)
{
  const std::size_t header_bytes = from.is_v4() ? 20 : 40;
  if (size_bytes < header_bytes) throw std::runtime_error("packet shorter than its header");
  PacketSpec spec{.source = from, .destination = to};
  spec.payload.resize(size_bytes - header_bytes);
  std::uint32_t state = seed * 2'654'435'761U + 1;
  for (std::byte& one : spec.payload) {
    state = state * 1'664'525U + 1'013'904'223U;
    one = static_cast<std::byte>(state >> 24U);
  }
  // One flow, whatever the seed: the ports stay 0.
  std::fill_n(spec.payload.begin(), std::min<std::size_t>(spec.payload.size(), 4), std::byte{0});
  return make_packet(spec);
}

}  // namespace slopn::test
