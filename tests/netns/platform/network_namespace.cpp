#include "tests/netns/platform/network_namespace.hpp"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <catch2/catch_test_macros.hpp>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <string_view>

namespace slopn::test {
namespace {

UniqueFd current_namespace()
{
  return UniqueFd{::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC)};
}

void skip_or_fail(const std::string& reason)
{
  const char* required = std::getenv("SLOPN_REQUIRE_NETNS");
  if (required != nullptr && std::string_view{required} == "1")
    FAIL("network namespaces are required here: " << reason);
  SKIP("no network namespaces: " << reason);
}

}  // namespace

NetworkNamespace::NetworkNamespace() : before_(current_namespace())
{
  if (!before_ || ::unshare(CLONE_NEWNET) != 0)
    skip_or_fail(std::string{"unshare: "} + std::strerror(errno));
  if (::access("/dev/net/tun", R_OK | W_OK) != 0) skip_or_fail("no /dev/net/tun");
  run("ip link set lo up");
}

NetworkNamespace::~NetworkNamespace()
{
  if (before_) (void)::setns(before_.get(), CLONE_NEWNET);
}

Neighbour::Neighbour(const std::string& near_address, const std::string& far_address)
    : here_(current_namespace())
{
  // The thread visits a new namespace to get hold of it; the descriptor keeps it alive.
  REQUIRE(::unshare(CLONE_NEWNET) == 0);
  there_ = current_namespace();
  run("ip link set lo up");
  REQUIRE(::setns(here_.get(), CLONE_NEWNET) == 0);

  const std::string fd_path = "/proc/" + std::to_string(::getpid()) + "/fd/";
  run("ip link add near type veth peer name far netns " + fd_path + std::to_string(there_.get()));
  run("ip addr add " + near_address + " dev near && ip link set near up");
  inside([&] { run("ip addr add " + far_address + " dev far && ip link set far up"); });
}

void Neighbour::inside(const std::function<void()>& action) const
{
  REQUIRE(::setns(there_.get(), CLONE_NEWNET) == 0);
  struct Return {
    int fd;
    ~Return() { (void)::setns(fd, CLONE_NEWNET); }
  } const back{here_.get()};
  action();
}

std::string run(const std::string& command)
{
  INFO("command: " << command);
  FILE* pipe = ::popen((command + " 2>&1").c_str(), "r");
  REQUIRE(pipe != nullptr);
  std::string output;
  std::array<char, 4096> chunk{};
  while (const auto length = std::fread(chunk.data(), 1, chunk.size(), pipe))
    output.append(chunk.data(), length);
  const int status = ::pclose(pipe);
  INFO("output: " << output);
  REQUIRE(status == 0);
  return output;
}

int status_of(const std::string& command)
{
  const int status = std::system((command + " >/dev/null 2>&1").c_str());
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

Child::Child(const std::function<bool()>& work)
{
  std::array<int, 2> ends{};
  REQUIRE(::pipe2(ends.data(), O_CLOEXEC) == 0);
  const UniqueFd read_end{ends[0]};
  UniqueFd write_end{ends[1]};
  pid_ = ::fork();
  REQUIRE(pid_ >= 0);
  if (pid_ == 0) {
    const char verdict = work() ? 'y' : 'n';
    (void)!::write(write_end.get(), &verdict, 1);
    for (;;) ::pause();
  }
  write_end.reset();
  char verdict = 'n';
  REQUIRE(::read(read_end.get(), &verdict, 1) == 1);
  REQUIRE(verdict == 'y');
}

Child::~Child()
{
  kill();
}

void Child::kill()
{
  if (pid_ <= 0) return;
  (void)::kill(pid_, SIGKILL);
  (void)::waitpid(pid_, nullptr, 0);
  pid_ = -1;
}

}  // namespace slopn::test
