// tunrelay DEVICE LOCAL_IPV4:PORT REMOTE_IPV4:PORT
//
// A tunnel without any cryptography: what TUN and UDP of this kernel allow at best. What the TUN
// hands over whole (up to 64 KB of one flow, with its vnet header) goes out as UDP datagrams of at
// most 1408 bytes, many in one system call (UDP_SEGMENT), and is put together again at the other end.
// One thread for each direction. A lost datagram loses the whole packet: for a lossless link only.
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <netinet/udp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <thread>

#ifndef TUN_F_USO4  // Linux 6.2
#define TUN_F_USO4 0x20
#define TUN_F_USO6 0x40
#endif

namespace {

// | packet number 4 | piece's index 2 | 1 if it is the last 2 | piece |
struct PieceHeader {
  std::uint32_t packet;
  std::uint16_t index;
  std::uint16_t last;
};

constexpr std::size_t kPieceBytes = 1400;
constexpr std::size_t kDatagramBytes = sizeof(PieceHeader) + kPieceBytes;
constexpr std::size_t kMostPerCall = 65507 / kDatagramBytes;  // of one UDP_SEGMENT send
constexpr std::size_t kLargestPacket = 70000;
constexpr int kSocketBufferBytes = 4 << 20;

[[noreturn]] void die(const char* what)
{
  std::perror(what);
  std::exit(1);
}

int open_tun(const char* name)
{
  const int fd = ::open("/dev/net/tun", O_RDWR | O_CLOEXEC);
  if (fd < 0) die("/dev/net/tun");
  ifreq request{};
  std::strncpy(request.ifr_name, name, IFNAMSIZ - 1);
  request.ifr_flags = IFF_TUN | IFF_NO_PI | IFF_VNET_HDR;
  if (::ioctl(fd, TUNSETIFF, &request) < 0) die("TUNSETIFF");
  const unsigned long tcp = TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6;
  if (::ioctl(fd, TUNSETOFFLOAD, tcp | TUN_F_USO4 | TUN_F_USO6) < 0 &&
      ::ioctl(fd, TUNSETOFFLOAD, tcp) < 0)
    die("TUNSETOFFLOAD");
  return fd;
}

sockaddr_in endpoint(const std::string& text)
{
  const auto colon = text.find(':');
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(std::atoi(text.c_str() + colon + 1)));
  if (colon == std::string::npos ||
      ::inet_pton(AF_INET, text.substr(0, colon).c_str(), &address.sin_addr) != 1) {
    std::fprintf(stderr, "tunrelay: %s is not ADDRESS:PORT\n", text.c_str());
    std::exit(2);
  }
  return address;
}

int open_socket(const sockaddr_in& local, const sockaddr_in& remote)
{
  const int fd = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  const int on = 1;
  ::setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &kSocketBufferBytes, sizeof kSocketBufferBytes);
  ::setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &kSocketBufferBytes, sizeof kSocketBufferBytes);
  if (::setsockopt(fd, SOL_UDP, UDP_GRO, &on, sizeof on) < 0) die("UDP_GRO");
  if (::bind(fd, reinterpret_cast<const sockaddr*>(&local), sizeof local) < 0) die("bind");
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&remote), sizeof remote) < 0) die("connect");
  return fd;
}

void send_train(int udp, char* data, std::size_t bytes)
{
  iovec part{data, bytes};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(std::uint16_t))> control{};
  if (bytes > kDatagramBytes) {
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    cmsghdr* segment = CMSG_FIRSTHDR(&message);
    segment->cmsg_level = SOL_UDP;
    segment->cmsg_type = UDP_SEGMENT;
    segment->cmsg_len = CMSG_LEN(sizeof(std::uint16_t));
    const auto size = static_cast<std::uint16_t>(kDatagramBytes);
    std::memcpy(CMSG_DATA(segment), &size, sizeof size);
  }
  (void)::sendmsg(udp, &message, 0);  // a full queue loses the packet, as a wire would
}

void tun_to_udp(int tun, int udp)
{
  static std::array<char, kLargestPacket> packet;
  static std::array<char, kMostPerCall * kDatagramBytes> train;
  for (std::uint32_t number = 0;; ++number) {
    const ssize_t size = ::read(tun, packet.data(), packet.size());
    if (size <= 0) continue;
    const auto bytes = static_cast<std::size_t>(size);
    const std::size_t pieces = (bytes + kPieceBytes - 1) / kPieceBytes;
    for (std::size_t index = 0; index < pieces;) {
      std::size_t filled = 0;
      for (std::size_t in_call = 0; in_call < kMostPerCall && index < pieces; ++in_call, ++index) {
        const std::size_t length = std::min(kPieceBytes, bytes - index * kPieceBytes);
        const PieceHeader header{number, static_cast<std::uint16_t>(index), index + 1 == pieces};
        std::memcpy(train.data() + filled, &header, sizeof header);
        std::memcpy(train.data() + filled + sizeof header, packet.data() + index * kPieceBytes,
                    length);
        filled += sizeof header + length;
      }
      send_train(udp, train.data(), filled);
    }
  }
}

// Puts pieces together; a gap drops the packet.
class Assembler {
 public:
  explicit Assembler(int tun) : tun_(tun) {}

  void take(const char* datagram, std::size_t bytes)
  {
    PieceHeader header{};
    if (bytes < sizeof header) return;
    std::memcpy(&header, datagram, sizeof header);
    const std::size_t length = bytes - sizeof header;
    if (header.index == 0) {
      packet_ = header.packet;
      next_ = 0;
      filled_ = 0;
    }
    if (header.packet != packet_ || header.index != next_ || filled_ + length > buffer_.size()) {
      next_ = kNever;
      return;
    }
    std::memcpy(buffer_.data() + filled_, datagram + sizeof header, length);
    filled_ += length;
    ++next_;
    if (header.last == 0) return;
    (void)!::write(tun_, buffer_.data(), filled_);
    next_ = kNever;
  }

 private:
  static constexpr std::uint32_t kNever = UINT32_MAX;
  int tun_;
  std::uint32_t packet_ = 0;
  std::uint32_t next_ = kNever;
  std::size_t filled_ = 0;
  std::array<char, kLargestPacket> buffer_{};
};

void udp_to_tun(int udp, int tun)
{
  static std::array<char, kLargestPacket> buffer;
  static Assembler assembler{tun};
  for (;;) {
    alignas(cmsghdr) std::array<char, 64> control{};
    iovec part{buffer.data(), buffer.size()};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    const ssize_t size = ::recvmsg(udp, &message, 0);
    if (size <= 0) continue;
    const auto bytes = static_cast<std::size_t>(size);
    std::size_t segment = bytes;
    for (cmsghdr* c = CMSG_FIRSTHDR(&message); c != nullptr; c = CMSG_NXTHDR(&message, c)) {
      int joined = 0;
      if (c->cmsg_level != SOL_UDP || c->cmsg_type != UDP_GRO) continue;
      std::memcpy(&joined, CMSG_DATA(c), sizeof joined);
      segment = static_cast<std::size_t>(joined);
    }
    for (std::size_t at = 0; at < bytes; at += segment)
      assembler.take(buffer.data() + at, std::min(segment, bytes - at));
  }
}

}  // namespace

int main(int argc, char** argv)
{
  if (argc != 4) {
    std::fputs("usage: tunrelay DEVICE LOCAL_IPV4:PORT REMOTE_IPV4:PORT\n", stderr);
    return 2;
  }
  const int tun = open_tun(argv[1]);
  const int udp = open_socket(endpoint(argv[2]), endpoint(argv[3]));
  std::thread sender{tun_to_udp, tun, udp};
  udp_to_tun(udp, tun);
}
