#include "libtunnel/core/access_list.hpp"

#include <cstring>
#include <utility>

namespace slopn {

std::optional<ClientKey> ClientKey::make(ClientKeyKind kind, ByteView bytes) noexcept
{
  ClientKey key;
  key.kind = kind;
  if (bytes.size() != key.bytes.size()) return std::nullopt;
  std::memcpy(key.bytes.data(), bytes.data(), bytes.size());
  return key;
}

Result<AccessList> AccessList::make(std::vector<Entry> entries)
{
  AccessList list;
  for (Entry& entry : entries) {
    if (entry.name.empty()) return fail(Errc::invalid_argument, "a client without a name");
    const auto [at, added] = list.names_.try_emplace(entry.key, entry.name);
    if (!added)
      return fail(Errc::already_exists, "the key of " + entry.name + " is that of " + at->second);
  }
  return list;
}

const std::string* AccessList::find(const ClientKey& key) const
{
  const auto at = names_.find(key);
  return at == names_.end() ? nullptr : &at->second;
}

}  // namespace slopn
