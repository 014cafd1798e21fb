#pragma once

#include <string>
#include <vector>

#include "cli/bundle/redact.hpp"
#include "cli/console.hpp"

namespace slopn::cli {

struct BundleFile {
  std::string name;  ///< Without folders.
  std::string content;
};

/// What somebody needs who is to help: versions, status, settings, profiles, events, log, findings,
/// the kernel. Nothing in it is a secret (Redactor). What slopnd refuses or does not answer is
/// there as the error that came instead.
[[nodiscard]] std::vector<BundleFile> collect_bundle(const Console& console, Addresses addresses);

}  // namespace slopn::cli
