#include "libtunnel/core/wire/concealed_auth.hpp"

#include <cstddef>
#include <cstdint>

#include "tests/fuzz/must.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
  using namespace slopn;
  const std::string_view text = as_text(view(data, size));
  if (const auto authority = wire::split_authority(text)) {
    const auto again =
        wire::split_authority(authority->host + ":" + std::to_string(authority->port));
    fuzz::must(again == authority);
  }

  const auto credentials = wire::ConcealedCredentials::parse(text);
  if (!credentials) return 0;
  fuzz::must(!credentials->key_id.empty() && !credentials->proof.empty());
  const auto again = wire::ConcealedCredentials::parse(credentials->format());
  fuzz::must(again == credentials);
  (void)wire::exporter_context(wire::binding_for(*credentials, "example.com", 443));

  const auto never = [](ByteView, ByteView) { return false; };
  fuzz::must(!wire::proof_holds(*credentials, credentials->public_key, {}, never));
  return 0;
}
