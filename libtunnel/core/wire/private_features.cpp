#include "libtunnel/core/wire/private_features.hpp"

#include <algorithm>
#include <optional>

#include "libtunnel/core/wire/structured_field.hpp"

namespace slopn::wire {
namespace {

constexpr std::string_view kMeasure = "measure";

bool can_be_inner_host(const UdpEndpoint& endpoint) noexcept
{
  const IpAddress& address = endpoint.address;
  return endpoint.port != 0 && !address.is_unspecified() && !address.is_loopback() &&
         !address.is_link_local() && !address.is_multicast();
}

std::optional<UdpEndpoint> parse_endpoint(const SfValue& value)
{
  const auto* text = std::get_if<std::string>(&value);
  if (text == nullptr) return std::nullopt;
  auto endpoint = UdpEndpoint::parse(*text);
  if (!endpoint || !can_be_inner_host(*endpoint)) return std::nullopt;
  return endpoint;
}

}  // namespace

std::string format_wishes(const FeatureWishes& wishes)
{
  return wishes.measurement ? std::string{kMeasure} : std::string{};
}

std::string format_grants(const FeatureGrants& grants)
{
  if (grants.measurement.empty()) return {};
  std::string list;
  for (const UdpEndpoint& endpoint : grants.measurement)
    list += (list.empty() ? "" : " ") + format_sf_string(endpoint.to_string());
  return std::string{kMeasure} + "=(" + list + ")";
}

FeatureWishes parse_wishes(std::string_view field)
{
  FeatureWishes wishes;
  const auto members = parse_sf_dictionary(field);
  if (!members) return wishes;
  const auto measure = members->find(kMeasure);
  wishes.measurement =
      measure != members->end() && measure->second == SfMember{{SfValue{true}}, false};
  return wishes;
}

FeatureGrants parse_grants(std::string_view field)
{
  FeatureGrants grants;
  const auto members = parse_sf_dictionary(field);
  if (!members) return grants;
  const auto measure = members->find(kMeasure);
  if (measure == members->end() || !measure->second.is_list) return grants;
  for (const SfValue& value : measure->second.values) {
    const auto endpoint = parse_endpoint(value);
    if (!endpoint || grants.measurement.size() == kMaxMeasurementEndpoints) continue;
    if (std::ranges::find(grants.measurement, *endpoint) == grants.measurement.end())
      grants.measurement.push_back(*endpoint);
  }
  return grants;
}

FeatureGrants wished_part(const FeatureWishes& wishes, FeatureGrants grants)
{
  if (!wishes.measurement) grants.measurement.clear();
  return grants;
}

}  // namespace slopn::wire
