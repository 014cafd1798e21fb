#include "libtunnel/io/worker_thread.hpp"

#include <pthread.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdint>

#include "libtunnel/crypto/random.hpp"

namespace slopn::io {
namespace {

// What sched_setattr(2) takes; neither glibc 2.36 nor the kernel's headers beside it declare it.
struct SchedAttributes {
  std::uint32_t size;
  std::uint32_t policy;
  std::uint64_t flags;
  std::int32_t nice;
  std::uint32_t priority;
  std::uint64_t runtime_ns;
  std::uint64_t deadline_ns;
  std::uint64_t period_ns;
};

// A thread with a short slice runs sooner after it wakes, without getting more of the processor
// (Linux 6.12, docs/decisions/0013). Older kernels take no notice, and a sandbox may forbid it.
void ask_for_short_slices()
{
  constexpr std::uint64_t kShortestNs = 100'000;
  SchedAttributes attributes{};
  if (::syscall(SYS_sched_getattr, 0, &attributes, sizeof attributes, 0) != 0) return;
  attributes.runtime_ns = kShortestNs;
  ::syscall(SYS_sched_setattr, 0, &attributes, 0);
}

}  // namespace

WorkerThread::WorkerThread(const char* name) : keep_running_(io_.get_executor())
{
  // Signals are the control thread's business; the new thread inherits the mask.
  sigset_t all;
  sigset_t before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  thread_ = std::thread{[this] {
    ask_for_short_slices();
    crypto::prepare_random_numbers();
    io_.run();
  }};
  ::pthread_setname_np(thread_.native_handle(), name);
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

WorkerThread::~WorkerThread()
{
  finish();
}

void WorkerThread::finish()
{
  keep_running_.reset();
  if (thread_.joinable()) thread_.join();
}

}  // namespace slopn::io
