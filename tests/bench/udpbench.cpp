// udpbench MODE BYTES SECONDS NAMESPACE_A NAMESPACE_B ADDRESS_B
//
// What UDP sockets of this kernel can do: one thread sends in namespace A, another receives in B.
// MODE is plain (send, recv), mmsg (sendmmsg, recvmmsg, 64 each) or gso (UDP_SEGMENT, UDP_GRO).
// A namespace is a name of `ip netns`, or - for the present one.
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/udp.h>
#include <sched.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;
constexpr std::uint16_t kPort = 9999;
constexpr std::size_t kBatch = 64;
constexpr std::size_t kLargestDatagram = 65507;

enum class Mode { plain, mmsg, gso };

struct Order {
  Mode mode = Mode::plain;
  std::size_t datagram_bytes = 0;
  std::chrono::seconds duration{0};
  std::string sender_namespace;
  std::string receiver_namespace;
  sockaddr_in receiver{};
};

struct Result {
  std::uint64_t bytes = 0;
  std::uint64_t datagrams = 0;
  std::uint64_t calls = 0;
  double seconds = 0;
  double cpu_seconds = 0;
};

[[noreturn]] void die(const char* what)
{
  std::perror(what);
  std::exit(1);
}

double thread_cpu_seconds()
{
  timespec now{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

void enter(const std::string& name, unsigned core)
{
  if (name != "-") {
    const int fd = ::open(("/run/netns/" + name).c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0 || ::setns(fd, CLONE_NEWNET) < 0) die(name.c_str());
    ::close(fd);
  }
  cpu_set_t cores;
  CPU_ZERO(&cores);
  CPU_SET(core % std::max(1U, std::thread::hardware_concurrency()), &cores);
  (void)::sched_setaffinity(0, sizeof cores, &cores);
}

int open_socket(int which_buffer, int bytes)
{
  const int fd = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) die("socket");
  ::setsockopt(fd, SOL_SOCKET, which_buffer, &bytes, sizeof bytes);
  return fd;
}

// Buffers for `kBatch` messages, one datagram each.
struct Batch {
  explicit Batch(std::size_t bytes) : data(kBatch * bytes, 'x'), parts(kBatch), messages(kBatch)
  {
    for (std::size_t i = 0; i < kBatch; ++i) {
      parts[i] = {data.data() + i * bytes, bytes};
      messages[i].msg_hdr.msg_iov = &parts[i];
      messages[i].msg_hdr.msg_iovlen = 1;
    }
  }
  std::vector<char> data;
  std::vector<iovec> parts;
  std::vector<mmsghdr> messages;
};

Result receive(const Order& order, std::atomic<bool>& ready, const std::atomic<bool>& stop)
{
  enter(order.receiver_namespace, 1);
  const int fd = open_socket(SO_RCVBUFFORCE, 16 << 20);
  if (::bind(fd, reinterpret_cast<const sockaddr*>(&order.receiver), sizeof order.receiver) < 0)
    die("bind");
  const timeval patience{0, 200'000};
  ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  const int on = order.mode == Mode::gso ? 1 : 0;
  if (::setsockopt(fd, SOL_UDP, UDP_GRO, &on, sizeof on) < 0) die("UDP_GRO");

  Batch batch{order.datagram_bytes};
  std::vector<char> joined(65536);
  Result result;
  Clock::time_point first;
  Clock::time_point last;
  ready = true;
  while (!stop) {
    std::uint64_t bytes = 0;
    if (order.mode == Mode::mmsg) {
      const int count = ::recvmmsg(fd, batch.messages.data(), kBatch, MSG_WAITFORONE, nullptr);
      for (int i = 0; i < count; ++i) bytes += batch.messages[static_cast<std::size_t>(i)].msg_len;
    } else {
      const ssize_t size = ::recv(fd, joined.data(), joined.size(), 0);
      bytes = size > 0 ? static_cast<std::uint64_t>(size) : 0;
    }
    if (bytes == 0) continue;
    last = Clock::now();
    if (result.calls == 0) first = last;
    ++result.calls;
    result.bytes += bytes;
    result.datagrams += (bytes + order.datagram_bytes - 1) / order.datagram_bytes;
  }
  result.seconds = std::chrono::duration<double>(last - first).count();
  result.cpu_seconds = thread_cpu_seconds();
  return result;
}

Result send(const Order& order, const std::atomic<bool>& ready)
{
  enter(order.sender_namespace, 0);
  while (!ready) std::this_thread::yield();
  const int fd = open_socket(SO_SNDBUFFORCE, 4 << 20);
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&order.receiver), sizeof order.receiver) < 0)
    die("connect");
  const std::size_t in_train = std::min(kBatch, kLargestDatagram / order.datagram_bytes);
  const auto segment = static_cast<int>(order.datagram_bytes);
  if (order.mode == Mode::gso &&
      ::setsockopt(fd, SOL_UDP, UDP_SEGMENT, &segment, sizeof segment) < 0)
    die("UDP_SEGMENT");

  Batch batch{order.datagram_bytes};
  Result result;
  const auto start = Clock::now();
  while (Clock::now() < start + order.duration) {
    ++result.calls;
    if (order.mode == Mode::mmsg) {
      const int count = ::sendmmsg(fd, batch.messages.data(), kBatch, 0);
      result.datagrams += count > 0 ? static_cast<std::uint64_t>(count) : 0;
    } else {
      const std::size_t count = order.mode == Mode::gso ? in_train : 1;
      if (::send(fd, batch.data.data(), count * order.datagram_bytes, 0) > 0)
        result.datagrams += count;
    }
  }
  result.bytes = result.datagrams * order.datagram_bytes;
  result.seconds = std::chrono::duration<double>(Clock::now() - start).count();
  result.cpu_seconds = thread_cpu_seconds();
  return result;
}

void print(const char* mode, const Order& order, const Result& sent, const Result& received)
{
  const auto gbit = [](const Result& r) {
    return static_cast<double>(r.bytes) * 8 / r.seconds / 1e9;
  };
  const auto percent = [](double part, double whole) { return whole > 0 ? 100 * part / whole : 0; };
  std::printf(
      "%-5s %4zu B: sent %.2f Gbit/s, received %.2f Gbit/s (%.0f thousand/s), lost %.1f %%, "
      "%.1f datagrams a receive call, CPU sender %.0f %% receiver %.0f %%\n",
      mode, order.datagram_bytes, gbit(sent), gbit(received),
      static_cast<double>(received.datagrams) / received.seconds / 1e3,
      percent(static_cast<double>(sent.datagrams - std::min(sent.datagrams, received.datagrams)),
              static_cast<double>(sent.datagrams)),
      static_cast<double>(received.datagrams) /
          static_cast<double>(std::max<std::uint64_t>(1, received.calls)),
      percent(sent.cpu_seconds, sent.seconds), percent(received.cpu_seconds, received.seconds));
}

}  // namespace

int main(int argc, char** argv)
{
  if (argc != 7) {
    std::fputs("usage: udpbench plain|mmsg|gso BYTES SECONDS NAMESPACE_A NAMESPACE_B ADDRESS_B\n",
               stderr);
    return 2;
  }
  Order order;
  const std::string mode = argv[1];
  order.mode = mode == "gso" ? Mode::gso : mode == "mmsg" ? Mode::mmsg : Mode::plain;
  order.datagram_bytes =
      std::clamp<std::size_t>(static_cast<std::size_t>(std::atol(argv[2])), 1, 9000);
  order.duration = std::chrono::seconds{std::max(1, std::atoi(argv[3]))};
  order.sender_namespace = argv[4];
  order.receiver_namespace = argv[5];
  order.receiver.sin_family = AF_INET;
  order.receiver.sin_port = htons(kPort);
  if (::inet_pton(AF_INET, argv[6], &order.receiver.sin_addr) != 1) {
    std::fprintf(stderr, "udpbench: %s is no IPv4 address\n", argv[6]);
    return 2;
  }

  std::atomic<bool> ready{false};
  std::atomic<bool> stop{false};
  Result received;
  Result sent;
  std::thread receiver{[&] { received = receive(order, ready, stop); }};
  std::thread sender{[&] { sent = send(order, ready); }};
  sender.join();
  std::this_thread::sleep_for(std::chrono::milliseconds{300});  // what is still on its way
  stop = true;
  receiver.join();
  print(argv[1], order, sent, received);
}
