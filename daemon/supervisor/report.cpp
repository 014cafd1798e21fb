#include "daemon/supervisor/report.hpp"

namespace slopn::daemon {

Traffic to_traffic(const session::TrafficCounters& counters)
{
  Traffic traffic{counters.sent_packets,
                  counters.sent_bytes,
                  counters.received_packets,
                  counters.received_bytes,
                  {}};
  for (const DropReason reason : all_drop_reasons()) {
    if (counters.drops[reason] > 0)
      traffic.drops.push_back({std::string{to_string(reason)}, counters.drops[reason]});
  }
  return traffic;
}

}  // namespace slopn::daemon
