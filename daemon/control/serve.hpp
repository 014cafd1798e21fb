#pragma once

#include <spdlog/logger.h>

#include <boost/asio/post.hpp>
#include <exception>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "daemon/control/error_status.hpp"
#include "daemon/control/services.hpp"
#include "libtunnel/base/text.hpp"

/// How a unary call travels: gRPC's thread hands it over, the control thread answers.
namespace slopn::control {

/// Whether a call leaves a line in the log: who asked for which change, and what came of it.
enum class Audit { no, yes };

/// Who calls, and the call's name for the log.
struct CallInfo {
  std::string_view method;
  Audit audit = Audit::no;
  std::string peer = {};
  uid_t uid = 0;
};

inline void write_audit(Backend& backend, const CallInfo& info, const daemon::Caller& caller,
                        const grpc::Status& status)
{
  if (info.audit == Audit::no) return;
  backend.log->info("control: call={} uid={} pid={} result={}", info.method, caller.uid, caller.pid,
                    status.ok() ? "ok" : printable(status.error_message()));
}

/// An answer that comes later: may be copied into a callback, and called once, on the control
/// thread. `fill` returns the status and may touch request and response; it is not called when the
/// call has ended meanwhile.
class LaterAnswer {
 public:
  LaterAnswer(std::shared_ptr<Backend> backend, std::shared_ptr<UnaryCall> call, CallInfo info,
              daemon::Caller caller)
      : backend_(std::move(backend)),
        call_(std::move(call)),
        info_(std::move(info)),
        caller_(caller)
  {
  }

  template <class Fill>
  void operator()(Fill&& fill) const
  {
    if (!call_->claim()) return;
    backend_->calls.remove(call_);
    try {
      finish(fill());
    } catch (const std::exception& bug) {
      finish(status_of(bug));
    }
  }

  /// Exceptions are bugs here, and no caller's fault.
  void give_up(const std::exception& bug) const
  {
    (*this)([&] { return status_of(bug); });
  }

 private:
  [[nodiscard]] grpc::Status status_of(const std::exception& bug) const
  {
    backend_->log->error("control: call={} threw: {}", info_.method, bug.what());
    return {grpc::StatusCode::INTERNAL, "slopnd met a bug; see its log"};
  }
  void finish(const grpc::Status& status) const
  {
    write_audit(*backend_, info_, caller_, status);
    call_->finish(status);
  }

  std::shared_ptr<Backend> backend_;
  std::shared_ptr<UnaryCall> call_;
  CallInfo info_;
  daemon::Caller caller_;
};

/// Runs `ask(commands, caller, answer)` on the control thread; sooner or later it calls `answer`.
template <class Ask>
grpc::ServerUnaryReactor* serve_later(const std::shared_ptr<Backend>& backend,
                                      grpc::CallbackServerContext& context, CallInfo info, Ask ask)
{
  auto* reactor = context.DefaultReactor();
  auto call = std::make_shared<UnaryCall>(*reactor);
  if (auto added = backend->calls.add(call); !added.ok()) {
    reactor->Finish(added);
    return reactor;
  }
  info.peer = context.peer();
  asio::post(backend->control, [backend, call, info = std::move(info), ask = std::move(ask)] {
    if (backend->stopped) return;
    const daemon::Caller caller = backend->connections.find(info.peer, info.uid);
    const LaterAnswer answer{backend, call, info, caller};
    try {
      ask(backend->commands, caller, answer);
    } catch (const std::exception& bug) {
      answer.give_up(bug);
    }
  });
  return reactor;
}

/// The same for `answer(commands, caller) -> grpc::Status`, which is done when it returns.
template <class Answer>
grpc::ServerUnaryReactor* serve(const std::shared_ptr<Backend>& backend,
                                grpc::CallbackServerContext& context, CallInfo info, Answer answer)
{
  return serve_later(
      backend, context, std::move(info),
      [answer = std::move(answer)](daemon::Commands& commands, const daemon::Caller& caller,
                                   const LaterAnswer& reply) {
        reply([&] { return answer(commands, caller); });
      });
}

}  // namespace slopn::control
