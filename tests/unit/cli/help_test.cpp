// What is made of the model of all commands: help, man pages, completion, and the documentation.

#include <catch2/catch_test_macros.hpp>
#include <cstdlib>
#include <filesystem>
#include <functional>

#include "cli/help/complete.hpp"
#include "cli/help/man_page.hpp"
#include "cli/help/roff.hpp"
#include "daemon/config/command_line.hpp"
#include "tests/unit/cli/control_samples.hpp"
#include "tests/unit/cli/run_slopnctl.hpp"

namespace {

using namespace slopn;
using cli::Candidates;
using cli::Catalogue;
using test::slopnctl;

/// Calls `take` for every command, and the words that lead to it.
void for_each_command(
    const CLI::App& app, const std::vector<std::string>& words,
    const std::function<void(const CLI::App&, const std::vector<std::string>&)>& take)
{
  take(app, words);
  for (const auto* one : cli::commands_of(app)) {
    auto below = words;
    below.push_back(one->get_name());
    for_each_command(*one, below, take);
  }
}

std::vector<std::string> words_of(const cli::Completions& completions)
{
  std::vector<std::string> words;
  for (const auto& one : completions.words) words.push_back(one.word);
  return words;
}

std::vector<std::string> completed(std::vector<std::string> words)
{
  const Catalogue catalogue;
  return words_of(cli::complete(catalogue, std::move(words), [](Candidates::Kind kind) {
    return kind == Candidates::Kind::profiles
               ? std::vector<std::string>{"home", "office", "$(reboot)", "-rf", ""}
               : std::vector<std::string>{"dns.servers", "lockdown"};
  }));
}

using Words = std::vector<std::string>;

/// An option as pages have it: with hyphens that can be copied.
std::string in_roff(std::string option)
{
  for (std::size_t i = 0; (i = option.find('-', i)) != std::string::npos; i += 2) {
    option.insert(i, "\\");
  }
  return option;
}

}  // namespace

TEST_CASE("help: every command has it, with examples that exist", "[unit][cli]")
{
  const Catalogue catalogue;
  std::size_t count = 0;
  for_each_command(catalogue.app(), {}, [&](const CLI::App& app, Words words) {
    ++count;
    CAPTURE(words);
    CHECK_FALSE(catalogue.guide_of(app).examples.empty());
    CHECK_FALSE(app.get_description().empty());
    for (const auto* option : cli::options_of(app)) CHECK_FALSE(option->get_description().empty());
    words.emplace_back("--help");
    const auto end = slopnctl(words);
    CHECK(end.code == 0);
    CHECK(end.err.empty());
    CHECK(end.out.find("Example") != std::string::npos);
    for (const auto& example : catalogue.guide_of(app).examples) {
      CHECK(end.out.find(example) != std::string::npos);
    }
  });
  CHECK(count > 30);
}

TEST_CASE("help: what is for scripts is not shown", "[unit][cli]")
{
  CHECK(slopnctl({"--help"}).out.find("__") == std::string::npos);
  CHECK(slopnctl({"__complte"}).err.find("__complete") == std::string::npos);
}

TEST_CASE("help: docs/slopnctl.md tells of every command and exit code", "[unit][cli]")
{
  const auto text = test::content_of(SLOPN_SCHEMAS_DIR "/../slopnctl.md");
  const Catalogue catalogue;
  for_each_command(catalogue.app(), {}, [&](const CLI::App&, const Words& words) {
    std::string name;
    for (const auto& word : words) name += (name.empty() ? "" : " ") + word;
    CAPTURE(name);
    CHECK(text.find(name) != std::string::npos);
  });
  for (const auto& one : cli::exit_meanings()) {
    const std::string row =
        "| " + std::to_string(static_cast<int>(one.code)) + " | " + std::string{one.name} + " |";
    CAPTURE(row);
    CHECK(text.find(row) != std::string::npos);
  }
}

TEST_CASE("man: a page for every command, with all of its options and examples", "[unit][cli]")
{
  const Catalogue catalogue;
  const auto pages = cli::man_pages(catalogue);
  std::size_t at = 0;
  for_each_command(catalogue.app(), {}, [&](const CLI::App& app, const Words& words) {
    std::string name = "slopnctl";
    for (const auto& word : words) name += "-" + word;
    REQUIRE(at < pages.size());
    CHECK(pages[at].file_name == name + ".1");
    const std::string& roff = pages[at].roff;
    for (const auto* option : cli::options_of(app)) {
      for (const auto& option_name : option->get_lnames()) {
        const auto escaped = in_roff("--" + option_name);
        CAPTURE(name, escaped);
        CHECK(roff.find("\\fB" + escaped + "\\fR") != std::string::npos);
      }
    }
    ++at;
  });
  CHECK(at == pages.size());
}

TEST_CASE("man: groff and man read the pages without a complaint", "[unit][cli]")
{
  if (std::system("command -v groff >/dev/null") != 0) SKIP("there is no groff");
  const test::TemporaryDir dir{0755};
  CHECK(slopnctl({"__man", dir.path().string()}).code == 0);
  std::filesystem::copy(SLOPN_SCHEMAS_DIR "/../man/slopnd.8", dir.path());
  const auto shell = [&](const std::string& command) {
    const auto out = (dir.path() / "out").string();
    const int result = std::system((command + " >" + out + " 2>&1").c_str());
    return std::pair{result, test::content_of(out)};
  };
  const auto [result, complaints] =
      shell("cd " + dir.path().string() +
            " && for p in *.[18]; do groff -man -Tutf8 -ww -z $p || exit 1; done");
  CHECK(result == 0);
  CHECK(complaints.empty());
  const auto [shown, text] =
      shell("groff -man -Tascii -P-c -P-b -P-u " + (dir.path() / "slopnctl-connect.1").string());
  CHECK(shown == 0);
  CHECK(text.find("--confirm SECONDS") != std::string::npos);
  CHECK(text.find("slopnctl connect office --timeout 10") != std::string::npos);
}

TEST_CASE("man: slopnd(8) has every flag of slopnd", "[unit][cli]")
{
  const auto roff = test::content_of(SLOPN_SCHEMAS_DIR "/../man/slopnd.8");
  const auto help = config::help_text();
  std::size_t count = 0;
  for (std::size_t at = 0; (at = help.find("\n  --", at)) != std::string::npos; ++at, ++count) {
    const auto flag = help.substr(at + 3, help.find(' ', at + 3) - at - 3);
    CAPTURE(flag);
    CHECK(roff.find("\n\\fB" + in_roff(flag) + "\\fR") != std::string::npos);
  }
  CHECK(count > 5);
}

TEST_CASE("roff: nothing in a text is taken for a request", "[unit][cli]")
{
  cli::Roff page{"x", 1, "slopn"};
  page.text(".so /etc/passwd");
  page.text("'tis \\fB -x");
  const auto roff = std::move(page).finish();
  CHECK(roff.find("\n\\&.so /etc/passwd\n") != std::string::npos);
  CHECK(roff.find("\n\\(aqtis \\efB \\-x\n") != std::string::npos);
}

TEST_CASE("completion: commands, options and values", "[unit][cli]")
{
  CHECK(completed({"conn"}) == Words{"connect"});
  CHECK(completed({"profile", ""}) == Words{"import", "list", "show", "remove"});
  CHECK(completed({"connect", "--conf"}) == Words{"--confirm"});
  CHECK(completed({"--js"}) == Words{"--json"});
  CHECK(completed({"status", "--js"}) == Words{"--json"});
  CHECK(completed({"logs", "--level", ""}) == Words{"debug", "info", "warn", "error"});
  CHECK(completed({"logs", "--level", "w"}) == Words{"warn"});
  CHECK(completed({"log-level", "e"}) == Words{"error"});
  CHECK(completed({"--socket", "connect", "sta"}) == Words{"status"});
  CHECK(completed({"settings", "get", "l"}) == Words{"lockdown"});
  CHECK(completed({"completion", ""}) == Words{"bash", "zsh", "fish"});
  CHECK(completed({"connect", "--timeout", ""}).empty());
  CHECK(completed({"nonsense", "con"}).size() == 2);  // as if the word were not there
}

TEST_CASE("completion: an option and its value in one word, also where bash splits it",
          "[unit][cli]")
{
  CHECK(completed({"logs", "--level=w"}) == Words{"--level=warn"});
  CHECK(completed({"logs", "--level", "=", "w"}) == Words{"warn"});
  CHECK(completed({"logs", "--level", "="}) == Words{"debug", "info", "warn", "error"});
  CHECK(completed({"--socket=/x", "logs", "--le"}) == Words{"--level"});
  CHECK(completed({"logs", "--nonsense=w"}).empty());
}

TEST_CASE("completion: names of profiles, but none that a shell would run", "[unit][cli]")
{
  CHECK(completed({"connect", ""}) == Words{"home", "office"});
  CHECK(completed({"profile", "show", "o"}) == Words{"office"});
  CHECK(completed({"connect", "home", ""}).empty());
}

TEST_CASE("completion: the program asks slopnd for the names", "[unit][cli]")
{
  const test::FakeControl daemon{test::full_answers()};
  CHECK(slopnctl({"__complete", "--", "connect", "ho"},
                 {.variables = {"SLOPN_SOCKET=" + daemon.socket_path().string()}})
            .out == "home\t\n");
  CHECK(slopnctl({"__complete", "--", "profile", "import", ""}).out == ":files\n");
  CHECK(slopnctl({"__complete", "--", "--socket", "/x", "stat"}).out ==
        "status\tShow what slopnd is doing\n");
}

TEST_CASE("completion: bash takes the script, and completes with it", "[unit][cli]")
{
  if (std::system("command -v bash >/dev/null") != 0) SKIP("there is no bash");
  const test::TemporaryDir dir{0755};
  const auto out = (dir.path() / "out").string();
  const std::string script =
      "source <(" SLOPNCTL_PATH " completion bash); COMP_WORDS=(" SLOPNCTL_PATH
      " logs --level = w); COMP_CWORD=4; _slopnctl; echo \"${COMPREPLY[@]}\"; "
      "COMP_WORDS=(" SLOPNCTL_PATH " prof); COMP_CWORD=1; _slopnctl; echo \"${COMPREPLY[@]}\"";
  CHECK(std::system(("bash -c '" + script + "' >" + out + " 2>&1").c_str()) == 0);
  CHECK(test::content_of(out) == "warn\nprofile\n");
  for (const char* shell : {"zsh", "fish"}) {
    CHECK(slopnctl({"completion", shell}).out.find("__complete") != std::string::npos);
  }
  CHECK(slopnctl({"completion", "csh"}).code == 2);
}
