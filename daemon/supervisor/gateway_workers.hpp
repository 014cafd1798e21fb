#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "daemon/supervisor/session_book.hpp"
#include "libtunnel/io/gateway_worker.hpp"
#include "libtunnel/io/inner_exchange.hpp"
#include "libtunnel/io/worker_thread.hpp"
#include "platform/tun_queues.hpp"

namespace slopn::daemon {

/// Called on the control thread.
class GatewayWorkersListener {
 public:
  virtual ~GatewayWorkersListener() = default;
  /// Answer with `GatewayWorkers::admit()` or `refuse()`.
  virtual void on_admission_wanted(session::SessionId id, const session::Visitor& visitor) = 0;
  virtual void on_session_over(session::SessionId id, const session::Visitor& visitor,
                               const session::Admission& admission, const Error& reason) = 0;
  /// The present TUN is gone. Once for each TUN, however many queues it had.
  virtual void on_tun_lost(const Error& reason) = 0;
};

/// A gateway's data path: `io::GatewayWorker`s, each on a thread of its own, as if they were one.
///
/// Lives on the control thread, which never waits for a worker: questions are posted there, and
/// answers come back to the control thread.
class GatewayWorkers final : private io::GatewayWorkerListener {
 public:
  struct Setup {
    std::size_t workers = 1;
    /// Of the gateway as a whole.
    session::GatewayEndpointOptions endpoint;
    session::AdmissionRules rules;
    quic::TlsContext tls;
    std::vector<UdpEndpoint> listen;
    io::UdpSocketOptions socket;
  };

  /// Opens the sockets and begins to serve. Errors: an address that cannot be bound.
  [[nodiscard]] static Result<std::unique_ptr<GatewayWorkers>> start(
      asio::any_io_executor control, Setup setup, GatewayWorkersListener& listener);
  /// Without `stop()`, as after a start that failed, waits until the workers have ended.
  ~GatewayWorkers() override;

  [[nodiscard]] std::size_t count() const noexcept { return members_.size(); }

  /// Where the queues of a TUN belong, in this order.
  [[nodiscard]] std::vector<asio::any_io_executor> executors();
  /// Takes a TUN over, in place of an earlier one, with a queue for each worker.
  void attach_tun(platform::TunQueues tun);

  /// `reply` learns whether the session was still there; if not, no `on_session_over` follows.
  /// Sessions on other workers that have one of the addresses end.
  void admit(session::SessionId id, const session::Admission& admission,
             std::function<void(bool)> reply);
  void refuse(session::SessionId id, std::string details);
  /// Whether a session has one of `addresses`.
  [[nodiscard]] bool serves(const std::vector<IpPrefix>& addresses) const;

  /// Ends the sessions that `matches`, which is called on the workers' threads; `reply` learns how
  /// many.
  void kick(std::function<bool(const io::SessionReport&)> matches,
            std::function<void(std::uint32_t)> reply) const;
  void change_rules(const session::AdmissionRules& rules) const;
  /// For connections that come from now on.
  void change_options(const session::GatewayEndpointOptions& options) const;
  /// Of all workers together.
  void report(std::function<void(io::GatewayReport)> reply) const;

  /// Takes leave of all clients and ends everything. Once.
  [[nodiscard]] asio::awaitable<void> stop();

 private:
  struct Member {
    std::unique_ptr<io::WorkerThread> thread;
    std::unique_ptr<io::GatewayWorker> worker;  // lives on `thread`
  };

  GatewayWorkers(asio::any_io_executor control, std::size_t workers, quic::TlsContext tls,
                 GatewayWorkersListener& listener);
  [[nodiscard]] Result<> start_one(const Setup& setup);

  // On a worker's thread: each posts to the control thread.
  void on_admission_wanted(session::SessionId id, session::Visitor visitor) override;
  void on_session_over(session::SessionId id, session::Visitor visitor,
                       session::Admission admission, Error reason) override;
  void on_tun_lost(std::uint32_t interface_index, Error reason) override;

  [[nodiscard]] std::size_t worker_of(session::SessionId id) const noexcept;
  void assign(const IpAddress& address, session::SessionId holder);
  void forget(session::SessionId id);
  template <class Action>
  void post_to(std::size_t worker, Action action) const;
  /// `question` runs on the worker; what it returns comes back to `reply` on the control thread.
  template <class Question, class Reply>
  void ask(std::size_t worker, Question question, Reply reply) const;
  template <class Answer>
  void ask_all(std::function<Answer(io::GatewayWorker&)> question,
               std::function<void(std::vector<Answer>)> reply) const;

  asio::any_io_executor control_;
  GatewayWorkersListener& listener_;
  quic::TlsContext tls_;
  io::InnerExchange exchange_;
  SessionBook book_;
  std::unique_ptr<platform::TunSteering> steering_;
  std::optional<std::uint32_t> interface_index_;  // of the TUN that nobody has reported lost
  std::size_t wanted_workers_;
  std::vector<Member> members_;
  bool stopped_ = false;
};

/// What one of `workers` gets of the limits that are set for all of them. Their sum is not below
/// the whole, and above it only by what rounding adds.
[[nodiscard]] session::GatewayEndpointOptions share_of(session::GatewayEndpointOptions whole,
                                                       std::size_t worker, std::size_t workers);

}  // namespace slopn::daemon
