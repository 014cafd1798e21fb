#include "tests/unit/cli/fake_control.hpp"

#include <google/protobuf/any.pb.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server_builder.h>

#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <chrono>
#include <stdexcept>
#include <thread>

namespace slopn::test {

using grpc::ServerContext;
using grpc::StatusCode;

namespace {

v1::ErrorDetail detail(v1::ErrorReason reason, std::string message, std::string field = {})
{
  v1::ErrorDetail out;
  out.set_reason(reason);
  out.set_message(std::move(message));
  out.set_field(std::move(field));
  out.set_class_(v1::ERROR_CLASS_CONFIGURATION);
  return out;
}

/// Streams that follow last until their caller goes.
void wait_for_end(const ServerContext& context)
{
  while (!context.IsCancelled()) std::this_thread::sleep_for(std::chrono::milliseconds{5});
}

}  // namespace

grpc::Status failed_call(StatusCode code, const v1::ErrorDetail& failure)
{
  google::protobuf::Any any;
  any.PackFrom(failure);
  const std::string packed = any.SerializeAsString();
  // A google.rpc.Status with this among its details: field 3, whose length is a varint of two bytes.
  std::string details{'\x1a'};
  details += static_cast<char>((packed.size() & 0x7fU) | 0x80U);
  details += static_cast<char>(packed.size() >> 7U);
  return {code, failure.message(), details + packed};
}

class FakeControl::Service final : public v1::Control::Service {
 public:
  explicit Service(FakeAnswers answers) : answers_(std::move(answers)) {}

  [[nodiscard]] std::vector<std::string> asked() const
  {
    const std::lock_guard lock{mutex_};
    return asked_;
  }

  grpc::Status GetVersion(ServerContext*, const v1::GetVersionRequest*,
                          v1::GetVersionResponse* out) override
  {
    return answer(out, answers_.version);
  }
  grpc::Status GetCaller(ServerContext*, const v1::GetCallerRequest*,
                         v1::GetCallerResponse* out) override
  {
    return answer(out, answers_.caller);
  }
  grpc::Status Connect(ServerContext*, const v1::ConnectRequest* in,
                       v1::ConnectResponse* out) override
  {
    std::string line = "Connect " + in->profile() + in->uri();
    if (in->has_confirm_within()) {
      line += " confirm=" + std::to_string(in->confirm_within().seconds());
    }
    note(line);
    if (!in->profile().empty() && find(in->profile()) == nullptr) return no_profile(in->profile());
    out->set_profile(in->profile().empty() ? "home" : in->profile());
    return answers_.refusal;
  }
  grpc::Status ConfirmConnection(ServerContext*, const v1::ConfirmConnectionRequest*,
                                 v1::ConfirmConnectionResponse* out) override
  {
    note("ConfirmConnection");
    out->set_profile("home");
    return answers_.refusal;
  }
  grpc::Status Disconnect(ServerContext*, const v1::DisconnectRequest*,
                          v1::DisconnectResponse*) override
  {
    note("Disconnect");
    return answers_.refusal;
  }
  grpc::Status GetStatus(ServerContext*, const v1::GetStatusRequest*,
                         v1::GetStatusResponse* out) override
  {
    if (!answers_.statuses.empty()) *out->mutable_status() = answers_.statuses.back();
    return answers_.refusal;
  }
  grpc::Status WatchStatus(ServerContext* context, const v1::WatchStatusRequest*,
                           grpc::ServerWriter<v1::WatchStatusResponse>* writer) override
  {
    for (const auto& status : answers_.statuses) {
      v1::WatchStatusResponse change;
      *change.mutable_status() = status;
      writer->Write(change);
    }
    if (answers_.refusal.ok()) wait_for_end(*context);
    return answers_.refusal;
  }
  grpc::Status WatchEvents(ServerContext* context, const v1::WatchEventsRequest* in,
                           grpc::ServerWriter<v1::WatchEventsResponse>* writer) override
  {
    note("WatchEvents " +
         (in->has_after_sequence() ? std::to_string(in->after_sequence()) : "now") +
         (in->run_id().empty() ? "" : " of " + in->run_id()));
    for (const auto& item : answers_.events) writer->Write(item);
    if (answers_.refusal.ok()) wait_for_end(*context);
    return answers_.refusal;
  }
  grpc::Status WatchLogs(ServerContext* context, const v1::WatchLogsRequest* in,
                         grpc::ServerWriter<v1::WatchLogsResponse>* writer) override
  {
    note("WatchLogs level=" + std::to_string(in->level()) +
         " backlog=" + std::to_string(in->backlog()) + " contains=" + in->contains());
    for (const auto& line : answers_.logs) writer->Write(line);
    if (in->follow() && answers_.refusal.ok()) wait_for_end(*context);
    return answers_.refusal;
  }
  grpc::Status SetLogLevel(ServerContext*, const v1::SetLogLevelRequest* in,
                           v1::SetLogLevelResponse* out) override
  {
    note("SetLogLevel " + std::to_string(in->level()));
    out->set_before(v1::LOG_LEVEL_INFO);
    return answers_.refusal;
  }
  grpc::Status ImportProfile(ServerContext*, const v1::ImportProfileRequest* in,
                             v1::ImportProfileResponse* out) override
  {
    note("ImportProfile " + in->text());
    if (!answers_.profiles.empty()) *out->mutable_profile() = answers_.profiles.front();
    return answers_.refusal;
  }
  grpc::Status ListProfiles(ServerContext*, const v1::ListProfilesRequest*,
                            v1::ListProfilesResponse* out) override
  {
    for (const auto& profile : answers_.profiles) *out->add_profiles() = profile;
    return answers_.refusal;
  }
  grpc::Status GetProfile(ServerContext*, const v1::GetProfileRequest* in,
                          v1::GetProfileResponse* out) override
  {
    const auto* found = find(in->name());
    if (found == nullptr) return no_profile(in->name());
    *out->mutable_profile() = *found;
    return answers_.refusal;
  }
  grpc::Status RemoveProfile(ServerContext*, const v1::RemoveProfileRequest* in,
                             v1::RemoveProfileResponse*) override
  {
    note("RemoveProfile " + in->name());
    return find(in->name()) == nullptr ? no_profile(in->name()) : answers_.refusal;
  }
  grpc::Status GetSettings(ServerContext*, const v1::GetSettingsRequest*,
                           v1::GetSettingsResponse* out) override
  {
    return answer(out, answers_.settings);
  }
  grpc::Status UpdateSettings(ServerContext*, const v1::UpdateSettingsRequest* in,
                              v1::UpdateSettingsResponse* out) override
  {
    for (const auto& change : in->changes()) {
      note("UpdateSettings " + change.key() + "=" + change.value());
      const auto& known = answers_.settings.entries();
      if (std::none_of(known.begin(), known.end(),
                       [&](const auto& one) { return one.key() == change.key(); })) {
        return failed_call(StatusCode::INVALID_ARGUMENT,
                           detail(v1::ERROR_REASON_INVALID_ARGUMENT,
                                  "there is no key '" + change.key() + "'", change.key()));
      }
    }
    *out->mutable_settings() = answers_.settings.settings();
    for (const auto& key : answers_.takes_effect_later) out->add_takes_effect_later(key);
    return answers_.refusal;
  }
  grpc::Status ExportSettings(ServerContext*, const v1::ExportSettingsRequest*,
                              v1::ExportSettingsResponse* out) override
  {
    out->set_text(answers_.settings_text);
    return answers_.refusal;
  }
  grpc::Status ImportSettings(ServerContext*, const v1::ImportSettingsRequest* in,
                              v1::ImportSettingsResponse* out) override
  {
    note("ImportSettings " + in->text());
    *out->mutable_settings() = answers_.settings.settings();
    return answers_.refusal;
  }
  grpc::Status Diagnose(ServerContext*, const v1::DiagnoseRequest*,
                        v1::DiagnoseResponse* out) override
  {
    for (const auto& finding : answers_.findings) *out->add_findings() = finding;
    return answers_.refusal;
  }

 private:
  template <class Response>
  grpc::Status answer(Response* out, const Response& prepared)
  {
    *out = prepared;
    return answers_.refusal;
  }

  void note(std::string line)
  {
    const std::lock_guard lock{mutex_};
    asked_.push_back(std::move(line));
  }

  [[nodiscard]] const v1::Profile* find(const std::string& name) const
  {
    const auto found = std::find_if(answers_.profiles.begin(), answers_.profiles.end(),
                                    [&](const auto& one) { return one.name() == name; });
    return found == answers_.profiles.end() ? nullptr : &*found;
  }

  static grpc::Status no_profile(const std::string& name)
  {
    return failed_call(StatusCode::NOT_FOUND,
                       detail(v1::ERROR_REASON_NOT_FOUND, "profile '" + name + "': not found"));
  }

  const FakeAnswers answers_;
  mutable std::mutex mutex_;
  std::vector<std::string> asked_;
};

FakeControl::FakeControl(FakeAnswers answers)
    : service_(std::make_unique<Service>(std::move(answers)))
{
#ifdef __SANITIZE_THREAD__
  SKIP("gRPC is not built with ThreadSanitizer");
#endif
  grpc::ServerBuilder builder;
  builder.AddListeningPort("unix:" + socket_path().string(), grpc::InsecureServerCredentials());
  builder.RegisterService(service_.get());
  server_ = builder.BuildAndStart();
  if (!server_) throw std::runtime_error("gRPC does not listen");
}

FakeControl::~FakeControl()
{
  if (server_) server_->Shutdown(std::chrono::system_clock::now());
}

std::vector<std::string> FakeControl::asked() const
{
  return service_->asked();
}

}  // namespace slopn::test
