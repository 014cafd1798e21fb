// slopnd.toml as an attacker would write it: an error or a config, never a crash.

#include <cstddef>
#include <cstdint>

#include "daemon/config/load.hpp"
#include "libtunnel/base/bytes.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
  using namespace slopn;
  const auto config = config::parse_config(as_text(view(data, size)), "fuzz.toml");
  if (config && !config::diff_live(*config, *config).live.empty()) __builtin_trap();
  return 0;
}
