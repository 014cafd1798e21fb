#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "libtunnel/core/address_pool.hpp"
#include "libtunnel/session/client_session.hpp"
#include "libtunnel/session/gateway_endpoint.hpp"
#include "tests/support/simulated_link.hpp"

/// A gateway and clients on a simulated network.
namespace slopn::test {

inline const UdpEndpoint kGatewayV4 = *UdpEndpoint::parse("192.0.2.1:443");
inline const UdpEndpoint kGatewayV6 = *UdpEndpoint::parse("[2001:db8::1]:443");

/// The `number`th client's outer address.
[[nodiscard]] UdpEndpoint client_address(std::uint32_t number, IpVersion version = IpVersion::v4);

/// The gateway of most tests: made once, because keys take time.
[[nodiscard]] const crypto::Identity& gateway_identity();
[[nodiscard]] crypto::SpkiPin gateway_pin();

struct GatewaySetup {
  UdpEndpoint address = kGatewayV4;
  session::GatewayEndpointOptions endpoint{};  ///< Pools and own addresses are filled in.
  session::AdmissionRules rules{};
  bool request_client_certificate = false;
  wire::FeatureGrants features{};  ///< For everybody who asks.
  std::vector<IpPrefix> pools = {*IpPrefix::parse("10.77.0.0/16"),
                                 *IpPrefix::parse("fd00:77::/64")};
};

/// A gateway that leases addresses from a pool and keeps what comes out of its tunnels.
class GatewayHost final : public SimulatedHost,
                          private session::GatewayEndpointListener,
                          private session::Outlet {
 public:
  struct Over {
    session::SessionId id;
    Error reason;
  };

  GatewayHost(SimulatedNetwork& network, GatewaySetup setup);
  ~GatewayHost() override;

  [[nodiscard]] session::GatewayEndpoint& endpoint() noexcept { return *endpoint_; }
  [[nodiscard]] const UdpEndpoint& address() const noexcept { return setup_.address; }
  /// Sends an inner packet to the client it is for.
  void send(ByteView packet);
  void send(std::span<const HostPacket> packets);

  /// Loses everything and starts again, as after a crash.
  void restart(const quic::ResetSecret& reset_secret);

  /// The ids of the admitted sessions.
  [[nodiscard]] std::vector<session::SessionId> sessions() const;
  [[nodiscard]] session::TrafficCounters counters() const;  ///< Of all sessions, past and present.

  std::vector<ByteVector> inner;  ///< What came out of tunnels, if `keep_inner`.
  std::uint64_t inner_count = 0;
  bool keep_inner = true;
  std::vector<session::Visitor> visitors;  ///< Who wanted to be admitted.
  std::vector<Over> over;
  bool admits_at_once = true;  ///< Otherwise the test answers.
  void admit(session::SessionId id, const session::Visitor& visitor);

  void receive(const quic::UdpPath& path, quic::EcnBits ecn, ByteView payload,
               Clock::time_point now) override;
  void flush(Clock::time_point now) override;
  [[nodiscard]] Clock::time_point next_deadline() const override;
  void on_deadline(Clock::time_point now) override;

 private:
  void on_inner_packet(ByteView packet) override;
  void on_admission_wanted(session::SessionId id, const session::Visitor& visitor) override;
  void on_session_over(session::SessionId id, const session::Visitor& visitor,
                       const session::Admission& admission, const Error& reason) override;
  void send(const quic::PacketTrain& train) override;
  void start();

  SimulatedNetwork& network_;
  GatewaySetup setup_;
  quic::TlsContext tls_;
  AddressPool pool_;
  std::unique_ptr<session::GatewayEndpoint> endpoint_;
};

struct ClientSetup {
  UdpEndpoint address = client_address(1);
  UdpEndpoint gateway = kGatewayV4;
  std::optional<quic::ServerTrust> trust{};  ///< Absent: the gateway's pin.
  std::string server_name = "gateway.example";
  std::optional<crypto::Identity> certificate{};  ///< For TLS client authentication.
  session::ClientSessionOptions session{};        ///< The authority is filled in.
};

/// A client that keeps its packets until they are wanted, as a TUN pump does.
class ClientHost final : public SimulatedHost,
                         private session::ClientSessionListener,
                         private session::Outlet {
 public:
  ClientHost(SimulatedNetwork& network, ClientSetup setup);
  ~ClientHost() override;

  [[nodiscard]] session::ClientSession& session() noexcept { return *session_; }
  [[nodiscard]] bool online() const noexcept { return parameters.has_value(); }
  [[nodiscard]] bool closed() const noexcept { return session_->closed(); }
  /// Why it is closed; a default error code while it is not.
  [[nodiscard]] boost::system::error_code close_code() const;
  /// Our inner address of that family; the test fails without one.
  [[nodiscard]] IpAddress inner_address(IpVersion version) const;

  /// Sends inner packets, now or when the path has room.
  void send(ByteView packet);
  void offer(ByteVector packet) { waiting_.push_back(std::move(packet)); }
  void pump();
  [[nodiscard]] std::size_t waiting() const noexcept { return waiting_.size(); }

  void close();
  /// From now on its packets come from elsewhere, as after a NAT has forgotten it.
  void move_to(const UdpEndpoint& address);
  /// Its own address changes, and it knows.
  void roam_to(const UdpEndpoint& address);

  std::optional<tunnel::Phase> phase;  ///< How far it has come, since the handshake is done.
  std::optional<session::TunnelParameters> parameters;  ///< The last ones.
  std::vector<session::TunnelParameters> all_parameters;
  std::vector<ByteVector> inner;  ///< What came for the host, if `keep_inner`.
  std::uint64_t inner_count = 0;
  bool keep_inner = true;

  void receive(const quic::UdpPath& path, quic::EcnBits ecn, ByteView payload,
               Clock::time_point now) override;
  void flush(Clock::time_point now) override;
  [[nodiscard]] Clock::time_point next_deadline() const override;
  void on_deadline(Clock::time_point now) override;

 private:
  void on_phase(tunnel::Phase reached) override { phase = reached; }
  void on_configured(const session::TunnelParameters& tunnel) override;
  void on_inner_packet(ByteView packet) override;
  void send(const quic::PacketTrain& train) override;

  SimulatedNetwork& network_;
  ClientSetup setup_;
  UdpEndpoint seen_from_outside_;  // what a NAT makes of the address
  quic::TlsContext tls_;
  std::unique_ptr<session::ClientSession> session_;
  std::deque<ByteVector> waiting_;
};

/// One gateway that knows one client's key.
struct TunnelScene {
  explicit TunnelScene(GatewaySetup gateway_setup = {}, ClientSetup client_setup = {},
                       LinkShape shape = {}, std::uint64_t seed = 1);

  /// Lets the client connect; false if it does not within `limit`.
  [[nodiscard]] bool connect(Clock::duration limit = std::chrono::seconds(5));

  SimulatedNetwork network;
  crypto::KeyPair key = crypto::KeyPair::generate();
  std::unique_ptr<GatewayHost> gateway;
  std::unique_ptr<ClientHost> client;
  ClientSetup client_setup;  ///< Complete, for another client like it.
};

/// Rules that know `keys`, as "client1", "client2" and so on.
[[nodiscard]] session::AdmissionRules rules_for(std::span<const crypto::KeyPair> keys);

/// A packet of one flow, `size_bytes` in all, whose payload follows from `seed`.
[[nodiscard]] ByteVector inner_packet(const IpAddress& from, const IpAddress& to,
                                      std::size_t size_bytes, std::uint32_t seed = 0);

}  // namespace slopn::test
