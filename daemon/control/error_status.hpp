#pragma once

#include <grpcpp/support/status.h>

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "libtunnel/base/result.hpp"
#include "slopn/control/v1/control.pb.h"

/// How calls fail: google.rpc.Status in the details, with our ErrorDetail, a google.rpc.ErrorInfo
/// (domain "slopn") and, where a field of the request is at fault, a google.rpc.BadRequest. Texts
/// are cut off so that all of it fits into what clients take.
namespace slopn::control {

/// The name of a code as gRPC writes it: "NOT_FOUND".
[[nodiscard]] std::string_view code_name(grpc::StatusCode code) noexcept;

/// The error as the API shows it. `remedy` says what to do; when it is empty, one that fits the
/// code in general is taken.
[[nodiscard]] v1::ErrorDetail to_detail(const Error& error, std::string_view remedy = {});

/// How a call fails: the nearest gRPC code, the message and the details.
[[nodiscard]] grpc::Status to_status(const Error& error, std::string_view remedy = {});

/// More for ErrorInfo.metadata than the remedy.
using ErrorMetadata = std::map<std::string, std::string>;

/// For failures that are gRPC's own way to say something, as a refusal is.
[[nodiscard]] grpc::Status to_status(grpc::StatusCode code, const v1::ErrorDetail& detail,
                                     const ErrorMetadata& more = {});

/// What is wrong with one field of a request.
struct FieldProblem {
  std::string field;    ///< A path: "changes[1].value".
  std::string problem;  ///< One line.
};

/// INVALID_ARGUMENT that names the fields; `problems` must not be empty, the first goes into the
/// message.
[[nodiscard]] grpc::Status bad_request(const std::vector<FieldProblem>& problems,
                                       std::string_view remedy = {});

/// `to_status`, and an Errc::invalid_argument is about `field`, in its details as well.
[[nodiscard]] grpc::Status to_status_for(std::string_view field, const Error& error,
                                         std::string_view remedy = {});

}  // namespace slopn::control
