#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>

#include "daemon/measure/test_book.hpp"
#include "libtunnel/base/async.hpp"
#include "libtunnel/base/unique_fd.hpp"

namespace slopn::measure {

/// Sends echo requests back, of all clients together at most so many a second; says nothing to
/// anything else. A reply is never longer than what it answers.
class EchoServer {
 public:
  static constexpr std::size_t kEchoesPerSecond = 20'000;

  EchoServer(asio::any_io_executor executor, UniqueFd socket);

  /// Until cancelled, or until the socket breaks.
  [[nodiscard]] asio::awaitable<void> run();

 private:
  void answer_batch();

  asio::posix::stream_descriptor socket_;
  RateLimit limit_{kEchoesPerSecond};
};

}  // namespace slopn::measure
