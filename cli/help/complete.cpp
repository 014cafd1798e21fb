#include "cli/help/complete.hpp"

#include <algorithm>
#include <cctype>

namespace slopn::cli {
namespace {

/// Where on the command line the cursor is.
class Position {
 public:
  explicit Position(const Catalogue& catalogue)
      : catalogue_(catalogue), command_(&catalogue.app()), path_{command_}
  {
  }

  /// Takes a word that is complete.
  void pass(const std::string& word)
  {
    if (pending_ != nullptr) {
      pending_ = nullptr;
    } else if (only_arguments_) {
      ++arguments_;
    } else if (word == "--") {
      only_arguments_ = true;
    } else if (word.size() > 1 && word.starts_with('-')) {
      if (word.find('=') == std::string::npos) pending_ = with_value(word);
    } else if (!enter(word)) {
      ++arguments_;
    }
  }

  /// The option of that name in this command or one above it; nullptr if it takes no value.
  [[nodiscard]] const CLI::Option* with_value(const std::string& name) const
  {
    for (const auto* app : path_) {
      for (const auto* one : options_of(*app)) {
        if (one->check_name(name)) return one->get_items_expected_max() > 0 ? one : nullptr;
      }
    }
    return nullptr;
  }

  /// What is expected here that is not an option.
  [[nodiscard]] const CLI::Option* expected_value() const
  {
    if (pending_ != nullptr) return pending_;
    const auto arguments = arguments_of(*command_);
    if (arguments.empty()) return nullptr;
    if (arguments_ < arguments.size()) return arguments[arguments_];
    return arguments.back()->get_items_expected_max() > 1 ? arguments.back() : nullptr;
  }

  [[nodiscard]] bool in_value() const { return pending_ != nullptr; }
  [[nodiscard]] bool only_arguments() const { return only_arguments_; }
  [[nodiscard]] const CLI::App& command() const { return *command_; }
  [[nodiscard]] const std::vector<const CLI::App*>& path() const { return path_; }

 private:
  bool enter(const std::string& word)
  {
    for (const auto* one : commands_of(*command_)) {
      if (one->get_name() != word) continue;
      command_ = one;
      path_.push_back(one);
      return true;
    }
    return false;
  }

  const Catalogue& catalogue_;
  const CLI::App* command_;
  std::vector<const CLI::App*> path_;
  const CLI::Option* pending_ = nullptr;
  std::size_t arguments_ = 0;
  bool only_arguments_ = false;
};

/// Names come from slopnd and end on a command line: only those are taken that mean nothing there.
bool is_harmless(const std::string& word)
{
  return !word.empty() && !word.starts_with('-') &&
         std::all_of(word.begin(), word.end(), [](unsigned char c) {
           return std::isalnum(c) != 0 || c == '.' || c == '_' || c == '-' || c == '@' || c == '+';
         });
}

void add_values(Completions& out, const Candidates& candidates, const std::string& prefix,
                const std::string& begun, const NamesOf& names_of)
{
  auto words = candidates.words;
  switch (candidates.kind) {
    case Candidates::Kind::none:
    case Candidates::Kind::words:
      break;
    case Candidates::Kind::files:
      out.files = true;
      break;
    case Candidates::Kind::profiles:
    case Candidates::Kind::setting_keys:
      words = names_of(candidates.kind);
      break;
  }
  for (const auto& word : words) {
    if (word.starts_with(begun) && is_harmless(word)) out.words.push_back({prefix + word, {}});
  }
}

void add_options(Completions& out, const Position& position, const std::string& begun)
{
  for (const auto* app : position.path()) {
    for (const auto* option : options_of(*app)) {
      for (const auto& name : option->get_lnames()) {
        const std::string word = "--" + name;
        if (word.starts_with(begun)) out.words.push_back({word, option->get_description()});
      }
    }
    // Inner commands take the help option of their own, not that of the commands above them.
  }
  const auto by_word = [](const Completion& a, const Completion& b) { return a.word < b.word; };
  std::sort(out.words.begin(), out.words.end(), by_word);
  const auto same = [](const Completion& a, const Completion& b) { return a.word == b.word; };
  out.words.erase(std::unique(out.words.begin(), out.words.end(), same), out.words.end());
}

void add_commands(Completions& out, const CLI::App& command, const std::string& begun)
{
  for (const auto* one : commands_of(command)) {
    if (one->get_name().starts_with(begun)) {
      out.words.push_back({one->get_name(), one->get_description()});
    }
  }
}

/// Joins what bash has split: "--level" "=" "deb".
void join_at_equals(std::vector<std::string>& words)
{
  for (std::size_t i = 1; i + 1 < words.size(); ++i) {
    if (words[i] != "=" || !words[i - 1].starts_with("--")) continue;
    words[i - 1] += "=" + words[i + 1];
    words.erase(words.begin() + static_cast<std::ptrdiff_t>(i),
                words.begin() + static_cast<std::ptrdiff_t>(i) + 2);
  }
}

}  // namespace

Completions complete(const Catalogue& catalogue, std::vector<std::string> words,
                     const NamesOf& names_of)
{
  if (words.empty()) words.emplace_back();
  bool split_by_shell = false;
  if (words.back() == "=" && words.size() > 1) {
    words.emplace_back();
    split_by_shell = true;
  } else if (words.size() > 2 && words[words.size() - 2] == "=") {
    split_by_shell = true;
  }
  join_at_equals(words);
  const std::string begun = words.back();
  words.pop_back();
  Position position{catalogue};
  for (const auto& word : words) position.pass(word);

  Completions out;
  const auto equals = begun.find('=');
  if (!position.in_value() && !position.only_arguments() && begun.starts_with("--") &&
      equals != std::string::npos) {
    const auto* option = position.with_value(begun.substr(0, equals));
    if (option == nullptr) return out;
    add_values(out, catalogue.candidates_for(*option),
               split_by_shell ? std::string{} : begun.substr(0, equals + 1),
               begun.substr(equals + 1), names_of);
    return out;
  }
  if (!position.in_value() && !position.only_arguments()) {
    if (begun.starts_with('-')) {
      add_options(out, position, begun);
      return out;
    }
    add_commands(out, position.command(), begun);
  }
  if (const auto* value = position.expected_value()) {
    add_values(out, catalogue.candidates_for(*value), {}, begun, names_of);
  }
  return out;
}

std::string_view completion_script(std::string_view shell)
{
  if (shell == "bash") {
    return R"(# bash completion for slopnctl, made by: slopnctl completion bash
_slopnctl() {
  local answer line word="${COMP_WORDS[COMP_CWORD]}"
  COMPREPLY=()
  mapfile -t answer < <("${COMP_WORDS[0]}" __complete -- "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
  for line in "${answer[@]}"; do
    if [[ $line == :files ]]; then
      compopt -o filenames 2>/dev/null
      mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -f -- "${word#=}")
    else
      COMPREPLY+=("${line%%$'\t'*}")
    fi
  done
}
complete -F _slopnctl slopnctl
)";
  }
  if (shell == "zsh") {
    return R"(#compdef slopnctl
# zsh completion for slopnctl, made by: slopnctl completion zsh
_slopnctl() {
  local -a answer candidates
  local line
  answer=("${(@f)$(${words[1]} __complete -- "${(@)words[2,CURRENT]}" 2>/dev/null)}")
  for line in "${answer[@]}"; do
    if [[ $line == :files ]]; then
      _files
    elif [[ -n $line ]]; then
      candidates+=("${${line%%$'\t'*}//:/\\:}:${line#*$'\t'}")
    fi
  done
  if (( ${#candidates} )); then _describe -V slopnctl candidates; fi
}
if [[ ${funcstack[1]} == _slopnctl ]]; then
  _slopnctl "$@"
else
  compdef _slopnctl slopnctl
fi
)";
  }
  if (shell == "fish") {
    return R"(# fish completion for slopnctl, made by: slopnctl completion fish
function __slopnctl_complete
    set -l words (commandline -opc)
    set -l program $words[1]
    set -e words[1]
    set -l current (commandline -ct)
    for line in ($program __complete -- $words "$current" 2>/dev/null)
        if test "$line" = :files
            __fish_complete_path "$current"
        else
            printf '%s\n' $line
        end
    end
end
complete -c slopnctl -f -a '(__slopnctl_complete)'
)";
  }
  return {};
}

}  // namespace slopn::cli
