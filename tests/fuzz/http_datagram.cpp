#include "libtunnel/core/wire/http_datagram.hpp"

#include <cstddef>
#include <cstdint>

#include "tests/fuzz/must.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
  using namespace slopn;
  const auto parsed = wire::parse_http_datagram(view(data, size));
  if (!parsed) return 0;
  fuzz::must(parsed->stream_id % 4 == 0);
  fuzz::must(parsed->payload.size() <= size);
  if (!parsed->context_id) return 0;
  const wire::HttpDatagramPrefix prefix{parsed->stream_id, *parsed->context_id};
  const auto again = wire::parse_http_datagram(prefix.view());
  fuzz::must(again && again->stream_id == parsed->stream_id);
  fuzz::must(again->context_id == parsed->context_id && again->payload.empty());
  return 0;
}
