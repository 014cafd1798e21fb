#pragma once

// Private to this folder: the C handles behind QuicConnection, and the seam of types.

#include <ngtcp2/ngtcp2.h>
#include <ngtcp2/ngtcp2_crypto.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <memory>

#include "libtunnel/base/socket_address.hpp"
#include "libtunnel/quic/quic_connection.hpp"

namespace slopn::quic {

[[nodiscard]] inline ngtcp2_tstamp to_native(Clock::time_point instant) noexcept
{
  return static_cast<ngtcp2_tstamp>(
      std::chrono::duration_cast<std::chrono::nanoseconds>(instant.time_since_epoch()).count());
}

[[nodiscard]] inline ngtcp2_duration to_native(Clock::duration duration) noexcept
{
  return static_cast<ngtcp2_duration>(
      std::chrono::duration_cast<std::chrono::nanoseconds>(duration).count());
}

/// ngtcp2 only reads what it is given, and takes it by pointers to non-const.
[[nodiscard]] inline ngtcp2_vec to_native(ByteView bytes) noexcept
{
  return {const_cast<std::uint8_t*>(u8(bytes.data())), bytes.size()};
}

[[nodiscard]] inline ngtcp2_cid to_native(const ConnectionId& id) noexcept
{
  ngtcp2_cid native;
  ngtcp2_cid_init(&native, u8(id.bytes().data()), id.bytes().size());
  return native;
}

[[nodiscard]] inline ConnectionId from_native(const ngtcp2_cid& native) noexcept
{
  return ConnectionId{view(native.data, native.datalen)};
}

/// A path with the storage that ngtcp2's points into. Not movable for that reason.
class NativePath {
 public:
  NativePath() noexcept { ngtcp2_path_storage_zero(&storage_); }
  explicit NativePath(const UdpPath& path) noexcept;
  NativePath(const NativePath&) = delete;
  NativePath& operator=(const NativePath&) = delete;

  [[nodiscard]] ngtcp2_path* get() noexcept { return &storage_.path; }

 private:
  ngtcp2_path_storage storage_;
};

[[nodiscard]] UdpPath from_native(const ngtcp2_path& path) noexcept;

/// Translates paths. Nearly all packets of a connection take the path of the one before, so that
/// is kept in both forms.
class PathTranslator {
 public:
  /// Valid until the next call of it.
  [[nodiscard]] ngtcp2_path* to_native(const UdpPath& path) noexcept
  {
    if (!read_native_ || path != read_) {
      read_ = path;
      read_native_.emplace(path);
    }
    return read_native_->get();
  }

  /// Where ngtcp2 puts the path of a packet that it writes; then `written()` says what it is.
  [[nodiscard]] ngtcp2_path* slot() noexcept { return slot_.get(); }
  [[nodiscard]] const UdpPath& written() noexcept
  {
    if (ngtcp2_path_eq(slot_.get(), written_native_.get()) == 0) {
      ngtcp2_path_copy(written_native_.get(), slot_.get());
      written_ = from_native(*slot_.get());
    }
    return written_;
  }

 private:
  UdpPath read_;
  std::optional<NativePath> read_native_;
  NativePath slot_;
  NativePath written_native_;
  UdpPath written_;
};

[[nodiscard]] ngtcp2_cid random_id(std::size_t size_bytes) noexcept;

struct ConnDeleter {
  void operator()(ngtcp2_conn* conn) const noexcept { ngtcp2_conn_del(conn); }
};
struct TlsDeleter {
  void operator()(SSL* tls) const noexcept { SSL_free(tls); }
};

struct QuicConnection::Native {
  // In this order: the connection uses the handshake until it is gone.
  std::unique_ptr<SSL, TlsDeleter> tls;
  std::unique_ptr<ngtcp2_conn, ConnDeleter> conn;
  ngtcp2_crypto_conn_ref conn_ref{};  // how the TLS callbacks find the connection
  ngtcp2_ccerr error{};               // what the last packet will tell the peer
  std::string error_text;             // ngtcp2 keeps a pointer to it
  std::optional<ConnectionIdFactory> id_factory;
  ResetSecret reset_secret{};
  ngtcp2_tstamp last_tick = 0;
  PathTranslator paths;

  /// ngtcp2 aborts the program when time goes back, as it does for a caller who took the time,
  /// did something else that took it again, and then went on.
  [[nodiscard]] ngtcp2_tstamp tick(Clock::time_point now) noexcept
  {
    last_tick = std::max(last_tick, to_native(now));
    return last_tick;
  }

  /// Everything ngtcp2 calls, ours and the TLS helper's.
  [[nodiscard]] static ngtcp2_callbacks callbacks(bool is_client) noexcept;

  void tell(AppErrorCode code, std::string reason)
  {
    error_text = std::move(reason);
    ngtcp2_ccerr_set_application_error(&error, code, u8(as_bytes(error_text).data()),
                                       error_text.size());
  }
};

}  // namespace slopn::quic
