// A wide-area link between two network namespaces: see kUsage.
//
// Each namespace gets a TUN device; this program reads the packets of one and writes them to the
// other when WanDirection says so, a thread for each direction. The devices offer no segmentation,
// so that every packet here is one on the wire, whatever offloads its sender used. They do offer
// checksums: what the sender left out stays out, as with a network card.
#include <fcntl.h>
#include <getopt.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <sched.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <thread>

#include "tests/support/wan_direction.hpp"

namespace {

using slopn::test::WanCounters;
using slopn::test::WanDirection;
using slopn::test::WanShape;
using Clock = std::chrono::steady_clock;

constexpr const char* kUsage = R"(usage: wan [OPTION...] CLIENT_NAMESPACE SERVER_NAMESPACE

Makes a TUN device in each of two network namespaces (names of "ip netns", or paths) and carries
IP packets between them until SIGTERM; then it prints what it did. Addresses are the caller's.
Each option but the last two takes one value, or two with a comma: client to server, and back.

  --delay MS           one way (0)
  --loss PERCENT       of packets, at random (0)
  --rate MBIT          Mbit/s of whole IP packets (0: no limit)
  --queue-kb KB        1000 bytes that may wait for the rate (0: no limit)
  --queue-packets N    packets that may wait for it (0: no limit)
  --seed N             of the losses (1)
  --device NAME        name of both devices (outer0)
)";

constexpr std::size_t kHeaderBytes = 10;  // struct virtio_net_hdr, whose header is no C++
constexpr int kReadAtOnce = 64;
constexpr int kWriteAtOnce = 256;  // more, so that too much traffic is lost and not late

[[noreturn]] void die(const std::string& what)
{
  std::fprintf(stderr, "wan: %s: %s\n", what.c_str(), std::strerror(errno));
  std::exit(1);
}

[[noreturn]] void die_of_usage(const std::string& why)
{
  std::fprintf(stderr, "wan: %s\n\n%s", why.c_str(), kUsage);
  std::exit(2);
}

// Opens a TUN device in a namespace. The thread stays there.
int open_tun(const std::string& name_space, const std::string& device)
{
  const std::string path =
      name_space.find('/') == std::string::npos ? "/run/netns/" + name_space : name_space;
  const int there = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (there < 0 || ::setns(there, CLONE_NEWNET) < 0) die(path);
  ::close(there);
  const int fd = ::open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) die("/dev/net/tun");
  ifreq request{};
  device.copy(request.ifr_name, IFNAMSIZ - 1);
  request.ifr_flags = IFF_TUN | IFF_NO_PI | IFF_VNET_HDR;
  if (::ioctl(fd, TUNSETIFF, &request) < 0) die("TUNSETIFF " + device);
  if (::ioctl(fd, TUNSETOFFLOAD, TUN_F_CSUM) < 0) die("TUNSETOFFLOAD");
  return fd;
}

// One direction: reads, waits, writes.
class Carrier {
 public:
  Carrier(int from, int to, int stop, const WanShape& shape, std::uint64_t seed)
      : direction_(shape, seed), from_(from), to_(to), stop_(stop)
  {
  }

  void run()
  {
    ::prctl(PR_SET_TIMERSLACK, 1UL);  // ns; 50000 otherwise
    while (wait()) {
      read_some();
      write_due();
    }
  }

  void report(const char* name) const
  {
    const WanCounters& counters = direction_.counters();
    std::printf(
        "%s\tpackets=%llu\tbytes=%llu\tlost=%llu\toverflown=%llu\trefused=%llu\tpeak=%zu\t"
        "late_mean_us=%.1f\tlate_max_us=%.1f\n",
        name, static_cast<unsigned long long>(counters.accepted),
        static_cast<unsigned long long>(counters.accepted_bytes),
        static_cast<unsigned long long>(counters.lost),
        static_cast<unsigned long long>(counters.overflown),
        static_cast<unsigned long long>(refused_), counters.peak_in_flight,
        written_ > 0 ? late_sum_us_ / static_cast<double>(written_) : 0, late_max_us_);
  }

 private:
  // Until there is something to do; false when it is time to end.
  bool wait()
  {
    std::array<pollfd, 2> files{pollfd{from_, POLLIN, 0}, pollfd{stop_, POLLIN, 0}};
    timespec timeout{};
    const auto next = direction_.next();
    if (next) {
      const auto left = std::max(next->at - Clock::now(), Clock::duration::zero());
      timeout.tv_sec = std::chrono::duration_cast<std::chrono::seconds>(left).count();
      timeout.tv_nsec = (left % std::chrono::seconds(1)).count();
    }
    if (::ppoll(files.data(), files.size(), next ? &timeout : nullptr, nullptr) < 0) return false;
    readable_ = (files[0].revents & POLLIN) != 0;
    return files[1].revents == 0;
  }

  void read_some()
  {
    for (int i = 0; readable_ && i < kReadAtOnce; ++i) {
      const auto room = direction_.spare();
      const ssize_t size = ::read(from_, room.data(), room.size());
      if (size < 0) return;
      const auto used = static_cast<std::size_t>(size);
      if (used > kHeaderBytes) direction_.accept(used, used - kHeaderBytes, Clock::now());
    }
  }

  void write_due()
  {
    for (int i = 0; i < kWriteAtOnce; ++i) {
      const auto packet = direction_.next();
      const auto now = Clock::now();
      if (!packet || packet->at > now) return;
      if (::write(to_, packet->bytes.data(), packet->bytes.size()) < 0) ++refused_;
      const std::chrono::duration<double, std::micro> late = now - packet->at;
      late_sum_us_ += late.count();
      late_max_us_ = std::max(late_max_us_, late.count());
      ++written_;
      direction_.pop();
    }
  }

  WanDirection direction_;
  int from_;
  int to_;
  int stop_;
  bool readable_ = false;
  std::uint64_t written_ = 0;
  std::uint64_t refused_ = 0;  // by the kernel: the device is down
  double late_sum_us_ = 0;
  double late_max_us_ = 0;
};

double number(std::string_view text, double most)
{
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || !(value >= 0 && value <= most))
    die_of_usage("not a number from 0 to " + std::to_string(static_cast<long>(most)) + ": " +
                 std::string(text));
  return value;
}

// "A" is both directions, "A,B" one for each.
std::array<double, 2> numbers(std::string_view text, double most)
{
  const std::size_t comma = text.find(',');
  if (comma == std::string_view::npos) return {number(text, most), number(text, most)};
  return {number(text.substr(0, comma), most), number(text.substr(comma + 1), most)};
}

struct Options {
  std::array<WanShape, 2> shapes;  // client to server, and back
  std::uint64_t seed = 1;
  std::string device = "outer0";
  std::string client_namespace;
  std::string server_namespace;
};

void set_shapes(Options& options, int option, std::string_view text)
{
  constexpr double kMost = 1e6;
  const auto values = numbers(text, option == 'l' ? 100 : kMost);
  for (std::size_t way = 0; way < 2; ++way) {
    WanShape& shape = options.shapes[way];
    const double value = values[way];
    switch (option) {
      case 'd':
        shape.delay = std::chrono::nanoseconds(static_cast<std::int64_t>(value * 1e6));
        break;
      case 'l':
        shape.loss = value / 100;
        break;
      case 'r':
        shape.rate_bits_per_s = static_cast<std::uint64_t>(value * 1e6);
        break;
      case 'k':
        shape.queue_bytes = static_cast<std::size_t>(value * 1e3);
        break;
      default:
        shape.queue_packets = static_cast<std::size_t>(value);
        break;
    }
  }
}

Options parse(int argc, char** argv)
{
  constexpr std::array<option, 9> kLong{{{"delay", required_argument, nullptr, 'd'},
                                         {"loss", required_argument, nullptr, 'l'},
                                         {"rate", required_argument, nullptr, 'r'},
                                         {"queue-kb", required_argument, nullptr, 'k'},
                                         {"queue-packets", required_argument, nullptr, 'p'},
                                         {"seed", required_argument, nullptr, 's'},
                                         {"device", required_argument, nullptr, 'n'},
                                         {"help", no_argument, nullptr, 'h'},
                                         {nullptr, 0, nullptr, 0}}};
  Options options;
  for (int found = 0; (found = ::getopt_long(argc, argv, "", kLong.data(), nullptr)) != -1;) {
    if (found == 'h') {
      std::fputs(kUsage, stdout);
      std::exit(0);
    }
    if (found == '?') die_of_usage("bad option");
    if (found == 's')
      options.seed = static_cast<std::uint64_t>(number(optarg, 1e15));
    else if (found == 'n')
      options.device = optarg;
    else
      set_shapes(options, found, optarg);
  }
  if (argc - optind != 2) die_of_usage("two namespaces are needed");
  options.client_namespace = argv[optind];
  options.server_namespace = argv[optind + 1];
  if (options.device.empty() || options.device.size() >= IFNAMSIZ) die_of_usage("bad device name");
  return options;
}

}  // namespace

int main(int argc, char** argv)
{
  const Options options = parse(argc, argv);
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);

  sigset_t ending{};
  sigemptyset(&ending);
  sigaddset(&ending, SIGTERM);
  sigaddset(&ending, SIGINT);
  pthread_sigmask(SIG_BLOCK, &ending, nullptr);

  const int client = open_tun(options.client_namespace, options.device);
  const int server = open_tun(options.server_namespace, options.device);
  const int stop = ::eventfd(0, EFD_CLOEXEC);
  if (stop < 0) die("eventfd");

  Carrier up{client, server, stop, options.shapes[0], options.seed};
  Carrier down{server, client, stop, options.shapes[1], options.seed + 1};
  std::thread up_thread{&Carrier::run, &up};
  std::thread down_thread{&Carrier::run, &down};
  int signal = 0;
  sigwait(&ending, &signal);
  const std::uint64_t one = 1;
  if (::write(stop, &one, sizeof one) < 0) die("eventfd");
  up_thread.join();
  down_thread.join();
  up.report("up");
  down.report("down");
  return 0;
}
