#include "libtunnel/quic/server_door.hpp"

#include <openssl/rand.h>

#include <algorithm>
#include <array>

#include "libtunnel/quic/quic_native.hpp"

namespace slopn::quic {
namespace {

constexpr std::size_t kMinInitialBytes = 1200;  // RFC 9000 section 14.1
constexpr std::uint8_t kLongHeader = 0x80;
constexpr std::uint8_t kFixedBit = 0x40;
constexpr Clock::duration kTokenLifetime = std::chrono::seconds(10);

// RFC 9000 section 10.3: at least 21 bytes to look like a packet, and shorter than what it
// answers, so that two confused ends do not answer each other for ever.
constexpr std::size_t kMinResetBytes = 21;
constexpr std::size_t kMaxResetBytes = 43;
constexpr std::uint32_t kResetsPerSecond = 1000;

constexpr std::array<std::uint32_t, 2> kVersions = {NGTCP2_PROTO_VER_V1, NGTCP2_PROTO_VER_V2};

}  // namespace

std::optional<ConnectionId> destination_of(ByteView packet) noexcept
{
  if (packet.empty()) return std::nullopt;  // ngtcp2 aborts on those
  if ((std::to_integer<std::uint8_t>(packet.front()) & kLongHeader) == 0) {
    if (packet.size() < 1 + ConnectionIdFactory::kBytes) return std::nullopt;
    return ConnectionId{packet.subspan(1, ConnectionIdFactory::kBytes)};
  }
  ngtcp2_version_cid ids{};
  const int error = ngtcp2_pkt_decode_version_cid(&ids, u8(packet.data()), packet.size(),
                                                  ConnectionIdFactory::kBytes);
  if ((error != 0 && error != NGTCP2_ERR_VERSION_NEGOTIATION) ||
      ids.dcidlen > ConnectionId::kMaxBytes)
    return std::nullopt;
  return ConnectionId{view(ids.dcid, ids.dcidlen)};
}

ServerDoor::Decision ServerDoor::decide(const UdpPath& path, ByteView packet, AddressProof proof,
                                        Clock::time_point now)
{
  if (packet.empty()) return Ignore{};
  const auto first = std::to_integer<std::uint8_t>(packet.front());
  if ((first & kLongHeader) == 0) return reset(packet, now);
  if (packet.size() < kMinInitialBytes) return Ignore{};

  ngtcp2_version_cid ids{};
  const int error = ngtcp2_pkt_decode_version_cid(&ids, u8(packet.data()), packet.size(),
                                                  ConnectionIdFactory::kBytes);
  if (error == NGTCP2_ERR_VERSION_NEGOTIATION) return negotiate_version(packet);
  if (error != 0) return Ignore{};

  ngtcp2_pkt_hd header{};
  if (ngtcp2_accept(&header, u8(packet.data()), packet.size()) != 0) return Ignore{};
  AcceptedInitial initial{.version = header.version,
                          .client_chosen = from_native(header.dcid),
                          .client_source = from_native(header.scid),
                          .before_retry = std::nullopt,
                          .token = {}};
  if (header.tokenlen == 0) {
    if (proof == AddressProof::required) return retry(path, initial, now);
    return LetIn{std::move(initial)};
  }

  sockaddr_storage remote{};
  const std::size_t remote_size = to_socket_address(path.remote, remote);
  ngtcp2_cid before_retry{};
  const int unproven = ngtcp2_crypto_verify_retry_token2(
      &before_retry, header.token, header.tokenlen, secret_.data(), secret_.size(), header.version,
      reinterpret_cast<const ngtcp2_sockaddr*>(&remote), static_cast<ngtcp2_socklen>(remote_size),
      &header.dcid, to_native(kTokenLifetime), to_native(now));
  if (unproven != 0) {
    // A token of ours that is too old or somebody else's: start over.
    return retry(path, initial, now);
  }
  initial.before_retry = from_native(before_retry);
  const ByteView token = view(header.token, header.tokenlen);
  initial.token.assign(token.begin(), token.end());
  return LetIn{std::move(initial)};
}

ServerDoor::Decision ServerDoor::retry(const UdpPath& path, const AcceptedInitial& initial,
                                       Clock::time_point now) const
{
  sockaddr_storage remote{};
  const std::size_t remote_size = to_socket_address(path.remote, remote);
  const ngtcp2_cid retry_source = to_native(id_factory_.make());
  const ngtcp2_cid client_chosen = to_native(initial.client_chosen);
  const ngtcp2_cid client_source = to_native(initial.client_source);

  std::array<std::uint8_t, NGTCP2_CRYPTO_MAX_RETRY_TOKENLEN2> token{};
  const ngtcp2_ssize token_size = ngtcp2_crypto_generate_retry_token2(
      token.data(), secret_.data(), secret_.size(), initial.version,
      reinterpret_cast<const ngtcp2_sockaddr*>(&remote), static_cast<ngtcp2_socklen>(remote_size),
      &retry_source, &client_chosen, to_native(now));
  if (token_size < 0) return Ignore{};

  Answer answer{ByteVector(kMinInitialBytes)};
  const ngtcp2_ssize size = ngtcp2_crypto_write_retry(
      u8(answer.reply.data()), answer.reply.size(), initial.version, &client_source, &retry_source,
      &client_chosen, token.data(), static_cast<std::size_t>(token_size));
  if (size < 0) return Ignore{};
  answer.reply.resize(static_cast<std::size_t>(size));
  return answer;
}

ServerDoor::Decision ServerDoor::negotiate_version(ByteView packet) const
{
  ngtcp2_version_cid ids{};
  (void)ngtcp2_pkt_decode_version_cid(&ids, u8(packet.data()), packet.size(),
                                      ConnectionIdFactory::kBytes);
  std::uint8_t random = 0;
  RAND_bytes(&random, 1);
  Answer answer{ByteVector(kMinInitialBytes)};
  const ngtcp2_ssize size = ngtcp2_pkt_write_version_negotiation(
      u8(answer.reply.data()), answer.reply.size(), random, ids.scid, ids.scidlen, ids.dcid,
      ids.dcidlen, kVersions.data(), kVersions.size());
  if (size < 0) return Ignore{};
  answer.reply.resize(static_cast<std::size_t>(size));
  return answer;
}

// A short header for a connection we do not know, perhaps from before a restart: tell its owner.
ServerDoor::Decision ServerDoor::reset(ByteView packet, Clock::time_point now)
{
  const auto first = std::to_integer<std::uint8_t>(packet.front());
  const auto id = destination_of(packet);
  if ((first & kFixedBit) == 0 || !id || packet.size() <= kMinResetBytes || !may_reset(now))
    return Ignore{};

  const ngtcp2_cid native_id = to_native(*id);
  std::array<std::uint8_t, NGTCP2_STATELESS_RESET_TOKENLEN> token{};
  if (ngtcp2_crypto_generate_stateless_reset_token(token.data(), secret_.data(), secret_.size(),
                                                   &native_id) != 0)
    return Ignore{};
  const std::size_t wanted = std::min(packet.size() - 1, kMaxResetBytes);
  std::array<std::uint8_t, kMaxResetBytes> random{};
  RAND_bytes(random.data(), random.size());
  Answer answer{ByteVector(wanted)};
  const ngtcp2_ssize size =
      ngtcp2_pkt_write_stateless_reset(u8(answer.reply.data()), answer.reply.size(), token.data(),
                                       random.data(), wanted - token.size());
  if (size < 0) return Ignore{};
  answer.reply.resize(static_cast<std::size_t>(size));
  return answer;
}

bool ServerDoor::may_reset(Clock::time_point now) noexcept
{
  if (now - reset_window_start_ >= std::chrono::seconds(1)) {
    reset_window_start_ = now;
    resets_in_window_ = 0;
  }
  return ++resets_in_window_ <= kResetsPerSecond;
}

}  // namespace slopn::quic
