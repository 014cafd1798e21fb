#include <utility>

#include "daemon/control/serve.hpp"

/// What a caller can watch, and the log's level.
namespace slopn::control {
namespace {

constexpr std::size_t kLongestFilter = 256;

/// Fields that a reader of the log got wrong.
std::vector<FieldProblem> problems_in(const v1::WatchLogsRequest& request)
{
  std::vector<FieldProblem> problems;
  if (request.level() != v1::LOG_LEVEL_UNSPECIFIED && !to_level(request.level()))
    problems.push_back({"level", "no level that this slopnd knows"});
  if (request.contains().size() > kLongestFilter)
    problems.push_back({"contains", "longer than " + std::to_string(kLongestFilter) + " bytes"});
  return problems;
}

}  // namespace

grpc::ServerWriteReactor<v1::WatchStatusResponse>* ControlService::WatchStatus(
    Context* context, const v1::WatchStatusRequest* request)
{
  return serve_stream<v1::WatchStatusResponse>(
      backend_, *context, {.method = "WatchStatus", .user = user_}, *request,
      [backend = backend_](const std::shared_ptr<StatusCall>& call, const v1::WatchStatusRequest&) {
        backend->watchers.add(call);
        return grpc::Status::OK;
      });
}

grpc::ServerWriteReactor<v1::WatchEventsResponse>* ControlService::WatchEvents(
    Context* context, const v1::WatchEventsRequest* request)
{
  return serve_stream<v1::WatchEventsResponse>(
      backend_, *context, {.method = "WatchEvents", .user = user_}, *request,
      [backend = backend_, role = user_.role](const std::shared_ptr<EventCall>& call,
                                              const v1::WatchEventsRequest& wanted) {
        backend->events.watch(call, wanted, role);
        return grpc::Status::OK;
      });
}

grpc::ServerWriteReactor<v1::WatchLogsResponse>* ControlService::WatchLogs(
    Context* context, const v1::WatchLogsRequest* request)
{
  return serve_stream<v1::WatchLogsResponse>(
      backend_, *context, {.method = "WatchLogs", .user = user_}, *request,
      [backend = backend_](const std::shared_ptr<LogCall>& call,
                           const v1::WatchLogsRequest& wanted) {
        if (const auto problems = problems_in(wanted); !problems.empty())
          return bad_request(problems);
        backend->logs->watch(call, wanted);
        return grpc::Status::OK;
      });
}

grpc::ServerUnaryReactor* ControlService::SetLogLevel(Context* context,
                                                      const v1::SetLogLevelRequest* request,
                                                      v1::SetLogLevelResponse* response)
{
  return serve(backend_, *context, {.method = "SetLogLevel", .request = request, .user = user_},
               [request, response, backend = backend_](daemon::Commands&, const daemon::Caller&) {
                 const auto level = to_level(request->level());
                 if (!level) return bad_request({{"level", "expected debug, info, warn or error"}});
                 response->set_before(to_message(backend->log->level()));
                 backend->log->set_level(*level);
                 return grpc::Status::OK;
               });
}

}  // namespace slopn::control
