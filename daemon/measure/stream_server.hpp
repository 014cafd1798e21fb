#pragma once

#include <boost/asio/ip/tcp.hpp>

#include "daemon/measure/test_book.hpp"
#include "libtunnel/base/async.hpp"
#include "libtunnel/base/unique_fd.hpp"
#include "libtunnel/io/task_group.hpp"

namespace slopn::measure {

/// How patient the service is.
struct StreamTimeouts {
  std::chrono::milliseconds hello{5'000};   ///< From the connection to a whole hello.
  std::chrono::milliseconds stall{10'000};  ///< Without a byte sent or received.
  /// How much longer than wanted a stream may last; the client ends it.
  std::chrono::milliseconds grace{2'000};
};

/// The TCP side of the service: reads what clients send and counts it, or sends them bytes without
/// meaning. Lives on one thread; after `stop()` it may be destroyed.
class StreamServer {
 public:
  explicit StreamServer(asio::any_io_executor executor, TestLimits limits = {},
                        StreamTimeouts timeouts = {});

  /// Serves whoever connects to `listener`.
  void serve(const UdpEndpoint& at, UniqueFd listener);
  [[nodiscard]] asio::awaitable<void> stop();

  [[nodiscard]] const TestBook& book() const noexcept { return book_; }

 private:
  using Socket = asio::ip::tcp::socket;
  struct Stream;

  [[nodiscard]] asio::awaitable<void> accept_all(asio::ip::tcp::acceptor listener);
  [[nodiscard]] asio::awaitable<void> welcome(Socket socket, IpAddress client);
  [[nodiscard]] asio::awaitable<void> talk(Socket& socket, const IpAddress& client);
  [[nodiscard]] asio::awaitable<void> transfer(Stream& stream);
  [[nodiscard]] asio::awaitable<bool> wait_ready(Stream& stream,
                                                 std::chrono::milliseconds patience);

  asio::any_io_executor executor_;
  StreamTimeouts timeouts_;
  TestBook book_;
  io::TaskGroup tasks_;
};

}  // namespace slopn::measure
