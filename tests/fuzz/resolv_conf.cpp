// /etc/resolv.conf as anything that writes it could leave it: text for people, bounded.

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "libtunnel/base/bytes.hpp"
#include "platform/linux/diagnosis/facts.hpp"
#include "tests/fuzz/must.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
  using namespace slopn;
  const auto harmless = [](const std::string& text) {
    return std::ranges::none_of(text, [](char c) { return c == '\n' || c == '\x1b' || c == '\0'; });
  };
  platform::DnsFacts dns;
  platform::read_resolv_conf(as_text(view(data, size)), dns);
  fuzz::must(dns.nameservers.size() <= 8);
  fuzz::must(harmless(dns.generated_by) && std::ranges::all_of(dns.nameservers, harmless));
  return 0;
}
