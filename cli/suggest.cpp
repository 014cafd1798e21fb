#include "cli/suggest.hpp"

#include <algorithm>

#include "cli/catalogue.hpp"

namespace slopn::cli {
namespace {

/// Damerau-Levenshtein distance with neighbours swapped once (optimal string alignment).
std::size_t distance(std::string_view a, std::string_view b)
{
  const std::size_t width = b.size() + 1;
  std::vector<std::size_t> before(width);
  std::vector<std::size_t> previous(width);
  std::vector<std::size_t> current(width);
  for (std::size_t j = 0; j < width; ++j) previous[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    current[0] = i;
    for (std::size_t j = 1; j < width; ++j) {
      const std::size_t replaced = previous[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      current[j] = std::min({replaced, previous[j] + 1, current[j - 1] + 1});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        current[j] = std::min(current[j], before[j - 2] + 1);
      }
    }
    before.swap(previous);
    previous.swap(current);
  }
  return previous[b.size()];
}

std::vector<std::string> command_names(const CLI::App& app)
{
  std::vector<std::string> names;
  for (const auto* one : commands_of(app)) names.push_back(one->get_name());
  return names;
}

const CLI::App* find_command(const CLI::App& app, const std::string& name)
{
  const auto found =
      app.get_subcommands([&](const CLI::App* one) { return one->get_name() == name; });
  return found.empty() ? nullptr : found.front();
}

/// Long options that the words so far allow.
class KnownOptions {
 public:
  void add(const CLI::App& app)
  {
    for (const auto* one : app.get_options()) {
      for (const auto& name : one->get_lnames()) {
        names_.push_back("--" + name);
        if (one->get_items_expected_max() > 0) with_value_.push_back("--" + name);
      }
    }
  }

  [[nodiscard]] bool has(const std::string& name) const { return contains(names_, name); }
  [[nodiscard]] bool takes_value(const std::string& name) const
  {
    return contains(with_value_, name);
  }
  [[nodiscard]] const std::vector<std::string>& names() const { return names_; }

 private:
  [[nodiscard]] static bool contains(const std::vector<std::string>& all, const std::string& one)
  {
    return std::find(all.begin(), all.end(), one) != all.end();
  }

  std::vector<std::string> names_;
  std::vector<std::string> with_value_;
};

Slip slip(std::string_view kind, const std::string& word, std::span<const std::string> known)
{
  const std::string meant = nearest(word, known);
  return {"there is no " + std::string{kind} + " '" + word + "'",
          meant.empty() ? std::string{} : "did you mean '" + meant + "'?"};
}

bool has_commands(const CLI::App& app)
{
  return !commands_of(app).empty();
}

}  // namespace

std::string nearest(std::string_view word, std::span<const std::string> known)
{
  constexpr std::size_t kLongestWord = 64;  // longer ones were not mistyped
  if (word.empty() || word.size() > kLongestWord) return {};
  const std::size_t allowed = word.size() >= 5 ? 2 : 1;
  std::string best;
  std::size_t best_distance = allowed + 1;
  std::size_t beginnings = 0;
  std::string beginning;
  for (const auto& one : known) {
    const std::size_t far = distance(word, one);
    if (far < best_distance) {
      best = one;
      best_distance = far;
    }
    if (one.starts_with(word)) {
      beginning = one;
      ++beginnings;
    }
  }
  if (best.empty() && beginnings == 1) return beginning;
  return best;
}

std::optional<Slip> find_slip(const CLI::App& app, std::span<const std::string> arguments)
{
  const CLI::App* here = &app;
  KnownOptions options;
  options.add(app);
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const std::string& word = arguments[i];
    if (word == "--") break;  // what follows is no option and no command
    if (word.starts_with("--")) {
      const std::string name = word.substr(0, word.find('='));
      if (!options.has(name)) return slip("option", name, options.names());
      if (name == word && options.takes_value(name)) ++i;
    } else if (!word.starts_with("-") && has_commands(*here)) {
      const auto* next = find_command(*here, word);
      if (next == nullptr) return slip("command", word, command_names(*here));
      here = next;
      options.add(*here);
    }
  }
  return std::nullopt;
}

}  // namespace slopn::cli
