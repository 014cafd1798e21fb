#include "libtunnel/core/request_id_log.hpp"

namespace slopn {

Result<> RequestIdLog::add(std::span<const wire::RequestedAddress> requests)
{
  if (used_.size() + requests.size() > kMaxRequests)
    return fail(Errc::protocol_violation, "too many address requests");
  for (const wire::RequestedAddress& request : requests) {
    if (!used_.insert(request.request_id).second)
      return fail(Errc::protocol_violation, "an address request id used twice");
  }
  return {};
}

}  // namespace slopn
