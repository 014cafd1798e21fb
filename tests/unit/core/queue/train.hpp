#pragma once

#include <cstddef>
#include <cstdint>

#include "libtunnel/base/clock.hpp"
#include "libtunnel/core/queue/fq_codel.hpp"

namespace slopn::queue::test {

using namespace std::chrono_literals;

inline constexpr Clock::time_point kStart{1000s};

/// A super-packet of equal pieces, which can be told apart: `id` is that of the next piece and
/// goes up with each.
class Train {
 public:
  struct Spec {
    std::uint32_t flow = 0;
    std::uint64_t id = 0;
    std::size_t pieces = 1;
    std::size_t piece_bytes = 1000;
    bool ecn_capable = false;
  };

  explicit Train(const Spec& spec) : spec_(spec) {}

  [[nodiscard]] std::size_t next_bytes() const { return spec_.piece_bytes; }
  [[nodiscard]] std::size_t remaining_bytes() const { return spec_.pieces * spec_.piece_bytes; }
  [[nodiscard]] bool ecn_capable() const { return spec_.ecn_capable; }
  void mark_ce() { ++marks_; }
  bool advance()
  {
    ++spec_.id;
    marks_ = 0;
    return --spec_.pieces > 0;
  }

  [[nodiscard]] std::uint32_t flow() const { return spec_.flow; }
  [[nodiscard]] std::uint64_t id() const { return spec_.id; }
  [[nodiscard]] std::size_t pieces() const { return spec_.pieces; }
  /// Of the next piece.
  [[nodiscard]] int marks() const { return marks_; }

 private:
  Spec spec_;
  int marks_ = 0;
};

using Queue = FqCodel<Train>;

/// A hash that leads to slot `flow` of a queue with the default number of flows.
inline std::uint32_t hash_of(std::uint32_t flow)
{
  return flow << 22U;
}

inline void push(Queue& queue, const Train::Spec& spec, Clock::time_point now = kStart)
{
  queue.push(Train{spec}, hash_of(spec.flow), now);
}

}  // namespace slopn::queue::test
