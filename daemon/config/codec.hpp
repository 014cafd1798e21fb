#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "daemon/config/config.hpp"
#include "daemon/config/toml.hpp"

/// How a type of ours is written in TOML, in a variable and on the command line.
namespace slopn::config {

/// Puts the value into `target`; or adds at least one complaint, each beginning with `key`, and
/// returns false.
template <class T>
using ReadValue = std::function<bool(const Value&, std::string_view key, Diagnostics&, T& target)>;

template <class T>
struct Codec {
  std::string type;  ///< For people: "UDP endpoint", "integer from 1 to 65535".
  ReadValue<T> read;
  std::function<std::string(const T&)> write;  ///< As TOML, on one line.
};

/// Adds "key: expected <type>, found <value>".
void complain_type(const Value& value, std::string_view key, std::string_view type,
                   Diagnostics& diagnostics);

/// The text of a string or of a variable; nullopt for anything else.
[[nodiscard]] std::optional<std::string_view> text_of(const Value& value) noexcept;

/// A whole number, in a variable also written as 0x...
[[nodiscard]] std::optional<std::int64_t> integer_of(const Value& value) noexcept;

/// The elements of a list, or of a variable's text that separates them by commas.
[[nodiscard]] std::optional<List> list_of(const Value& value);

[[nodiscard]] Codec<bool> boolean();

/// Whether complaints may quote what they are about.
enum class Quoting { allowed, secret };

template <class T>
struct TextForm {
  std::string type;
  std::function<std::optional<T>(std::string_view)> parse;
  std::function<std::string(const T&)> format;
  Quoting quoting = Quoting::allowed;
};

/// Any type that is written as one string.
template <class T>
[[nodiscard]] Codec<T> text_codec(TextForm<T> form)
{
  auto read = [form](const Value& value, std::string_view key, Diagnostics& diagnostics,
                     T& target) {
    const auto text = text_of(value);
    auto parsed = text ? form.parse(*text) : std::nullopt;
    if (parsed) {
      target = std::move(*parsed);
    } else if (form.quoting == Quoting::secret) {
      diagnostics.add(value.at, std::string{key} + ": expected " + form.type);
    } else {
      complain_type(value, key, form.type, diagnostics);
    }
    return parsed.has_value();
  };
  auto write = [format = form.format](const T& value) { return toml_string(format(value)); };
  return {std::move(form.type), std::move(read), std::move(write)};
}

template <class T>
struct Range {
  T minimum;
  T maximum;
};

/// An unsigned integer from `minimum` to `maximum`; `unit` is for people, "" for none.
template <class T>
[[nodiscard]] Codec<T> integer(Range<T> range, std::string_view unit = "")
{
  static_assert(std::is_unsigned_v<T> && sizeof(T) < sizeof(std::int64_t));
  std::string type =
      "integer from " + std::to_string(range.minimum) + " to " + std::to_string(range.maximum);
  if (!unit.empty()) type.append(" (").append(unit).append(")");
  auto read = [type, range](const Value& value, std::string_view key, Diagnostics& diagnostics,
                            T& target) {
    const auto number = integer_of(value);
    if (!number || *number < range.minimum || *number > range.maximum) {
      complain_type(value, key, type, diagnostics);
      return false;
    }
    target = static_cast<T>(*number);
    return true;
  };
  return {type, read, [](const T& value) { return std::to_string(value); }};
}

/// A duration as a number of `D`s.
template <class D>
[[nodiscard]] Codec<D> duration(Range<std::uint32_t> range, std::string_view unit)
{
  const auto number = integer<std::uint32_t>(range, unit);
  auto read = [number](const Value& value, std::string_view key, Diagnostics& diagnostics,
                       D& target) {
    std::uint32_t count = 0;
    if (!number.read(value, key, diagnostics, count)) return false;
    target = D{count};
    return true;
  };
  return {number.type, read, [](const D& value) { return std::to_string(value.count()); }};
}

/// One of a few words.
template <class E>
[[nodiscard]] Codec<E> choice(std::vector<std::pair<std::string_view, E>> words)
{
  std::string type;
  for (const auto& [word, meaning] : words) {
    if (!type.empty()) type += " or ";
    type += toml_string(word);
  }
  auto parse = [words](std::string_view text) -> std::optional<E> {
    for (const auto& [word, meaning] : words) {
      if (word == text) return meaning;
    }
    return std::nullopt;
  };
  auto format = [words](const E& value) -> std::string {
    for (const auto& [word, meaning] : words) {
      if (meaning == value) return std::string{word};
    }
    return {};
  };
  return text_codec<E>({std::move(type), parse, format});
}

inline constexpr std::size_t kMaxListItems = 4096;

/// Several of `item`. An empty list is fine; who needs more checks it himself.
template <class T>
[[nodiscard]] Codec<std::vector<T>> list(const Codec<T>& item, std::string_view type,
                                         std::size_t max_items = kMaxListItems)
{
  std::string list_type = "list of " + std::string{type};
  auto read = [item, list_type, max_items](const Value& value, std::string_view key,
                                           Diagnostics& diagnostics, std::vector<T>& target) {
    const auto items = list_of(value);
    if (!items || items->size() > max_items) {
      complain_type(value, key, list_type, diagnostics);
      return false;
    }
    std::vector<T> values;
    for (const auto& one : *items) {
      if (T parsed{}; item.read(one, key, diagnostics, parsed)) values.push_back(std::move(parsed));
    }
    const bool all_good = values.size() == items->size();
    if (all_good) target = std::move(values);
    return all_good;
  };
  auto write = [item](const std::vector<T>& values) {
    std::string text;
    for (const auto& value : values) {
      if (!text.empty()) text += ", ";
      text += item.write(value);
    }
    return "[" + text + "]";
  };
  return {std::move(list_type), read, write};
}

/// `item`, where the default is that there is none. An empty text takes it back.
template <class T>
[[nodiscard]] Codec<std::optional<T>> maybe(const Codec<T>& item)
{
  auto read = [item](const Value& value, std::string_view key, Diagnostics& diagnostics,
                     std::optional<T>& target) {
    T parsed{};
    const auto text = text_of(value);
    const bool nothing = text && text->empty();
    if (!nothing && !item.read(value, key, diagnostics, parsed)) return false;
    target.reset();
    if (!nothing) target.emplace(std::move(parsed));
    return true;
  };
  auto write = [item](const std::optional<T>& value) {
    return value ? item.write(*value) : std::string{};
  };
  return {item.type, read, write};
}

/// `item`, or an empty text for none.
[[nodiscard]] Codec<std::string> maybe_empty(const Codec<std::string>& item);

/// A string that `accepts` lets pass.
[[nodiscard]] Codec<std::string> string_codec(std::string_view type,
                                              bool (*accepts)(std::string_view) noexcept);

/// A packet mark; written in hexadecimal, as people know it.
[[nodiscard]] Codec<std::uint32_t> mark();
/// Or an empty text.
[[nodiscard]] Codec<std::filesystem::path> absolute_path();
[[nodiscard]] Codec<std::string> group_name();
[[nodiscard]] Codec<std::string> interface_name();
/// A profile's or client's name.
[[nodiscard]] Codec<std::string> safe_name(std::string_view type);
[[nodiscard]] Codec<std::string> host();
[[nodiscard]] Codec<HostPort> host_port();
[[nodiscard]] Codec<UdpEndpoint> udp_endpoint();
[[nodiscard]] Codec<IpPrefix> prefix();
[[nodiscard]] Codec<crypto::SpkiPin> spki_pin();
[[nodiscard]] Codec<crypto::PublicKey> public_key();
/// One [[control.grants]]; in a variable "operate=user:alice", "read=group:staff", "admin=uid:0".
[[nodiscard]] Codec<daemon::Grant> grant();
/// One [[gateway.auth.client]]; in a variable "name=key".
[[nodiscard]] Codec<KnownClient> known_client();

}  // namespace slopn::config
