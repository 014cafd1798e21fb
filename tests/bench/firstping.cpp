// firstping IPV4 [SECONDS]
//
// Sends an ICMP echo request every 0.5 ms, from before there is a route, and says when the first
// answer came. On standard output: "ready" once it sends, then the time of the answer in
// microseconds since 1970. Exit code 1 without an answer in SECONDS (15).
//
// It runs before the clock of "first ping" does, so that the figure contains no start of a program
// but those of the peer.
#include <arpa/inet.h>
#include <netinet/ip_icmp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace {

constexpr timespec kInterval{0, 500'000};

std::uint16_t checksum(const icmphdr& header)
{
  std::array<std::uint16_t, sizeof header / 2> words{};
  std::memcpy(words.data(), &header, sizeof header);
  std::uint32_t sum = 0;
  for (const std::uint16_t word : words) sum += word;
  sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<std::uint16_t>(~(sum + (sum >> 16)));
}

bool is_answer(int fd, std::uint16_t id, in_addr expected)
{
  for (;;) {
    alignas(iphdr) std::array<char, 2048> packet{};
    const ssize_t size = ::recv(fd, packet.data(), packet.size(), MSG_DONTWAIT);
    if (size < 0) return false;
    iphdr ip{};
    icmphdr icmp{};
    if (static_cast<std::size_t>(size) < sizeof ip) continue;
    std::memcpy(&ip, packet.data(), sizeof ip);
    const std::size_t at = static_cast<std::size_t>(ip.ihl) * 4;
    if (static_cast<std::size_t>(size) < at + sizeof icmp) continue;
    std::memcpy(&icmp, packet.data() + at, sizeof icmp);
    if (icmp.type == ICMP_ECHOREPLY && icmp.un.echo.id == id && ip.saddr == expected.s_addr)
      return true;
  }
}

}  // namespace

int main(int argc, char** argv)
{
  sockaddr_in to{};
  to.sin_family = AF_INET;
  if (argc < 2 || argc > 3 || ::inet_pton(AF_INET, argv[1], &to.sin_addr) != 1) {
    std::fputs("usage: firstping IPV4 [SECONDS]\n", stderr);
    return 2;
  }
  const int fd = ::socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMP);
  if (fd < 0) {
    std::perror("firstping: socket");
    return 2;
  }
  const auto id = static_cast<std::uint16_t>(::getpid());
  const auto end =
      std::chrono::steady_clock::now() + std::chrono::seconds(argc > 2 ? std::atoi(argv[2]) : 15);
  std::puts("ready");
  std::fflush(stdout);
  for (std::uint16_t number = 0; std::chrono::steady_clock::now() < end; ++number) {
    icmphdr request{};
    request.type = ICMP_ECHO;
    request.un.echo.id = id;
    request.un.echo.sequence = number;
    request.checksum = checksum(request);
    // Without a route this fails, and so it shall.
    (void)!::sendto(fd, &request, sizeof request, 0, reinterpret_cast<const sockaddr*>(&to),
                    sizeof to);
    pollfd readable{fd, POLLIN, 0};
    if (::ppoll(&readable, 1, &kInterval, nullptr) > 0 && is_answer(fd, id, to.sin_addr)) {
      const auto now = std::chrono::system_clock::now().time_since_epoch();
      std::printf("%lld\n",
                  static_cast<long long>(
                      std::chrono::duration_cast<std::chrono::microseconds>(now).count()));
      return 0;
    }
  }
  return 1;
}
