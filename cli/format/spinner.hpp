#pragma once

#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>

#include "cli/console.hpp"

namespace slopn::cli {

/// A line on the terminal that moves while something is awaited, and leaves no trace. Without a
/// terminal on standard error, with `--json` and with TERM=dumb it does nothing.
class Spinner {
 public:
  explicit Spinner(const Console& console);
  ~Spinner();
  Spinner(const Spinner&) = delete;
  Spinner& operator=(const Spinner&) = delete;

  /// Says what is awaited now. One line; what the terminal has no room for is cut off.
  void show(const std::string& text);

  /// Wipes the line, before something else is printed. `show` brings it back.
  void clear();

 private:
  void turn(const std::stop_token& stop);
  void draw();

  const Console& console_;
  std::mutex mutex_;  // guards all below
  std::condition_variable_any shown_;
  std::string text_;
  std::size_t frame_ = 0;
  bool drawn_ = false;
  std::jthread thread_;  // last: it uses the others
};

}  // namespace slopn::cli
