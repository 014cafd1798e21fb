#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/catalogue.hpp"

namespace slopn::cli {

struct Completion {
  std::string word;
  std::string help;  ///< One line; may be empty.
};

struct Completions {
  std::vector<Completion> words;
  bool files = false;  ///< Also whatever files there are.
};

/// Names that are asked for only when they are needed: profiles, keys of settings.
using NamesOf = std::function<std::vector<std::string>(Candidates::Kind)>;

/// What the last of `words` may become, on a command line "slopnctl WORDS...". The last word is the
/// one under the cursor, and may be empty. bash splits "--level=debug" at the "=": both forms are
/// understood, and a completion replaces the last word.
[[nodiscard]] Completions complete(const Catalogue& catalogue, std::vector<std::string> words,
                                   const NamesOf& names_of);

/// The script that makes a shell ask us. Empty for a shell that is none of "bash", "zsh", "fish".
[[nodiscard]] std::string_view completion_script(std::string_view shell);

}  // namespace slopn::cli
