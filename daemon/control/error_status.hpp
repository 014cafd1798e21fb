#pragma once

#include <grpcpp/support/status.h>

#include <string_view>

#include "libtunnel/base/result.hpp"
#include "slopn/control/v1/control.pb.h"

namespace slopn::control {

/// The error as the API shows it. `remedy` says what to do; when it is empty, one that fits the
/// code in general is taken.
[[nodiscard]] v1::ErrorDetail to_detail(const Error& error, std::string_view remedy = {});

/// How a call fails: the nearest gRPC code, the message, and the ErrorDetail in its details.
[[nodiscard]] grpc::Status to_status(const Error& error, std::string_view remedy = {});

/// For failures that are gRPC's own way to say something, as a refusal is.
[[nodiscard]] grpc::Status to_status(grpc::StatusCode code, const v1::ErrorDetail& detail);

}  // namespace slopn::control
