#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>
#include <vector>

/// The real program, as somebody calls it.
namespace slopn::test {

struct Ended {
  int code = -1;
  std::string out;
  std::string err;
};

struct RunOptions {
  std::string input = {};
  uid_t uid = 0;                            ///< Other than 0: become that user first.
  std::filesystem::path work_dir = {};      ///< Empty: ours.
  std::vector<std::string> variables = {};  ///< "NAME=VALUE", besides a clean environment.
};

/// Runs slopnctl in a clean environment and waits for it. Output goes to files, so that it cannot
/// block.
[[nodiscard]] Ended slopnctl(std::vector<std::string> arguments, const RunOptions& options = {});

/// The same with `--socket` of this daemon.
template <class Daemon>
[[nodiscard]] Ended slopnctl(const Daemon& daemon, std::vector<std::string> arguments,
                             const RunOptions& options = {})
{
  arguments.insert(arguments.begin(), "--socket=" + daemon.socket_path().string());
  return slopnctl(std::move(arguments), options);
}

/// Runs it on a terminal of 80 columns, and gives all that it showed there.
[[nodiscard]] Ended slopnctl_on_terminal(std::vector<std::string> arguments,
                                         const std::vector<std::string>& variables = {});

[[nodiscard]] std::string content_of(const std::filesystem::path& path);

}  // namespace slopn::test
