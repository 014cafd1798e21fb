#pragma once

#include <grpcpp/support/server_callback.h>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

#include "daemon/control/calls.hpp"

namespace slopn::control {

/// How much of a stream is kept for a reader that does not take it.
struct QueueLimits {
  std::size_t items = 1;
  std::size_t bytes = 1;  ///< As they are on the wire. The newest item is kept whatever its size.
};

/// What a reader has not taken yet. When it is full the oldest goes, and the next one that is taken
/// says in its `missed` how many went: memory is bounded, the newest always arrives, nothing is lost
/// unsaid.
template <class Response>
class StreamQueue {
 public:
  explicit StreamQueue(QueueLimits limits) : limits_(limits) {}

  void push(Response response)
  {
    bytes_ += response.ByteSizeLong();
    waiting_.push_back(std::move(response));
    while (waiting_.size() > 1 && (waiting_.size() > limits_.items || bytes_ > limits_.bytes)) {
      missed_ += take().missed() + 1;
    }
  }

  [[nodiscard]] std::optional<Response> pop()
  {
    if (waiting_.empty()) return std::nullopt;
    Response response = take();
    response.set_missed(response.missed() + std::exchange(missed_, 0));
    return response;
  }

 private:
  Response take()
  {
    Response response = std::move(waiting_.front());
    waiting_.pop_front();
    bytes_ -= response.ByteSizeLong();
    return response;
  }

  const QueueLimits limits_;
  std::deque<Response> waiting_;
  std::size_t bytes_ = 0;
  std::uint64_t missed_ = 0;
};

/// A call that streams. It keeps itself alive until gRPC is done with it.
///
/// The control thread pushes, gRPC's threads report what became of a write. A reaction may come
/// within the call that causes it, so nothing of gRPC is called under the mutex; that Finish never
/// overtakes a write is ensured by leaving it to OnWriteDone while one is under way.
template <class Response>
class StreamCall final : public grpc::ServerWriteReactor<Response>,
                         public OpenCall,
                         public std::enable_shared_from_this<StreamCall<Response>> {
 public:
  using Done = std::function<void(std::shared_ptr<StreamCall>)>;

  /// `on_done` is called from one of gRPC's threads after the last reaction.
  static std::shared_ptr<StreamCall> start(QueueLimits limits, Done on_done)
  {
    std::shared_ptr<StreamCall> call{new StreamCall(limits, std::move(on_done))};
    call->self_ = call;
    return call;
  }

  void push(Response response)
  {
    {
      const std::lock_guard lock{mutex_};
      if (end_ || last_) return;
      queue_.push(std::move(response));
      if (writing_) return;
      writing_ = true;
      writing_now_ = *queue_.pop();
    }
    this->StartWrite(&writing_now_);
  }

  void end(const grpc::Status& status) override
  {
    {
      const std::lock_guard lock{mutex_};
      if (end_) return;
      end_ = status;
      if (writing_) return;
    }
    this->Finish(status);
  }

  /// Ends the call with OK when everything that was pushed is with the reader; nothing can be pushed
  /// any more.
  void end_when_sent()
  {
    {
      const std::lock_guard lock{mutex_};
      last_ = true;
      if (writing_) return;
    }
    end(grpc::Status::OK);
  }

  [[nodiscard]] bool ended() const
  {
    const std::lock_guard lock{mutex_};
    return end_.has_value();
  }

 private:
  StreamCall(QueueLimits limits, Done on_done) : on_done_(std::move(on_done)), queue_(limits) {}

  void OnWriteDone(bool ok) override
  {
    std::optional<grpc::Status> finish;
    {
      const std::lock_guard lock{mutex_};
      if (!ok && !end_) end_ = grpc::Status::CANCELLED;
      auto next = end_ ? std::nullopt : queue_.pop();
      if (!next && !end_ && last_) end_ = grpc::Status::OK;
      finish = end_;
      writing_ = next.has_value();
      if (!finish && !next) return;
      if (next) writing_now_ = std::move(*next);
    }
    if (finish) {
      this->Finish(*finish);
    } else {
      this->StartWrite(&writing_now_);
    }
  }

  void OnCancel() override { end(grpc::Status::CANCELLED); }

  void OnDone() override
  {
    auto self = std::move(self_);
    if (on_done_) std::exchange(on_done_, nullptr)(std::move(self));
  }

  std::shared_ptr<StreamCall> self_;  // until OnDone
  Done on_done_;
  Response writing_now_;  // gRPC reads it while writing_

  mutable std::mutex mutex_;
  StreamQueue<Response> queue_;
  bool writing_ = false;
  bool last_ = false;                // nothing is pushed any more
  std::optional<grpc::Status> end_;  // set once: no write is started any more
};

}  // namespace slopn::control
