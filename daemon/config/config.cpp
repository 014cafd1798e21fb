#include "daemon/config/config.hpp"

namespace slopn::config {
namespace {

// For tables of constants only: a wrong text here is a bug that the first test finds.
std::vector<IpPrefix> prefixes(std::initializer_list<std::string_view> texts)
{
  std::vector<IpPrefix> parsed;
  for (const auto text : texts) parsed.push_back(IpPrefix::parse(text).value());
  return parsed;
}

}  // namespace

GatewayConfig::GatewayConfig()
    : listen{{IpAddress::any(IpVersion::v4), 443, 0}, {IpAddress::any(IpVersion::v6), 443, 0}},
      // Seldom used corners of RFC 1918 and RFC 4193; "slop" is in the second.
      pools(prefixes({"10.86.0.0/16", "fd86:736c:6f70::/64"})),
      routes{IpPrefix::all(IpVersion::v4), IpPrefix::all(IpVersion::v6)},
      // Link-local with most clouds' metadata services, then those of Alibaba, Azure, AWS and
      // Google that lie elsewhere.
      forbidden(prefixes({"169.254.0.0/16", "fe80::/10", "100.100.100.200/32", "168.63.129.16/32",
                          "fd00:ec2::254/128", "fd20:ce::254/128"}))
{
}

std::string_view to_string(Role role) noexcept
{
  switch (role) {
    case Role::client:
      return "client";
    case Role::gateway:
      return "gateway";
  }
  return "";
}

std::string_view to_string(LogLevel level) noexcept
{
  switch (level) {
    case LogLevel::error:
      return "error";
    case LogLevel::warn:
      return "warn";
    case LogLevel::info:
      return "info";
    case LogLevel::debug:
      return "debug";
  }
  return "";
}

}  // namespace slopn::config
