#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libtunnel/base/file.hpp"

/// What the small files in `state_dir` have in common: read whole, and set aside when damaged.
namespace slopn::config {

inline constexpr std::size_t kMaxStateFileBytes = std::size_t{32} * 1024 * 1024;

template <class T>
struct StateFile {
  std::vector<T> items;
  std::optional<Error> damage;  ///< Errc::data_corrupt; then `items` is empty.
};

/// "FILE: what was wrong; kept as FILE.damaged-1. <remedy>"
[[nodiscard]] Error damage_report(const std::filesystem::path& file, const Error& reason,
                                  const std::filesystem::path& aside, std::string_view remedy);

/// `parse` says what the text holds, or Errc::data_corrupt. A missing file holds nothing.
template <class T, class Parse>
[[nodiscard]] Result<StateFile<T>> read_state_file(const std::filesystem::path& file, Parse parse,
                                                   std::string_view remedy)
{
  auto content = read_file(file, {kMaxStateFileBytes, FileTrust::ourselves});
  if (!content && content.error().code == boost::system::errc::no_such_file_or_directory)
    return StateFile<T>{};
  if (!content && content.error().code != Errc::invalid_argument) return content.error();
  auto items = content ? parse(*content) : Result<std::vector<T>>{content.error()};
  if (items) return StateFile<T>{std::move(*items), std::nullopt};
  auto aside = set_aside_damaged(file);
  if (!aside) return aside.error();
  return StateFile<T>{{}, damage_report(file, items.error(), *aside, remedy)};
}

}  // namespace slopn::config
