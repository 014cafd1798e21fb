// The field with slopn's own features: what is accepted must be written and read again.

#include <cstddef>
#include <cstdint>

#include "libtunnel/core/wire/private_features.hpp"
#include "libtunnel/core/wire/structured_field.hpp"
#include "tests/fuzz/must.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
  using namespace slopn;
  const std::string_view field = as_text(view(data, size));
  if (const auto members = wire::parse_sf_dictionary(field)) {
    fuzz::must(members->size() <= wire::kMaxSfMembers);
    for (const auto& [name, member] : *members)
      fuzz::must(member.is_list || member.values.size() == 1);
  }
  const auto wishes = wire::parse_wishes(field);
  fuzz::must(wire::parse_wishes(wire::format_wishes(wishes)) == wishes);
  const auto grants = wire::parse_grants(field);
  fuzz::must(grants.measurement.size() <= wire::kMaxMeasurementEndpoints);
  fuzz::must(wire::parse_grants(wire::format_grants(grants)) == grants);
  return 0;
}
