#include "cli/input.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>

#include "libtunnel/base/file.hpp"

namespace slopn::cli {
namespace {

constexpr std::size_t kLongestTextBytes = 60 * 1024;  // slopnd takes messages of 64 KiB

}  // namespace

bool is_profile_uri(std::string_view text)
{
  constexpr std::string_view kScheme = "slopn://";
  return text.size() >= kScheme.size() &&
         std::equal(kScheme.begin(), kScheme.end(), text.begin(), [](char wanted, char have) {
           return wanted == std::tolower(static_cast<unsigned char>(have));
         });
}

Outcome<std::string> read_standard_input()
{
  std::string text;
  std::array<char, 4096> block{};
  for (;;) {
    const ssize_t size = ::read(STDIN_FILENO, block.data(), block.size());
    if (size == 0) break;
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) {
      return to_failure(fail({errno, boost::system::system_category()}, "read standard input"));
    }
    text.append(block.data(), static_cast<std::size_t>(size));
    if (text.size() > kLongestTextBytes) {
      return Failure{ExitCode::failed, "invalid_argument", "standard input is too long (60 KiB)",
                     ""};
    }
  }
  while (text.ends_with('\n') || text.ends_with('\r')) text.pop_back();
  return text;
}

Outcome<std::string> read_text_file(const std::string& path)
{
  auto text = read_file(path, {.max_bytes = kLongestTextBytes});
  if (!text) return to_failure(std::move(text.error()).within("read " + path));
  return *std::move(text);
}

}  // namespace slopn::cli
