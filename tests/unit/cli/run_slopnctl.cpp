#include "tests/unit/cli/run_slopnctl.hpp"

#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <fstream>
#include <sstream>

#include "libtunnel/base/unique_fd.hpp"
#include "tests/support/temporary_dir.hpp"

namespace slopn::test {
namespace {

/// A clean environment, in which the sanitizers still find their options.
std::vector<std::string> clean_environment(const std::vector<std::string>& more)
{
  std::vector<std::string> variables{"TZ=UTC0"};
  for (const char* name : {"ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS"}) {
    if (const char* value = ::getenv(name)) variables.push_back(std::string{name} + '=' + value);
  }
  variables.insert(variables.end(), more.begin(), more.end());
  return variables;
}

std::vector<char*> pointers_to(std::vector<std::string>& texts)
{
  std::vector<char*> pointers;
  for (auto& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

/// Starts slopnctl with these as standard input, output and error.
pid_t start(std::vector<std::string> arguments, const std::array<int, 3>& files,
            const RunOptions& options)
{
  arguments.insert(arguments.begin(), SLOPNCTL_PATH);
  auto variables = clean_environment(options.variables);
  const auto argv = pointers_to(arguments);
  const auto environment = pointers_to(variables);
  const std::string work_dir = options.work_dir.empty() ? "." : options.work_dir.string();

  const pid_t child = ::vfork();
  if (child == 0) {
    for (int i = 0; i < 3; ++i) ::dup2(files[static_cast<std::size_t>(i)], i);
    const bool became =
        options.uid == 0 || ::syscall(SYS_setresuid, options.uid, options.uid, options.uid) == 0;
    if (became && ::chdir(work_dir.c_str()) == 0) {
      ::execve(SLOPNCTL_PATH, argv.data(), environment.data());
    }
    ::_exit(127);
  }
  return child;
}

int wait_for(pid_t child)
{
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

}  // namespace

std::string content_of(const std::filesystem::path& path)
{
  std::ostringstream text;
  text << std::ifstream{path}.rdbuf();
  return text.str();
}

Ended slopnctl(std::vector<std::string> arguments, const RunOptions& options)
{
  const TemporaryDir dir{0755};
  const auto path = [&](const char* name) { return (dir.path() / name).string(); };
  std::ofstream{path("in")} << options.input;
  const std::array files{::open(path("in").c_str(), O_RDONLY | O_CLOEXEC),
                         ::open(path("out").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0666),
                         ::open(path("err").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0666)};
  const int code = wait_for(start(std::move(arguments), files, options));
  for (const int file : files) ::close(file);
  return {code, content_of(path("out")), content_of(path("err"))};
}

Ended slopnctl_on_terminal(std::vector<std::string> arguments,
                           const std::vector<std::string>& variables)
{
  int ours = -1;
  int theirs = -1;
  const winsize size{24, 80, 0, 0};
  if (::openpty(&ours, &theirs, nullptr, nullptr, &size) != 0) return {};
  const UniqueFd screen{ours};
  (void)::fcntl(ours, F_SETFD, FD_CLOEXEC);
  RunOptions options;
  options.variables = variables;
  const pid_t child = start(std::move(arguments), {theirs, theirs, theirs}, options);
  ::close(theirs);
  Ended end;
  std::array<char, 4096> block{};
  for (;;) {  // until nobody has the other side open
    const ssize_t count = ::read(ours, block.data(), block.size());
    if (count <= 0) break;
    end.out.append(block.data(), static_cast<std::size_t>(count));
  }
  end.code = wait_for(child);
  return end;
}

}  // namespace slopn::test
