#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/config/profile.hpp"

namespace slopn::config {

enum class Existing { keep, replace };

/// Profiles in a folder, one TOML file each; the file's name is the profile's. The folder is 0700,
/// the files 0600, and a file is written whole or not at all.
///
/// Blocking; the files are small and local, and the control thread may call it.
class ProfileStore {
 public:
  /// Makes the folder if need be.
  [[nodiscard]] static Result<ProfileStore> open(std::filesystem::path dir);

  struct Entry {
    std::string name;
    Result<Profile> profile;  ///< A damaged file is an error here and does not hide the others.
  };
  /// All profiles by name.
  [[nodiscard]] Result<std::vector<Entry>> list() const;

  /// Errc::not_found, or what is wrong with the file.
  [[nodiscard]] Result<Profile> load(std::string_view name) const;

  /// Errc::already_exists with `Existing::keep` if there is one of that name, damaged or not.
  [[nodiscard]] Result<> save(const Profile& profile, Existing existing) const;

  /// Errc::not_found. Also removes a damaged one.
  [[nodiscard]] Result<> remove(std::string_view name) const;

  [[nodiscard]] const std::filesystem::path& dir() const noexcept { return dir_; }

 private:
  explicit ProfileStore(std::filesystem::path dir) : dir_(std::move(dir)) {}
  [[nodiscard]] std::filesystem::path path_of(std::string_view name) const;

  std::filesystem::path dir_;
};

}  // namespace slopn::config
