#include <sys/stat.h>

#include <cerrno>
#include <memory>
#include <ostream>

#include "cli/commands/commands.hpp"
#include "libtunnel/base/file.hpp"
#include "libtunnel/crypto/keys.hpp"

namespace slopn::cli {
namespace {

constexpr mode_t kPrivateMode = 0600;

struct KeygenOptions {
  std::string out_path = "slopn.key";
  bool force = false;
};

Outcome<> write_key(const KeygenOptions& options, const crypto::KeyPair& keys)
{
  struct stat info {};
  if (!options.force && ::lstat(options.out_path.c_str(), &info) == 0) {
    return Failure{ExitCode::failed, "already_exists", options.out_path + " exists already",
                   "choose another --out, or replace it with --force"};
  }
  auto written = atomic_write_file(options.out_path, keys.to_pem().reveal(), kPrivateMode);
  if (!written) return to_failure(std::move(written.error()).within("write " + options.out_path));
  return {};
}

void print_people(const Console& console, const KeygenOptions& options,
                  const std::string& public_key)
{
  const Style& style = console.out_style;
  console.out << "private key: " << options.out_path << " (keep it secret)\n"
              << "public key:  " << style.strong(public_key) << "\n\n"
              << "Give the public key to whoever runs the gateway. There:\n"
              << "  slopnctl gateway invite NAME --key " << public_key << '\n';
}

Outcome<ExitCode> keygen(const Console& console, const KeygenOptions& options)
{
  const bool to_stdout = options.out_path == "-";
  if (to_stdout && console.json()) {
    return Failure{ExitCode::usage, "usage", "--out - and --json both want standard output", ""};
  }
  const auto keys = crypto::KeyPair::generate();
  const std::string public_key = keys.public_key().to_string();
  if (to_stdout) {
    console.out << keys.to_pem().reveal();
    console.err << "public key: " << public_key << '\n';
    return ExitCode::ok;
  }
  if (auto written = write_key(options, keys); !written) return written.error();
  if (console.json()) {
    console.print(Json{{"public_key", public_key}, {"private_key_path", options.out_path}});
  } else {
    print_people(console, options, public_key);
  }
  return ExitCode::ok;
}

}  // namespace

void add_keygen(Group top)
{
  auto verb =
      top.verb<KeygenOptions>("keygen", "Make a key pair that proves who this client is", keygen);
  verb.option("-o,--out", verb->out_path, "FILE",
              "Where the private key goes, mode 0600; - for standard output",
              {Candidates::Kind::files})
      ->capture_default_str();
  verb.flag("-f,--force", verb->force, "Replace the file if there is one");
  verb.explain({.section = "Setting up",
                .examples = {"slopnctl keygen", "slopnctl keygen --out /etc/slopn/client.key",
                             "slopnctl keygen --json | jq -r .public_key"},
                .notes = "The key is Ed25519 in PKCS#8 PEM. slopnd is not asked."});
}

}  // namespace slopn::cli
