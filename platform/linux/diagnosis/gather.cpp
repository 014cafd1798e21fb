#include <fcntl.h>
#include <linux/capability.h>
#include <linux/if_tun.h>
#include <linux/udp.h>
#include <netinet/in.h>
#include <nftables/libnftables.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timex.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <memory>
#include <sstream>

#include "libtunnel/base/unique_fd.hpp"
#include "platform/linux/diagnosis/facts.hpp"
#include "platform/linux/sysctl.hpp"

// Rights, the kernel and files. Each function leaves absent what it cannot find out.
namespace slopn::platform {
namespace {

constexpr const char* kSynchronizedByTimesyncd = "/run/systemd/timesync/synchronized";

void gather_rights(HostFacts& facts)
{
  facts.own_uid = ::geteuid();
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3> data{};
  if (::syscall(SYS_capget, &header, data.data()) != 0) return;
  facts.may_administer_network = (data[0].effective & (1U << CAP_NET_ADMIN)) != 0;
}

void gather_tun(HostFacts& facts)
{
  const UniqueFd fd{::open("/dev/net/tun", O_RDWR | O_CLOEXEC)};
  facts.tun_error = fd ? 0 : errno;
  unsigned int features = 0;
  if (fd && ::ioctl(fd.get(), TUNGETFEATURES, &features) == 0) facts.tun_features = features;
}

void gather_udp(HostFacts& facts)
{
  const UniqueFd fd{::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
  if (!fd) return;
  const int segment_bytes = 1200;
  const int on = 1;
  facts.udp_segmentation =
      ::setsockopt(fd.get(), IPPROTO_UDP, UDP_SEGMENT, &segment_bytes, sizeof segment_bytes) == 0;
  facts.udp_aggregation = ::setsockopt(fd.get(), IPPROTO_UDP, UDP_GRO, &on, sizeof on) == 0;
}

// "table inet mullvad { ... }": the names only.
std::vector<std::string> tables_in(const std::string& listing)
{
  std::vector<std::string> tables;
  std::istringstream lines{listing};
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("table ")) tables.push_back(line.substr(6));
  }
  return tables;
}

void gather_nftables(HostFacts& facts)
{
  struct FreeContext {
    void operator()(nft_ctx* context) const noexcept { nft_ctx_free(context); }
  };
  const std::unique_ptr<nft_ctx, FreeContext> context{nft_ctx_new(NFT_CTX_DEFAULT)};
  if (!context || nft_ctx_buffer_error(context.get()) != 0 ||
      nft_ctx_buffer_output(context.get()) != 0) {
    facts.nftables_error = "libnftables cannot be used";
    return;
  }
  if (nft_run_cmd_from_buffer(context.get(), "list tables") != 0) {
    const char* const why = nft_ctx_get_error_buffer(context.get());
    const std::string text = why == nullptr ? "" : why;
    facts.nftables_error = text.empty() ? "nftables" : text.substr(0, text.find('\n'));
    return;
  }
  facts.nftables_error = "";
  const char* const listing = nft_ctx_get_output_buffer(context.get());
  facts.nftables_tables = tables_in(listing == nullptr ? "" : listing);
}

std::optional<std::uint32_t> read_number(const std::string& name)
{
  const auto text = read_sysctl(name);
  if (!text) return std::nullopt;
  std::uint32_t number = 0;
  const char* const end = text->data() + text->size();
  if (std::from_chars(text->data(), end, number).ptr != end) return std::nullopt;
  return number;
}

// A sandbox may forbid the question; then timesyncd's sign has to do, where it is used.
std::optional<bool> is_clock_synchronized()
{
  timex state{};
  if (::adjtimex(&state) >= 0) return (state.status & STA_UNSYNC) == 0;
  if (::access(kSynchronizedByTimesyncd, F_OK) == 0) return true;
  return std::nullopt;
}

FileFact look_at(const std::filesystem::path& path)
{
  FileFact fact;
  fact.path = path;
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return fact;
  fact.exists = true;
  fact.is_folder = S_ISDIR(info.st_mode);
  fact.owner = info.st_uid;
  fact.mode = info.st_mode & 07777U;
  return fact;
}

}  // namespace

HostFacts gather_host_facts(const DiagnosisSubject& subject)
{
  HostFacts facts;
  facts.now = std::chrono::system_clock::now();
  utsname kernel{};
  if (::uname(&kernel) == 0) facts.kernel_release = kernel.release;
  gather_rights(facts);
  gather_tun(facts);
  gather_udp(facts);
  gather_nftables(facts);
  facts.clock_synchronized = is_clock_synchronized();
  facts.receive_buffer_max_bytes = read_number("net/core/rmem_max");
  facts.send_buffer_max_bytes = read_number("net/core/wmem_max");
  facts.files.push_back(look_at(subject.state_dir));
  for (const auto& path : subject.secret_files) facts.files.push_back(look_at(path));
  gather_network_facts(subject, facts);
  gather_dns_facts(facts);
  return facts;
}

}  // namespace slopn::platform
