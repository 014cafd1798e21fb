#include "cli/bundle/redact.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <optional>

#include "cli/bundle/secrets.hpp"

namespace slopn::cli {
namespace {

constexpr std::size_t kLongestAddress = 45;  // IPv6 with an IPv4 tail

bool is_alnum(char c)
{
  return std::isalnum(static_cast<unsigned char>(c)) != 0;
}

bool in_address(char c)
{
  return std::isxdigit(static_cast<unsigned char>(c)) != 0 || c == '.' || c == ':';
}

bool begins_word(std::string_view text, std::size_t at)
{
  return at == 0 || !is_alnum(text[at - 1]);
}

std::string lower(std::string_view text)
{
  std::string out{text};
  std::transform(out.begin(), out.end(), out.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return out;
}

/// "host:443", "[2001:db8::1]:443", "2001:db8::1" without the port and the brackets.
std::string_view without_port(std::string_view text)
{
  if (text.starts_with('[')) return text.substr(1, text.find(']') - 1);
  const auto colon = text.find(':');
  return colon == text.rfind(':') ? text.substr(0, colon) : text;
}

struct FoundAddress {
  IpAddress address;
  std::size_t size;  ///< Of its text.
};

/// The address that begins at the start of `text`.
std::optional<FoundAddress> address_at(std::string_view text)
{
  std::size_t size = 0;
  while (size < text.size() && size <= kLongestAddress && in_address(text[size])) ++size;
  if (size > kLongestAddress) return std::nullopt;
  while (size > 0) {
    if (const auto address = IpAddress::parse(text.substr(0, size))) {
      return FoundAddress{*address, size};
    }
    // A port, or the end of a sentence.
    const auto end = text.substr(0, size).find_last_of(".:");
    if (end == std::string_view::npos) return std::nullopt;
    size = end;
  }
  return std::nullopt;
}

bool is_private(const IpAddress& address)
{
  static const std::array kPrivate{
      *IpPrefix::parse("10.0.0.0/8"),     *IpPrefix::parse("172.16.0.0/12"),
      *IpPrefix::parse("192.168.0.0/16"), *IpPrefix::parse("100.64.0.0/10"),
      *IpPrefix::parse("127.0.0.0/8"),    *IpPrefix::parse("fc00::/7")};
  if (address.is_unspecified() || address.is_loopback() || address.is_link_local() ||
      address.is_multicast()) {
    return true;
  }
  return std::any_of(kPrivate.begin(), kPrivate.end(), [&](const IpPrefix& prefix) {
    return prefix.version() == address.version() && prefix.contains(address);
  });
}

}  // namespace

void Redactor::know_outer(std::string_view host_port)
{
  const auto host = without_port(host_port);
  if (const auto address = IpAddress::parse(host)) {
    outer_addresses_.insert(*address);
  } else if (host.size() > 2) {
    outer_hosts_.push_back(lower(host));
  }
}

std::string Redactor::clean(std::string_view text)
{
  std::string out = without_secrets(text);
  out = without_public_keys(out);
  if (addresses_ == Addresses::replace) {
    out = without_hosts(out);
    out = without_addresses(out);
  }
  return without_long_words(out);
}

void Redactor::clean(Json& document)
{
  if (document.is_string()) {
    document = clean(document.get<std::string>());
  } else if (document.is_array()) {
    for (auto& one : document) clean(one);
  } else if (document.is_object()) {
    for (auto& [name, value] : document.items()) {
      if (value.is_string() && names_secret(name) && !value.get<std::string>().empty()) {
        value = kRedacted;
      } else {
        clean(value);
      }
    }
  }
}

std::string Redactor::without_public_keys(const std::string& text)
{
  constexpr std::array<std::string_view, 2> kSchemes{"ed25519:", "sha256:"};
  const auto in_key = [](char c) {
    return is_alnum(c) || c == '-' || c == '_' || c == '+' || c == '/' || c == '=';
  };
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const std::string_view rest{text.data() + at, text.size() - at};
    const auto* const scheme = std::find_if(kSchemes.begin(), kSchemes.end(),
                                            [&](auto one) { return rest.starts_with(one); });
    if (scheme == kSchemes.end()) {
      out += text[at++];
      continue;
    }
    std::size_t size = scheme->size();
    while (size < rest.size() && in_key(rest[size])) ++size;
    out += numbered("key", std::string{rest.substr(0, size)});
    at += size;
  }
  return out;
}

std::string Redactor::without_hosts(const std::string& text)
{
  std::string out = text;
  for (const auto& host : outer_hosts_) {
    std::string clean_text;
    const std::string all_lower = lower(out);
    std::size_t from = 0;
    for (std::size_t at = 0; (at = all_lower.find(host, from)) != std::string::npos;) {
      clean_text.append(out, from, at - from);
      const std::size_t end = at + host.size();
      const bool whole = begins_word(out, at) && (end == out.size() || !is_alnum(out[end]));
      clean_text += whole ? numbered("host", host) : out.substr(at, host.size());
      from = end;
    }
    clean_text.append(out, from);
    out = std::move(clean_text);
  }
  return out;
}

std::string Redactor::without_addresses(const std::string& text)
{
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    if (begins_word(text, at) && in_address(text[at])) {
      const auto found = address_at(std::string_view{text}.substr(at));
      if (found && is_outer(found->address)) {
        out += numbered("address", found->address.to_string());
        at += found->size;
        continue;
      }
      if (found) {
        out.append(text, at, found->size);
        at += found->size;
        continue;
      }
    }
    out += text[at++];
  }
  return out;
}

bool Redactor::is_outer(const IpAddress& address) const
{
  return outer_addresses_.contains(address) || !is_private(address);
}

std::string Redactor::numbered(std::string_view kind, const std::string& value)
{
  auto found = numbers_.find(kind);
  if (found == numbers_.end()) found = numbers_.try_emplace(std::string{kind}).first;
  auto& known = found->second;
  const auto number = known.try_emplace(value, known.size() + 1).first->second;
  return "<" + std::string{kind} + '-' + std::to_string(number) + '>';
}

}  // namespace slopn::cli
