#include <filesystem>
#include <ostream>

#include "cli/commands/commands.hpp"
#include "cli/help/man_page.hpp"
#include "libtunnel/base/file.hpp"

namespace slopn::cli {
namespace {

struct ManOptions {
  const Catalogue* catalogue = nullptr;
  std::string dir;
};

Outcome<ExitCode> write_pages(const Console& console, const ManOptions& options)
{
  const std::filesystem::path dir{options.dir};
  std::error_code failed;
  std::filesystem::create_directories(dir, failed);
  if (failed) {
    return Failure{ExitCode::failed, "system",
                   "make the folder " + options.dir + ": " + failed.message()};
  }
  for (const auto& page : man_pages(*options.catalogue)) {
    auto written = atomic_write_file(dir / page.file_name, page.roff, 0644, Durability::own_crash);
    if (!written) return to_failure(std::move(written.error()).within("write " + page.file_name));
    if (!console.json()) console.out << page.file_name << '\n';
  }
  return ExitCode::ok;
}

}  // namespace

/// For the build, which installs what it writes.
void add_man(Group top)
{
  auto hidden = top.verb<ManOptions>("__man", "", write_pages);
  hidden->catalogue = &top.catalogue();
  hidden.option("dir", hidden->dir, "DIR", "")->required();
  hidden.hide();
}

}  // namespace slopn::cli
