#pragma once

#include <grpcpp/server.h>

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "slopn/control/v1/control.grpc.pb.h"
#include "tests/support/temporary_dir.hpp"

/// The control API without a daemon behind it: every call answers what the test put in its place.
namespace slopn::test {

namespace v1 = slopn::control::v1;

/// The answers. Set them before a client is started; gRPC's threads read them.
struct FakeAnswers {
  v1::GetVersionResponse version;
  v1::GetCallerResponse caller;
  std::vector<v1::Status> statuses;  ///< WatchStatus sends them all; GetStatus the last.
  std::vector<v1::Profile> profiles;
  std::vector<v1::WatchEventsResponse> events;
  std::vector<v1::WatchLogsResponse> logs;
  v1::GetSettingsResponse settings;
  std::string settings_text;
  std::vector<std::string> takes_effect_later;
  std::vector<v1::Finding> findings;
  grpc::Status refusal;  ///< What all calls answer unless it is OK.
};

class FakeControl {
 public:
  explicit FakeControl(FakeAnswers answers);
  ~FakeControl();
  FakeControl(const FakeControl&) = delete;
  FakeControl& operator=(const FakeControl&) = delete;

  [[nodiscard]] std::filesystem::path socket_path() const { return dir_.path() / "slopnd.sock"; }

  /// What was asked, one line for each call that carries something: "Connect office confirm=60".
  [[nodiscard]] std::vector<std::string> asked() const;

 private:
  class Service;
  TemporaryDir dir_{0755};
  std::unique_ptr<Service> service_;
  std::unique_ptr<grpc::Server> server_;
};

/// A failed call as slopnd answers it.
[[nodiscard]] grpc::Status failed_call(grpc::StatusCode code, const v1::ErrorDetail& detail);

}  // namespace slopn::test
