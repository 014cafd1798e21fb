// Texts for a support archive: what is taken out is bounded in size, and marks of secrets are gone.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "cli/bundle/redact.hpp"
#include "tests/fuzz/must.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
  using namespace slopn;
  const std::string text{reinterpret_cast<const char*>(data), size};
  cli::Redactor redactor{cli::Addresses::replace};
  redactor.know_outer(std::string_view{text}.substr(0, size / 8));
  const std::string clean = redactor.clean(text);
  fuzz::must(clean.size() <= 16 * size + 64);
  fuzz::must(clean.find("-----BEGIN") == std::string::npos);
  for (std::size_t at = 0; (at = clean.find("slopn://", at)) != std::string::npos; ++at) {
    fuzz::must(clean.compare(at + 8, 10, "<redacted>") == 0);
  }
  return 0;
}
