#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "libtunnel/base/result.hpp"

/// The kernel's switches below /proc/sys, of the network namespace of the calling thread.
namespace slopn::platform {

/// One switch, named by its path: "net/ipv4/ip_forward".
struct SysctlSetting {
  std::string name;
  std::string value;

  friend bool operator==(const SysctlSetting&, const SysctlSetting&) = default;
};

/// Without the newline at its end.
[[nodiscard]] Result<std::string> read_sysctl(const std::string& name);
[[nodiscard]] Result<> write_sysctl(const std::string& name, std::string_view value);

/// Changes switches and puts them back, also after a crash: what they were is in a file before
/// anything is changed.
///
/// The record belongs to one boot and one network namespace; in any other it means nothing and is
/// thrown away, so that a switch an administrator has set since is never undone.
class SysctlKeeper {
 public:
  /// `record_path`: the file; empty to remember nothing beyond this object.
  /// `root_dir`: where the switches are; tests use a folder of their own.
  explicit SysctlKeeper(std::filesystem::path record_path,
                        std::filesystem::path root_dir = "/proc/sys");

  /// Gives every switch its value. One that has it already is neither written nor recorded; one
  /// recorded earlier keeps its first record.
  [[nodiscard]] Result<> set(const std::vector<SysctlSetting>& settings);

  /// Gives back what `set()` found, in this run or in any earlier one, in reverse order. A switch
  /// that somebody else has changed meanwhile, or that is gone, is left alone.
  /// A damaged record is `Errc::data_corrupt`, once; after that nothing is known.
  [[nodiscard]] Result<> restore();

 private:
  struct Entry {
    std::string name;
    std::string before;
    std::string ours;
  };

  [[nodiscard]] Result<> load();
  [[nodiscard]] Result<> save() const;
  [[nodiscard]] Result<> put_back(const Entry& entry) const;

  std::filesystem::path record_path_;
  std::filesystem::path root_dir_;
  std::vector<Entry> entries_;
  bool loaded_ = false;
};

}  // namespace slopn::platform
