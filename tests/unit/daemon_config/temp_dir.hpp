#pragma once

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>

#include "tests/support/temporary_dir.hpp"

namespace slopn::test {

using TempDir = TemporaryDir;

inline void write(const std::filesystem::path& path, std::string_view content)
{
  std::ofstream{path, std::ios::binary} << content;
}

inline std::string content_of(const std::filesystem::path& path)
{
  std::ifstream file{path, std::ios::binary};
  return {std::istreambuf_iterator<char>{file}, {}};
}

inline unsigned mode_of(const std::filesystem::path& path)
{
  return static_cast<unsigned>(std::filesystem::status(path).permissions());
}

}  // namespace slopn::test
