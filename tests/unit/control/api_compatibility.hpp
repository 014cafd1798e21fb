#pragma once

#include <google/protobuf/descriptor.pb.h>

#include <string>
#include <vector>

namespace slopn::test {

/// What in `after` breaks programs that were made for `before`, one line for each: the rules of
/// docs/api-compatibility.md. Empty when all of `before` works as it did.
[[nodiscard]] std::vector<std::string> breaking_changes(
    const google::protobuf::FileDescriptorSet& before,
    const google::protobuf::FileDescriptorSet& after);

}  // namespace slopn::test
