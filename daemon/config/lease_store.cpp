#include "daemon/config/lease_store.hpp"

#include <algorithm>
#include <array>
#include <cstdio>

#include "daemon/config/diagnostics.hpp"
#include "daemon/config/state_file.hpp"
#include "libtunnel/base/crc32.hpp"

namespace slopn::config {
namespace {

constexpr std::string_view kFirstLine = "slopn-leases 1";
constexpr std::string_view kLastWord = "end";
constexpr std::string_view kRemedy =
    "All leases start anew; clients may get other inner addresses than before.";

std::string last_line(std::size_t leases, std::string_view above)
{
  std::array<char, 9> crc{};
  std::snprintf(crc.data(), crc.size(), "%08x", crc32(as_bytes(above)));
  return std::string{kLastWord} + " " + std::to_string(leases) + " " + crc.data() + "\n";
}

// Takes the text up to the next `separator` away from `rest`.
std::string_view take(std::string_view& rest, char separator) noexcept
{
  const auto end = std::min(rest.find(separator), rest.size());
  const auto taken = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return taken;
}

bool is_writable_name(std::string_view client) noexcept
{
  return !client.empty() && client != kLastWord &&
         std::ranges::all_of(client, [](char c) { return c > ' ' && c <= '~'; });
}

std::optional<AddressPool::Reservation> parse_lease(std::string_view line)
{
  const auto client = take(line, ' ');
  const auto address = IpAddress::parse(line);
  if (!address || !is_writable_name(client)) return std::nullopt;
  return AddressPool::Reservation{std::string{client}, *address};
}

Error damaged(std::string_view what)
{
  return fail(Errc::data_corrupt, what);
}

}  // namespace

Result<Reservations> parse_leases(std::string_view text)
{
  std::string_view rest = text;
  if (take(rest, '\n') != kFirstLine)
    return damaged("does not begin with " + in_quotes(kFirstLine));
  Reservations leases;
  while (!rest.empty()) {
    const auto above = text.substr(0, text.size() - rest.size());
    if (std::string_view line = rest; take(line, ' ') == kLastWord) {
      if (rest != last_line(leases.size(), above)) return damaged("the checksum is wrong");
      return leases;
    }
    auto lease = parse_lease(take(rest, '\n'));
    if (!lease) return damaged("line " + std::to_string(leases.size() + 2) + " is no lease");
    leases.push_back(std::move(*lease));
  }
  return damaged("cut off");
}

std::string format_leases(const Reservations& reservations)
{
  std::string text{kFirstLine};
  text += '\n';
  std::size_t written = 0;
  for (const auto& [client, address] : reservations) {
    if (!is_writable_name(client)) continue;
    text.append(client).append(" ").append(address.to_string()).append("\n");
    ++written;
  }
  return text + last_line(written, text);
}

Result<LeaseStore::Loaded> LeaseStore::load() const
{
  auto content = read_state_file<AddressPool::Reservation>(file_, parse_leases, kRemedy);
  if (!content) return content.error();
  return Loaded{std::move(content->items), std::move(content->damage)};
}

Result<> LeaseStore::save(const Reservations& reservations) const
{
  return atomic_write_file(file_, format_leases(reservations), 0600);
}

}  // namespace slopn::config
