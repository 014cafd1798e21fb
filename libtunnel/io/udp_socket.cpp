#include "libtunnel/io/udp_socket.hpp"

#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/udp.h>

#include <array>
#include <cstring>

#include "libtunnel/base/socket_address.hpp"
#include "libtunnel/base/unique_fd.hpp"

// Older headers than the kernels they run on.
#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif
#ifndef UDP_GRO
#define UDP_GRO 104
#endif

namespace slopn::io {
namespace {

constexpr std::uint8_t kEcnMask = 3;

Error last_os_error(std::string_view operation)
{
  return fail({errno, boost::system::system_category()}, operation);
}

Result<> set_option(int fd, int level, int name, int value, std::string_view operation)
{
  if (::setsockopt(fd, level, name, &value, sizeof value) < 0) return last_os_error(operation);
  return {};
}

// Tries the privileged form first, which is not held to net.core.[rw]mem_max.
void set_buffer(int fd, int forced, int ordinary, std::uint32_t size_bytes)
{
  const int value = static_cast<int>(size_bytes);
  if (::setsockopt(fd, SOL_SOCKET, forced, &value, sizeof value) < 0)
    (void)::setsockopt(fd, SOL_SOCKET, ordinary, &value, sizeof value);
}

// Appends control messages to a buffer that is large enough for all of ours.
class ControlWriter {
 public:
  explicit ControlWriter(msghdr& message, std::span<std::byte> buffer) noexcept
      : message_(message), buffer_(buffer)
  {
    message_.msg_control = buffer_.data();
    message_.msg_controllen = 0;
  }

  template <class Value>
  void add(int level, int type, const Value& value) noexcept
  {
    auto* header = reinterpret_cast<cmsghdr*>(buffer_.data() + message_.msg_controllen);
    header->cmsg_level = level;
    header->cmsg_type = type;
    header->cmsg_len = CMSG_LEN(sizeof value);
    std::memcpy(CMSG_DATA(header), &value, sizeof value);
    message_.msg_controllen += CMSG_SPACE(sizeof value);
  }

 private:
  msghdr& message_;
  std::span<std::byte> buffer_;
};

// What the kernel told about one received message.
struct ReceivedMeta {
  quic::EcnBits ecn = 0;
  std::size_t segment_bytes = 0;  // 0: a single payload
  std::optional<IpAddress> local;
};

template <class Value>
Value control_value(const cmsghdr& header) noexcept
{
  Value value{};
  std::memcpy(&value, CMSG_DATA(&header), sizeof value);
  return value;
}

ReceivedMeta read_meta(msghdr message) noexcept
{
  ReceivedMeta meta;
  for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr;
       header = CMSG_NXTHDR(&message, header)) {
    const auto is = [&](int level, int type) {
      return header->cmsg_level == level && header->cmsg_type == type;
    };
    if (is(IPPROTO_IP, IP_TOS)) {
      meta.ecn = control_value<std::uint8_t>(*header) & kEcnMask;
    } else if (is(IPPROTO_IPV6, IPV6_TCLASS)) {
      meta.ecn = static_cast<quic::EcnBits>(control_value<int>(*header)) & kEcnMask;
    } else if (is(IPPROTO_UDP, UDP_GRO)) {
      meta.segment_bytes = static_cast<std::size_t>(control_value<int>(*header));
    } else if (is(IPPROTO_IP, IP_PKTINFO)) {
      const auto info = control_value<in_pktinfo>(*header);
      meta.local = IpAddress::from_bytes(std::as_bytes(std::span{&info.ipi_addr, 1}));
    } else if (is(IPPROTO_IPV6, IPV6_PKTINFO)) {
      const auto info = control_value<in6_pktinfo>(*header);
      meta.local = IpAddress::from_bytes(std::as_bytes(std::span{&info.ipi6_addr, 1}));
    }
  }
  return meta;
}

bool nothing_waits(int error) noexcept
{
  return error == EAGAIN || error == EWOULDBLOCK;
}

}  // namespace

UdpSocket::UdpSocket(asio::any_io_executor executor, int fd, bool connected)
    : descriptor_(std::move(executor), fd), connected_(connected)
{
  prepare_receive();
}

Result<std::unique_ptr<UdpSocket>> UdpSocket::listen(asio::any_io_executor executor,
                                                     const UdpEndpoint& local,
                                                     const UdpSocketOptions& options)
{
  const int family = local.address.is_v4() ? AF_INET : AF_INET6;
  UniqueFd fd{::socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
  if (!fd) return last_os_error("open UDP socket");
  std::unique_ptr<UdpSocket> made{new UdpSocket{std::move(executor), fd.release(), false}};
  if (auto done = made->configure(local.address.version(), options); !done) return done.error();

  const int native = made->descriptor_.native_handle();
  if (local.address.is_unspecified()) {
    made->reports_local_ = true;
    auto told =
        local.address.is_v4()
            ? set_option(native, IPPROTO_IP, IP_PKTINFO, 1, "ask for local addresses")
            : set_option(native, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1, "ask for local addresses");
    if (!told) return told.error();
  }
  if (auto shared = share_port(native, local, options.share); !shared) return shared.error();
  sockaddr_storage address{};
  const socklen_t size = to_socket_address(local, address);
  if (::bind(native, reinterpret_cast<const sockaddr*>(&address), size) < 0)
    return last_os_error("bind UDP " + local.to_string());
  if (auto steered = steer_port(native, options.share); !steered) return steered.error();
  if (auto noted = made->note_local(); !noted) return noted.error();
  return made;
}

Result<std::unique_ptr<UdpSocket>> UdpSocket::connect(asio::any_io_executor executor,
                                                      const UdpEndpoint& remote,
                                                      const UdpSocketOptions& options)
{
  const int family = remote.address.is_v4() ? AF_INET : AF_INET6;
  UniqueFd fd{::socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
  if (!fd) return last_os_error("open UDP socket");
  std::unique_ptr<UdpSocket> made{new UdpSocket{std::move(executor), fd.release(), true}};
  if (auto done = made->configure(remote.address.version(), options); !done) return done.error();
  made->remote_ = remote;

  sockaddr_storage address{};
  const socklen_t size = to_socket_address(remote, address);
  if (::connect(made->descriptor_.native_handle(), reinterpret_cast<const sockaddr*>(&address),
                size) < 0)
    return last_os_error("no way to the gateway");
  if (auto noted = made->note_local(); !noted) return noted.error();
  return made;
}

Result<> UdpSocket::configure(IpVersion version, const UdpSocketOptions& options)
{
  const int fd = descriptor_.native_handle();
  set_buffer(fd, SO_RCVBUFFORCE, SO_RCVBUF, options.buffer_bytes);
  set_buffer(fd, SO_SNDBUFFORCE, SO_SNDBUF, options.buffer_bytes);
  if (options.mark != 0) {
    if (auto marked = set_option(fd, SOL_SOCKET, SO_MARK, static_cast<int>(options.mark),
                                 "mark our outer packets (CAP_NET_ADMIN)");
        !marked)
      return marked;
  }
  // Never fragment and never believe in a smaller path than our own probes found (RFC 8899).
  const bool is_v4 = version == IpVersion::v4;
  if (!is_v4) {
    if (auto only = set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1, "IPv6 only"); !only) return only;
  }
  auto probing =
      is_v4 ? set_option(fd, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_PROBE, "set Don't Fragment")
            : set_option(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_PROBE,
                         "set Don't Fragment");
  if (!probing) return probing;
  // Niceties: without them ECN is not seen, or payloads come one by one.
  (void)(is_v4 ? set_option(fd, IPPROTO_IP, IP_RECVTOS, 1, "ask for ECN")
               : set_option(fd, IPPROTO_IPV6, IPV6_RECVTCLASS, 1, "ask for ECN"));
  if (options.coalescing) (void)set_option(fd, IPPROTO_UDP, UDP_GRO, 1, "ask for UDP_GRO");
  segmentation_ = options.segmentation;
  return {};
}

Result<> UdpSocket::note_local()
{
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  if (::getsockname(descriptor_.native_handle(), reinterpret_cast<sockaddr*>(&address), &size) < 0)
    return last_os_error("read our own address");
  local_ = from_socket_address(reinterpret_cast<const sockaddr*>(&address), size);
  return {};
}

void UdpSocket::prepare_receive()
{
  receive_buffer_ = std::make_unique_for_overwrite<std::byte[]>(kMessages * kMessageBytes);
  control_buffer_.resize(kMessages * kControlBytes);
  addresses_.resize(kMessages);
  vectors_.resize(kMessages);
  messages_.resize(kMessages);
  for (std::size_t i = 0; i < kMessages; ++i) {
    vectors_[i] = {receive_buffer_.get() + i * kMessageBytes, kMessageBytes};
    messages_[i].msg_hdr.msg_iov = &vectors_[i];
    messages_[i].msg_hdr.msg_iovlen = 1;
    messages_[i].msg_hdr.msg_name = &addresses_[i];
    messages_[i].msg_hdr.msg_control = control_buffer_.data() + i * kControlBytes;
  }
}

asio::awaitable<Result<>> UdpSocket::wait_readable()
{
  auto [ec] = co_await descriptor_.async_wait(asio::posix::stream_descriptor::wait_read, with_ec);
  if (ec) co_return fail(ec, "wait for UDP");
  co_return Result<>{};
}

void UdpSocket::close() noexcept
{
  boost::system::error_code ignored;
  descriptor_.close(ignored);
}

Result<std::size_t> UdpSocket::receive(DatagramReceiver& receiver)
{
  for (mmsghdr& message : messages_) {
    message.msg_hdr.msg_namelen = sizeof(sockaddr_storage);
    message.msg_hdr.msg_controllen = kControlBytes;
    message.msg_hdr.msg_flags = 0;
  }
  const int count =
      ::recvmmsg(descriptor_.native_handle(), messages_.data(), kMessages, MSG_DONTWAIT, nullptr);
  if (count < 0) {
    if (nothing_waits(errno)) return std::size_t{0};
    return last_os_error("receive UDP");
  }
  std::size_t payloads = 0;
  for (int i = 0; i < count; ++i)
    payloads += deliver(messages_[static_cast<std::size_t>(i)], receiver);
  return payloads;
}

std::size_t UdpSocket::deliver(const mmsghdr& message, DatagramReceiver& receiver) const
{
  if ((message.msg_hdr.msg_flags & MSG_TRUNC) != 0) return 1;  // longer than any UDP payload
  const ReceivedMeta meta = read_meta(message.msg_hdr);
  quic::UdpPath path{local_, remote_};
  if (!connected_)
    path.remote = from_socket_address(static_cast<const sockaddr*>(message.msg_hdr.msg_name),
                                      message.msg_hdr.msg_namelen);
  if (meta.local && reports_local_) path.local.address = *meta.local;

  ByteView rest{static_cast<const std::byte*>(message.msg_hdr.msg_iov->iov_base), message.msg_len};
  const std::size_t step = meta.segment_bytes > 0 ? meta.segment_bytes : rest.size();
  std::size_t payloads = 0;
  do {
    const ByteView payload = rest.first(std::min(step, rest.size()));
    receiver.on_udp_payload(path, meta.ecn, payload);
    rest = rest.subspan(payload.size());
    ++payloads;
  } while (!rest.empty());
  return payloads;
}

bool UdpSocket::send(const quic::PacketTrain::Run& run, ByteView bytes)
{
  if (segmentation_ || run.segments == 1) {
    if (send_once(run, bytes, run.segments > 1 ? run.segment_bytes : 0)) return true;
    // The interface cannot do it (EIO), or the kernel does not know it (EINVAL): from now on, one
    // payload a call.
    if (run.segments == 1 || (errno != EIO && errno != EINVAL)) return false;
    segmentation_ = false;
  }
  bool all = true;
  while (!bytes.empty()) {
    const std::size_t size = std::min(run.segment_bytes, bytes.size());
    all = send_once(run, bytes.first(size), 0) && all;
    bytes = bytes.subspan(size);
  }
  return all;
}

bool UdpSocket::send_once(const quic::PacketTrain::Run& run, ByteView bytes,
                          std::size_t segment_bytes)
{
  alignas(cmsghdr) std::array<std::byte, kControlBytes> control{};
  sockaddr_storage address{};
  iovec vector{const_cast<std::byte*>(bytes.data()), bytes.size()};
  msghdr message{};
  message.msg_iov = &vector;
  message.msg_iovlen = 1;
  if (!connected_) {
    message.msg_name = &address;
    message.msg_namelen = to_socket_address(run.path.remote, address);
  }
  ControlWriter writer{message, control};
  const bool is_v4 = local_.address.is_v4();
  if (segment_bytes > 0)
    writer.add(IPPROTO_UDP, UDP_SEGMENT, static_cast<std::uint16_t>(segment_bytes));
  if (run.ecn != 0) {
    if (is_v4)
      writer.add(IPPROTO_IP, IP_TOS, static_cast<int>(run.ecn));
    else
      writer.add(IPPROTO_IPV6, IPV6_TCLASS, static_cast<int>(run.ecn));
  }
  if (reports_local_ && !run.path.local.address.is_unspecified()) {
    const ByteView local = run.path.local.address.bytes();
    if (is_v4) {
      in_pktinfo info{};
      std::memcpy(&info.ipi_spec_dst, local.data(), local.size());
      writer.add(IPPROTO_IP, IP_PKTINFO, info);
    } else {
      in6_pktinfo info{};
      std::memcpy(&info.ipi6_addr, local.data(), local.size());
      writer.add(IPPROTO_IPV6, IPV6_PKTINFO, info);
    }
  }
  if (message.msg_controllen == 0) message.msg_control = nullptr;
  return ::sendmsg(descriptor_.native_handle(), &message, MSG_DONTWAIT) >= 0;
}

}  // namespace slopn::io
