#include "daemon/supervisor/session_book.hpp"

#include <algorithm>

namespace slopn::daemon {

std::vector<session::SessionId> SessionBook::add(session::SessionId id,
                                                 const std::vector<IpPrefix>& addresses)
{
  std::vector<session::SessionId> others;
  for (const IpPrefix& prefix : addresses) {
    auto& sessions = sessions_of_[prefix.address()];
    for (const session::SessionId other : sessions) {
      if (std::ranges::find(others, other) == others.end()) others.push_back(other);
    }
    sessions.push_back(id);
    addresses_of_[id].push_back(prefix.address());
  }
  return others;
}

std::vector<SessionBook::Change> SessionBook::remove(session::SessionId id)
{
  std::vector<Change> changes;
  const auto known = addresses_of_.extract(id);
  if (known.empty()) return changes;
  for (const IpAddress& address : known.mapped()) {
    const auto found = sessions_of_.find(address);
    auto& sessions = found->second;
    const bool was_holder = sessions.back() == id;
    std::erase(sessions, id);
    if (sessions.empty()) {
      changes.push_back({address, std::nullopt});
      sessions_of_.erase(found);
    } else if (was_holder) {
      changes.push_back({address, sessions.back()});
    }
  }
  return changes;
}

}  // namespace slopn::daemon
