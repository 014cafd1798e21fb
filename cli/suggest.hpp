#pragma once

#include <CLI/App.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace slopn::cli {

/// The word of `known` that `word` was probably meant to be; empty when none is near.
/// One slip (a letter too many, too few, wrong, or two swapped) is near; two are, in words of five
/// letters or more; and so is an unfinished word that only one of `known` begins with.
[[nodiscard]] std::string nearest(std::string_view word, std::span<const std::string> known);

/// A word that the command line has and slopnctl does not.
struct Slip {
  std::string message;     ///< "there is no command 'conect'"
  std::string suggestion;  ///< "did you mean 'connect'?"; empty when nothing is near.
};

/// The first one in `arguments`, going down the commands of `app`.
[[nodiscard]] std::optional<Slip> find_slip(const CLI::App& app,
                                            std::span<const std::string> arguments);

}  // namespace slopn::cli
