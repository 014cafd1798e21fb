#include "cli/help/man_page.hpp"

#include "cli/help/roff.hpp"
#include "libtunnel/base/build_info.hpp"

namespace slopn::cli {
namespace {

using Path = std::vector<const CLI::App*>;  // slopnctl itself first

std::string joined(const Path& path, char separator)
{
  std::string out;
  for (const auto* app : path) {
    if (!out.empty()) out += separator;
    out += app->get_name();
  }
  return out;
}

/// "-o, --out FILE"
void write_names(Roff& page, const CLI::Option& option)
{
  if (option.get_positional()) return page.tag({}, option.get_type_name());
  std::vector<std::string> names;
  for (const auto& name : option.get_snames()) names.push_back("-" + name);
  for (const auto& name : option.get_lnames()) names.push_back("--" + name);
  page.tag(names, option.get_items_expected_max() > 0 ? option.get_type_name() : std::string{});
}

void write_option(Roff& page, const CLI::Option& option)
{
  write_names(page, option);
  page.text(option.get_description() + '.');
  if (!option.get_default_str().empty() && option.get_items_expected_max() > 0) {
    page.text("Default: " + option.get_default_str() + '.');
  }
  if (!option.get_envname().empty()) page.text("Variable: " + option.get_envname() + '.');
}

void write_synopsis(Roff& page, const Path& path)
{
  const CLI::App& command = *path.back();
  page.heading("SYNOPSIS");
  page.begin_line(joined(path, ' '));
  page.italic("[OPTIONS]");
  if (!commands_of(command).empty()) page.italic("COMMAND");
  for (const auto* one : arguments_of(command)) {
    const std::string type = one->get_type_name();
    page.italic(one->get_required() ? type : "[" + type + "]");
  }
}

void write_commands(Roff& page, const Path& path)
{
  const auto commands = commands_of(*path.back());
  if (commands.empty()) return;
  page.heading("COMMANDS");
  for (const auto* one : commands) {
    page.tag({one->get_name()}, {});
    Path below = path;
    below.push_back(one);
    page.text(one->get_description() + ". See " + joined(below, '-') + "(1).");
  }
}

void write_options(Roff& page, const Path& path)
{
  const auto arguments = arguments_of(*path.back());
  if (!arguments.empty()) page.heading("ARGUMENTS");
  for (const auto* one : arguments) write_option(page, *one);

  const auto own = options_of(*path.back());
  page.heading("OPTIONS");
  for (const auto* one : own) write_option(page, *one);
  if (path.size() == 1) return;
  page.heading("GLOBAL OPTIONS");
  for (const auto* one : options_of(*path.front())) {
    const bool inherited =
        one->get_name() != path.front()->get_help_ptr()->get_name() && !one->check_lname("version");
    if (inherited) write_option(page, *one);
  }
}

void write_exit_codes(Roff& page, const Path& path, const Guide& guide)
{
  page.heading("EXIT STATUS");
  if (path.size() > 1) {
    if (!guide.exits.empty()) page.text(guide.exits + '.');
    page.text("All codes are in slopnctl(1).");
    return;
  }
  for (const auto& one : exit_meanings()) {
    page.tag({std::to_string(static_cast<int>(one.code))}, {});
    page.text(one.meaning);
  }
}

void write_files(Roff& page)
{
  page.heading("FILES");
  page.tag({"/run/slopn/slopnd.sock"}, {});
  page.text("The control socket of slopnd.");
  page.heading("ENVIRONMENT");
  page.tag({"SLOPN_SOCKET"}, {});
  page.text("As --socket.");
  page.tag({"NO_COLOR"}, {});
  page.text("When set and not empty: no colours, as --no-color.");
}

void write_see_also(Roff& page, const Path& path)
{
  page.heading("SEE ALSO");
  std::string others;
  for (std::size_t depth = 1; depth < path.size(); ++depth) {
    others +=
        joined({path.begin(), path.begin() + static_cast<std::ptrdiff_t>(depth)}, '-') + "(1), ";
  }
  page.text(others + "slopnd(8)");
}

ManPage page_of(const Catalogue& catalogue, const Path& path)
{
  const CLI::App& command = *path.back();
  const Guide& guide = catalogue.guide_of(command);
  const std::string name = joined(path, '-');
  Roff page{name, 1, "slopn " + std::string{build_info().version}};
  page.heading("NAME");
  page.name_line(name, command.get_description());
  write_synopsis(page, path);
  page.heading("DESCRIPTION");
  const std::string& what = command.get_description();
  page.text(what.ends_with('.') ? what : what + '.');
  if (!guide.notes.empty()) page.paragraph(guide.notes);
  write_commands(page, path);
  write_options(page, path);
  write_exit_codes(page, path, guide);
  if (path.size() == 1) write_files(page);
  page.heading(guide.examples.size() == 1 ? "EXAMPLE" : "EXAMPLES");
  for (const auto& example : guide.examples) page.example(example);
  write_see_also(page, path);
  return {name + ".1", std::move(page).finish()};
}

void add_pages(const Catalogue& catalogue, const Path& path, std::vector<ManPage>& pages)
{
  pages.push_back(page_of(catalogue, path));
  for (const auto* one : commands_of(*path.back())) {
    Path below = path;
    below.push_back(one);
    add_pages(catalogue, below, pages);
  }
}

}  // namespace

std::vector<ManPage> man_pages(const Catalogue& catalogue)
{
  std::vector<ManPage> pages;
  add_pages(catalogue, {&catalogue.app()}, pages);
  return pages;
}

}  // namespace slopn::cli
