#include "tests/bench/fleet/process_probe.hpp"

#include <filesystem>
#include <fstream>
#include <string>

namespace slopn::fleet {
namespace {

// schedstat counts nanoseconds, where stat counts hundredths of a second.
double cpu_seconds(const std::filesystem::path& process)
{
  double total_ns = 0;
  std::error_code ignored;
  for (const auto& thread : std::filesystem::directory_iterator{process / "task", ignored}) {
    double on_cpu_ns = 0;
    if (std::ifstream{thread.path() / "schedstat"} >> on_cpu_ns) total_ns += on_cpu_ns;
  }
  return total_ns / 1e9;
}

// The number behind `name` in a file of "Name:   123 kB" lines.
std::uint64_t field(const std::filesystem::path& file, const std::string& name)
{
  std::ifstream in{file};
  for (std::string word; in >> word;) {
    std::uint64_t value = 0;
    if (word == name && in >> value) return value;
  }
  return 0;
}

}  // namespace

std::optional<ProcessSample> probe(int pid)
{
  const std::filesystem::path process = "/proc/" + std::to_string(pid);
  std::error_code ignored;
  if (!std::filesystem::exists(process / "task", ignored)) return std::nullopt;
  return ProcessSample{cpu_seconds(process), field(process / "status", "VmRSS:"),
                       field(process / "smaps_rollup", "Pss:")};
}

}  // namespace slopn::fleet
