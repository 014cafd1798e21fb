#include "platform/firewall.hpp"

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "platform/linux/gateway_ruleset.hpp"
#include "platform/linux/link.hpp"
#include "platform/linux/nftables.hpp"
#include "platform/linux/sysctl.hpp"

namespace slopn::platform {
namespace {

constexpr const char* kForward4 = "net/ipv4/ip_forward";
constexpr const char* kForward6 = "net/ipv6/conf/all/forwarding";
constexpr const char* kInterfaces6 = "/proc/sys/net/ipv6/conf";

// A forwarding interface ignores router advertisements unless it is told "even so" (2). Where they
// count now, they go on counting; where they do not, this must not make them.
std::vector<SysctlSetting> keep_advertisements()
{
  std::vector<SysctlSetting> settings;
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(kInterfaces6, ignored)) {
    const std::string name = entry.path().filename();
    if (name == "all" || name == "default" || name == "lo") continue;
    const std::string prefix = "net/ipv6/conf/" + name;
    const auto accept = read_sysctl(prefix + "/accept_ra");
    const auto forwarding = read_sysctl(prefix + "/forwarding");
    if (accept && *accept == "1" && forwarding && *forwarding == "0")
      settings.push_back({prefix + "/accept_ra", "2"});
  }
  return settings;
}

std::vector<SysctlSetting> forwarding_switches(const GatewayRules& rules)
{
  bool v4 = false;
  bool v6 = false;
  for (const IpPrefix& pool : rules.pools) (pool.version() == IpVersion::v4 ? v4 : v6) = true;

  std::vector<SysctlSetting> settings;
  if (v6 && host_has_ipv6()) {
    settings = keep_advertisements();
    settings.push_back({kForward6, "1"});
  }
  if (v4) settings.push_back({kForward4, "1"});
  return settings;
}

class LinuxFirewall final : public Firewall {
 public:
  explicit LinuxFirewall(const FirewallOptions& options)
      : table_(options.table), switches_(options.state_dir / "forwarding-before-slopn")
  {
  }

  Result<> apply(const GatewayRules& rules) override
  {
    auto commands = gateway_ruleset(rules, table_);
    if (!commands) return commands.error();
    if (auto done = run_nftables(*commands); !done)
      return std::move(done.error()).within("set gateway rules");
    // Only now: nothing is ever forwarded without rules.
    if (auto on = switches_.set(forwarding_switches(rules)); !on)
      return std::move(on.error()).within("turn forwarding on");
    return {};
  }

  Result<> restore() override
  {
    auto off = switches_.restore();
    auto removed = run_nftables(nftables_removal(table_));
    if (!off) return std::move(off.error()).within("put forwarding back");
    if (!removed) return std::move(removed.error()).within("remove gateway rules");
    return {};
  }

 private:
  std::string table_;
  SysctlKeeper switches_;
};

}  // namespace

Result<std::unique_ptr<Firewall>> make_firewall(const FirewallOptions& options)
{
  if (!valid_interface_name(options.table))
    return fail(Errc::invalid_argument, "table name '" + options.table + "'");
  return std::make_unique<LinuxFirewall>(options);
}

Result<std::unique_ptr<Firewall>> make_firewall(const std::filesystem::path& state_dir)
{
  return make_firewall(FirewallOptions{.state_dir = state_dir});
}

}  // namespace slopn::platform
