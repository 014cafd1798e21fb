#pragma once

#include <sys/types.h>

#include <functional>
#include <string>

#include "libtunnel/base/unique_fd.hpp"
#include "tests/support/temporary_dir.hpp"

namespace slopn::test {

/// A network namespace of its own for the calling thread, until destruction.
///
/// The first thing of a test: skips it without CAP_NET_ADMIN, or fails it when the environment
/// says SLOPN_REQUIRE_NETNS=1.
class NetworkNamespace {
 public:
  NetworkNamespace();
  ~NetworkNamespace();
  NetworkNamespace(const NetworkNamespace&) = delete;
  NetworkNamespace& operator=(const NetworkNamespace&) = delete;

 private:
  UniqueFd before_;
};

/// A second namespace, joined to the current one by a veth pair: `near` here, `far` over there.
class Neighbour {
 public:
  /// Addresses in CIDR form; both ends are up afterwards.
  Neighbour(const std::string& near_address, const std::string& far_address);

  /// Runs `action` with this thread over there.
  void inside(const std::function<void()>& action) const;

 private:
  UniqueFd here_;
  UniqueFd there_;
};

/// Runs a shell command in the current namespace; fails the test if the command fails.
/// Returns its standard output.
std::string run(const std::string& command);

/// The exit status of a shell command in the current namespace; its output is thrown away.
int status_of(const std::string& command);

/// A child process that runs `work` and then sleeps until it is killed.
class Child {
 public:
  /// Returns when `work` is done. `work` returns false to fail the test.
  explicit Child(const std::function<bool()>& work);
  ~Child();
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  /// kill -9, and waits until it is gone.
  void kill();

 private:
  pid_t pid_ = -1;
};

}  // namespace slopn::test
