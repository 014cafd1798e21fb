#include "libtunnel/quic/settled_http3.hpp"

#include <algorithm>
#include <array>

namespace slopn::quic {
namespace {

constexpr AppErrorCode kH3StreamCreationError = 0x103;
constexpr AppErrorCode kH3ClosedCriticalStream = 0x104;
constexpr AppErrorCode kH3FrameUnexpected = 0x105;
constexpr AppErrorCode kH3FrameError = 0x106;

// HEADERS with ":status" 409: no dynamic table, then a literal with the name of static entry 24
// (RFC 9204 sections 4.5.1 and 4.5.4).
constexpr std::array<std::uint8_t, 10> kConflict = {0x01, 0x08, 0x00, 0x00, 0x5f,
                                                    0x09, 0x03, '4',  '0',  '9'};

bool is_request(StreamId stream) noexcept
{
  return (stream & 3) == 0;
}

}  // namespace

std::uint64_t SettledHttp3::Outgoing::size_bytes() const noexcept
{
  std::uint64_t total = 0;
  for (const ByteVector& frame : frames) total += frame.size();
  return total;
}

bool SettledHttp3::Outgoing::has_something() const noexcept
{
  return !held_back && (written_bytes < size_bytes() || (finished && !fin_written));
}

void SettledHttp3::Outgoing::forget_acked(std::uint64_t bytes)
{
  acked_bytes += bytes;
  std::size_t done = 0;
  while (done < frames.size() && acked_bytes >= frames[done].size()) {
    acked_bytes -= frames[done].size();
    written_bytes -= frames[done].size();
    ++done;
  }
  frames.erase(frames.begin(), frames.begin() + static_cast<std::ptrdiff_t>(done));
}

SettledHttp3::SettledHttp3(Order order)
    : quic_(order.quic),
      listener_(order.listener),
      tunnel_(order.tunnel),
      reader_(order.reader),
      peer_streams_(std::move(order.peer_streams))
{
  outgoing_.try_emplace(tunnel_);
}

SettledHttp3::Outgoing* SettledHttp3::find(StreamId stream)
{
  const auto found = outgoing_.find(stream);
  return found == outgoing_.end() ? nullptr : &found->second;
}

void SettledHttp3::on_stream_data(StreamId stream, ByteView data, bool fin)
{
  quic_.consume(stream, data.size());
  if (!is_request(stream)) return on_peer_stream(stream, fin);
  if (stream == tunnel_) return on_tunnel_data(data, fin);
  if (find(stream) == nullptr) answer_request(stream);
}

void SettledHttp3::on_tunnel_data(ByteView data, bool fin)
{
  while (const auto piece = reader_.next(data)) {
    if (piece->type == kDataFrame) {
      if (!piece->payload.empty()) listener_.on_body(tunnel_, piece->payload);
    } else if (piece->begins && is_known_frame(piece->type)) {
      // RFC 9114 section 4.4: only DATA follows once a CONNECT is accepted.
      quic_.close(kH3FrameUnexpected, fail(Errc::protocol_violation, "frame in a tunnel"));
    }
    if (quic_.ending()) return;
  }
  if (!fin) return;
  if (!reader_.between_frames())
    return quic_.close(kH3FrameError, fail(Errc::protocol_violation, "half a frame"));
  listener_.on_body_end(tunnel_);
}

void SettledHttp3::answer_request(StreamId stream)
{
  Outgoing& answer = outgoing_[stream];
  const ByteView conflict = view(kConflict.data(), kConflict.size());
  answer.frames.emplace_back(conflict.begin(), conflict.end());
  answer.finished = true;
}

// Settings have come, and nothing that may follow on these streams means anything to us: no push,
// and no dynamic table, which our settings do not allow.
void SettledHttp3::on_peer_stream(StreamId stream, bool fin)
{
  const auto known = std::ranges::find(peer_streams_, stream, &PeerStream::id);
  if (known == peer_streams_.end()) return quic_.abort_stream(stream, kH3StreamCreationError);
  if (fin && known->critical)
    quic_.close(kH3ClosedCriticalStream, fail(Errc::protocol_violation, "closed control stream"));
}

void SettledHttp3::on_stream_acked(StreamId stream, std::uint64_t size_bytes)
{
  if (Outgoing* out = find(stream)) out->forget_acked(size_bytes);
}

void SettledHttp3::on_stream_closed(StreamId stream)
{
  std::erase_if(peer_streams_, [&](const PeerStream& peer) { return peer.id == stream; });
  if (outgoing_.erase(stream) > 0) listener_.on_stream_gone(stream);
}

void SettledHttp3::on_stream_reset(StreamId stream)
{
  if (!is_request(stream)) return on_peer_stream(stream, true);
  quic_.abort_stream(stream, kH3RequestCancelled);
}

void SettledHttp3::on_stream_credit(StreamId stream)
{
  if (Outgoing* out = find(stream)) out->held_back = false;
}

void SettledHttp3::next_chunk(StreamChunk& chunk) const
{
  const auto found = std::ranges::find_if(
      outgoing_, [](const auto& entry) { return entry.second.has_something(); });
  if (found == outgoing_.end()) return;
  const Outgoing& out = found->second;
  chunk.stream = found->first;
  std::uint64_t skip_bytes = out.written_bytes;
  std::uint64_t offered_bytes = out.written_bytes;
  for (const ByteVector& frame : out.frames) {
    if (chunk.pieces.size() == StreamChunk::kMaxPieces) break;
    const auto skip = static_cast<std::size_t>(std::min<std::uint64_t>(skip_bytes, frame.size()));
    skip_bytes -= skip;
    if (skip == frame.size()) continue;
    chunk.pieces.push_back(ByteView{frame}.subspan(skip));
    offered_bytes += frame.size() - skip;
  }
  chunk.fin = out.finished && offered_bytes == out.size_bytes();
}

void SettledHttp3::on_chunk_written(StreamId stream, std::size_t size_bytes)
{
  Outgoing* out = find(stream);
  if (out == nullptr) return;
  out->written_bytes += size_bytes;
  // The end goes with the last byte: it was offered together with that.
  out->fin_written = out->finished && out->written_bytes == out->size_bytes();
}

void SettledHttp3::on_stream_blocked(StreamId stream)
{
  if (Outgoing* out = find(stream)) out->held_back = true;
}

void SettledHttp3::on_stream_unwritable(StreamId stream)
{
  Outgoing* out = find(stream);
  if (out == nullptr) return;
  out->finished = true;
  out->fin_written = true;
  out->written_bytes = out->size_bytes();
}

void SettledHttp3::send_body(StreamId stream, ByteView bytes)
{
  Outgoing* out = find(stream);
  if (out == nullptr || out->finished || bytes.empty()) return;
  ByteVector frame;
  append_frame_header(frame, kDataFrame, bytes.size());
  frame.insert(frame.end(), bytes.begin(), bytes.end());
  out->frames.push_back(std::move(frame));
}

void SettledHttp3::finish(StreamId stream)
{
  if (Outgoing* out = find(stream)) out->finished = true;
}

}  // namespace slopn::quic
