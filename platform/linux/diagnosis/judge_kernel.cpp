#include <linux/if_tun.h>
#include <sys/stat.h>

#include <cerrno>
#include <charconv>
#include <cstring>

#include "platform/linux/diagnosis/judge.hpp"

// What concerns rights, the kernel and the host as such.
namespace slopn::platform {
namespace {

using namespace std::chrono_literals;

constexpr const char* kRunAsService =
    "start slopnd by systemd (systemctl start slopnd), or as root; in a container: --cap-add "
    "NET_ADMIN";

// Before this the clock cannot be right: it is when slopn began.
constexpr auto kEarliest = std::chrono::sys_days{std::chrono::year{2025} / 1 / 1};
constexpr auto kLatest = std::chrono::sys_days{std::chrono::year{2100} / 1 / 1};

struct KernelVersion {
  int major = 0;
  int minor = 0;
  friend auto operator<=>(const KernelVersion&, const KernelVersion&) = default;
};

std::optional<KernelVersion> parse_version(std::string_view release)
{
  KernelVersion version;
  const char* const end = release.data() + release.size();
  const auto major = std::from_chars(release.data(), end, version.major);
  if (major.ec != std::errc{} || major.ptr == end || *major.ptr != '.') return std::nullopt;
  if (std::from_chars(major.ptr + 1, end, version.minor).ec != std::errc{}) return std::nullopt;
  return version;
}

bool is_outsider(const DiagnosisSubject& subject)
{
  return subject.viewpoint == DiagnosisSubject::Viewpoint::outsider;
}

std::string octal(mode_t mode)
{
  std::string text = "0000";
  for (std::size_t i = 0; i < 4; ++i)
    text[3 - i] = static_cast<char>('0' + ((mode >> (3 * i)) & 7U));
  return text;
}

}  // namespace

void judge_rights(const DiagnosisSubject& subject, const HostFacts& facts, Findings& findings)
{
  // Neither having rights nor lacking them says anything about the daemon.
  if (is_outsider(subject))
    return findings.unknown("rights", "which rights slopnd has only slopnd knows", kRunAsService);
  if (!facts.may_administer_network)
    return findings.unknown("rights", "whether slopn may administer the network is not known",
                            kRunAsService);
  if (*facts.may_administer_network) return findings.good("rights", "CAP_NET_ADMIN is there");
  findings.problem("rights", "no right to administer the network",
                   "uid " + std::to_string(facts.own_uid) + " without CAP_NET_ADMIN",
                   kRunAsService);
}

void judge_tun(const DiagnosisSubject& subject, const HostFacts& facts, Findings& findings)
{
  if (!facts.tun_error)
    return findings.unknown("tun", "/dev/net/tun was not looked at", "run slopnctl doctor again");
  const std::string seen = std::string{"/dev/net/tun: "} + std::strerror(*facts.tun_error);
  switch (*facts.tun_error) {
    case 0:
      return findings.good("tun", "/dev/net/tun opens");
    case ENOENT:
      return findings.problem("tun", "there is no /dev/net/tun", seen,
                              "modprobe tun; in a container: --device /dev/net/tun");
    case ENODEV:
    case ENXIO:
      return findings.problem("tun", "the kernel has no TUN driver", seen,
                              "modprobe tun, or a kernel with CONFIG_TUN");
    case EPERM:
    case EACCES:
      if (is_outsider(subject) && facts.own_uid != 0)
        return findings.unknown("tun",
                                "this user may not open /dev/net/tun; slopnd may be allowed to",
                                "sudo slopnctl doctor");
      return findings.problem("tun", "/dev/net/tun may not be opened", seen,
                              "chmod 0666 /dev/net/tun; in a container: --device /dev/net/tun");
    default:
      return findings.problem("tun", "/dev/net/tun does not open", seen,
                              "see what the kernel says: dmesg | tail");
  }
}

void judge_tun_offload(const DiagnosisSubject& subject, const HostFacts& facts, Findings& findings)
{
  if (!facts.tun_features) return;  // then `tun` says why
  if ((*facts.tun_features & IFF_VNET_HDR) == 0)
    return findings.notice("tun_offload", "packets cross the interface one by one",
                           "the TUN driver knows no IFF_VNET_HDR", "use a newer kernel");
  const bool gateway = subject.role == DiagnosisSubject::Role::gateway;
  if (gateway && (*facts.tun_features & IFF_MULTI_QUEUE) == 0)
    return findings.notice("tun_offload", "all workers share one queue",
                           "the TUN driver knows no IFF_MULTI_QUEUE", "use a newer kernel");
  // UDP segmentation cannot be asked for without an interface; it came with Linux 6.2.
  const auto version = parse_version(facts.kernel_release);
  if (version && *version < KernelVersion{6, 2})
    return findings.notice("tun_offload",
                           "TCP crosses the interface many packets at a time, UDP not",
                           "Linux " + facts.kernel_release, "for fast UDP: Linux 6.2 or newer");
  findings.good("tun_offload", "TCP and UDP cross the interface many packets at a time");
}

void judge_udp_offload(const DiagnosisSubject&, const HostFacts& facts, Findings& findings)
{
  if (!facts.udp_segmentation || !facts.udp_aggregation)
    return findings.unknown("udp_offload", "UDP sockets could not be tried",
                            "run slopnctl doctor again");
  if (*facts.udp_segmentation && *facts.udp_aggregation)
    return findings.good("udp_offload", "UDP_SEGMENT and UDP_GRO work");
  std::string missing = *facts.udp_segmentation ? "UDP_GRO" : "UDP_SEGMENT";
  if (!*facts.udp_segmentation && !*facts.udp_aggregation) missing = "UDP_SEGMENT and UDP_GRO";
  findings.notice("udp_offload", "the tunnel is slower than it could be",
                  "the kernel has no " + missing + " (Linux " + facts.kernel_release + ")",
                  "use Linux 5.0 or newer");
}

void judge_nftables(const DiagnosisSubject& subject, const HostFacts& facts, Findings& findings)
{
  const char* const fix = "modprobe nf_tables, or a kernel with CONFIG_NF_TABLES";
  if (!facts.nftables_error)
    return findings.unknown("nftables", "the packet filter was not asked", kRunAsService);
  if (facts.nftables_error->empty()) return findings.good("nftables", "nftables answers");
  if (facts.may_administer_network == false)
    return findings.unknown("nftables", "only who may administer the network can ask nftables",
                            is_outsider(subject) ? "sudo slopnctl doctor" : kRunAsService);
  // A client needs it only where the reverse path is filtered strictly.
  if (subject.role == DiagnosisSubject::Role::client)
    return findings.notice("nftables", "nftables does not answer", *facts.nftables_error, fix);
  findings.problem("nftables", "nftables does not answer, and a gateway needs it",
                   *facts.nftables_error, fix);
}

void judge_buffers(const DiagnosisSubject& subject, const HostFacts& facts, Findings& findings)
{
  if (facts.may_administer_network == true || is_outsider(subject))
    return findings.good("buffers", "UDP sockets get the buffers they want",
                         "CAP_NET_ADMIN goes beyond net.core.rmem_max");
  const auto wanted = subject.socket_buffer_bytes;
  const auto too_small = [&](std::optional<std::uint32_t> bytes) {
    return bytes && *bytes < wanted;
  };
  if (!too_small(facts.receive_buffer_max_bytes) && !too_small(facts.send_buffer_max_bytes))
    return findings.good("buffers", "UDP sockets may have the buffers they want");
  const std::string bytes = std::to_string(wanted);
  findings.notice(
      "buffers", "UDP sockets get smaller buffers than configured",
      "net.core.rmem_max=" + std::to_string(facts.receive_buffer_max_bytes.value_or(0)) +
          " net.core.wmem_max=" + std::to_string(facts.send_buffer_max_bytes.value_or(0)) +
          " transport.socket_buffer_bytes=" + bytes,
      "sysctl -w net.core.rmem_max=" + bytes + " net.core.wmem_max=" + bytes +
          ", or run slopnd with CAP_NET_ADMIN");
}

void judge_clock(const DiagnosisSubject&, const HostFacts& facts, Findings& findings)
{
  const std::string fix = "timedatectl set-ntp true, or set it by hand: date -s 'YYYY-MM-DD HH:MM'";
  if (facts.now < kEarliest || facts.now >= kLatest)
    return findings.problem("clock", "the clock is wrong by years",
                            "certificates look expired, or not yet valid", fix);
  if (facts.clock_synchronized == false)
    return findings.notice("clock", "nobody keeps the clock right",
                           "the kernel says that it is not synchronized", fix);
  findings.good("clock",
                facts.clock_synchronized ? "the clock is kept right" : "the clock is plausible");
}

void judge_files(const DiagnosisSubject&, const HostFacts& facts, Findings& findings)
{
  bool all_well = true;
  for (const FileFact& file : facts.files) {
    if (!file.exists) continue;
    const std::string path = file.path.string();
    if ((file.mode & (S_IRWXG | S_IRWXO)) != 0) {
      all_well = false;
      findings.problem("files", path + " is open to others", "its mode is " + octal(file.mode),
                       "chmod " + std::string{file.is_folder ? "0700 " : "0600 "} + path);
    } else if (file.owner != 0 && file.owner != facts.own_uid && facts.own_uid != 0) {
      all_well = false;
      findings.problem("files", path + " belongs to somebody else",
                       "its owner is uid " + std::to_string(file.owner),
                       "chown " + std::to_string(facts.own_uid) + " " + path);
    }
  }
  if (all_well) findings.good("files", "nobody else can read keys");
}

}  // namespace slopn::platform
