#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "libtunnel/base/async.hpp"
#include "libtunnel/io/worker_thread.hpp"
#include "platform/diagnosis.hpp"

namespace slopn::daemon {

/// Looks at the host on a thread of its own, which begins with the first question: where there are
/// a million routes, reading them takes longer than the control thread may be away.
class HostDoctor {
 public:
  using Reply = std::function<void(std::vector<platform::Finding>)>;

  explicit HostDoctor(asio::any_io_executor control) : control_(std::move(control)) {}

  /// Calls `reply` on the control thread, unless this is gone by then. One question after the other.
  void look(platform::DiagnosisSubject subject, Reply reply);

 private:
  asio::any_io_executor control_;
  std::shared_ptr<const bool> alive_ = std::make_shared<bool>(true);
  std::optional<io::WorkerThread> thread_;
};

}  // namespace slopn::daemon
