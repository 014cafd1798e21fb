#include "daemon/config/diagnostics.hpp"

#include <algorithm>
#include <cassert>
#include <numeric>
#include <optional>

namespace slopn::config {
namespace {

constexpr std::size_t kMaxComparedBytes = 60;

// Levenshtein distance. Names are short, and longer ones are not compared at all.
std::size_t edit_distance(std::string_view a, std::string_view b)
{
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({replaced, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row.back();
}

std::string_view last_part(std::string_view name)
{
  const auto dot = name.rfind('.');
  return dot == std::string_view::npos ? name : name.substr(dot + 1);
}

std::optional<std::string> nearest(std::string_view wrong, const std::vector<std::string>& names)
{
  const std::size_t tolerated = std::max<std::size_t>(2, wrong.size() / 4);
  std::optional<std::string> best;
  std::size_t best_distance = tolerated + 1;
  for (const auto& name : names) {
    const auto distance = edit_distance(wrong, name);
    if (distance >= best_distance) continue;
    best = name;
    best_distance = distance;
  }
  if (best) return best;
  const auto same_end = [&](const auto& name) { return last_part(name) == last_part(wrong); };
  const auto found = std::ranges::find_if(names, same_end);
  if (found == names.end()) return std::nullopt;
  return *found;
}

}  // namespace

std::string Position::to_string() const
{
  if (line == 0) return origin;
  return origin + ":" + std::to_string(line) + ":" + std::to_string(column);
}

void Diagnostics::add(const Position& at, std::string_view complaint)
{
  if (++count_ > kMaxComplaints) return;
  if (!lines_.empty()) lines_ += '\n';
  lines_.append(at.to_string()).append(": ").append(complaint);
}

void Diagnostics::merge(const Diagnostics& other)
{
  if (other.empty()) return;
  count_ += other.count_;
  if (count_ > kMaxComplaints) return;
  if (!lines_.empty()) lines_ += '\n';
  lines_ += other.lines_;
}

Error Diagnostics::to_error(boost::system::error_code code) const
{
  assert(!empty());
  if (count_ <= kMaxComplaints) return fail(code, lines_);
  return fail(code, lines_ + "\nand " + std::to_string(count_ - kMaxComplaints) + " more");
}

std::string printable(std::string_view text, std::size_t max_bytes)
{
  std::string shown{text.substr(0, max_bytes)};
  std::ranges::replace_if(
      shown, [](char c) { return c < ' ' || c > '~'; }, '?');
  if (text.size() > max_bytes) shown += "...";
  return shown;
}

std::string in_quotes(std::string_view text)
{
  return '"' + printable(text) + '"';
}

std::string did_you_mean(std::string_view wrong, const std::vector<std::string>& names)
{
  if (wrong.size() > kMaxComparedBytes) return {};
  const auto found = nearest(wrong, names);
  if (!found) return {};
  return "; did you mean " + *found + "?";
}

}  // namespace slopn::config
