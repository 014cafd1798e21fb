#include "libtunnel/io/reuse_port.hpp"

#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstdint>

#include "libtunnel/base/socket_address.hpp"
#include "libtunnel/base/unique_fd.hpp"
#include "libtunnel/quic/worker_steering.hpp"

namespace slopn::io {
namespace {

// Classic BPF, as <linux/filter.h> has it; that header is for platform/linux only.
struct BpfInstruction {
  std::uint16_t code;
  std::uint8_t jump_if_true;
  std::uint8_t jump_if_false;
  std::uint32_t operand;
};
struct BpfProgram {
  std::uint16_t size;
  const BpfInstruction* instructions;
};
constexpr std::uint16_t kLoadByte = 0x30;      // BPF_LD | BPF_B | BPF_ABS
constexpr std::uint16_t kJumpIfAnyBit = 0x45;  // BPF_JMP | BPF_JSET | BPF_K
constexpr std::uint16_t kModulo = 0x94;        // BPF_ALU | BPF_MOD | BPF_K
constexpr std::uint16_t kReturnA = 0x16;       // BPF_RET | BPF_A
constexpr std::uint16_t kJump = 0x05;          // BPF_JMP | BPF_JA

Error last_os_error(std::string_view operation)
{
  return fail({errno, boost::system::system_category()}, operation);
}

Result<> set_option(int fd, int name, const void* value, socklen_t size, std::string_view operation)
{
  if (::setsockopt(fd, SOL_SOCKET, name, value, size) < 0) return last_os_error(operation);
  return {};
}

Result<> enable_sharing(int fd)
{
  const int on = 1;
  return set_option(fd, SO_REUSEPORT, &on, sizeof on, "share a UDP port (SO_REUSEPORT)");
}

// quic::worker_for(), instruction by instruction. A load behind the packet's end ends the program
// with 0, the first worker.
Result<> attach_steering(int fd, std::size_t workers)
{
  using Rule = quic::WorkerSteering;
  const std::array<BpfInstruction, 7> program{{
      {kLoadByte, 0, 0, 0},
      {kJumpIfAnyBit, 2, 0, Rule::kLongHeader},
      {kLoadByte, 0, 0, Rule::kShortIdOffset},
      {kJump, 0, 0, 1},
      {kLoadByte, 0, 0, Rule::kLongIdOffset},
      {kModulo, 0, 0, static_cast<std::uint32_t>(workers)},
      {kReturnA, 0, 0, 0},
  }};
  const BpfProgram described{static_cast<std::uint16_t>(program.size()), program.data()};
  return set_option(fd, SO_ATTACH_REUSEPORT_CBPF, &described, sizeof described,
                    "steer a shared UDP port (SO_ATTACH_REUSEPORT_CBPF)");
}

Result<UniqueFd> open_socket(IpVersion version)
{
  const int family = version == IpVersion::v4 ? AF_INET : AF_INET6;
  UniqueFd fd{::socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
  if (!fd) return last_os_error("open UDP socket");
  const int on = 1;
  if (version == IpVersion::v6 &&
      ::setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on) < 0)
    return last_os_error("IPv6 only");
  return fd;
}

// What people do about it is not obvious from "Permission denied".
std::string why_denied(const UdpEndpoint& local, int error)
{
  constexpr std::uint16_t kFirstFreePort = 1024;
  if (error != EACCES || local.port >= kFirstFreePort) return {};
  return " (ports below 1024 need CAP_NET_BIND_SERVICE: systemctl start slopnd-gateway)";
}

Result<> bind_to(int fd, const UdpEndpoint& local)
{
  sockaddr_storage address{};
  const socklen_t size = to_socket_address(local, address);
  if (::bind(fd, reinterpret_cast<const sockaddr*>(&address), size) < 0)
    return last_os_error("bind UDP " + local.to_string() + why_denied(local, errno));
  return {};
}

}  // namespace

Result<> probe_port_steering()
{
  auto fd = open_socket(IpVersion::v4);
  if (!fd) return fd.error();
  if (auto shared = enable_sharing(fd->get()); !shared) return shared;
  // Before Linux 4.19 only a bound socket takes a program. The port is any, and for a moment.
  if (auto bound = bind_to(fd->get(), {IpAddress::any(IpVersion::v4), 0}); !bound) return bound;
  return attach_steering(fd->get(), 2);
}

Result<> share_port(int fd, const UdpEndpoint& local, const PortShare& share)
{
  if (share.workers < 2) return {};
  if (share.worker == 0) {
    auto probe = open_socket(local.address.version());
    if (!probe) return probe.error();
    if (auto free = bind_to(probe->get(), local); !free) return free;
  }
  return enable_sharing(fd);
}

Result<> steer_port(int fd, const PortShare& share)
{
  if (share.workers < 2 || share.worker != 0) return {};
  return attach_steering(fd, share.workers);
}

}  // namespace slopn::io
