#include "tests/support/simulated_link.hpp"

#include <algorithm>
#include <cstdlib>
#include <iostream>

namespace slopn::test {
namespace {

constexpr std::size_t kUdpOverIpV4Bytes = 28;
constexpr std::size_t kUdpOverIpV6Bytes = 48;

// Far above what 1000 clients do in one instant; a host that never lets time pass ends here.
constexpr std::uint64_t kMaxEventsWithoutTime = 200'000;

std::size_t ip_packet_bytes(const UdpEndpoint& to, std::size_t payload_bytes) noexcept
{
  return payload_bytes + (to.address.is_v4() ? kUdpOverIpV4Bytes : kUdpOverIpV6Bytes);
}

}  // namespace

void SimulatedNetwork::attach(const UdpEndpoint& address, SimulatedHost& host)
{
  hosts_[address] = &host;
}

void SimulatedNetwork::detach(const UdpEndpoint& address)
{
  hosts_.erase(address);
}

void SimulatedNetwork::shape(const UdpEndpoint& address, const LinkShape& both_ways)
{
  shape(address, both_ways, both_ways);
}

void SimulatedNetwork::shape(const UdpEndpoint& address, const LinkShape& from_it,
                             const LinkShape& to_it)
{
  shapes_[address] = {from_it, to_it};
  for (auto& [ends, pipe] : pipes_) {
    if (ends.first == address) pipe.shape = from_it;
    if (ends.second == address) pipe.shape = to_it;
  }
}

bool SimulatedNetwork::chance(double probability)
{
  if (probability <= 0) return false;
  return std::uniform_real_distribution<>{}(random_) < probability;
}

SimulatedNetwork::Pipe& SimulatedNetwork::pipe(const UdpEndpoint& from, const UdpEndpoint& to)
{
  const auto [at, added] = pipes_.try_emplace({from, to}, Pipe{default_shape_, now_});
  if (added) {
    if (const auto own = shapes_.find(from); own != shapes_.end())
      at->second.shape = own->second.first;
    else if (const auto others = shapes_.find(to); others != shapes_.end())
      at->second.shape = others->second.second;
  }
  return at->second;
}

void SimulatedNetwork::send(const UdpEndpoint& from, const quic::PacketTrain& train)
{
  for (const quic::PacketTrain::Run& run : train.runs()) {
    const ByteView bytes = train.bytes(run);
    for (std::size_t at = 0; at < bytes.size(); at += run.segment_bytes)
      send(from, run.path.remote, run.ecn,
           bytes.subspan(at, std::min(run.segment_bytes, bytes.size() - at)));
  }
}

void SimulatedNetwork::send(const UdpEndpoint& from, const UdpEndpoint& to, quic::EcnBits ecn,
                            ByteView payload)
{
  ++counters_.sent;
  counters_.sent_bytes += payload.size();
  if (filter && !filter(from, to, payload)) return;
  if (!hosts_.contains(to)) {
    ++counters_.unknown;
    return;
  }
  Pipe& way = pipe(from, to);
  const LinkShape& shape = way.shape;
  const std::size_t size_bytes = ip_packet_bytes(to, payload.size());
  if (size_bytes > shape.mtu_bytes) {
    ++counters_.too_big;
    return;
  }
  if (chance(shape.loss)) {
    ++counters_.lost;
    return;
  }

  Clock::time_point leaves = now_;
  if (shape.rate_bits_per_s > 0) {
    const auto time_for = [&](std::size_t bytes) {
      return std::chrono::nanoseconds(bytes * 8 * 1'000'000'000 / shape.rate_bits_per_s);
    };
    way.free_at = std::max(way.free_at, now_);
    if (way.free_at - now_ > time_for(shape.queue_bytes)) {
      ++counters_.overflown;
      return;
    }
    way.free_at += time_for(size_bytes);
    leaves = way.free_at;
  }
  Clock::time_point arrives = leaves + shape.delay;
  if (chance(shape.reordering)) arrives += shape.reordering_delay;
  const InFlight packet{from, to, ecn, {payload.begin(), payload.end()}};
  if (chance(shape.duplication)) in_flight_.emplace(arrives + shape.reordering_delay, packet);
  in_flight_.emplace(arrives, packet);
}

Clock::time_point SimulatedNetwork::next_event() const
{
  Clock::time_point next =
      in_flight_.empty() ? Clock::time_point::max() : in_flight_.begin()->first;
  for (const auto& [address, host] : hosts_) next = std::min(next, host->next_deadline());
  return next;
}

void SimulatedNetwork::happen()
{
  std::vector<UdpEndpoint> touched;
  while (!in_flight_.empty() && in_flight_.begin()->first <= now_) {
    const InFlight packet = std::move(in_flight_.begin()->second);
    in_flight_.erase(in_flight_.begin());
    const auto host = hosts_.find(packet.to);
    if (host == hosts_.end()) {
      ++counters_.unknown;
      continue;
    }
    ++counters_.delivered;
    host->second->receive({.local = packet.to, .remote = packet.from}, packet.ecn, packet.payload,
                          now_);
    if (std::ranges::find(touched, packet.to) == touched.end()) touched.push_back(packet.to);
  }
  for (const UdpEndpoint& address : touched) {
    if (const auto host = hosts_.find(address); host != hosts_.end()) host->second->flush(now_);
  }

  std::vector<SimulatedHost*> due;
  for (const auto& [address, host] : hosts_) {
    if (host->next_deadline() <= now_) due.push_back(host);
  }
  for (SimulatedHost* host : due) host->on_deadline(now_);
}

// The next instant in which something happens, if that is not after `end`.
bool SimulatedNetwork::advance(Clock::time_point end)
{
  const Clock::time_point next = next_event();
  if (next > end) {
    now_ = std::max(now_, end);
    events_without_time_ = 0;
    return false;
  }
  if (next > now_) {
    now_ = next;
    events_without_time_ = 0;
  } else if (++events_without_time_ > kMaxEventsWithoutTime) {
    std::cerr << "simulated network: a deadline never passes\n";
    std::abort();
  }
  happen();
  return true;
}

void SimulatedNetwork::run_until(Clock::time_point end)
{
  while (advance(end)) {
  }
}

bool SimulatedNetwork::run_until(const std::function<bool()>& reached, Clock::duration limit)
{
  const Clock::time_point end = now_ + limit;
  while (!reached()) {
    if (!advance(end)) return reached();
  }
  return true;
}

}  // namespace slopn::test
