#pragma once

#include <algorithm>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "daemon/config/codec.hpp"
#include "daemon/config/load.hpp"

namespace slopn::config {

/// Whether SIGHUP can change a key.
enum class Live { no, yes };

/// All there is to know about one key of `T`.
template <class T>
struct Key {
  std::string name;  ///< "gateway.listen"
  std::string type;
  std::string description;
  Live live = Live::no;

  /// Puts a value that somebody wrote into its place, or complains.
  std::function<void(T&, const Value&, Diagnostics&)> set;
  /// The value as TOML; also how two values are compared.
  std::function<std::string(const T&)> show;
  std::function<void(T& to, const T& from)> copy;
};

struct KeyText {
  std::string name;
  std::string description;
  Live live = Live::no;
};

/// `place` gives the member: `[](auto& c) -> auto& { return c.log.level; }`.
template <class T, class V, class Place>
[[nodiscard]] Key<T> make_key(KeyText text, Codec<V> codec, Place place)
{
  Key<T> key{.name = std::move(text.name),
             .type = codec.type,
             .description = std::move(text.description),
             .live = text.live,
             .set = {},
             .show = {},
             .copy = {}};
  key.set = [read = codec.read, name = key.name, place](T& target, const Value& value,
                                                        Diagnostics& diagnostics) {
    (void)read(value, name, diagnostics, place(target));  // complains by itself
  };
  key.show = [write = codec.write, place](const T& source) { return write(place(source)); };
  key.copy = [place](T& to, const T& from) { place(to) = place(from); };
  return key;
}

/// "gateway.listen" as "SLOPN_GATEWAY_LISTEN".
[[nodiscard]] std::string environment_name(std::string_view key);

/// Where each key got its value, for complaints about values that do not go together.
using Origins = std::map<std::string, Position, std::less<>>;

/// All keys of `T`, and the walk over a document that sets them.
template <class T>
class Schema {
 public:
  explicit Schema(std::vector<Key<T>> keys) : keys_(std::move(keys))
  {
    for (const auto& key : keys_) {
      names_.push_back(key.name);
      for (auto dot = key.name.find('.'); dot != std::string::npos;
           dot = key.name.find('.', dot + 1)) {
        sections_.insert(key.name.substr(0, dot));
      }
    }
    names_.insert(names_.end(), sections_.begin(), sections_.end());
  }

  [[nodiscard]] const std::vector<Key<T>>& keys() const noexcept { return keys_; }
  /// Of keys and sections.
  [[nodiscard]] const std::vector<std::string>& names() const noexcept { return names_; }

  [[nodiscard]] const Key<T>* find(std::string_view name) const noexcept
  {
    const auto found = std::ranges::find(keys_, name, &Key<T>::name);
    return found == keys_.end() ? nullptr : &*found;
  }

  struct Target {
    T& values;
    Origins& origins;
    Diagnostics& diagnostics;
  };

  /// Sets what `table` says; everything that is no key of ours is a complaint.
  void apply(const Table& table, Target target, const std::string& section = "") const
  {
    for (const auto& member : table) {
      const std::string name = section.empty() ? member.name : section + "." + member.name;
      if (const auto* key = find(name)) {
        set(*key, member.value, target);
      } else if (!sections_.contains(name)) {
        complain_unknown(name, member.at, target.diagnostics);
      } else if (const auto* members = std::get_if<Table>(&member.value.data)) {
        apply(*members, target, name);
      } else {
        complain_type(member.value, name, "a table", target.diagnostics);
      }
    }
  }

  void set(const Key<T>& key, const Value& value, Target target) const
  {
    target.origins.insert_or_assign(key.name, value.at);
    key.set(target.values, value, target.diagnostics);
  }

  void complain_unknown(std::string_view name, const Position& at, Diagnostics& diagnostics) const
  {
    diagnostics.add(at, diagnostics.full()
                            ? "unknown key"
                            : "unknown key " + printable(name) + did_you_mean(name, names_));
  }

 private:
  std::vector<Key<T>> keys_;
  std::vector<std::string> names_;
  std::set<std::string, std::less<>> sections_;
};

/// A table for the documentation.
[[nodiscard]] std::string markdown_table(const std::vector<KeyInfo>& keys);

/// What a person needs to know of `schema`'s keys; the defaults are those of `defaults`.
template <class T>
[[nodiscard]] std::vector<KeyInfo> key_infos(const Schema<T>& schema, const T& defaults)
{
  std::vector<KeyInfo> infos;
  for (const auto& key : schema.keys()) {
    infos.push_back({.name = key.name,
                     .type = key.type,
                     .default_value = key.show(defaults),
                     .description = key.description,
                     .environment = environment_name(key.name),
                     .live = key.live == Live::yes});
  }
  return infos;
}

/// Of `Config`.
[[nodiscard]] const Schema<Config>& config_schema();

/// Complains about values that do not go together.
void check_config(const Config& config, const Origins& origins, Diagnostics& diagnostics);

}  // namespace slopn::config
