#pragma once

#include <memory>
#include <vector>

#include "daemon/commands.hpp"
#include "daemon/control/stream_call.hpp"
#include "slopn/control/v1/control.pb.h"

namespace slopn::control {

using StatusCall = StreamCall<v1::WatchStatusResponse>;

/// Everyone who watches the status, on the control thread.
class StatusHub {
 public:
  explicit StatusHub(daemon::Commands& commands) : commands_(commands) {}

  /// Sends the present status to `call`, and every later change.
  void add(std::shared_ptr<StatusCall> call);
  /// Forgets all of them and stops to listen.
  void clear();

 private:
  void on_change();
  void forget_ended();

  daemon::Commands& commands_;
  std::vector<std::shared_ptr<StatusCall>> calls_;
  std::unique_ptr<daemon::Commands::Subscription> subscription_;
};

}  // namespace slopn::control
