#include "platform/linux/reply_mark.hpp"

#include <algorithm>
#include <filesystem>
#include <string>

#include "platform/linux/nftables.hpp"
#include "platform/linux/sysctl.hpp"

namespace slopn::platform {
namespace {

constexpr const char* kTable = "slopn_replies";
constexpr const char* kInterfaces = "net/ipv4/conf";
constexpr char kStrict = '1';

// '0' off, '1' strict, '2' loose
char reverse_path_filter(const std::string& interface_name)
{
  const auto value = read_sysctl(std::string{kInterfaces} + '/' + interface_name + "/rp_filter");
  return value && value->size() == 1 ? value->front() : '0';
}

}  // namespace

bool strict_reverse_path_in_use()
{
  const char for_all = reverse_path_filter("all");
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(
           std::filesystem::path{"/proc/sys"} / kInterfaces, ignored)) {
    const std::string name = entry.path().filename();
    // The kernel applies the larger of the two values; new interfaces begin with "default".
    if (name != "all" && name != "lo" && std::max(for_all, reverse_path_filter(name)) == kStrict)
      return true;
  }
  return false;
}

Result<> mark_replies(std::uint32_t mark)
{
  const std::string number = std::to_string(mark);
  // The socket is looked up instead of the connection: no connection tracking for our packets.
  auto made = run_nftables(nftables_removal(kTable) + "table inet " + kTable +
                           " {\n"
                           "  chain prerouting {\n"
                           "    type filter hook prerouting priority mangle; policy accept;\n"
                           "    iifname != \"lo\" meta l4proto udp socket mark " +
                           number + " meta mark set " + number + "\n  }\n}\n");
  if (!made) {
    return std::move(made.error())
        .within("mark replies, which strict reverse-path filtering (rp_filter=1) needs");
  }
  return {};
}

void stop_marking_replies()
{
  (void)run_nftables(nftables_removal(kTable));
}

}  // namespace slopn::platform
