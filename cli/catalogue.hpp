#pragma once

#include <CLI/App.hpp>
#include <CLI/Validators.hpp>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "cli/console.hpp"

namespace slopn::cli {

/// What a command does once the command line is read.
using Run = std::function<Outcome<ExitCode>(const Console&)>;

/// What CLI11 has no place for. `--help` and the man pages are made of it.
struct Guide {
  std::string section = {};                ///< Heading in the list of commands; empty: no own one.
  std::vector<std::string> examples = {};  ///< Command lines; at least one.
  std::string notes = {};                  ///< Sentences for people; lines of up to 100 columns.
  std::string exits = {};                  ///< "0 connected, 7 timed out", where it needs words.
};

/// What a value on the command line may be completed with.
struct Candidates {
  enum class Kind { none, words, files, profiles, setting_keys };
  Kind kind = Kind::none;
  std::vector<std::string> words = {};
};

/// Options of every command.
struct Globals {
  std::string socket_path = "/run/slopn/slopnd.sock";
  bool json = false;
  bool no_color = false;
};

/// For commands that take nothing.
struct NoOptions {};

/// All commands of slopnctl: CLI11's model of them, and what there is to say beyond it.
class Catalogue {
 public:
  Catalogue();
  Catalogue(const Catalogue&) = delete;
  Catalogue& operator=(const Catalogue&) = delete;

  [[nodiscard]] CLI::App& app() noexcept { return app_; }
  [[nodiscard]] const CLI::App& app() const noexcept { return app_; }
  [[nodiscard]] const Globals& globals() const noexcept { return globals_; }
  [[nodiscard]] const Run& chosen() const noexcept { return chosen_; }

  [[nodiscard]] const Guide& guide_of(const CLI::App& command) const;
  [[nodiscard]] const Candidates& candidates_for(const CLI::Option& option) const;

  // For Group and Verb.
  void explain(CLI::App& command, Guide guide);
  void complete(const CLI::Option& option, Candidates candidates);
  void choose(Run run) { chosen_ = std::move(run); }

 private:
  CLI::App app_;
  Globals globals_;
  Run chosen_;
  std::map<const CLI::App*, Guide> guides_;
  std::map<const CLI::Option*, Candidates> candidates_;
};

/// One command that is being added. Its options live as long as the catalogue.
template <class Options>
class Verb {
 public:
  using Perform = Outcome<ExitCode> (*)(const Console&, const Options&);

  Verb(Catalogue& catalogue, CLI::App& command, Perform perform)
      : catalogue_(catalogue), command_(command), options_(std::make_shared<Options>())
  {
    command.callback([&catalogue, options = options_, perform] {
      catalogue.choose(
          [options, perform](const Console& console) { return perform(console, *options); });
    });
  }

  /// What the command line is read into; commands declare options on it.
  Options* operator->() const noexcept { return options_.get(); }

  template <class Value>
  CLI::Option* flag(const std::string& names, Value& value, const std::string& help)
  {
    return command_.add_flag(names, value, help);
  }

  /// `type` is how the value is called: "SECONDS".
  template <class Value>
  CLI::Option* option(const std::string& names, Value& value, const std::string& type,
                      const std::string& help, Candidates candidates = {})
  {
    auto* added = command_.add_option(names, value, help)->type_name(type);
    catalogue_.complete(*added, std::move(candidates));
    return added;
  }

  /// A number within limits; `value` holds the default.
  template <class Number>
  CLI::Option* number(const std::string& names, Number& value, const std::string& type,
                      const std::string& help, Number least, Number most)
  {
    return option(names, value, type, help)->check(CLI::Range(least, most).description(""));
  }

  /// One of a few words.
  CLI::Option* choice(const std::string& names, std::string& value, const std::string& type,
                      const std::string& help, const std::vector<std::string>& words)
  {
    return option(names, value, type, help, {Candidates::Kind::words, words})
        ->check(CLI::IsMember(words).description(""));
  }

  void explain(Guide guide) { catalogue_.explain(command_, std::move(guide)); }

  /// For what is called by scripts and builds, not by people.
  void hide() { command_.group(""); }

 private:
  Catalogue& catalogue_;
  CLI::App& command_;
  std::shared_ptr<Options> options_;
};

/// Where commands are added: slopnctl itself, or a command that has commands ("profile").
class Group {
 public:
  Group(Catalogue& catalogue, CLI::App& parent) : catalogue_(catalogue), parent_(parent) {}

  template <class Options>
  Verb<Options> verb(const std::string& name, const std::string& what,
                     Outcome<ExitCode> (*perform)(const Console&, const Options&)) const
  {
    return {catalogue_, *parent_.add_subcommand(name, what), perform};
  }

  [[nodiscard]] Group group(const std::string& name, const std::string& what, Guide guide) const;

  [[nodiscard]] Catalogue& catalogue() const noexcept { return catalogue_; }

 private:
  Catalogue& catalogue_;
  CLI::App& parent_;
};

/// Commands of `app` that people see, in the order in which they were added.
[[nodiscard]] std::vector<const CLI::App*> commands_of(const CLI::App& app);

/// Options of `app` that people see, without positional arguments; and those.
[[nodiscard]] std::vector<const CLI::Option*> options_of(const CLI::App& app);
[[nodiscard]] std::vector<const CLI::Option*> arguments_of(const CLI::App& app);

}  // namespace slopn::cli
