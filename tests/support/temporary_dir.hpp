#pragma once

#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>

namespace slopn::test {

/// A folder of its own for a test, removed with everything in it.
class TemporaryDir {
 public:
  /// `mode` is the folder's; others can look into 0755.
  explicit TemporaryDir(mode_t mode = 0700)
  {
    std::string name = (std::filesystem::temp_directory_path() / "slopn-test-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("mkdtemp");
    path_ = name;
    if (::chmod(name.c_str(), mode) != 0) throw std::runtime_error("chmod");
  }
  TemporaryDir(const TemporaryDir&) = delete;
  TemporaryDir& operator=(const TemporaryDir&) = delete;
  ~TemporaryDir()
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

}  // namespace slopn::test
