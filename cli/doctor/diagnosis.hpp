#pragma once

#include <vector>

#include "cli/console.hpp"
#include "slopn/control/v1/control.pb.h"

namespace slopn::cli {

/// What was found on this host: by slopnd if it answers, otherwise by slopnctl itself.
struct Diagnosis {
  std::vector<v1::Finding> findings;
  ExitCode asked = ExitCode::ok;  ///< How the call to slopnd went.

  [[nodiscard]] std::size_t problems() const;
  [[nodiscard]] ExitCode exit_code() const;
};

[[nodiscard]] Diagnosis diagnose(const Console& console);

}  // namespace slopn::cli
