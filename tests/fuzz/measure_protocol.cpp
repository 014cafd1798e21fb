// Messages of the measurement service: what is accepted has one form, and is in its ranges.

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "libtunnel/measure/protocol.hpp"
#include "tests/fuzz/must.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
  using namespace slopn;
  const ByteView bytes = view(data, size);
  const auto same = [&](const auto& again) { return std::ranges::equal(again, bytes); };
  if (const auto hello = measure::parse_hello(bytes)) {
    fuzz::must(hello->streams >= 1 && hello->streams <= measure::kMaxStreams);
    fuzz::must(hello->duration.count() > 0 && hello->duration <= measure::kMaxDuration);
    fuzz::must(same(measure::format(*hello)));
  }
  if (const auto verdict = measure::parse_answer(bytes))
    fuzz::must(same(measure::format(*verdict)));
  if (const auto report = measure::parse_report(bytes)) fuzz::must(same(measure::format(*report)));
  if (const auto echo = measure::parse_echo(bytes)) fuzz::must(same(measure::format(*echo)));
  return 0;
}
