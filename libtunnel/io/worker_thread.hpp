#pragma once

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <thread>

namespace slopn::io {

/// One thread with an `io_context` of its own: where a worker lives. Nothing in it is shared;
/// others post to `executor()`. The destructor lets the work that is left finish.
class WorkerThread {
 public:
  /// `name` is what tools such as `top -H` show; at most 15 bytes.
  explicit WorkerThread(const char* name = "slopn-worker");
  WorkerThread(const WorkerThread&) = delete;
  WorkerThread& operator=(const WorkerThread&) = delete;
  ~WorkerThread();

  /// Lets the work that is left finish and ends the thread: then what lived there may be destroyed
  /// elsewhere. Nothing may be posted any more.
  void finish();

  [[nodiscard]] boost::asio::io_context::executor_type executor() noexcept
  {
    return io_.get_executor();
  }

 private:
  boost::asio::io_context io_{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> keep_running_;
  std::thread thread_;
};

}  // namespace slopn::io
