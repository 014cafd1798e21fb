#pragma once

#include <grpcpp/support/server_callback.h>
#include <grpcpp/support/status.h>

#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <unordered_map>

#include "daemon/control/gate.hpp"

namespace slopn::control {

/// A gRPC call that waits for the control thread or streams to its caller.
class OpenCall {
 public:
  virtual ~OpenCall() = default;
  /// Ends the call with `status`, unless it has ended already. From any thread.
  virtual void end(const grpc::Status& status) = 0;
};

enum class CallKind { unary, stream };

/// At the same time. Streams are counted apart, as they stay.
struct CallLimits {
  std::size_t calls = 0;             ///< Of all users together.
  std::size_t streams_per_user = 0;  ///< On all connections of a user.
  std::size_t streams = 0;           ///< Of all users but root together.
};

/// Every call that is open, so that all can be ended when the server stops: gRPC waits for each of
/// them, and the control thread that would answer is the one that waits.
///
/// gRPC's threads add, any thread removes; hence the mutex.
class OpenCalls {
 public:
  explicit OpenCalls(CallLimits limits) : limits_(limits) {}

  /// Not OK when the server stops or too many calls are open: the call must end with that status.
  [[nodiscard]] grpc::Status add(std::shared_ptr<OpenCall> call, const ServedUser& user,
                                 CallKind kind = CallKind::unary);
  void remove(const std::shared_ptr<OpenCall>& call);

  [[nodiscard]] bool has_any_of(const ServedUser& user) const;

  /// Ends the streams of those whom `which` chooses.
  void end_streams(const std::function<bool(const ServedUser&)>& which, const grpc::Status& status);
  /// Ends all calls and refuses later ones.
  void end_all();

 private:
  struct Entry {
    ServedUser user;
    CallKind kind;
  };
  [[nodiscard]] grpc::Status why_too_many(const ServedUser& user, CallKind kind) const;

  const CallLimits limits_;
  mutable std::mutex mutex_;
  std::unordered_map<std::shared_ptr<OpenCall>, Entry> calls_;
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
