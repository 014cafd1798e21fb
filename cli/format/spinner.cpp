#include "cli/format/spinner.hpp"

#include <array>
#include <chrono>
#include <cstdlib>
#include <ostream>
#include <string_view>

#include "cli/format/table.hpp"
#include "libtunnel/base/text.hpp"

namespace slopn::cli {
namespace {

constexpr std::chrono::milliseconds kFrame{120};
constexpr std::string_view kFrames = "|/-\\";  // ASCII: works in every terminal and locale
constexpr std::string_view kWipeLine = "\r\x1b[K";

bool can_move(const Console& console)
{
  const char* const term = std::getenv("TERM");
  return console.err_is_terminal && !console.json() && term != nullptr &&
         std::string_view{term} != "dumb";
}

}  // namespace

Spinner::Spinner(const Console& console) : console_(console)
{
  if (can_move(console))
    thread_ = std::jthread{[this](const std::stop_token& stop) { turn(stop); }};
}

Spinner::~Spinner()
{
  clear();
}

void Spinner::show(const std::string& text)
{
  if (!thread_.joinable()) return;
  const std::lock_guard lock{mutex_};
  const unsigned columns = console_.err_columns > 4 ? console_.err_columns - 3 : 1;
  text_ = first_columns(printable(text), columns);
  draw();
  shown_.notify_all();
}

void Spinner::clear()
{
  const std::lock_guard lock{mutex_};
  text_.clear();
  if (drawn_) console_.err << kWipeLine << std::flush;
  drawn_ = false;
}

void Spinner::turn(const std::stop_token& stop)
{
  std::unique_lock lock{mutex_};
  while (!stop.stop_requested()) {
    shown_.wait(lock, stop, [this] { return !text_.empty(); });
    (void)shown_.wait_for(lock, stop, kFrame, [] { return false; });
    if (text_.empty()) continue;
    ++frame_;
    draw();
  }
}

void Spinner::draw()
{
  console_.err << kWipeLine << kFrames[frame_ % kFrames.size()] << ' ' << text_ << std::flush;
  drawn_ = true;
}

}  // namespace slopn::cli
