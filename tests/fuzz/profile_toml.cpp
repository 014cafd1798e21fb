// A profile from elsewhere. What is accepted names no file and can be written and read back.

#include <cstddef>
#include <cstdint>

#include "daemon/config/profile.hpp"
#include "libtunnel/base/bytes.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
  using namespace slopn;
  using config::FileReferences;
  const auto profile =
      config::parse_profile(as_text(view(data, size)), "fuzz.toml", FileReferences::refused);
  if (!profile) return 0;
  if (!config::is_valid_profile_name(profile->name)) __builtin_trap();
  const auto text = config::format_profile(*profile);
  const auto again = config::parse_profile(text.reveal(), "again.toml", FileReferences::refused);
  if (!again || config::format_profile(*again) != text) __builtin_trap();
  return 0;
}
