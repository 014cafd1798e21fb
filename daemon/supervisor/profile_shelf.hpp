#pragma once

#include <memory>

#include "daemon/commands.hpp"
#include "daemon/config/profile_store.hpp"

namespace spdlog {
class logger;
}

namespace slopn::daemon {

/// The client's stored profiles, as callers speak of them. On the control thread; reads and writes
/// small files.
class ProfileShelf {
 public:
  [[nodiscard]] static Result<ProfileShelf> open(std::filesystem::path dir,
                                                 std::shared_ptr<spdlog::logger> log);

  /// The profile that a caller means. One that comes as a URI is stored first, unless it is
  /// `in_use`. An empty name means `default_name`, and failing that the only one there is.
  /// Errc::not_found, Errc::invalid_argument.
  [[nodiscard]] Result<config::Profile> choose(const ProfileChoice& choice,
                                               const std::string& default_name,
                                               const std::string& in_use) const;

  [[nodiscard]] Result<ProfileSummary> import(const Commands::ImportOrder& order,
                                              const Caller& caller) const;
  /// A damaged one is listed as such, and the log says what is wrong with it.
  [[nodiscard]] Result<std::vector<ProfileSummary>> list() const;
  [[nodiscard]] Result<> remove(const std::string& name) const;

 private:
  ProfileShelf(config::ProfileStore store, std::shared_ptr<spdlog::logger> log)
      : store_(std::move(store)), log_(std::move(log))
  {
  }

  config::ProfileStore store_;
  std::shared_ptr<spdlog::logger> log_;  // shared by every part of the daemon
};

}  // namespace slopn::daemon
