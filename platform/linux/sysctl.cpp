#include "platform/linux/sysctl.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <sstream>
#include <utility>

#include "libtunnel/base/file.hpp"
#include "libtunnel/base/unique_fd.hpp"
#include "platform/linux/os_error.hpp"

namespace slopn::platform {
namespace {

constexpr std::string_view kHeadline = "slopn-switches 1";
constexpr std::size_t kMaxRecordBytes = 1'048'576;
constexpr mode_t kRecordMode = 0600;

Result<std::string> read_switch(const std::filesystem::path& path)
{
  const UniqueFd fd{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  if (!fd) return last_os_error("read " + path.string());
  std::array<char, 256> text{};
  const auto length = ::read(fd.get(), text.data(), text.size());
  if (length < 0) return last_os_error("read " + path.string());
  std::string value(text.data(), static_cast<std::size_t>(length));
  while (!value.empty() && value.back() == '\n') value.pop_back();
  return value;
}

Result<> write_switch(const std::filesystem::path& path, std::string_view value)
{
  const UniqueFd fd{::open(path.c_str(), O_WRONLY | O_CLOEXEC)};
  if (!fd) return last_os_error("write " + path.string());
  if (::write(fd.get(), value.data(), value.size()) < 0)
    return last_os_error("write '" + std::string{value} + "' to " + path.string());
  return {};
}

// Where and when a record is true. Switches are lost with the network namespace and at a reboot.
std::string this_kernel()
{
  const auto boot = read_switch("/proc/sys/kernel/random/boot_id");
  struct stat name_space {};
  if (::stat("/proc/thread-self/ns/net", &name_space) != 0) name_space.st_ino = 0;
  return (boot ? *boot : std::string{"unknown"}) + ' ' + std::to_string(name_space.st_ino);
}

// The record is in a folder that only we can write, but it names files that root will write.
bool names_a_network_switch(std::string_view name)
{
  return name.starts_with("net/") && name.find("/../") == std::string_view::npos &&
         !name.ends_with("/..");
}

bool is_missing(const Error& error)
{
  return error.code == boost::system::errc::no_such_file_or_directory;
}

}  // namespace

Result<std::string> read_sysctl(const std::string& name)
{
  return read_switch("/proc/sys/" + name);
}

Result<> write_sysctl(const std::string& name, std::string_view value)
{
  return write_switch("/proc/sys/" + name, value);
}

SysctlKeeper::SysctlKeeper(std::filesystem::path record_path, std::filesystem::path root_dir)
    : record_path_(std::move(record_path)), root_dir_(std::move(root_dir))
{
}

Result<> SysctlKeeper::set(const std::vector<SysctlSetting>& settings)
{
  // A damaged record cannot be used, and what it said is lost either way.
  if (auto known = load(); !known && known.error().code != make_error_code(Errc::data_corrupt))
    return known;

  std::vector<SysctlSetting> changes;
  bool record_changed = false;
  for (const SysctlSetting& setting : settings) {
    auto now = read_switch(root_dir_ / setting.name);
    if (!now) return now.error();
    if (*now == setting.value) continue;
    changes.push_back(setting);

    const auto known = std::ranges::find(entries_, setting.name, &Entry::name);
    if (known == entries_.end()) {
      entries_.push_back({setting.name, *now, setting.value});
      record_changed = true;
    } else if (known->ours != setting.value) {
      known->ours = setting.value;
      record_changed = true;
    }
  }
  if (record_changed) {
    if (auto saved = save(); !saved) return saved;
  }
  for (const SysctlSetting& change : changes) {
    if (auto written = write_switch(root_dir_ / change.name, change.value); !written)
      return written;
  }
  return {};
}

Result<> SysctlKeeper::restore()
{
  auto outcome = load();
  for (auto entry = entries_.rbegin(); entry != entries_.rend(); ++entry) {
    if (auto put = put_back(*entry); !put && outcome) outcome = std::move(put);
  }
  entries_.clear();
  if (!record_path_.empty()) {
    std::error_code ignored;  // a record that stays describes switches that are as it says
    std::filesystem::remove(record_path_, ignored);
  }
  return outcome;
}

Result<> SysctlKeeper::put_back(const Entry& entry) const
{
  const auto path = root_dir_ / entry.name;
  auto now = read_switch(path);
  if (!now) {
    if (is_missing(now.error())) return {};
    return now.error();
  }
  if (*now != entry.ours) return {};
  return write_switch(path, entry.before);
}

//     slopn-switches 1
//     4f0c...-boot-id 4026532008        this boot, this network namespace
//     net/ipv4/ip_forward 0 1           name, before us, ours
//     end
Result<> SysctlKeeper::load()
{
  if (std::exchange(loaded_, true) || record_path_.empty()) return {};
  auto text =
      read_file(record_path_, {.max_bytes = kMaxRecordBytes, .trust = FileTrust::ourselves});
  if (!text) {
    if (is_missing(text.error())) return {};
    loaded_ = false;
    return text.error();
  }

  const auto damaged = [this] {
    entries_.clear();
    return fail(Errc::data_corrupt, "record of kernel switches " + record_path_.string());
  };
  std::istringstream lines{*text};
  std::string line;
  if (!std::getline(lines, line) || line != kHeadline) return damaged();
  if (!std::getline(lines, line)) return damaged();
  const bool ours = line == this_kernel();
  while (std::getline(lines, line) && line != "end") {
    std::istringstream words{line};
    Entry entry;
    std::string rest;
    if (!(words >> entry.name >> entry.before >> entry.ours) || (words >> rest) ||
        !names_a_network_switch(entry.name))
      return damaged();
    entries_.push_back(std::move(entry));
  }
  if (line != "end") return damaged();
  if (!ours) entries_.clear();
  return {};
}

Result<> SysctlKeeper::save() const
{
  if (record_path_.empty()) return {};
  const auto dir = record_path_.parent_path();
  if (std::error_code ignored; !std::filesystem::exists(dir, ignored)) {
    if (auto made = make_private_dir(dir, 0700); !made) return made;
  }
  std::string text{kHeadline};
  text.append("\n").append(this_kernel()).append("\n");
  for (const Entry& entry : entries_)
    text.append(entry.name + ' ' + entry.before + ' ' + entry.ours + '\n');
  text.append("end\n");
  // The switches do not outlive the kernel, and neither need this.
  return atomic_write_file(record_path_, text, kRecordMode, Durability::own_crash);
}

}  // namespace slopn::platform
