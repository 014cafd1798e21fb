#include <unistd.h>

#include <filesystem>
#include <sstream>

#include "libtunnel/base/file.hpp"
#include "libtunnel/base/text.hpp"
#include "platform/linux/diagnosis/facts.hpp"

// Who decides which name servers are asked, as the file system shows it. Nobody is asked: a service
// that does not answer must not make us wait.
namespace slopn::platform {
namespace {

constexpr const char* kResolvConf = "/etc/resolv.conf";
constexpr std::size_t kMaxResolvConfBytes = 65'536;
constexpr std::size_t kMaxNameservers = 8;

bool there_is(const char* path)
{
  return ::access(path, F_OK) == 0;
}

}  // namespace

void read_resolv_conf(std::string_view text, DnsFacts& dns)
{
  std::istringstream lines{std::string{text}};
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with('#') || line.starts_with(';')) {
      if (dns.generated_by.empty()) dns.generated_by = printable(line.substr(1));
      continue;
    }
    std::istringstream words{line};
    std::string keyword;
    std::string value;
    if (words >> keyword >> value && keyword == "nameserver" &&
        dns.nameservers.size() < kMaxNameservers)
      dns.nameservers.push_back(printable(value));
  }
}

void gather_dns_facts(HostFacts& facts)
{
  DnsFacts& dns = facts.dns;
  std::error_code ignored;
  dns.link_target = std::filesystem::read_symlink(kResolvConf, ignored).string();
  if (const auto text = read_file(kResolvConf, {kMaxResolvConfBytes})) {
    dns.exists = true;
    read_resolv_conf(*text, dns);
  }
  dns.resolved_runs = there_is("/run/systemd/resolve/io.systemd.Resolve");
}

}  // namespace slopn::platform
