#include "daemon/config/load.hpp"

#include <unistd.h>

#include <array>

#include "daemon/config/schema.hpp"
#include "libtunnel/base/file.hpp"

namespace slopn::config {
namespace {

constexpr std::string_view kVariablePrefix = "SLOPN_";

// A name that ends in "_" stands for all that begin with it.
constexpr std::array<std::string_view, 8> kOtherVariables{
    "SLOPN_CONFIG",          // the configuration file, for slopnd
    "SLOPN_SOCKET",          // the control socket, for slopnctl
    "SLOPN_TLS",             // the TLS library, for the build
    "SLOPN_BORINGSSL_ROOT",  // where BoringSSL is, for the build
    "SLOPN_REQUIRE_NETNS",   // tests must not skip what needs network namespaces
    "SLOPN_TEST_",           // for tests
    "SLOPN_DEMO_",           // for the demo
    "SLOPN_BENCH_",          // for measuring programs
};

bool is_other_variable(std::string_view name) noexcept
{
  return std::ranges::any_of(kOtherVariables, [&](std::string_view other) {
    return other.ends_with('_') ? name.starts_with(other) : name == other;
  });
}

/// A config while it is put together.
struct Loading {
  Config config;
  Origins origins;
  Diagnostics diagnostics;

  Schema<Config>::Target target() { return {config, origins, diagnostics}; }
};

void apply_document(Loading& loading, std::string_view toml, std::string_view origin)
{
  const auto table = read_toml(toml, origin, TomlContent::open, loading.diagnostics);
  if (table) config_schema().apply(*table, loading.target());
}

void apply_environment(Loading& loading, const Environment& environment)
{
  std::map<std::string, const Key<Config>*> by_variable;
  std::vector<std::string> variables;
  for (const auto& key : config_schema().keys()) {
    variables.push_back(environment_name(key.name));
    by_variable.emplace(variables.back(), &key);
  }
  for (const auto& [name, text] : environment) {
    if (!name.starts_with(kVariablePrefix) || is_other_variable(name)) continue;
    const Position at{name};
    if (const auto found = by_variable.find(name); found != by_variable.end()) {
      config_schema().set(*found->second, {at, Text{text}}, loading.target());
    } else {
      loading.diagnostics.add({printable(name)},
                              "stands for no key" + did_you_mean(name, variables));
    }
  }
}

void apply_overrides(Loading& loading, const std::vector<Override>& overrides)
{
  for (const auto& one : overrides) {
    const Position at{one.origin};
    if (const auto* key = config_schema().find(one.key)) {
      config_schema().set(*key, {at, Text{one.value}}, loading.target());
    } else {
      config_schema().complain_unknown(one.key, at, loading.diagnostics);
    }
  }
}

// Values that are wrong by themselves are told first: a key that kept its default because of one
// would only cause complaints that mean nothing.
Result<Config> finish(Loading loading)
{
  if (loading.diagnostics.empty())
    check_config(loading.config, loading.origins, loading.diagnostics);
  if (!loading.diagnostics.empty()) return loading.diagnostics.to_error(Errc::invalid_argument);
  return std::move(loading.config);
}

Result<std::string> read_document(const LoadOrder& order)
{
  if (order.file.empty()) return std::string{};
  auto content = read_file(order.file, {kMaxConfigBytes, FileTrust::ourselves});
  const bool missing =
      !content && content.error().code == boost::system::errc::no_such_file_or_directory;
  if (missing && order.file_need == FileNeed::optional) return std::string{};
  return content;
}

}  // namespace

Environment slopn_environment()
{
  Environment environment;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string_view text{*entry};
    const auto equals = text.find('=');
    if (!text.starts_with(kVariablePrefix) || equals == std::string_view::npos) continue;
    environment.insert_or_assign(std::string{text.substr(0, equals)},
                                 std::string{text.substr(equals + 1)});
  }
  return environment;
}

Result<Config> load(const LoadOrder& order)
{
  auto document = read_document(order);
  if (!document) return document.error();
  Loading loading;
  apply_document(loading, *document, order.file.string());
  apply_environment(loading, order.environment);
  apply_overrides(loading, order.overrides);
  return finish(std::move(loading));
}

Result<Config> parse_config(std::string_view toml, std::string_view origin)
{
  Loading loading;
  if (toml.size() > kMaxConfigBytes) {
    loading.diagnostics.add({std::string{origin}},
                            "longer than " + std::to_string(kMaxConfigBytes) + " bytes");
  } else {
    apply_document(loading, toml, origin);
  }
  return finish(std::move(loading));
}

ConfigChange diff_live(const Config& running, const Config& loaded)
{
  ConfigChange change;
  for (const auto& key : config_schema().keys()) {
    if (key.show(running) == key.show(loaded)) continue;
    (key.live == Live::yes ? change.live : change.needs_restart).push_back(key.name);
  }
  return change;
}

Config with_live_changes(Config running, const Config& loaded)
{
  for (const auto& key : config_schema().keys()) {
    if (key.live == Live::yes) key.copy(running, loaded);
  }
  return running;
}

const std::vector<KeyInfo>& keys()
{
  static const std::vector<KeyInfo> infos = key_infos(config_schema(), Config{});
  return infos;
}

std::string keys_as_markdown()
{
  return markdown_table(keys());
}

std::span<const std::string_view> other_variables() noexcept
{
  return kOtherVariables;
}

}  // namespace slopn::config
