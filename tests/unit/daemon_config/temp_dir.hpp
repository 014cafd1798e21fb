#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <string_view>

namespace slopn::test {

/// A folder of its own for one test, removed at its end.
class TempDir {
 public:
  TempDir()
  {
    std::string name = (std::filesystem::temp_directory_path() / "slopn-test-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("mkdtemp");
    path_ = name;
  }
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  ~TempDir()
  {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }

  [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }
  [[nodiscard]] std::filesystem::path operator/(std::string_view name) const
  {
    return path_ / name;
  }

 private:
  std::filesystem::path path_;
};

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
