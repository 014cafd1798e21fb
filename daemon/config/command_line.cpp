#include "daemon/config/command_line.hpp"

#include <algorithm>
#include <array>
#include <optional>

#include "daemon/config/diagnostics.hpp"

namespace slopn::config {
namespace {

struct Flag {
  std::string_view name;
  std::string_view value;  ///< What it takes, for people; empty: nothing.
  std::string_view key;    ///< The key it sets; empty: it means something else.
  std::string_view help;
};

constexpr std::array kFlags{
    Flag{"--config", "FILE", "", "Read FILE instead of /etc/slopn/slopnd.toml."},
    Flag{"--set", "KEY=VALUE", "", "Set any key; may be given many times."},
    Flag{"--role", "ROLE", "role", "Same as --set role=ROLE: client or gateway."},
    Flag{"--log-level", "LEVEL", "log.level", "Same as --set log.level=LEVEL."},
    Flag{"--socket", "PATH", "control.socket", "Same as --set control.socket=PATH."},
    Flag{"--state-dir", "PATH", "state_dir", "Same as --set state_dir=PATH."},
    Flag{"--check", "", "", "Read the configuration, say what is wrong with it, and exit."},
    Flag{"--version", "", "", "Print the version and exit."},
    Flag{"--help", "", "", "Print this and exit."},
};

std::vector<std::string> flag_names()
{
  std::vector<std::string> names;
  for (const auto& flag : kFlags) names.emplace_back(flag.name);
  return names;
}

const Flag* find_flag(std::string_view name) noexcept
{
  const auto* const found = std::ranges::find(kFlags, name, &Flag::name);
  return found == kFlags.end() ? nullptr : found;
}

Error usage_error(std::string_view what)
{
  return fail(Errc::invalid_argument, std::string{what} + "; slopnd --help lists all flags");
}

Result<Override> parse_set(std::string_view text)
{
  const auto equals = text.find('=');
  if (equals == std::string_view::npos) {
    return usage_error("--set wants KEY=VALUE, not " + in_quotes(text));
  }
  return Override{std::string{text.substr(0, equals)}, std::string{text.substr(equals + 1)},
                  "--set"};
}

Result<> take_value(CommandLine& line, const Flag& flag, std::string_view value)
{
  if (flag.name == "--config") {
    line.order.file = value;
    line.order.file_need = FileNeed::required;
    return {};
  }
  if (flag.name == "--set") {
    auto set = parse_set(value);
    if (!set) return set.error();
    line.order.overrides.push_back(std::move(*set));
    return {};
  }
  line.order.overrides.push_back(
      {std::string{flag.key}, std::string{value}, std::string{flag.name}});
  return {};
}

Task task_of(const Flag& flag) noexcept
{
  if (flag.name == "--help") return Task::show_help;
  if (flag.name == "--version") return Task::show_version;
  return Task::check;
}

LoadOrder default_order(Environment environment)
{
  LoadOrder order{std::filesystem::path{kDefaultConfigPath}, FileNeed::optional, {}, {}};
  if (const auto named = environment.find("SLOPN_CONFIG"); named != environment.end()) {
    order.file = named->second;
    order.file_need = FileNeed::required;
  }
  order.environment = std::move(environment);
  return order;
}

std::string padded(std::string text, std::size_t width)
{
  if (text.size() < width) text.resize(width, ' ');
  return text;
}

}  // namespace

Result<CommandLine> parse_command_line(std::span<const std::string_view> arguments,
                                       Environment environment)
{
  CommandLine line{Task::run, default_order(std::move(environment))};
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const auto argument = arguments[i];
    const auto equals = argument.find('=');
    const auto* const flag = find_flag(argument == "-h" ? "--help" : argument.substr(0, equals));
    if (flag == nullptr) {
      return usage_error("unknown argument " + in_quotes(argument) +
                         did_you_mean(argument.substr(0, equals), flag_names()));
    }
    std::optional<std::string_view> value;
    if (equals != std::string_view::npos) value = argument.substr(equals + 1);
    if (flag->value.empty()) {
      if (value) return usage_error(std::string{flag->name} + " takes no value");
      line.task = task_of(*flag);
      continue;
    }
    if (!value && i + 1 < arguments.size()) value = arguments[++i];
    if (!value || value->empty())
      return usage_error(std::string{flag->name} + " wants " + std::string{flag->value});
    if (auto taken = take_value(line, *flag, *value); !taken) return taken.error();
  }
  return line;
}

std::string help_text()
{
  constexpr std::size_t kFlagWidth = 22;
  constexpr std::size_t kKeyWidth = 34;
  std::string text =
      "slopnd, the slopn VPN daemon: a client or a gateway.\n\n"
      "Usage: slopnd [FLAGS]\n\n";
  for (const auto& flag : kFlags) {
    std::string usage{flag.name};
    if (!flag.value.empty()) usage.append(" ").append(flag.value);
    text += "  " + padded(usage, kFlagWidth) + " " + std::string{flag.help} + "\n";
  }
  text +=
      "\nEvery key can be set in the file, by a variable (gateway.listen is SLOPN_GATEWAY_LISTEN)\n"
      "and by --set; later ones win. A list is separated by commas outside the file.\n\nKeys:\n";
  for (const auto& key : keys()) {
    text += "  " + padded(key.name, kKeyWidth) + " " + key.type;
    if (!key.default_value.empty()) text += "; default " + key.default_value;
    text += "\n" + std::string(kKeyWidth + 3, ' ') + key.description + "\n";
  }
  return text;
}

}  // namespace slopn::config
