#include "cli/measure/interrupts.hpp"

#include <poll.h>
#include <pthread.h>
#include <sys/signalfd.h>

namespace slopn::cli {

Interrupts::Interrupts()
{
  sigset_t ours;
  sigemptyset(&ours);
  sigaddset(&ours, SIGINT);
  sigaddset(&ours, SIGTERM);
  ::pthread_sigmask(SIG_BLOCK, &ours, &before_);
  fd_.reset(::signalfd(-1, &ours, SFD_CLOEXEC | SFD_NONBLOCK));
}

Interrupts::~Interrupts()
{
  signalfd_siginfo taken{};  // or it would end the program now
  while (::read(fd_.get(), &taken, sizeof taken) > 0) {
  }
  ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
}

bool Interrupts::pending() const noexcept
{
  pollfd one{fd_.get(), POLLIN, 0};
  return ::poll(&one, 1, 0) > 0;
}

}  // namespace slopn::cli
