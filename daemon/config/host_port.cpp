#include "daemon/config/host_port.hpp"

#include <algorithm>
#include <charconv>

#include "libtunnel/base/ip.hpp"

namespace slopn::config {
namespace {

char lower(char c) noexcept
{
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool is_letter_or_digit(char c) noexcept
{
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

// RFC 1123 section 2.1, with the underscore that private zones use.
bool is_label(std::string_view label) noexcept
{
  constexpr std::size_t kMaxLabelBytes = 63;
  if (label.empty() || label.size() > kMaxLabelBytes) return false;
  if (label.front() == '-' || label.back() == '-') return false;
  return std::ranges::all_of(label,
                             [](char c) { return is_letter_or_digit(c) || c == '-' || c == '_'; });
}

// `name` in lower case, without a final dot. A last label of digits only would be a broken IPv4 address.
bool is_dns_name(std::string_view name) noexcept
{
  constexpr std::size_t kMaxNameBytes = 253;
  if (name.empty() || name.size() > kMaxNameBytes) return false;
  std::string_view last = name;
  for (std::string_view rest = name;;) {
    const auto dot = rest.find('.');
    last = rest.substr(0, dot);
    if (!is_label(last)) return false;
    if (dot == std::string_view::npos) break;
    rest = rest.substr(dot + 1);
  }
  return !std::ranges::all_of(last, [](char c) { return c >= '0' && c <= '9'; });
}

std::optional<std::uint16_t> parse_port(std::string_view text) noexcept
{
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc{} || end != text.data() + text.size() || port == 0) return std::nullopt;
  return port;
}

struct Split {
  std::string_view host;
  std::optional<std::string_view> port;
};

std::optional<Split> split_bracketed(std::string_view text) noexcept
{
  const auto bracket = text.find(']');
  if (bracket == std::string_view::npos) return std::nullopt;
  const auto host = text.substr(1, bracket - 1);
  const auto rest = text.substr(bracket + 1);
  if (rest.empty()) return Split{host, std::nullopt};
  if (rest.front() != ':') return std::nullopt;
  return Split{host, rest.substr(1)};
}

Split split_plain(std::string_view text) noexcept
{
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos) return {text, std::nullopt};
  return {text.substr(0, colon), text.substr(colon + 1)};
}

}  // namespace

std::optional<std::string> parse_host(std::string_view text)
{
  if (const auto address = IpAddress::parse(text)) return address->to_string();
  std::string name{text};
  std::ranges::transform(name, name.begin(), lower);
  if (name.ends_with('.')) name.pop_back();  // TLS wants names without it
  if (!is_dns_name(name)) return std::nullopt;
  return name;
}

std::optional<HostPort> HostPort::parse(std::string_view text, std::uint16_t default_port)
{
  const bool bracketed = text.starts_with('[');
  const auto split = bracketed ? split_bracketed(text) : std::optional{split_plain(text)};
  if (!split) return std::nullopt;
  const auto host = parse_host(split->host);
  const auto port = split->port ? parse_port(*split->port) : std::optional{default_port};
  if (!host || !port) return std::nullopt;
  const auto address = IpAddress::parse(*host);
  if ((address && address->is_v6()) != bracketed) return std::nullopt;
  return HostPort{*host, *port};
}

std::string HostPort::to_string() const
{
  const bool brackets = host.find(':') != std::string::npos;
  return (brackets ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

bool HostPort::is_address() const
{
  return IpAddress::parse(host).has_value();
}

}  // namespace slopn::config
