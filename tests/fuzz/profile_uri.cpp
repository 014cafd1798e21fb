// A slopn:// URI. What is accepted names no file and can be written and read back.

#include <cstddef>
#include <cstdint>

#include "daemon/config/profile.hpp"
#include "libtunnel/base/bytes.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
  using namespace slopn;
  const auto profile = config::parse_uri(as_text(view(data, size)));
  if (!profile) return 0;
  if (!config::is_valid_profile_name(profile->name)) __builtin_trap();
  const auto uri = config::format_uri(*profile);
  if (!uri) return 0;  // longer than the original, where that had no percent signs
  const auto again = config::parse_uri(uri->reveal());
  if (!again || config::format_profile(*again) != config::format_profile(*profile))
    __builtin_trap();
  return 0;
}
