#include "daemon/config/address_store.hpp"

#include <algorithm>

#include "daemon/config/host_port.hpp"
#include "daemon/config/state_file.hpp"

namespace slopn::config {
namespace {

constexpr std::string_view kFirstLine = "slopn-gateways 1\n";
constexpr std::string_view kRemedy =
    "Connect once without lockdown, so that DNS can be asked again.";

Error damaged(std::size_t line)
{
  return fail(Errc::data_corrupt, "line " + std::to_string(line) + " is no name with an address");
}

}  // namespace

Result<KnownAddresses> parse_addresses(std::string_view text)
{
  if (!text.starts_with(kFirstLine)) return damaged(1);
  text.remove_prefix(kFirstLine.size());
  KnownAddresses known;
  for (std::size_t number = 2; !text.empty(); ++number) {
    const auto end = text.find('\n');
    if (end == std::string_view::npos) return damaged(number);
    const auto line = text.substr(0, end);
    text.remove_prefix(end + 1);
    const auto space = std::min(line.find(' '), line.size());
    const auto name = line.substr(0, space);
    const auto address = IpAddress::parse(line.substr(std::min(space + 1, line.size())));
    if (!address || parse_host(name) != std::string{name} || IpAddress::parse(name))
      return damaged(number);
    auto& addresses = known[std::string{name}];
    if (std::ranges::find(addresses, *address) == addresses.end()) addresses.push_back(*address);
    if (known.size() > AddressStore::kMaxNames || addresses.size() > AddressStore::kMaxAddresses)
      return damaged(number);
  }
  return known;
}

std::string format_addresses(const KnownAddresses& addresses)
{
  std::string text{kFirstLine};
  std::size_t names = 0;
  for (const auto& [name, all] : addresses) {
    if (++names > AddressStore::kMaxNames) break;
    for (std::size_t i = 0; i < std::min(all.size(), AddressStore::kMaxAddresses); ++i)
      text.append(name).append(" ").append(all[i].to_string()).append("\n");
  }
  return text;
}

Result<AddressStore::Loaded> AddressStore::load() const
{
  using Item = KnownAddresses::value_type;
  const auto parse = [](std::string_view text) -> Result<std::vector<Item>> {
    auto known = parse_addresses(text);
    if (!known) return known.error();
    return std::vector<Item>{known->begin(), known->end()};
  };
  auto content = read_state_file<Item>(file_, parse, kRemedy);
  if (!content) return content.error();
  return Loaded{{content->items.begin(), content->items.end()}, std::move(content->damage)};
}

Result<> AddressStore::save(const KnownAddresses& addresses) const
{
  return atomic_write_file(file_, format_addresses(addresses), 0600);
}

}  // namespace slopn::config
