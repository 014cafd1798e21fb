#pragma once

#include <grpcpp/support/status.h>

#include <boost/system/result.hpp>
#include <span>
#include <string>
#include <string_view>

#include "libtunnel/base/result.hpp"
#include "slopn/control/v1/control.pb.h"

namespace slopn::cli {

namespace v1 = slopn::control::v1;

/// What scripts see of slopnctl's end. Documented in docs/slopnctl.md; never renumbered.
enum class ExitCode {
  ok = 0,
  failed = 1,              // anything that has no number of its own
  usage = 2,               // the command line makes no sense
  daemon_unreachable = 3,  // no slopnd answers on the socket
  not_permitted = 4,       // slopnd, or the socket's file mode, refuses this user
  not_connected = 5,       // `status --check`, and what needs a tunnel
  auth_refused = 6,        // one side of the tunnel does not accept who the other one is
  timed_out = 7,
  under_way = 8,  // `status --check`: connecting, reconnecting or disconnecting
  given_up = 9,   // `status --check`: failed; somebody must do something
};

struct ExitMeaning {
  ExitCode code;
  std::string_view name;
  std::string_view meaning;
};

/// All of them, for the man page.
[[nodiscard]] std::span<const ExitMeaning> exit_meanings() noexcept;

/// Why a command did not succeed, as people and scripts get to see it.
struct Failure {
  ExitCode exit = ExitCode::failed;
  std::string reason;            ///< For scripts: "not_found", "daemon_unreachable", ...
  std::string message;           ///< One line.
  std::string remedy = {};       ///< What to do about it; may be empty.
  std::string error_class = {};  ///< "network", "configuration", ...; empty when slopnd named none.
  std::string field = {};        ///< What of the call is at fault: "settings.mtu_bytes"; or empty.
  bool silent = false;           ///< Only the exit code tells: for probes.
};

template <class T = void>
using Outcome = boost::system::result<T, Failure>;

[[noreturn]] void throw_exception_from_error(const Failure& failure,
                                             const boost::source_location& where);

/// The name of a reason in JSON: "auth_rejected". Unknown numbers, of newer daemons: "unknown".
[[nodiscard]] std::string reason_name(v1::ErrorReason reason);

/// "network", "authentication", ...; empty for UNSPECIFIED, "unknown" for numbers of newer daemons.
[[nodiscard]] std::string class_name(v1::ErrorClass error_class);

[[nodiscard]] ExitCode exit_code_of(v1::ErrorReason reason);

[[nodiscard]] Failure to_failure(const v1::ErrorDetail& detail);

/// A call that failed: by the ErrorDetail in it if there is one, by gRPC's code otherwise.
[[nodiscard]] Failure to_failure(const grpc::Status& status);

/// For what slopnctl does itself, as reading a file.
[[nodiscard]] Failure to_failure(const Error& error);

}  // namespace slopn::cli
