#pragma once

#include <grpcpp/support/server_callback.h>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "daemon/commands.hpp"
#include "daemon/control/calls.hpp"
#include "slopn/control/v1/control.pb.h"

namespace slopn::control {

/// What a reader has not taken yet. When it is full the oldest goes, and the next one that is taken
/// says how many went: memory is bounded, the newest state always arrives, nothing is lost unsaid.
class WatchQueue {
 public:
  explicit WatchQueue(std::size_t limit) : limit_(limit) {}

  void push(v1::Status status);
  [[nodiscard]] std::optional<v1::WatchStatusResponse> pop();

 private:
  const std::size_t limit_;  // at least 1
  std::deque<v1::Status> waiting_;
  std::uint64_t missed_ = 0;
};

/// One WatchStatus call. It keeps itself alive until gRPC is done with it.
///
/// The control thread pushes, gRPC's threads report what became of a write. A reaction may come
/// within the call that causes it, so nothing of gRPC is called under the mutex; that Finish never
/// overtakes a write is ensured by leaving it to OnWriteDone while one is under way.
class WatchCall final : public grpc::ServerWriteReactor<v1::WatchStatusResponse>,
                        public OpenCall,
                        public std::enable_shared_from_this<WatchCall> {
 public:
  /// `on_done` is called from one of gRPC's threads after the last reaction.
  static std::shared_ptr<WatchCall> start(std::size_t pending_states,
                                          std::function<void(std::shared_ptr<WatchCall>)> on_done);

  void push(const v1::Status& status);
  void end(const grpc::Status& status) override;
  [[nodiscard]] bool ended() const;

 private:
  WatchCall(std::size_t pending_states, std::function<void(std::shared_ptr<WatchCall>)> on_done)
      : on_done_(std::move(on_done)), queue_(pending_states)
  {
  }
  void OnWriteDone(bool ok) override;
  void OnCancel() override;
  void OnDone() override;

  std::shared_ptr<WatchCall> self_;  // until OnDone
  std::function<void(std::shared_ptr<WatchCall>)> on_done_;
  v1::WatchStatusResponse writing_now_;  // gRPC reads it while writing_

  mutable std::mutex mutex_;
  WatchQueue queue_;
  bool writing_ = false;
  std::optional<grpc::Status> end_;  // set once: no write is started any more
};

/// Everyone who watches, on the control thread.
class WatchHub {
 public:
  explicit WatchHub(daemon::Commands& commands) : commands_(commands) {}

  /// Sends the present status to `call`, and every later change.
  void add(std::shared_ptr<WatchCall> call);
  /// Forgets all of them and stops to listen.
  void clear();

 private:
  void on_change();
  void forget_ended();

  daemon::Commands& commands_;
  std::vector<std::shared_ptr<WatchCall>> calls_;
  std::unique_ptr<daemon::Commands::Subscription> subscription_;
};

}  // namespace slopn::control
