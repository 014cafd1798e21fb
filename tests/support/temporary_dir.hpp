#pragma once

#include <cassert>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <system_error>

namespace slopn::test {

/// A folder of its own for a test, removed with everything in it.
class TemporaryDir {
 public:
  TemporaryDir()
  {
    std::string name = (std::filesystem::temp_directory_path() / "slopn-test-XXXXXX").string();
    [[maybe_unused]] const char* made = ::mkdtemp(name.data());
    assert(made != nullptr);
    path_ = name;
  }
  TemporaryDir(const TemporaryDir&) = delete;
  TemporaryDir& operator=(const TemporaryDir&) = delete;
  ~TemporaryDir()
  {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }

  [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace slopn::test
