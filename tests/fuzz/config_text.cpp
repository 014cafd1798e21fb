// Variables and flags: one "KEY=VALUE" a line, in both ways.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>

#include "daemon/config/command_line.hpp"
#include "libtunnel/base/bytes.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
  using namespace slopn;
  std::string_view rest = as_text(view(data, size));
  config::LoadOrder order{{}, config::FileNeed::optional, {}, {}};
  std::vector<std::string_view> arguments;
  while (!rest.empty()) {
    const auto end = std::min(rest.find('\n'), rest.size());
    const auto line = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    const auto equals = std::min(line.find('='), line.size());
    const auto value = line.substr(std::min(equals + 1, line.size()));
    order.environment.emplace(line.substr(0, equals), value);
    order.overrides.push_back({std::string{line.substr(0, equals)}, std::string{value}, "--set"});
    arguments.push_back(line);
  }
  (void)config::load(order);
  (void)config::parse_command_line(arguments, {});
  return 0;
}
