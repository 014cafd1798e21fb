#include <ostream>

#include "cli/commands/commands.hpp"
#include "cli/help/complete.hpp"
#include "cli/names.hpp"
#include "libtunnel/base/text.hpp"

namespace slopn::cli {
namespace {

struct CompletionOptions {
  std::string shell;
};

struct CompleteOptions {
  const Catalogue* catalogue = nullptr;
  std::vector<std::string> words;
};

Outcome<ExitCode> completion(const Console& console, const CompletionOptions& options)
{
  console.out << completion_script(options.shell);
  return ExitCode::ok;
}

Outcome<ExitCode> complete_words(const Console& console, const CompleteOptions& options)
{
  const auto names_of = [&](Candidates::Kind kind) -> std::vector<std::string> {
    auto link = DaemonLink::open(console.socket_path);
    if (!link) return {};
    return kind == Candidates::Kind::profiles ? profile_names(*link) : setting_keys(*link);
  };
  const auto completions = complete(*options.catalogue, options.words, names_of);
  for (const auto& one : completions.words) {
    console.out << one.word << '\t' << printable(one.help) << '\n';
  }
  if (completions.files) console.out << ":files\n";
  return ExitCode::ok;
}

}  // namespace

void add_completion(Group top)
{
  auto verb = top.verb<CompletionOptions>(
      "completion", "Print the script that completes slopnctl in a shell", completion);
  verb.choice("shell", verb->shell, "SHELL", "bash, zsh or fish", {"bash", "zsh", "fish"})
      ->required();
  verb.explain({.section = "Help",
                .examples = {"slopnctl completion bash > /etc/bash_completion.d/slopnctl",
                             "slopnctl completion zsh > \"${fpath[1]}/_slopnctl\"",
                             "slopnctl completion fish > ~/.config/fish/completions/slopnctl.fish",
                             "source <(slopnctl completion bash)"},
                .notes = "Commands, options, their values, profiles and settings are completed."});

  // What those scripts call.
  auto hidden = top.verb<CompleteOptions>("__complete", "", complete_words);
  hidden->catalogue = &top.catalogue();
  hidden.option("words", hidden->words, "WORD", "");
  hidden.hide();
}

}  // namespace slopn::cli
