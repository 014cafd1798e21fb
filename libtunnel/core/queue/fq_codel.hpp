#pragma once

#include <algorithm>
#include <cassert>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "libtunnel/base/clock.hpp"
#include "libtunnel/core/queue/codel.hpp"

namespace slopn::queue {

/// What waits in an `FqCodel`: a packet, or a super-packet that stands for many pieces of one flow,
/// which leave, are dropped and are marked one by one. Has at least one piece when it is pushed.
template <class T>
concept QueuedPacket = std::movable<T> && requires(T packet, const T& constant)
{
  /// Bytes of the next piece on the wire. At least 1.
  {
    constant.next_bytes()
    } -> std::convertible_to<std::size_t>;
  /// Bytes of this and all later pieces. Asked for after each `advance()`, so it is to be quick.
  {
    constant.remaining_bytes()
    } -> std::convertible_to<std::size_t>;
  /// Whether the sender of the next piece understands CE, and the mark, on that piece only.
  {
    constant.ecn_capable()
    } -> std::convertible_to<bool>;
  {packet.mark_ce()};
  /// Gives up the next piece; false when none is left.
  {
    packet.advance()
    } -> std::convertible_to<bool>;
};

struct FqCodelOptions {
  Clock::duration target = std::chrono::milliseconds{5};
  Clock::duration interval = std::chrono::milliseconds{100};
  std::size_t max_bytes = std::size_t{1} << 20U;  ///< Of all pieces that wait; less than 2 GiB.
  /// (Super-)packets that wait, so that tiny ones do not take many times `max_bytes` of memory.
  std::uint32_t max_packets = 4096;
  std::uint16_t flows = 1024;  ///< Queues; flows whose hash leads to the same one share it.
  /// What a flow may send in its turn, and CoDel's MTU.
  std::uint32_t quantum_bytes = 1514;
  bool ecn = true;  ///< Marks ECN-capable packets where it would drop others.
};

/// Pieces, since the queue was made.
struct FqCodelCounters {
  std::uint64_t overflow_drops = 0;  ///< There was no room.
  std::uint64_t codel_drops = 0;     ///< They had waited too long.
  std::uint64_t ce_marks = 0;        ///< Would have been `codel_drops` without ECN.
};

/// Packets that wait for a slow link: FQ-CoDel, RFC 8290. Each flow has a queue of its own; they
/// take turns (deficit round robin, by bytes), a flow that has just begun to send goes first, and
/// CoDel keeps the delay of each near its target. Within a flow, first in is first out.
///
/// An idle queue has no memory on the heap after `release_if_idle()`, and a queue in use allocates
/// only while it grows: packets and flows live in vectors and are linked by index.
template <QueuedPacket Packet>
class FqCodel {
 public:
  using Options = FqCodelOptions;
  using Counters = FqCodelCounters;

  explicit FqCodel(const Options& options) noexcept : options_(options)
  {
    options_.flows = std::max<std::uint16_t>(options_.flows, 1);
    options_.max_bytes = std::min<std::size_t>(options_.max_bytes, kMaxMaxBytes);
    options_.quantum_bytes = std::clamp(options_.quantum_bytes, kMinQuantumBytes, kMaxQuantumBytes);
  }

  /// Takes a packet of the flow that `flow_hash` stands for; the hash must be keyed, see
  /// `queue::flow_hash()`. When more waits than `max_bytes` or `max_packets`, pieces are dropped
  /// from the head of the flow that has most bytes, several at once (RFC 8290 section 4.1), even if
  /// that is the new packet itself. Returns how many.
  std::size_t push(Packet packet, std::uint32_t flow_hash, Clock::time_point now);

  /// The packet whose next piece is due, after CoDel's drops and marks; nullptr when nothing waits.
  /// Until `pop()` it is the same piece, marked at most once, unless `push()` had to drop it. The
  /// pointer is valid until the next `push()`, `pop()`, `clear()` or `release_if_idle()`.
  /// Ask when there is room to send: what is due is judged by its age then.
  [[nodiscard]] Packet* front(Clock::time_point now);

  /// The piece of `front()` was sent: its flow pays for it. Needs a `front()` since the last
  /// `pop()` and `push()` that did not return nullptr.
  void pop();

  [[nodiscard]] bool empty() const noexcept { return size_packets_ == 0; }
  [[nodiscard]] std::size_t size_bytes() const noexcept { return size_bytes_; }
  /// Super-packets count once.
  [[nodiscard]] std::size_t size_packets() const noexcept { return size_packets_; }
  [[nodiscard]] const Counters& counters() const noexcept { return counters_; }

  /// Frees all memory if nothing waits and the last `push()` or `front()` is so long ago that CoDel
  /// would start over anyway. To be called now and then, by a timer that exists for something else.
  /// True if there is no memory on the heap now.
  bool release_if_idle(Clock::time_point now) noexcept
  {
    const bool idle = now - last_use_ >= (kCodelMemoryIntervals + 1) * options_.interval;
    if (empty() && idle) clear();
    return !tables_;
  }
  /// Throws away what waits, without counting it, and frees all memory.
  void clear() noexcept
  {
    tables_.reset();
    size_bytes_ = 0;
    size_packets_ = 0;
  }

 private:
  using Index = std::uint32_t;
  static constexpr Index kNone = std::numeric_limits<Index>::max();
  static constexpr std::uint16_t kNoFlow = std::numeric_limits<std::uint16_t>::max();
  static constexpr std::uint32_t kMinQuantumBytes = 256;  // a turn must not take many rounds
  static constexpr std::uint32_t kMaxQuantumBytes = 1U << 20U;
  static constexpr std::size_t kMaxMaxBytes = (std::size_t{1} << 31U) - 1;
  // Finding the fattest flow costs a look at each; RFC 8290 section 4.1 shares it among this many.
  static constexpr std::size_t kMaxBatchDrop = 64;

  struct Node {
    std::optional<Packet> packet;  ///< Empty in the free list.
    Clock::time_point arrived;
    std::uint32_t bytes = 0;  ///< The packet's share of `size_bytes_`.
    Index next = kNone;
  };
  struct Flow {
    Codel codel;
    std::int64_t deficit_bytes = 0;
    Index head = kNone;  ///< Nodes.
    Index tail = kNone;
    Index next = kNone;  ///< In the list of flows that this one is in.
    bool listed = false;
  };
  struct FlowList {
    Index head = kNone;
    Index tail = kNone;
  };
  struct Tables {
    std::vector<std::uint16_t> flow_of_slot;  ///< Or `kNoFlow`. Flows are made as hashes come.
    std::vector<Flow> flows;
    std::vector<std::uint32_t>
        flow_bytes;  ///< Apart from `flows`: side by side, for a quick search.
    std::vector<Node> nodes;
    Index free_nodes = kNone;
    FlowList new_flows;
    FlowList old_flows;
    Index due = kNone;  ///< The flow whose head `front()` has chosen.
  };

  [[nodiscard]] Index flow_for(std::uint32_t flow_hash);
  [[nodiscard]] Index take_node(Packet packet, Clock::time_point now);
  void append(FlowList& list, Index flow) noexcept;
  Index take_first(FlowList& list) noexcept;
  void drop_head_piece(Index flow_index);
  std::size_t drop_from_fattest();
  [[nodiscard]] bool settle_head(Index flow_index, Clock::time_point now);
  void forget_turns() noexcept;
  [[nodiscard]] static std::uint32_t bytes_of(const Packet& packet)
  {
    const std::size_t bytes = packet.remaining_bytes();
    assert(bytes > 0 && bytes <= kMaxMaxBytes);  // two such numbers can be added
    return static_cast<std::uint32_t>(bytes);
  }
  [[nodiscard]] bool too_much() const noexcept
  {
    return size_bytes_ > options_.max_bytes || size_packets_ > options_.max_packets;
  }

  Options options_;
  std::unique_ptr<Tables> tables_;
  std::size_t size_bytes_ = 0;
  std::size_t size_packets_ = 0;
  Clock::time_point last_use_{};
  Counters counters_;
};

template <QueuedPacket Packet>
std::size_t FqCodel<Packet>::push(Packet packet, std::uint32_t flow_hash, Clock::time_point now)
{
  last_use_ = now;
  const Index flow_index = flow_for(flow_hash);
  const Index node_index = take_node(std::move(packet), now);
  Flow& flow = tables_->flows[flow_index];
  if (flow.head == kNone) {
    flow.head = node_index;
  } else {
    tables_->nodes[flow.tail].next = node_index;
  }
  flow.tail = node_index;
  const std::uint32_t bytes = tables_->nodes[node_index].bytes;
  tables_->flow_bytes[flow_index] += bytes;
  size_bytes_ += bytes;
  ++size_packets_;
  if (!flow.listed) {
    flow.listed = true;
    flow.deficit_bytes = options_.quantum_bytes;
    append(tables_->new_flows, flow_index);
  }

  std::size_t dropped = 0;
  while (too_much()) dropped += drop_from_fattest();
  counters_.overflow_drops += dropped;
  if (empty()) forget_turns();
  return dropped;
}

template <QueuedPacket Packet>
Packet* FqCodel<Packet>::front(Clock::time_point now)
{
  if (empty()) return nullptr;
  last_use_ = now;
  Tables& tables = *tables_;
  while (tables.due == kNone) {
    const bool from_new = tables.new_flows.head != kNone;
    FlowList& list = from_new ? tables.new_flows : tables.old_flows;
    assert(list.head != kNone);
    Flow& flow = tables.flows[list.head];
    if (flow.deficit_bytes <= 0) {
      flow.deficit_bytes += options_.quantum_bytes;
      append(tables.old_flows, take_first(list));
    } else if (settle_head(list.head, now)) {
      tables.due = list.head;
    } else if (empty()) {
      forget_turns();
      return nullptr;
    } else if (from_new && tables.old_flows.head != kNone) {
      // Once round the old flows before it counts as new again, or a flow of single packets would
      // always be served first (RFC 8290 section 4.2).
      append(tables.old_flows, take_first(list));
    } else {
      flow.listed = false;
      take_first(list);
    }
  }
  return &*tables.nodes[tables.flows[tables.due].head].packet;
}

template <QueuedPacket Packet>
void FqCodel<Packet>::pop()
{
  assert(!empty() && tables_->due != kNone);
  Flow& flow = tables_->flows[tables_->due];
  flow.deficit_bytes -= static_cast<std::int64_t>(tables_->nodes[flow.head].packet->next_bytes());
  drop_head_piece(tables_->due);
  tables_->due = kNone;
  if (empty()) forget_turns();
}

/// The flow's number in `flows`; it stays the same until the memory is released, for its CoDel to
/// remember what it did.
template <QueuedPacket Packet>
typename FqCodel<Packet>::Index FqCodel<Packet>::flow_for(std::uint32_t flow_hash)
{
  if (!tables_) {
    tables_ = std::make_unique<Tables>();
    tables_->flow_of_slot.assign(options_.flows, kNoFlow);
  }
  // Scales the hash to the number of slots, with its upper bits.
  const std::uint64_t slot = (std::uint64_t{flow_hash} * options_.flows) >> 32U;
  std::uint16_t& flow = tables_->flow_of_slot[slot];
  if (flow == kNoFlow) {
    tables_->flows.emplace_back();
    tables_->flow_bytes.push_back(0);
    flow = static_cast<std::uint16_t>(tables_->flows.size() - 1);
  }
  return flow;
}

template <QueuedPacket Packet>
typename FqCodel<Packet>::Index FqCodel<Packet>::take_node(Packet packet, Clock::time_point now)
{
  Index index = tables_->free_nodes;
  if (index == kNone) {
    index = static_cast<Index>(tables_->nodes.size());
    tables_->nodes.emplace_back();
  } else {
    tables_->free_nodes = tables_->nodes[index].next;
  }
  Node& node = tables_->nodes[index];
  node.packet.emplace(std::move(packet));
  node.arrived = now;
  node.bytes = bytes_of(*node.packet);
  node.next = kNone;
  return index;
}

template <QueuedPacket Packet>
void FqCodel<Packet>::append(FlowList& list, Index flow) noexcept
{
  tables_->flows[flow].next = kNone;
  if (list.head == kNone) {
    list.head = flow;
  } else {
    tables_->flows[list.tail].next = flow;
  }
  list.tail = flow;
}

template <QueuedPacket Packet>
typename FqCodel<Packet>::Index FqCodel<Packet>::take_first(FlowList& list) noexcept
{
  const Index flow = list.head;
  list.head = tables_->flows[flow].next;
  return flow;
}

/// Takes the flow's first piece away, and the packet with its last one.
template <QueuedPacket Packet>
void FqCodel<Packet>::drop_head_piece(Index flow_index)
{
  Flow& flow = tables_->flows[flow_index];
  const Index node_index = flow.head;
  Node& node = tables_->nodes[node_index];
  const bool more = node.packet->advance();
  const std::uint32_t left = more ? bytes_of(*node.packet) : 0;
  assert(left <= node.bytes);
  tables_->flow_bytes[flow_index] -= node.bytes - left;
  size_bytes_ -= node.bytes - left;
  node.bytes = left;
  if (more) return;
  flow.head = node.next;
  node.packet.reset();
  node.next = tables_->free_nodes;
  tables_->free_nodes = node_index;
  --size_packets_;
}

template <QueuedPacket Packet>
std::size_t FqCodel<Packet>::drop_from_fattest()
{
  std::vector<std::uint32_t>& bytes = tables_->flow_bytes;
  Index fattest = 0;
  for (Index index = 1; index < bytes.size(); ++index) {
    if (bytes[index] > bytes[fattest]) fattest = index;
  }
  if (tables_->due == fattest) tables_->due = kNone;
  const std::uint32_t enough = bytes[fattest] / 2;
  std::size_t dropped = 0;
  do {
    drop_head_piece(fattest);
    ++dropped;
  } while (bytes[fattest] > enough && dropped < kMaxBatchDrop);
  return dropped;
}

/// Lets CoDel drop or mark at the flow's head. False when nothing is left there.
template <QueuedPacket Packet>
bool FqCodel<Packet>::settle_head(Index flow_index, Clock::time_point now)
{
  const CodelOptions codel{options_.target, options_.interval, options_.quantum_bytes};
  Flow& flow = tables_->flows[flow_index];
  while (flow.head != kNone) {
    Node& node = tables_->nodes[flow.head];
    const std::size_t bytes_behind = tables_->flow_bytes[flow_index] - node.packet->next_bytes();
    if (!flow.codel.should_signal(codel, now, now - node.arrived, bytes_behind)) return true;
    if (options_.ecn && node.packet->ecn_capable()) {
      node.packet->mark_ce();
      ++counters_.ce_marks;
      return true;
    }
    drop_head_piece(flow_index);
    ++counters_.codel_drops;
  }
  return false;
}

/// Nothing waits, so no flow has had its turn: what RFC 8290 section 4.2 comes to when a queue goes
/// on being asked until it has nothing more.
template <QueuedPacket Packet>
void FqCodel<Packet>::forget_turns() noexcept
{
  for (FlowList* const list : {&tables_->new_flows, &tables_->old_flows}) {
    while (list->head != kNone) tables_->flows[take_first(*list)].listed = false;
  }
  tables_->due = kNone;
}

}  // namespace slopn::queue
