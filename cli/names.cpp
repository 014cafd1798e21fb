#include "cli/names.hpp"

#include <algorithm>

#include "cli/suggest.hpp"

namespace slopn::cli {

std::vector<std::string> profile_names(DaemonLink& link)
{
  std::vector<std::string> names;
  const auto response =
      call(link.control(), &v1::Control::Stub::ListProfiles, v1::ListProfilesRequest{});
  if (!response) return names;
  for (const auto& profile : response->profiles()) names.push_back(profile.name());
  return names;
}

std::vector<std::string> setting_keys(DaemonLink& link)
{
  std::vector<std::string> keys;
  const auto response =
      call(link.control(), &v1::Control::Stub::GetSettings, v1::GetSettingsRequest{});
  if (!response) return keys;
  for (const auto& entry : response->entries()) keys.push_back(entry.key());
  return keys;
}

Failure with_profile_suggestion(DaemonLink& link, Failure failure, std::string_view asked)
{
  if (failure.reason != "not_found" || asked.empty()) return failure;
  const auto names = profile_names(link);
  const auto meant = nearest(asked, names);
  if (meant.empty() || meant == asked) return failure;
  failure.remedy = "did you mean '" + meant + "'? slopnctl profile list shows all";
  return failure;
}

Failure unknown_setting(std::string_view asked, const std::vector<std::string>& known)
{
  const auto meant = nearest(asked, known);
  return {ExitCode::failed, "not_found", "there is no setting '" + std::string{asked} + "'",
          meant.empty() ? "see what there is: slopnctl settings list"
                        : "did you mean '" + meant + "'? slopnctl settings list shows all"};
}

}  // namespace slopn::cli
