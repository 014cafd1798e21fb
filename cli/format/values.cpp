#include "cli/format/values.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <ctime>

namespace slopn::cli {
namespace {

using std::chrono::microseconds;
using std::chrono::seconds;
using std::chrono::system_clock;

// Up to the year 9999, as google.protobuf.Timestamp allows; system_clock ends in 2262.
constexpr std::int64_t kLastSecond = 9'223'372'036;

template <class... Args>
std::string print(const char* format, Args... args)
{
  std::array<char, 64> text{};
  const int size = std::snprintf(text.data(), text.size(), format, args...);
  return {text.data(), static_cast<std::size_t>(std::max(size, 0))};
}

std::string print_time(system_clock::time_point time, const char* format, bool local)
{
  const std::time_t whole = system_clock::to_time_t(std::chrono::floor<seconds>(time));
  std::tm fields{};
  if ((local ? ::localtime_r(&whole, &fields) : ::gmtime_r(&whole, &fields)) == nullptr) return "?";
  std::array<char, 64> text{};
  return {text.data(), std::strftime(text.data(), text.size(), format, &fields)};
}

}  // namespace

std::string human_bytes(std::uint64_t bytes)
{
  if (bytes < 1024) return std::to_string(bytes) + " B";
  constexpr std::array kUnits{"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  double value = static_cast<double>(bytes) / 1024;
  std::size_t unit = 0;
  // 1023.95 would be printed as 1024.0
  while (value >= 1023.95 && unit + 1 < kUnits.size()) {
    value /= 1024;
    ++unit;
  }
  return print("%.1f %s", value, kUnits[unit]);
}

std::string human_count(std::uint64_t count)
{
  std::string text = std::to_string(count);
  for (std::size_t at = text.size(); at > 3; at -= 3) text.insert(at - 3, ",");
  return text;
}

std::string human_duration(seconds duration)
{
  const std::int64_t total = std::max<std::int64_t>(duration.count(), 0);
  const auto days = total / 86'400;
  const auto hours = total / 3600 % 24;
  const auto minutes = total / 60 % 60;
  const auto rest = total % 60;
  const auto two = [](std::int64_t a, const char* unit_a, std::int64_t b, const char* unit_b) {
    std::string text = std::to_string(a) + unit_a;
    if (b != 0) text += " " + std::to_string(b) + unit_b;
    return text;
  };
  if (days != 0) return two(days, " d", hours, " h");
  if (hours != 0) return two(hours, " h", minutes, " min");
  if (minutes != 0) return two(minutes, " min", rest, " s");
  return std::to_string(rest) + " s";
}

std::string human_latency(microseconds latency)
{
  const auto us = std::max<std::int64_t>(latency.count(), 0);
  if (us < 1000) return std::to_string(us) + " us";
  if (us < 999'950) return print("%.1f ms", static_cast<double>(us) / 1e3);
  return print("%.2f s", static_cast<double>(us) / 1e6);
}

std::string local_time(system_clock::time_point time)
{
  return print_time(time, "%Y-%m-%d %H:%M:%S", true);
}

std::string utc_time(system_clock::time_point time)
{
  using std::chrono::milliseconds;
  const auto part = std::chrono::floor<milliseconds>(time) - std::chrono::floor<seconds>(time);
  return print_time(time, "%Y-%m-%dT%H:%M:%S", false) +
         print(".%03dZ", static_cast<int>(std::chrono::duration_cast<milliseconds>(part).count()));
}

system_clock::time_point to_time(const google::protobuf::Timestamp& message)
{
  const auto whole = std::clamp<std::int64_t>(message.seconds(), -kLastSecond, kLastSecond - 1);
  const auto part = std::clamp<std::int32_t>(message.nanos(), 0, 999'999'999);
  return system_clock::time_point{} + std::chrono::duration_cast<system_clock::duration>(
                                          seconds{whole} + std::chrono::nanoseconds{part});
}

microseconds to_duration(const google::protobuf::Duration& message)
{
  const auto whole = std::clamp<std::int64_t>(message.seconds(), -kLastSecond, kLastSecond - 1);
  const auto part = std::clamp<std::int32_t>(message.nanos(), -999'999'999, 999'999'999);
  return microseconds{whole * 1'000'000 + part / 1000};
}

}  // namespace slopn::cli
