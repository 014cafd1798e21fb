#pragma once

#include <google/protobuf/duration.pb.h>
#include <google/protobuf/timestamp.pb.h>

#include <chrono>
#include <cstdint>
#include <string>

/// Single values, for people and for scripts.
namespace slopn::cli {

/// "0 B", "1023 B", "1.5 KiB", "12.0 MiB", "3.1 TiB"
[[nodiscard]] std::string human_bytes(std::uint64_t bytes);

/// "1,234,567"
[[nodiscard]] std::string human_count(std::uint64_t count);

/// The two largest units: "45 s", "3 min 20 s", "2 h 5 min", "12 d 3 h". Negative is "0 s".
[[nodiscard]] std::string human_duration(std::chrono::seconds duration);

/// "85 us", "12.3 ms", "1.50 s"
[[nodiscard]] std::string human_latency(std::chrono::microseconds latency);

/// Local time: "2026-11-21 14:03:12"
[[nodiscard]] std::string local_time(std::chrono::system_clock::time_point time);

/// UTC, RFC 3339: "2026-11-21T13:03:12.250Z"; milliseconds.
[[nodiscard]] std::string utc_time(std::chrono::system_clock::time_point time);

/// Out-of-range messages become the nearest value that a program can hold.
[[nodiscard]] std::chrono::system_clock::time_point to_time(
    const google::protobuf::Timestamp& message);
[[nodiscard]] std::chrono::microseconds to_duration(const google::protobuf::Duration& message);

}  // namespace slopn::cli
