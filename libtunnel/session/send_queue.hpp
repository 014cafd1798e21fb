#pragma once

#include <memory>

#include "libtunnel/core/offload/segmenter.hpp"
#include "libtunnel/core/queue/fq_codel.hpp"
#include "libtunnel/core/wire/ip_packet.hpp"
#include "libtunnel/session/outlet.hpp"
#include "libtunnel/session/tunnel_path.hpp"

namespace slopn::session {

/// For `SendQueue`: what nobody outside can guess.
[[nodiscard]] std::uint64_t random_salt();

/// The way of inner packets into a tunnel: cut to pieces that fit, sent at once while the path has
/// room, else kept in an FQ-CoDel queue (RFC 8290), which drops and marks by the time they waited.
class SendQueue {
 public:
  /// `max_bytes` is the most that waits; `salt` makes the flows' hashes unguessable.
  SendQueue(std::size_t max_bytes, std::uint64_t salt);

  /// Sends or queues all of `packet`, whose head is `header`. Pieces that are longer than the path
  /// takes are lost and counted; compare the first before.
  void send(offload::Segmenter packet, const wire::IpHeader& header, TunnelPath& path,
            Outbox& outbox, Clock::time_point now);

  /// Sends as much of what waits as the path takes.
  void send_queued(TunnelPath& path, Outbox& outbox, Clock::time_point now);

  [[nodiscard]] std::size_t size_bytes() const noexcept { return queue_.size_bytes(); }

  /// Frees the memory of a queue that has not been used for a while.
  void release_if_idle(Clock::time_point now) noexcept { queue_.release_if_idle(now); }

 private:
  // A packet, or what is left of a super-packet, with its own memory.
  class Waiting {
   public:
    explicit Waiting(const offload::Segmenter& packet);

    [[nodiscard]] offload::Segmenter::Piece piece() noexcept { return pieces_.piece(); }
    // What FqCodel asks for.
    [[nodiscard]] std::size_t next_bytes() const noexcept { return pieces_.piece_bytes(); }
    [[nodiscard]] std::size_t remaining_bytes() const noexcept { return pieces_.remaining_bytes(); }
    [[nodiscard]] bool ecn_capable() const noexcept { return pieces_.ecn_capable(); }
    void mark_ce() noexcept { pieces_.mark_ce(); }
    [[nodiscard]] bool advance();

   private:
    std::unique_ptr<std::byte[]> storage_;
    offload::Segmenter pieces_;
  };

  queue::FqCodel<Waiting> queue_;
  std::uint64_t salt_;
};

}  // namespace slopn::session
