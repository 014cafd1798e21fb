#pragma once

#include <string_view>

#include "libtunnel/base/result.hpp"

namespace slopn::platform {

/// The error for an `errno` value. EPERM and EACCES become `Errc::platform_denied`, because trying
/// again without more rights cannot help.
[[nodiscard]] Error os_error(int error_number, std::string_view operation);

/// `os_error(errno, operation)`.
[[nodiscard]] Error last_os_error(std::string_view operation);

}  // namespace slopn::platform
