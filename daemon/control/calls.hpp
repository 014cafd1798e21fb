#pragma once

#include <grpcpp/support/server_callback.h>
#include <grpcpp/support/status.h>

#include <cstddef>
#include <memory>
#include <mutex>
#include <unordered_set>

namespace slopn::control {

/// A gRPC call that waits for the control thread or streams to its caller.
class OpenCall {
 public:
  virtual ~OpenCall() = default;
  /// Ends the call with `status`, unless it has ended already. From any thread.
  virtual void end(const grpc::Status& status) = 0;
};

/// Every call that is open, so that all can be ended when the server stops: gRPC waits for each of
/// them, and the control thread that would answer is the one that waits.
///
/// gRPC's threads add, any thread removes; hence the mutex.
class OpenCalls {
 public:
  explicit OpenCalls(std::size_t limit) : limit_(limit) {}

  /// Not OK when the server stops or too many calls are open: the call must end with that status.
  [[nodiscard]] grpc::Status add(std::shared_ptr<OpenCall> call);
  void remove(const std::shared_ptr<OpenCall>& call);

  /// Ends all calls and refuses later ones.
  void end_all();

 private:
  const std::size_t limit_;
  std::mutex mutex_;
  std::unordered_set<std::shared_ptr<OpenCall>> calls_;
  bool ended_ = false;
};

/// A call with one answer. Request and response may be touched only between `claim` and `finish`:
/// as soon as the call ends they are gone.
class UnaryCall final : public OpenCall {
 public:
  explicit UnaryCall(grpc::ServerUnaryReactor& reactor) : reactor_(reactor) {}

  /// True for the first caller, who must then `finish`. Only on the control thread.
  [[nodiscard]] bool claim() noexcept { return !std::exchange(claimed_, true); }
  void finish(const grpc::Status& status) { reactor_.Finish(status); }
  void end(const grpc::Status& status) override
  {
    if (claim()) finish(status);
  }

 private:
  grpc::ServerUnaryReactor& reactor_;  // gRPC keeps it until Finish
  bool claimed_ = false;
};

/// UNAVAILABLE: what callers hear while the daemon stops.
[[nodiscard]] grpc::Status stopping_status();

}  // namespace slopn::control
