#pragma once

#include <sys/socket.h>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "libtunnel/base/async.hpp"
#include "libtunnel/base/result.hpp"
#include "libtunnel/io/reuse_port.hpp"
#include "libtunnel/quic/packet_train.hpp"

namespace slopn::io {

struct UdpSocketOptions {
  /// SO_RCVBUF and SO_SNDBUF. Above the system's limit only with CAP_NET_ADMIN; less is accepted.
  std::uint32_t buffer_bytes = 7 * 1024 * 1024;
  std::uint32_t mark = 0;    ///< SO_MARK; 0: none. Needs CAP_NET_ADMIN.
  bool segmentation = true;  ///< Send trains with UDP_SEGMENT, while the kernel takes them.
  bool coalescing = true;    ///< Receive trains with UDP_GRO, if the kernel has it.
  PortShare share{};         ///< Only for `listen()`.
};

/// Takes received UDP payloads, each valid during the call.
class DatagramReceiver {
 public:
  virtual ~DatagramReceiver() = default;
  virtual void on_udp_payload(const quic::UdpPath& path, quic::EcnBits ecn, ByteView payload) = 0;
};

/// A UDP socket for QUIC: batches both ways with UDP_SEGMENT and UDP_GRO, falling back to one
/// payload a call where the kernel refuses; ECN read and written; never fragments.
///
/// All calls belong on the executor given at the start.
class UdpSocket {
 public:
  /// For a gateway. With an unspecified address each payload's own local address is known.
  [[nodiscard]] static Result<std::unique_ptr<UdpSocket>> listen(asio::any_io_executor executor,
                                                                 const UdpEndpoint& local,
                                                                 const UdpSocketOptions& options);
  /// For a client: talks to `remote` only, from the address and port the system chooses.
  [[nodiscard]] static Result<std::unique_ptr<UdpSocket>> connect(asio::any_io_executor executor,
                                                                  const UdpEndpoint& remote,
                                                                  const UdpSocketOptions& options);

  /// What the socket is bound to.
  [[nodiscard]] const UdpEndpoint& local() const noexcept { return local_; }

  /// Waits until something can be received. Cancelling completes with `operation_aborted`.
  [[nodiscard]] asio::awaitable<Result<>> wait_readable();

  /// Ends a wait, and everything else; what waits to be received is lost.
  void close() noexcept;
  [[nodiscard]] bool closed() const noexcept { return !descriptor_.is_open(); }

  /// Receives what waits, at most `kReceiveCalls` system calls' worth, without blocking.
  /// Returns the number of payloads, 0 when none waits. An error that ICMP reported (RFC 1122
  /// section 4.1.3.3) says that nobody is there now; the socket stays good.
  [[nodiscard]] Result<std::size_t> receive(DatagramReceiver& receiver);

  /// Sends one run. What the kernel has no room for is lost, as on any network; returns false then.
  bool send(const quic::PacketTrain::Run& run, ByteView bytes);

  [[nodiscard]] bool uses_segmentation() const noexcept { return segmentation_; }

 private:
  static constexpr std::size_t kMessages = 8;
  static constexpr std::size_t kMessageBytes = 65'536;
  static constexpr std::size_t kControlBytes = 128;

  UdpSocket(asio::any_io_executor executor, int fd, bool connected);
  [[nodiscard]] Result<> configure(IpVersion version, const UdpSocketOptions& options);
  [[nodiscard]] Result<> note_local();
  void prepare_receive();
  std::size_t deliver(const mmsghdr& message, DatagramReceiver& receiver) const;
  bool send_once(const quic::PacketTrain::Run& run, ByteView bytes, std::size_t segment_bytes);

  asio::posix::stream_descriptor descriptor_;
  bool connected_;
  bool segmentation_ = true;
  bool reports_local_ = false;  // each payload's local address, because we are bound to any
  UdpEndpoint local_;
  UdpEndpoint remote_;                           // only when connected
  std::unique_ptr<std::byte[]> receive_buffer_;  // not zeroed: what no packet needs stays unused
  std::vector<std::byte> control_buffer_;
  std::vector<sockaddr_storage> addresses_;
  std::vector<iovec> vectors_;
  std::vector<mmsghdr> messages_;
};

}  // namespace slopn::io
