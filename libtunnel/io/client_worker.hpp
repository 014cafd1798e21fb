#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "libtunnel/core/race_plan.hpp"
#include "libtunnel/core/tunnel_fsm.hpp"
#include "libtunnel/io/client_link.hpp"
#include "libtunnel/io/inner_output.hpp"
#include "libtunnel/io/tun_pump.hpp"

namespace slopn::io {

/// How to talk to one of a profile's gateways, at whatever address.
struct LinkGateway {
  std::string name;  ///< As the profile has it, "vpn.example.org:443".
  quic::TlsContext tls;
  session::ClientSessionOptions session;
};

/// All that one try to connect needs.
struct LinkOrder {
  tunnel::LinkId id{};
  std::vector<LinkGateway> gateways;  ///< In the order of preference.
  UdpSocketOptions socket;
};

/// What is known of a link that is up.
struct LinkFacts {
  std::string gateway_name;
  UdpEndpoint gateway;
  quic::HandshakeFacts handshake;
  session::TunnelParameters parameters;
};

struct ClientCounters {
  session::TrafficCounters traffic;  ///< Since the worker started, over all links.
  std::optional<std::chrono::microseconds> smoothed_rtt;  ///< While a link is up.
  /// When the gateway was last heard on that link, by an authentic packet.
  std::optional<Clock::time_point> last_heard;
  std::uint32_t moves = 0;  ///< To another local address, since the worker started.
};

/// Called on the worker's thread; post to wherever the news belongs.
class ClientWorkerListener {
 public:
  virtual ~ClientWorkerListener() = default;
  /// How far the try has come; `gateway` is empty while several are tried.
  virtual void on_link_progress(tunnel::LinkId id, tunnel::Phase phase, std::string gateway) = 0;
  /// The link may carry packets; again whenever its parameters change.
  virtual void on_link_configured(tunnel::LinkId id, LinkFacts facts) = 0;
  /// The tunnel goes on from another local address; the gateway has not answered there yet.
  virtual void on_link_moved(UdpEndpoint local, UdpEndpoint remote) = 0;
  /// Once for every link that was started, unless it was dropped.
  virtual void on_link_lost(tunnel::LinkId id, Error reason) = 0;
  virtual void on_link_drained(tunnel::LinkId id) = 0;
  virtual void on_tun_lost(Error reason) = 0;
};

/// A client's data path: one QUIC connection, one TUN. The TUN outlives links; what the host sends
/// while there is none is dropped and counted, never let out.
///
/// A link begins as a race: `RacePlan` says which of the gateways' addresses to try when, and the
/// first whose handshake is done goes on alone.
///
/// Lives on one thread: construct it, call it and destroy it there, after `stop()`.
class ClientWorker final : private ClientLinkListener, private InnerHandler {
 public:
  ClientWorker(asio::any_io_executor executor, ClientWorkerListener& listener);
  ~ClientWorker() override;

  /// Replaces a link that may still be there. It wants candidates.
  void start_link(LinkOrder order);
  /// More addresses to try. Ignored when that link is over or has found its gateway.
  void add_candidates(tunnel::LinkId id, const std::vector<RaceCandidate>& candidates);
  /// There will be no more; `why_missing` are the names that have no address.
  void close_candidates(tunnel::LinkId id, const std::vector<Error>& why_missing);
  /// Forgets the link without a word to anybody.
  void drop_link();
  /// Tells the gateway that this is the end; `on_link_drained` when it is told.
  void drain_link(tunnel::LinkId id);

  /// The host would now use another local address or interface towards the gateway: the link goes
  /// on from there, or is lost where that cannot be.
  void change_path();
  /// The host has no way to the gateway. The link is lost unless one is found soon.
  void lose_way();
  /// Something may have happened that nobody told us, as during sleep: the link proves soon that it
  /// is alive, or is lost.
  void doubt_path();

  /// Takes the TUN over, in place of an earlier one.
  void attach_tun(std::unique_ptr<platform::TunDevice> device);
  void detach_tun();

  [[nodiscard]] ClientCounters counters() const;

  /// Ends everything; then the worker may be destroyed.
  [[nodiscard]] asio::awaitable<void> stop();

 private:
  struct Try;

  void on_phase(ClientLink& link, tunnel::Phase phase) override;
  void on_configured(ClientLink& link, const session::TunnelParameters& parameters) override;
  void on_inner_packet(ByteView packet) override;
  void on_activity(ClientLink& link) override;
  void on_lost(ClientLink& link, Error reason) override;
  void on_inner_packets(std::span<const HostPacket> packets) override;
  bool wants_inner_packets() const override;
  void on_inner_pause() override;
  void on_tun_lost(Error reason) override;

  [[nodiscard]] asio::awaitable<void> keep_race_time(Try& race);
  [[nodiscard]] asio::awaitable<void> bury(std::unique_ptr<Try> over);
  [[nodiscard]] asio::awaitable<void> bury(std::shared_ptr<const LinkOrder> order,
                                           std::unique_ptr<ClientLink> link);
  [[nodiscard]] asio::awaitable<void> bury(std::unique_ptr<TunPump> pump);
  void race_on();
  void start_runner(RacePlan::Runner runner);
  void win(RacePlan::Runner runner);
  void remove(RacePlan::Runner runner);
  void end_link();
  void bury_runner(std::unique_ptr<ClientLink> link);
  [[nodiscard]] ClientLink* carrier() const noexcept;

  asio::any_io_executor executor_;
  ClientWorkerListener& listener_;
  std::unique_ptr<Try> try_;
  std::unique_ptr<TunPump> pump_;
  InnerOutput to_host_;
  session::TrafficCounters past_;  // of links that are gone
  std::uint32_t moves_ = 0;
  TaskGroup burials_;
};

}  // namespace slopn::io
