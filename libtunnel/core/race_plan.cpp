#include "libtunnel/core/race_plan.hpp"

#include <algorithm>
#include <tuple>

namespace slopn {

void RacePlan::add(const std::vector<RaceCandidate>& candidates)
{
  for (const RaceCandidate& candidate : candidates) {
    if (entries_.size() == kMaxCandidates) return;
    const auto same = [&](const Entry& entry) {
      return entry.candidate.endpoint == candidate.endpoint;
    };
    if (std::ranges::any_of(entries_, same)) continue;
    const auto alike = [&](const Entry& entry) {
      return entry.candidate.gateway == candidate.gateway &&
             entry.candidate.endpoint.address.is_v6() == candidate.endpoint.address.is_v6();
    };
    const auto before = std::ranges::count_if(entries_, alike);
    entries_.push_back({candidate, static_cast<std::size_t>(before), Progress::waiting});
  }
}

std::optional<RacePlan::Runner> RacePlan::start_next(Clock::time_point now)
{
  const auto next = best_waiting();
  if (winner_ || !next || now < start_at_) return std::nullopt;
  entries_[*next].progress = Progress::running;
  start_at_ = now + kHeadStart;
  return next;
}

std::optional<RacePlan::Runner> RacePlan::overdue(Clock::time_point now) const noexcept
{
  const bool too_late = winner_ && !settled_ && now >= answer_by_;
  return too_late && best_waiting() ? winner_ : std::nullopt;
}

std::optional<Clock::time_point> RacePlan::next_deadline() const noexcept
{
  if (settled_ || !best_waiting()) return std::nullopt;
  return winner_ ? answer_by_ : start_at_;
}

void RacePlan::on_failed(Runner runner, Error reason, Clock::time_point now)
{
  entries_[runner].progress = Progress::failed;
  failures_.push_back(std::move(reason));
  if (winner_ == runner) winner_.reset();
  start_at_ = std::min(start_at_, now);
}

std::vector<RacePlan::Runner> RacePlan::on_won(Runner runner, Clock::time_point now)
{
  winner_ = runner;
  answer_by_ = now + kAnswerTime;
  std::vector<Runner> losers;
  for (Runner other = 0; other < entries_.size(); ++other) {
    if (other == runner || entries_[other].progress != Progress::running) continue;
    entries_[other].progress = Progress::waiting;
    losers.push_back(other);
  }
  return losers;
}

bool RacePlan::lost() const noexcept
{
  return closed_ && !any(Progress::waiting) && !any(Progress::running);
}

Error RacePlan::reason() const
{
  if (failures_.empty()) return fail(Errc::unreachable, "the gateway has no address");
  const auto passing =
      std::ranges::find_if(failures_, [](const Error& one) { return is_retryable(one.code); });
  return passing == failures_.end() ? failures_.front() : *passing;
}

std::optional<RacePlan::Runner> RacePlan::best_waiting() const noexcept
{
  const auto rank = [this](Runner runner) {
    const Entry& entry = entries_[runner];
    return std::tuple{entry.round, entry.candidate.gateway,
                      entry.candidate.endpoint.address.is_v6() ? 0 : 1};
  };
  std::optional<Runner> best;
  for (Runner runner = 0; runner < entries_.size(); ++runner) {
    if (entries_[runner].progress != Progress::waiting) continue;
    if (!best || rank(runner) < rank(*best)) best = runner;
  }
  return best;
}

bool RacePlan::any(Progress progress) const noexcept
{
  return std::ranges::any_of(entries_,
                             [progress](const Entry& one) { return one.progress == progress; });
}

}  // namespace slopn
