#pragma once

#include <chrono>
#include <string>
#include <string_view>

namespace slopn::cli {

/// A tar archive of small files, in memory: POSIX ustar (IEEE Std 1003.1, pax), one 512-byte header
/// and the padded content for each. Written here because what a library would add, reading and all
/// the other formats, is the part that would have to be trusted.
class TarWriter {
 public:
  explicit TarWriter(std::chrono::system_clock::time_point written) : written_(written) {}

  /// `name` has at most 99 bytes; it may hold folders ("bundle/status.json"), which are not listed.
  void add(std::string_view name, std::string_view content);

  /// The whole archive. Nothing can be added afterwards.
  [[nodiscard]] std::string finish() &&;

 private:
  std::chrono::system_clock::time_point written_;
  std::string bytes_;
};

/// RFC 1952 gzip of `content`. The same input gives the same output.
[[nodiscard]] std::string gzip(std::string_view content);

}  // namespace slopn::cli
