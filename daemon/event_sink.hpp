#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

/// What happens to the daemon beside its states, for whoever watches. The parts that notice it hold
/// an `EventSink`; `control::EventHub` is the one that the API's readers see.
namespace slopn::daemon {

/// The host's network changed in a way that matters for the tunnel.
struct NetworkChanged {
  std::string description;  ///< "default route now by eth1"
  bool usable = false;      ///< Whether the gateway may be reached at all.
};

/// The tunnel goes over another path now, without having been down.
struct PathChanged {
  std::string local;  ///< Outer addresses: "192.0.2.1:443".
  std::string remote;
};

/// The host slept, or its clock jumped.
struct ClockJumped {
  std::chrono::milliseconds by{0};  ///< How far the wall clock is from where it should be.
  bool suspended = false;           ///< The host slept meanwhile.
};

struct ProfileChanged {
  std::string name;
  bool removed = false;
};

struct SettingsChanged {
  std::vector<std::string> keys;
};

/// A gateway's client came or went.
struct SessionChanged {
  std::uint64_t id = 0;
  std::string client;
  bool ended = false;
  std::string reason;  ///< Why it ended.
};

using Event = std::variant<NetworkChanged, PathChanged, ClockJumped, ProfileChanged,
                           SettingsChanged, SessionChanged>;

/// Takes events; never waits. Only on the control thread.
class EventSink {
 public:
  virtual ~EventSink() = default;
  virtual void publish(Event event) = 0;
};

/// For who has nobody to tell.
class NoEvents final : public EventSink {
 public:
  void publish(Event) override {}
};

}  // namespace slopn::daemon
