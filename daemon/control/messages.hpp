#pragma once

#include "daemon/model.hpp"
#include "slopn/control/v1/control.pb.h"

/// From the daemon's values to the API's messages. One way only: requests are read where they are
/// served.
namespace slopn::control {

[[nodiscard]] google::protobuf::Timestamp to_timestamp(daemon::WallClock::time_point time);
[[nodiscard]] v1::Status to_message(const daemon::Status& status);
[[nodiscard]] v1::Profile to_message(const daemon::ProfileSummary& profile);
[[nodiscard]] v1::Settings to_message(const config::Settings& settings);
[[nodiscard]] v1::Session to_message(const daemon::SessionInfo& session);

}  // namespace slopn::control
