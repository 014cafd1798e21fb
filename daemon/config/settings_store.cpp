#include "daemon/config/settings_store.hpp"

#include <unistd.h>

#include <cerrno>
#include <string>

#include "libtunnel/base/file.hpp"

namespace slopn::config {

// Empty for a file that is not there.
Result<Settings> SettingsStore::read() const
{
  const auto content = read_file(file_, {kMaxSettingsBytes, FileTrust::ourselves});
  if (content) return parse_settings(*content, file_.string());
  if (content.error().code == boost::system::errc::no_such_file_or_directory) return Settings{};
  return content.error();
}

SettingsStore::Loaded SettingsStore::load() const
{
  auto settings = read();
  if (settings) return {std::move(*settings), std::nullopt};
  Settings safe;
  safe.lockdown = true;
  return {safe, std::move(settings.error())};
}

Result<> SettingsStore::save(const Settings& settings) const
{
  if (const auto present = read(); !present) {
    const bool newer = present.error().code == Errc::refused;
    if (auto kept = keep_beside(newer ? "newer" : "damaged"); !kept) return kept;
  }
  return atomic_write_file(file_, format_settings(settings), 0600);
}

// A second name for the file, which the new one then does not take with it.
Result<> SettingsStore::keep_beside(std::string_view why) const
{
  constexpr int kMostKept = 100;
  for (int number = 1; number <= kMostKept; ++number) {
    const std::string beside =
        file_.string().append(".").append(why).append("-") + std::to_string(number);
    if (::link(file_.c_str(), beside.c_str()) == 0) return {};
    if (errno != EEXIST)
      return fail({errno, boost::system::system_category()}, "keep " + file_.string());
  }
  return fail(Errc::busy, "keep " + file_.string() + ": there are 100 such files already");
}

}  // namespace slopn::config
