#include "daemon/supervisor/profile_shelf.hpp"

#include <spdlog/logger.h>

#include "daemon/supervisor/profile_link.hpp"

namespace slopn::daemon {

Result<ProfileShelf> ProfileShelf::open(std::filesystem::path dir,
                                        std::shared_ptr<spdlog::logger> log)
{
  auto store = config::ProfileStore::open(std::move(dir));
  if (!store) return store.error();
  return ProfileShelf{std::move(*store), std::move(log)};
}

Result<config::Profile> ProfileShelf::choose(const ProfileChoice& choice,
                                             const std::string& default_name,
                                             const std::string& in_use) const
{
  if (const auto* by_uri = std::get_if<ByUri>(&choice)) {
    auto profile = config::parse_uri(by_uri->uri);
    if (!profile || profile->name == in_use) return profile;
    if (auto saved = store_.save(*profile, config::Existing::replace); !saved)
      return std::move(saved.error()).within("store the profile");
    return profile;
  }
  std::string name = std::get<ByName>(choice).name;
  if (name.empty()) name = default_name;
  if (!name.empty()) return store_.load(name);
  const auto all = store_.list();
  if (!all) return all.error();
  if (all->empty())
    return fail(Errc::not_found, "no profile is stored; slopnctl profile import adds one");
  if (all->size() > 1) return fail(Errc::invalid_argument, "several profiles are stored; name one");
  return all->front().profile;
}

Result<ProfileSummary> ProfileShelf::import(const Commands::ImportOrder& order,
                                            const Caller& caller) const
{
  // Whoever may name files for us to read must be able to read them without us.
  const auto files =
      caller.uid == 0 ? config::FileReferences::allowed : config::FileReferences::refused;
  auto profile = order.text.starts_with("slopn:")
                     ? config::parse_uri(order.text)
                     : config::parse_profile(order.text, "profile", files);
  if (!profile) return profile.error();
  if (!order.name.empty()) {
    if (!config::is_valid_profile_name(order.name))
      return fail(Errc::invalid_argument,
                  "profile names have 1 to 64 letters, digits, dots, dashes and underscores");
    profile->name = order.name;
  }
  const auto existing = order.replace ? config::Existing::replace : config::Existing::keep;
  if (auto saved = store_.save(*profile, existing); !saved) return saved.error();
  return summarize(*profile);
}

Result<std::vector<ProfileSummary>> ProfileShelf::list() const
{
  const auto all = store_.list();
  if (!all) return all.error();
  std::vector<ProfileSummary> summaries;
  for (const auto& [name, profile] : *all) {
    if (profile) {
      summaries.push_back(summarize(*profile));
    } else {
      log_->warn("profiles: {}: {}", name, profile.error().message());
      summaries.push_back({name, "(damaged)", {}, {}, {}});
    }
  }
  return summaries;
}

Result<> ProfileShelf::remove(const std::string& name) const
{
  return store_.remove(name);
}

}  // namespace slopn::daemon
