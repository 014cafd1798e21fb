// The files in state_dir. What is accepted can be written and read back.

#include <cstddef>
#include <cstdint>

#include "daemon/config/address_store.hpp"
#include "daemon/config/client_registry.hpp"
#include "daemon/config/lease_store.hpp"
#include "libtunnel/base/bytes.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
  using namespace slopn;
  const auto text = as_text(view(data, size));
  if (const auto leases = config::parse_leases(text)) {
    const auto again = config::parse_leases(config::format_leases(*leases));
    if (!again || *again != *leases) __builtin_trap();
  }
  if (const auto clients = config::parse_clients(text)) {
    const auto again = config::parse_clients(config::format_clients(*clients));
    if (!again || *again != *clients) __builtin_trap();
  }
  if (const auto known = config::parse_addresses(text)) {
    const auto again = config::parse_addresses(config::format_addresses(*known));
    if (!again || *again != *known) __builtin_trap();
  }
  return 0;
}
