#include "daemon/config/codec.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include "daemon/config/profile.hpp"
#include "libtunnel/base/overloaded.hpp"

namespace slopn::config {
namespace {

std::string_view trimmed(std::string_view text) noexcept
{
  const auto first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

std::optional<std::int64_t> parse_integer(std::string_view text) noexcept
{
  const bool hexadecimal = text.starts_with("0x");
  if (hexadecimal) text.remove_prefix(2);
  std::int64_t number = 0;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), number, hexadecimal ? 16 : 10);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

std::string describe(const Value& value)
{
  return std::visit(Overloaded{
                        [](bool flag) -> std::string { return flag ? "true" : "false"; },
                        [](std::int64_t number) { return std::to_string(number); },
                        [](double) -> std::string { return "a fraction"; },
                        [](const std::string& text) { return in_quotes(text); },
                        [](const List&) -> std::string { return "a list"; },
                        [](const Table&) -> std::string { return "a table"; },
                        [](const Text& text) { return in_quotes(text.text); },
                        [](DateOrTime) -> std::string { return "a date or time"; },
                    },
                    value.data);
}

bool is_interface_name(std::string_view text) noexcept
{
  constexpr std::size_t kMaxBytes = 15;  // IFNAMSIZ without the final zero
  constexpr std::string_view kAllowed =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";
  return !text.empty() && text.size() <= kMaxBytes && text != "." && text != ".." &&
         text.find_first_not_of(kAllowed) == std::string_view::npos;
}

bool is_group_name(std::string_view text) noexcept
{
  constexpr std::size_t kMaxBytes = 32;
  return text.size() <= kMaxBytes &&
         std::ranges::all_of(text, [](char c) { return c > ' ' && c <= '~' && c != ':'; });
}

}  // namespace

void complain_type(const Value& value, std::string_view key, std::string_view type,
                   Diagnostics& diagnostics)
{
  diagnostics.add(value.at, std::string{key} + ": expected " + std::string{type} + ", found " +
                                describe(value));
}

std::optional<std::string_view> text_of(const Value& value) noexcept
{
  if (const auto* text = std::get_if<std::string>(&value.data)) return *text;
  if (const auto* text = std::get_if<Text>(&value.data)) return trimmed(text->text);
  return std::nullopt;
}

std::optional<std::int64_t> integer_of(const Value& value) noexcept
{
  if (const auto* number = std::get_if<std::int64_t>(&value.data)) return *number;
  if (const auto* text = std::get_if<Text>(&value.data)) return parse_integer(trimmed(text->text));
  return std::nullopt;
}

std::optional<List> list_of(const Value& value)
{
  if (const auto* items = std::get_if<List>(&value.data)) return *items;
  const auto* text = std::get_if<Text>(&value.data);
  if (text == nullptr) return std::nullopt;
  List items;
  std::string_view rest = trimmed(text->text);
  while (!rest.empty()) {
    const auto comma = rest.find(',');
    items.push_back({value.at, Text{std::string{trimmed(rest.substr(0, comma))}}});
    rest = comma == std::string_view::npos ? std::string_view{} : rest.substr(comma + 1);
  }
  return items;
}

Codec<bool> boolean()
{
  auto read = [](const Value& value, std::string_view key, Diagnostics& diagnostics, bool& target) {
    const auto* flag = std::get_if<bool>(&value.data);
    const auto* text = std::get_if<Text>(&value.data);
    const auto word = text == nullptr ? std::string_view{} : trimmed(text->text);
    if (flag == nullptr && word != "true" && word != "false") {
      complain_type(value, key, "true or false", diagnostics);
      return false;
    }
    target = flag != nullptr ? *flag : word == "true";
    return true;
  };
  return {"true or false", read, [](const bool& value) { return value ? "true" : "false"; }};
}

Codec<std::string> maybe_empty(const Codec<std::string>& item)
{
  auto read = [item](const Value& value, std::string_view key, Diagnostics& diagnostics,
                     std::string& target) {
    const auto text = text_of(value);
    if (!text || !text->empty()) return item.read(value, key, diagnostics, target);
    target.clear();
    return true;
  };
  return {item.type, read, item.write};
}

Codec<std::string> string_codec(std::string_view type, bool (*accepts)(std::string_view) noexcept)
{
  auto parse = [accepts](std::string_view text) -> std::optional<std::string> {
    if (!accepts(text)) return std::nullopt;
    return std::string{text};
  };
  return text_codec<std::string>(
      {std::string{type}, parse, [](const std::string& text) { return text; }});
}

Codec<std::uint32_t> mark()
{
  auto codec = integer<std::uint32_t>({1, 0xFFFFFFFF});
  codec.write = [](const std::uint32_t& value) {
    std::array<char, 8> digits{};
    const auto [end, error] = std::to_chars(digits.begin(), digits.end(), value, 16);
    return "0x" + std::string{digits.begin(), end};
  };
  return codec;
}

Codec<std::filesystem::path> absolute_path()
{
  constexpr std::size_t kMaxBytes = 4095;  // PATH_MAX without the final zero
  auto parse = [](std::string_view text) -> std::optional<std::filesystem::path> {
    if (text.empty()) return std::filesystem::path{};
    if (text.front() != '/' || text.size() > kMaxBytes) return std::nullopt;
    if (text.find('\0') != std::string_view::npos) return std::nullopt;
    return std::filesystem::path{text};
  };
  return text_codec<std::filesystem::path>(
      {"absolute path", parse, [](const auto& path) { return path.string(); }});
}

Codec<std::string> group_name()
{
  return string_codec("group name", is_group_name);
}

Codec<std::string> interface_name()
{
  return string_codec("interface name of at most 15 characters", is_interface_name);
}

Codec<std::string> safe_name(std::string_view type)
{
  return string_codec(std::string{type} + " (1 to 64 of A-Z a-z 0-9 . _ -, no dot in front)",
                      is_valid_profile_name);
}

Codec<std::string> host()
{
  return text_codec<std::string>(
      {"host name or IP address", parse_host, [](const std::string& name) { return name; }});
}

Codec<HostPort> host_port()
{
  return text_codec<HostPort>({"host[:port]",
                               [](std::string_view text) { return HostPort::parse(text); },
                               [](const HostPort& value) { return value.to_string(); }});
}

Codec<UdpEndpoint> udp_endpoint()
{
  auto parse = [](std::string_view text) -> std::optional<UdpEndpoint> {
    const auto endpoint = UdpEndpoint::parse(text);
    if (!endpoint || endpoint->port == 0) return std::nullopt;
    return endpoint;
  };
  return text_codec<UdpEndpoint>({"UDP endpoint such as \"0.0.0.0:443\" or \"[::]:443\"", parse,
                                  [](const UdpEndpoint& value) { return value.to_string(); }});
}

Codec<IpPrefix> prefix()
{
  return text_codec<IpPrefix>({"prefix such as \"10.0.0.0/8\" with no bits set beyond its length",
                               IpPrefix::parse,
                               [](const IpPrefix& value) { return value.to_string(); }});
}

Codec<crypto::SpkiPin> spki_pin()
{
  return text_codec<crypto::SpkiPin>({"pin such as \"sha256:<base64 of 32 bytes>\"",
                                      crypto::SpkiPin::parse,
                                      [](const crypto::SpkiPin& pin) { return pin.to_string(); }});
}

Codec<crypto::PublicKey> public_key()
{
  return text_codec<crypto::PublicKey>(
      {"key such as \"ed25519:<base64 of 32 bytes>\"", crypto::PublicKey::parse,
       [](const crypto::PublicKey& key) { return key.to_string(); }});
}

}  // namespace slopn::config
