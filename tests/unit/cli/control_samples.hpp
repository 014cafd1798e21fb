#pragma once

#include "tests/unit/cli/fake_control.hpp"

namespace slopn::test {

/// A daemon with a little of everything: a connection, two profiles, events of every kind, a log,
/// settings and findings.
[[nodiscard]] FakeAnswers full_answers();

[[nodiscard]] v1::Event event_sample(std::uint64_t sequence);
[[nodiscard]] std::vector<v1::WatchEventsResponse> events_of_every_kind();

}  // namespace slopn::test
