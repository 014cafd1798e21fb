#include "libtunnel/io/worker_thread.hpp"

#include <pthread.h>
#include <signal.h>

#include "libtunnel/crypto/random.hpp"

namespace slopn::io {

WorkerThread::WorkerThread(const char* name) : keep_running_(io_.get_executor())
{
  // Signals are the control thread's business; the new thread inherits the mask.
  sigset_t all;
  sigset_t before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  thread_ = std::thread{[this] {
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
