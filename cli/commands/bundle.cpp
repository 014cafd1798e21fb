#include <sys/stat.h>

#include <ostream>

#include "cli/bundle/collect.hpp"
#include "cli/bundle/tar.hpp"
#include "cli/commands/commands.hpp"
#include "cli/format/spinner.hpp"
#include "cli/format/values.hpp"
#include "libtunnel/base/file.hpp"

namespace slopn::cli {
namespace {

constexpr mode_t kPrivateMode = 0600;

struct BundleOptions {
  std::string out_path;  ///< Empty: a name with the time, in the working directory.
  bool keep_addresses = false;
};

std::string folder_name(std::chrono::system_clock::time_point now)
{
  std::string name = "slopn-bundle-" + utc_time(now);
  name.resize(name.find('.'));  // without the milliseconds
  std::erase(name, ':');
  return name;
}

std::optional<Failure> refusal(const Console& console, const BundleOptions& options,
                               const std::string& path)
{
  if (options.out_path == "-") {
    if (console.json()) {
      return Failure{ExitCode::usage, "usage", "--out - and --json both want standard output"};
    }
    if (console.out_columns > 0) {
      return Failure{ExitCode::usage, "usage", "an archive is nothing for a terminal",
                     "name a file with --out, or send it on: slopnctl bundle -o - | ..."};
    }
    return std::nullopt;
  }
  struct stat info {};
  if (::lstat(path.c_str(), &info) == 0) {
    return Failure{ExitCode::failed, "already_exists", path + " exists already",
                   "choose another name with --out"};
  }
  return std::nullopt;
}

void print_written(const Console& console, const BundleOptions& options, const std::string& path,
                   const std::vector<BundleFile>& files)
{
  if (console.json()) {
    Json names = Json::array();
    for (const auto& file : files) names.push_back(file.name);
    console.print(
        Json{{"path", path}, {"files", names}, {"addresses_kept", options.keep_addresses}});
    return;
  }
  console.out << "wrote " << console.out_style.strong(path) << '\n'
              << (options.keep_addresses
                      ? "Keys and other secrets were taken out; addresses were kept.\n"
                      : "Keys, other secrets and public addresses were taken out.\n")
              << "Read it before you send it on: tar -xzf " << path << '\n';
}

Outcome<ExitCode> bundle(const Console& console, const BundleOptions& options)
{
  const auto now = std::chrono::system_clock::now();
  const std::string folder = folder_name(now);
  const std::string path = options.out_path.empty() ? folder + ".tar.gz" : options.out_path;
  if (auto refused = refusal(console, options, path)) return *std::move(refused);

  Spinner spinner{console};
  spinner.show("asking slopnd");
  const auto files =
      collect_bundle(console, options.keep_addresses ? Addresses::keep : Addresses::replace);
  TarWriter tar{now};
  for (const auto& file : files) tar.add(folder + '/' + file.name, file.content);
  const std::string archive = gzip(std::move(tar).finish());
  spinner.clear();

  if (options.out_path == "-") {
    console.out << archive;
    return ExitCode::ok;
  }
  auto written = atomic_write_file(path, archive, kPrivateMode);
  if (!written) return to_failure(std::move(written.error()).within("write " + path));
  print_written(console, options, path, files);
  return ExitCode::ok;
}

}  // namespace

void add_bundle(Group top)
{
  auto verb = top.verb<BundleOptions>(
      "bundle", "Put what somebody needs who is to help you into an archive, without secrets",
      bundle);
  verb.option("-o,--out", verb->out_path, "FILE",
              "Where to, mode 0600; - for standard output. Default: slopn-bundle-TIME.tar.gz here",
              {Candidates::Kind::files});
  verb.flag("--keep-addresses", verb->keep_addresses,
            "Leave public addresses and the names of gateways as they are");
  verb.explain({.section = "Help",
                .examples = {"slopnctl bundle", "slopnctl bundle -o report.tar.gz",
                             "slopnctl bundle -o - | tar -tzf -"},
                .notes = "Versions, status, settings, profiles, events, log, findings of the "
                         "doctor and the kernel.\nPrivate keys, invitations, passwords and tokens "
                         "are never in it; public keys and addresses\nare numbered. It is made "
                         "also when slopnd does not answer."});
}

}  // namespace slopn::cli
