#pragma once

#include <list>
#include <memory>
#include <string>
#include <vector>

#include "daemon/measure/echo_server.hpp"
#include "daemon/measure/stream_server.hpp"
#include "libtunnel/base/result.hpp"
#include "libtunnel/io/worker_thread.hpp"

namespace slopn::measure {

struct MeasureOptions {
  std::string interface_name;        ///< The TUN interface: nobody else is heard.
  std::vector<IpAddress> addresses;  ///< Inner ones of this host; they may be set later.
  std::uint16_t port = 5202;         ///< TCP and UDP.
};

/// What `slopnctl speedtest` and `slopnctl ping` of clients talk to. Has a thread of its own, so
/// that it disturbs neither the control thread nor a worker; ends when destroyed, which takes
/// milliseconds.
class MeasureService {
 public:
  /// Errors: none of the addresses can be served. One of two that cannot is left out.
  [[nodiscard]] static Result<std::unique_ptr<MeasureService>> start(const MeasureOptions& options);
  ~MeasureService();
  MeasureService(const MeasureService&) = delete;
  MeasureService& operator=(const MeasureService&) = delete;

  /// Where it serves.
  [[nodiscard]] const std::vector<UdpEndpoint>& endpoints() const noexcept { return endpoints_; }

 private:
  struct Sockets {
    UdpEndpoint at;
    UniqueFd tcp;
    UniqueFd udp;
  };
  [[nodiscard]] static Result<Sockets> open(const UdpEndpoint& at,
                                            const std::string& interface_name);
  explicit MeasureService(std::vector<Sockets> sockets);
  void begin(std::vector<Sockets> sockets);
  [[nodiscard]] asio::awaitable<void> end();

  std::vector<UdpEndpoint> endpoints_;
  io::WorkerThread thread_;
  StreamServer streams_{thread_.executor()};  // from here on: used on the thread only
  std::list<EchoServer> echoes_;
  io::TaskGroup echo_tasks_{thread_.executor()};
};

}  // namespace slopn::measure
