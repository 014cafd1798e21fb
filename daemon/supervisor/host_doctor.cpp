#include "daemon/supervisor/host_doctor.hpp"

#include <boost/asio/post.hpp>
#include <utility>

namespace slopn::daemon {

void HostDoctor::look(platform::DiagnosisSubject subject, Reply reply)
{
  if (!thread_) thread_.emplace("slopn-doctor");
  asio::post(thread_->executor(), [control = control_, alive = std::weak_ptr<const bool>{alive_},
                                   subject = std::move(subject), reply = std::move(reply)] {
    asio::post(control, [alive, reply, findings = platform::diagnose(subject)]() mutable {
      if (!alive.expired()) reply(std::move(findings));
    });
  });
}

}  // namespace slopn::daemon
