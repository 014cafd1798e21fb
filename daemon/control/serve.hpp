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

/// How a call travels: gRPC's thread hands it over, the control thread asks whether this user may
/// make it, answers, and writes to the audit log what came of it.
namespace slopn::control {

/// A call and who makes it. The name must be in the table of methods.hpp, which says the rest.
struct CallInfo {
  std::string_view method;
  const google::protobuf::Message* request = nullptr;  ///< As long as the call is open.
  ServedUser user;
  std::string peer = {};
};

/// nullopt if the call may be made. A method that nobody has put into the table is a bug, and
/// nobody's to call.
[[nodiscard]] std::optional<grpc::Status> why_denied(Backend& backend, const CallInfo& call);

/// Writes what came of a call to the audit log, if it is one that changes something.
void write_audit(Backend& backend, const CallInfo& call, const daemon::Caller& caller,
                 const grpc::Status& status);

/// INTERNAL, and a line in the log: exceptions are bugs here, and no caller's fault.
[[nodiscard]] grpc::Status bug_status(Backend& backend, const CallInfo& call,
                                      const std::exception& bug);

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
      finish(bug_status(*backend_, info_, bug));
    }
  }

  void give_up(const std::exception& bug) const
  {
    (*this)([&] { return bug_status(*backend_, info_, bug); });
  }

 private:
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
  if (auto added = backend->calls.add(call, info.user); !added.ok()) {
    reactor->Finish(added);
    return reactor;
  }
  info.peer = context.peer();
  asio::post(backend->control, [backend, call, info = std::move(info), ask = std::move(ask)] {
    if (backend->stopped) return;
    const daemon::Caller caller = backend->connections.find(info.peer, info.user.uid);
    const LaterAnswer answer{backend, call, info, caller};
    try {
      if (auto denied = why_denied(*backend, info)) return answer([&] { return *denied; });
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

/// A stream. `begin(call, request)` runs on the control thread and returns why it fails at once, or
/// OK; then the call goes on until the reader leaves or somebody ends it.
template <class Response, class Request, class Begin>
grpc::ServerWriteReactor<Response>* serve_stream(const std::shared_ptr<Backend>& backend,
                                                 grpc::CallbackServerContext& context,
                                                 CallInfo info, const Request& request, Begin begin)
{
  using Call = StreamCall<Response>;
  const ControlLimits& limits = backend->options.limits;
  auto call =
      Call::start({limits.pending_items, limits.pending_bytes},
                  [backend](const std::shared_ptr<Call>& done) { backend->calls.remove(done); });
  if (auto added = backend->calls.add(call, info.user, CallKind::stream); !added.ok()) {
    call->end(added);
    return call.get();
  }
  info.peer = context.peer();
  // The reader may leave at any moment, and gRPC's request goes with it.
  auto kept = std::make_shared<const Request>(request);
  asio::post(backend->control,
             [backend, call, info = std::move(info), kept, begin = std::move(begin)]() mutable {
               if (backend->stopped) return;
               info.request = kept.get();
               try {
                 const auto caller = backend->connections.find(info.peer, info.user.uid);
                 auto denied = why_denied(*backend, info);
                 const grpc::Status status = denied ? *denied : begin(call, *kept);
                 write_audit(*backend, info, caller, status);
                 if (!status.ok()) call->end(status);
               } catch (const std::exception& bug) {
                 call->end(bug_status(*backend, info, bug));
               }
             });
  return call.get();
}

}  // namespace slopn::control
