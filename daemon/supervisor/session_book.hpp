#pragma once

#include <map>
#include <optional>
#include <unordered_map>
#include <vector>

#include "libtunnel/session/gateway_session.hpp"

namespace slopn::daemon {

/// Which session has which inner address, over all workers. Several may have the same one: a client
/// that comes back before its old session has ended gets its addresses again. Then the newest
/// session is the *holder*, which gets the packets.
class SessionBook {
 public:
  /// `id` becomes the holder of `addresses`. Returns the sessions that have one of them already.
  std::vector<session::SessionId> add(session::SessionId id,
                                      const std::vector<IpPrefix>& addresses);

  /// What became of an address.
  struct Change {
    IpAddress address;
    std::optional<session::SessionId> holder;  ///< Absent: nobody has it any more.
    friend bool operator==(const Change&, const Change&) = default;
  };
  /// `id` is over. Returns the addresses of which it was the holder.
  std::vector<Change> remove(session::SessionId id);

  [[nodiscard]] bool has(const IpAddress& address) const { return sessions_of_.contains(address); }

  /// `visit(address, holder)` for each address.
  template <class Visit>
  void for_each_holder(Visit visit) const
  {
    for (const auto& [address, sessions] : sessions_of_) visit(address, sessions.back());
  }

 private:
  std::unordered_map<IpAddress, std::vector<session::SessionId>> sessions_of_;  // holder last
  std::map<session::SessionId, std::vector<IpAddress>> addresses_of_;
};

}  // namespace slopn::daemon
