#include <openssl/rand.h>

#include <algorithm>

#include "libtunnel/quic/quic_native.hpp"

namespace slopn::quic {
namespace {

constexpr int kOk = 0;
constexpr int kFailed = NGTCP2_ERR_CALLBACK_FAILURE;

void random_bytes(std::uint8_t* out, std::size_t size, const ngtcp2_rand_ctx*) noexcept
{
  RAND_bytes(out, size);
}

}  // namespace

// C calls these. Nothing may leave them but a return code: an exception would unwind through
// ngtcp2's frames, which is undefined.
struct QuicConnection::Callbacks {
  static QuicConnection& self(void* user_data) noexcept
  {
    return *static_cast<QuicConnection*>(user_data);
  }

  // An application that cannot go on has closed the connection; ngtcp2 then stops as well.
  template <class F>
  static int guarded(void* user_data, F&& action) noexcept
  {
    try {
      action(self(user_data));
      return self(user_data).ending() ? kFailed : kOk;
    } catch (...) {
      return kFailed;
    }
  }

  template <class F>
  static int notify(void* user_data, F&& action) noexcept
  {
    return guarded(user_data, [&](QuicConnection& connection) { action(connection.application_); });
  }

  static int handshake_completed(ngtcp2_conn*, void* user_data) noexcept
  {
    return guarded(user_data, [](QuicConnection& connection) {
      connection.handshake_completed_ = true;
      connection.application_.on_handshake_completed();
    });
  }

  static int crypto_data(ngtcp2_conn* conn, ngtcp2_encryption_level level, std::uint64_t offset,
                         const std::uint8_t* data, std::size_t size, void* user_data) noexcept
  {
    if (self(user_data).native_->tls)
      return ngtcp2_crypto_recv_crypto_data_cb(conn, level, offset, data, size, user_data);
    ngtcp2_conn_set_tls_alert(conn, SSL_AD_UNEXPECTED_MESSAGE);
    return NGTCP2_ERR_CRYPTO;
  }

  static int stream_data(ngtcp2_conn*, std::uint32_t flags, StreamId stream, std::uint64_t,
                         const std::uint8_t* data, std::size_t size, void* user_data,
                         void*) noexcept
  {
    return notify(user_data, [&](QuicApplication& app) {
      app.on_stream_data(stream, view(data, size), (flags & NGTCP2_STREAM_DATA_FLAG_FIN) != 0);
    });
  }

  static int stream_acked(ngtcp2_conn*, StreamId stream, std::uint64_t, std::uint64_t size,
                          void* user_data, void*) noexcept
  {
    return notify(user_data, [&](QuicApplication& app) { app.on_stream_acked(stream, size); });
  }

  static int stream_closed(ngtcp2_conn* conn, std::uint32_t flags, StreamId stream,
                           std::uint64_t code, void* user_data, void*) noexcept
  {
    const bool by_us = ngtcp2_conn_is_local_stream(conn, stream) != 0;
    if (!by_us && ngtcp2_is_bidi_stream(stream)) ngtcp2_conn_extend_max_streams_bidi(conn, 1);
    if (!by_us && !ngtcp2_is_bidi_stream(stream)) ngtcp2_conn_extend_max_streams_uni(conn, 1);
    return notify(user_data, [&](QuicApplication& app) {
      const bool has_code = (flags & NGTCP2_STREAM_CLOSE_FLAG_APP_ERROR_CODE_SET) != 0;
      app.on_stream_closed(stream, has_code ? std::optional{code} : std::nullopt);
    });
  }

  static int stream_reset(ngtcp2_conn*, StreamId stream, std::uint64_t, std::uint64_t,
                          void* user_data, void*) noexcept
  {
    return notify(user_data, [&](QuicApplication& app) { app.on_stream_reset(stream); });
  }

  static int stream_unread(ngtcp2_conn*, StreamId stream, std::uint64_t, void* user_data,
                           void*) noexcept
  {
    return notify(user_data, [&](QuicApplication& app) { app.on_stream_unread(stream); });
  }

  static int stream_credit(ngtcp2_conn*, StreamId stream, std::uint64_t, void* user_data,
                           void*) noexcept
  {
    return notify(user_data, [&](QuicApplication& app) { app.on_stream_credit(stream); });
  }

  static int datagram(ngtcp2_conn*, std::uint32_t, const std::uint8_t* data, std::size_t size,
                      void* user_data) noexcept
  {
    return notify(user_data, [&](QuicApplication& app) { app.on_datagram(view(data, size)); });
  }

  static int new_connection_id(ngtcp2_conn*, ngtcp2_cid* id, std::uint8_t* token, std::size_t size,
                               void* user_data) noexcept
  {
    int made = kFailed;
    (void)guarded(user_data, [&](QuicConnection& connection) {
      const Native& native = *connection.native_;
      *id = native.id_factory ? to_native(native.id_factory->make()) : random_id(size);
      if (ngtcp2_crypto_generate_stateless_reset_token(token, native.reset_secret.data(),
                                                       native.reset_secret.size(), id) != 0)
        return;
      if (connection.registry_ != nullptr) connection.registry_->on_id_added(from_native(*id));
      made = kOk;
    });
    return made;
  }

  static int connection_id_retired(ngtcp2_conn*, const ngtcp2_cid* id, void* user_data) noexcept
  {
    (void)guarded(user_data, [&](QuicConnection& connection) {
      if (connection.registry_ != nullptr) connection.registry_->on_id_retired(from_native(*id));
    });
    return kOk;
  }

  static int path_confirmation_begun(ngtcp2_conn* conn, std::uint32_t, const ngtcp2_path* path,
                                     const ngtcp2_path*, void* user_data) noexcept
  {
    if (ngtcp2_path_eq(path, ngtcp2_conn_get_path(conn)) != 0)
      self(user_data).confirming_path_ = true;
    return kOk;
  }

  static int path_confirmation_over(ngtcp2_conn* conn, std::uint32_t, const ngtcp2_path* path,
                                    const ngtcp2_path*, ngtcp2_path_validation_result result,
                                    void* user_data) noexcept
  {
    if (result == NGTCP2_PATH_VALIDATION_RESULT_SUCCESS &&
        ngtcp2_path_eq(path, ngtcp2_conn_get_path(conn)) != 0)
      self(user_data).confirming_path_ = false;
    return kOk;
  }

  static int stateless_reset(ngtcp2_conn*, const ngtcp2_pkt_stateless_reset*,
                             void* user_data) noexcept
  {
    self(user_data).peer_lost_state_ = true;
    return kOk;
  }
};

ngtcp2_callbacks QuicConnection::Native::callbacks(bool is_client) noexcept
{
  ngtcp2_callbacks table{};
  if (is_client) {
    table.client_initial = ngtcp2_crypto_client_initial_cb;
    table.recv_retry = ngtcp2_crypto_recv_retry_cb;
  } else {
    table.recv_client_initial = ngtcp2_crypto_recv_client_initial_cb;
  }
  table.recv_crypto_data = Callbacks::crypto_data;
  table.encrypt = ngtcp2_crypto_encrypt_cb;
  table.decrypt = ngtcp2_crypto_decrypt_cb;
  table.hp_mask = ngtcp2_crypto_hp_mask_cb;
  table.update_key = ngtcp2_crypto_update_key_cb;
  table.delete_crypto_aead_ctx = ngtcp2_crypto_delete_crypto_aead_ctx_cb;
  table.delete_crypto_cipher_ctx = ngtcp2_crypto_delete_crypto_cipher_ctx_cb;
  table.get_path_challenge_data = ngtcp2_crypto_get_path_challenge_data_cb;
  table.version_negotiation = ngtcp2_crypto_version_negotiation_cb;
  table.rand = random_bytes;

  table.handshake_completed = Callbacks::handshake_completed;
  table.recv_stream_data = Callbacks::stream_data;
  table.acked_stream_data_offset = Callbacks::stream_acked;
  table.stream_close = Callbacks::stream_closed;
  table.stream_reset = Callbacks::stream_reset;
  table.stream_stop_sending = Callbacks::stream_unread;
  table.extend_max_stream_data = Callbacks::stream_credit;
  table.recv_datagram = Callbacks::datagram;
  table.get_new_connection_id = Callbacks::new_connection_id;
  table.remove_connection_id = Callbacks::connection_id_retired;
  table.recv_stateless_reset = Callbacks::stateless_reset;
  table.begin_path_validation = Callbacks::path_confirmation_begun;
  table.path_validation = Callbacks::path_confirmation_over;
  // ack_datagram and lost_datagram stay unset: with them ngtcp2 allocates for every datagram.
  return table;
}

}  // namespace slopn::quic
