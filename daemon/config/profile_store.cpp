#include "daemon/config/profile_store.hpp"

#include <algorithm>

#include "daemon/config/diagnostics.hpp"
#include "libtunnel/base/file.hpp"

namespace slopn::config {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kSuffix = ".toml";

Error bad_name(std::string_view name)
{
  return fail(Errc::invalid_argument, "profile name " + in_quotes(name) +
                                          ": expected 1 to 64 of A-Z a-z 0-9 . _ -, no dot in "
                                          "front");
}

Error no_profile(std::string_view name)
{
  return fail(Errc::not_found, "profile " + std::string{name});
}

bool is_missing(const Error& error) noexcept
{
  return error.code == boost::system::errc::no_such_file_or_directory;
}

// nullopt for a file that is no profile, such as one that is being written.
std::optional<std::string> profile_name_of(const fs::path& path)
{
  const auto file = path.filename().string();
  if (!file.ends_with(kSuffix)) return std::nullopt;
  auto name = file.substr(0, file.size() - kSuffix.size());
  if (!is_valid_profile_name(name)) return std::nullopt;
  return name;
}

}  // namespace

Result<ProfileStore> ProfileStore::open(fs::path dir)
{
  if (auto made = make_private_dir(dir, 0700); !made) return made.error();
  return ProfileStore{std::move(dir)};
}

Result<std::vector<ProfileStore::Entry>> ProfileStore::list() const
{
  std::error_code error;
  std::vector<std::string> names;
  for (fs::directory_iterator it{dir_, error}, end; !error && it != end; it.increment(error)) {
    if (auto name = profile_name_of(it->path())) names.push_back(std::move(*name));
  }
  if (error) return fail(error, dir_.string());
  std::ranges::sort(names);
  std::vector<Entry> entries;
  for (auto& name : names) {
    auto profile = load(name);
    entries.push_back({std::move(name), std::move(profile)});
  }
  return entries;
}

Result<Profile> ProfileStore::load(std::string_view name) const
{
  if (!is_valid_profile_name(name)) return bad_name(name);
  const auto path = path_of(name);
  auto content = read_file(path, {kMaxProfileBytes, FileTrust::ourselves});
  if (!content) return is_missing(content.error()) ? no_profile(name) : content.error();
  auto profile = parse_profile(*content, path.string(), FileReferences::allowed);
  if (profile) profile->name = name;
  return profile;
}

Result<> ProfileStore::save(const Profile& profile, Existing existing) const
{
  if (!is_valid_profile_name(profile.name)) return bad_name(profile.name);
  const auto path = path_of(profile.name);
  std::error_code ignored;
  const bool taken = fs::symlink_status(path, ignored).type() != fs::file_type::not_found;
  if (taken && existing == Existing::keep)
    return fail(Errc::already_exists, "profile " + profile.name);
  return atomic_write_file(path, format_profile(profile).reveal(), 0600);
}

Result<> ProfileStore::remove(std::string_view name) const
{
  if (!is_valid_profile_name(name)) return bad_name(name);
  std::error_code error;
  const bool removed = fs::remove(path_of(name), error);
  if (error) return fail(error, path_of(name).string());
  if (!removed) return no_profile(name);
  return {};
}

fs::path ProfileStore::path_of(std::string_view name) const
{
  return dir_ / (std::string{name}.append(kSuffix));
}

}  // namespace slopn::config
