#include "libtunnel/core/wire/connect_ip.hpp"

#include <algorithm>
#include <optional>
#include <set>
#include <tuple>
#include <utility>

#include "libtunnel/core/wire/capsule.hpp"
#include "libtunnel/core/wire/varint.hpp"

namespace slopn::wire {
namespace {

constexpr std::uint8_t kVersion4 = 4;
constexpr std::uint8_t kVersion6 = 6;

Error malformed(std::string_view what)
{
  return fail(Errc::protocol_violation, what);
}

std::optional<std::uint8_t> read_octet(ByteView& in) noexcept
{
  if (in.empty()) return std::nullopt;
  const auto octet = std::to_integer<std::uint8_t>(in[0]);
  in = in.subspan(1);
  return octet;
}

// The length of an address in bytes, by the octet that says its version.
std::optional<std::size_t> read_address_size(ByteView& in) noexcept
{
  const auto version = read_octet(in);
  if (version == kVersion4) return 4;
  if (version == kVersion6) return 16;
  return std::nullopt;
}

std::optional<IpAddress> read_address(ByteView& in, std::size_t size_bytes) noexcept
{
  if (in.size() < size_bytes) return std::nullopt;
  const auto address = IpAddress::from_bytes(in.first(size_bytes));
  in = in.subspan(size_bytes);
  return address;
}

// Both address capsules have the same entries:
//
//     | request id (varint) | IP version 1 | address 4 or 16 | prefix length 1 |
struct AddressEntry {
  std::uint64_t request_id;
  IpPrefix prefix;
};

std::optional<AddressEntry> read_address_entry(ByteView& in) noexcept
{
  const auto request_id = read_varint(in);
  if (!request_id) return std::nullopt;
  const auto size_bytes = read_address_size(in);
  if (!size_bytes) return std::nullopt;
  const auto address = read_address(in, *size_bytes);
  const auto length_bits = read_octet(in);
  if (!address || !length_bits) return std::nullopt;
  const auto prefix = IpPrefix::make(*address, *length_bits);
  if (!prefix) return std::nullopt;
  return AddressEntry{*request_id, *prefix};
}

template <class Entry>
Result<std::vector<Entry>> parse_addresses(ByteView value)
{
  std::vector<Entry> entries;
  while (!value.empty()) {
    if (entries.size() == kMaxCapsuleEntries) return malformed("too many entries");
    const auto entry = read_address_entry(value);
    if (!entry) return malformed("malformed address");
    entries.push_back({entry->request_id, entry->prefix});
  }
  return entries;
}

void append_address(ByteVector& out, const IpAddress& address)
{
  out.insert(out.end(), address.bytes().begin(), address.bytes().end());
}

void append_version(ByteVector& out, IpVersion version)
{
  out.push_back(static_cast<std::byte>(version));
}

template <class Entry>
void append_addresses(ByteVector& out, CapsuleType type, std::span<const Entry> entries)
{
  ByteVector value;
  for (const Entry& entry : entries) {
    append_varint(value, entry.request_id);
    append_version(value, entry.prefix.version());
    append_address(value, entry.prefix.address());
    value.push_back(static_cast<std::byte>(entry.prefix.length_bits()));
  }
  append_capsule(out, type, value);
}

// RFC 9484 section 4.7.3: | IP version 1 | start 4 or 16 | end 4 or 16 | protocol 1 |
std::optional<IpRange> read_range(ByteView& in) noexcept
{
  const auto size_bytes = read_address_size(in);
  if (!size_bytes) return std::nullopt;
  const auto first = read_address(in, *size_bytes);
  const auto last = read_address(in, *size_bytes);
  const auto protocol = read_octet(in);
  if (!first || !last || !protocol || *last < *first) return std::nullopt;
  return IpRange{*first, *last, *protocol};
}

auto sort_key(const IpRange& range)
{
  return std::tuple{range.first.version(), range.protocol};
}

bool in_order(const IpRange& a, const IpRange& b)
{
  if (sort_key(a) != sort_key(b)) return sort_key(a) < sort_key(b);
  return a.last < b.first;
}

// Appends `range`, or makes the last one longer when they overlap or touch.
void join(std::vector<IpRange>& joined, const IpRange& range)
{
  if (!joined.empty() && sort_key(joined.back()) == sort_key(range)) {
    IpRange& before = joined.back();
    const auto beyond = before.last.next();
    if (!beyond || range.first <= *beyond) {
      before.last = std::max(before.last, range.last);
      return;
    }
  }
  joined.push_back(range);
}

// Appends the parts of `range` that none of `covers` contains; these are sorted and disjoint.
void append_uncovered(std::vector<IpRange>& out, IpRange range, std::span<const IpRange> covers)
{
  for (const IpRange& cover : covers) {
    if (cover.first.version() != range.first.version() || cover.last < range.first) continue;
    if (range.last < cover.first) break;
    if (range.first < cover.first)
      out.push_back({range.first, *cover.first.previous(), range.protocol});
    const auto beyond = cover.last.next();
    if (!beyond || range.last < *beyond) return;
    range.first = *beyond;
  }
  out.push_back(range);
}

}  // namespace

IpPrefix refusal(IpVersion version) noexcept
{
  return IpPrefix::host(IpAddress::any(version));
}

bool is_refusal(const AssignedAddress& assigned) noexcept
{
  return assigned.prefix == refusal(assigned.prefix.version());
}

Result<std::vector<AssignedAddress>> parse_address_assign(ByteView value)
{
  return parse_addresses<AssignedAddress>(value);
}

Result<std::vector<RequestedAddress>> parse_address_request(ByteView value)
{
  auto requests = parse_addresses<RequestedAddress>(value);
  if (!requests) return requests;
  if (requests->empty()) return malformed("an address request without addresses");
  std::set<std::uint64_t> ids;
  for (const RequestedAddress& request : *requests) {
    if (request.request_id == 0) return malformed("address request id 0");
    if (!ids.insert(request.request_id).second)
      return malformed("an address request id used twice");
  }
  return requests;
}

Result<std::vector<IpRange>> parse_route_advertisement(ByteView value)
{
  std::vector<IpRange> ranges;
  while (!value.empty()) {
    if (ranges.size() == kMaxCapsuleEntries) return malformed("too many routes");
    const auto range = read_range(value);
    if (!range) return malformed("malformed route");
    if (!ranges.empty() && !in_order(ranges.back(), *range))
      return malformed("routes out of order");
    ranges.push_back(*range);
  }
  return ranges;
}

void append_address_assign(ByteVector& out, std::span<const AssignedAddress> addresses)
{
  append_addresses(out, CapsuleType::address_assign, addresses);
}

void append_address_request(ByteVector& out, std::span<const RequestedAddress> requests)
{
  append_addresses(out, CapsuleType::address_request, requests);
}

void append_route_advertisement(ByteVector& out, std::span<const IpRange> ranges)
{
  ByteVector value;
  for (const IpRange& range : ranges) {
    append_version(value, range.first.version());
    append_address(value, range.first);
    append_address(value, range.last);
    value.push_back(static_cast<std::byte>(range.protocol));
  }
  append_capsule(out, CapsuleType::route_advertisement, value);
}

std::vector<IpRange> normalized(std::vector<IpRange> ranges)
{
  std::erase_if(ranges, [](const IpRange& range) {
    return range.first.version() != range.last.version() || range.last < range.first;
  });
  std::ranges::sort(ranges, [](const IpRange& a, const IpRange& b) {
    return std::tie(a.first, a.last) < std::tie(b.first, b.last);
  });
  std::ranges::stable_sort(ranges, {}, sort_key);

  std::vector<IpRange> joined;
  for (const IpRange& range : ranges) join(joined, range);

  std::vector<IpRange> for_all_protocols;
  std::ranges::copy_if(joined, std::back_inserter(for_all_protocols),
                       [](const IpRange& range) { return range.protocol == 0; });
  std::vector<IpRange> result;
  for (const IpRange& range : joined) {
    if (range.protocol == 0)
      result.push_back(range);
    else
      append_uncovered(result, range, for_all_protocols);
  }
  return result;
}

IpRange range_of(const IpPrefix& prefix) noexcept
{
  return {prefix.first(), prefix.last(), 0};
}

}  // namespace slopn::wire
