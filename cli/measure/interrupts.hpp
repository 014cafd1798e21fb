#pragma once

#include <csignal>

#include "libtunnel/base/unique_fd.hpp"

namespace slopn::cli {

/// While it lives, Ctrl-C (SIGINT) and SIGTERM do not end the program, but make `fd()` readable.
/// Make it before anything starts threads: they inherit what is blocked.
class Interrupts {
 public:
  Interrupts();
  ~Interrupts();
  Interrupts(const Interrupts&) = delete;
  Interrupts& operator=(const Interrupts&) = delete;

  [[nodiscard]] int fd() const noexcept { return fd_.get(); }
  [[nodiscard]] bool pending() const noexcept;

 private:
  sigset_t before_{};
  UniqueFd fd_;
};

}  // namespace slopn::cli
