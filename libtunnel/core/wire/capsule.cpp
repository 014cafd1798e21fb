#include "libtunnel/core/wire/capsule.hpp"

#include <algorithm>
#include <utility>

namespace slopn::wire {

CapsuleParser::CapsuleParser(std::vector<CapsuleType> wanted, std::size_t max_value_bytes)
    : wanted_(std::move(wanted)), max_value_bytes_(max_value_bytes)
{
}

Result<> CapsuleParser::feed(ByteView bytes, CapsuleSink& sink)
{
  while (!bytes.empty()) {
    auto consumed = std::visit([&](auto& state) { return consume(state, bytes, sink); }, state_);
    if (!consumed) {
      state_ = Broken{};
      return consumed;
    }
  }
  return {};
}

Result<> CapsuleParser::finish() const
{
  const auto* header = std::get_if<InHeader>(&state_);
  if (header != nullptr && header->size == 0) return {};
  return fail(Errc::protocol_violation, "the stream ends inside a capsule");
}

std::size_t CapsuleParser::buffered_bytes() const noexcept
{
  const auto* value = std::get_if<InValue>(&state_);
  return value == nullptr ? 0 : value->bytes.size();
}

Result<> CapsuleParser::consume(InHeader& state, ByteView& bytes, CapsuleSink& sink)
{
  while (!bytes.empty()) {
    state.bytes[state.size++] = bytes.front();
    bytes = bytes.subspan(1);

    ByteView header = ByteView{state.bytes}.first(state.size);
    const auto type = read_varint(header);
    if (!type) continue;
    const auto length = read_varint(header);
    if (length) return begin_value(*type, *length, bytes, sink);
  }
  return {};
}

Result<> CapsuleParser::consume(InValue& state, ByteView& bytes, CapsuleSink& sink)
{
  const std::size_t missing = state.length - state.bytes.size();
  const ByteView part = bytes.first(std::min(missing, bytes.size()));
  state.bytes.insert(state.bytes.end(), part.begin(), part.end());
  bytes = bytes.subspan(part.size());
  if (state.bytes.size() < state.length) return {};

  const InValue whole = std::move(state);
  state_ = InHeader{};
  return sink.on_capsule(whole.type, whole.bytes);
}

Result<> CapsuleParser::consume(Skipping& state, ByteView& bytes, CapsuleSink&)
{
  const std::uint64_t skipped = std::min<std::uint64_t>(state.left, bytes.size());
  bytes = bytes.subspan(static_cast<std::size_t>(skipped));
  state.left -= skipped;
  if (state.left == 0) state_ = InHeader{};
  return {};
}

Result<> CapsuleParser::consume(Broken&, ByteView&, CapsuleSink&)
{
  return fail(Errc::protocol_violation, "the capsule stream is already broken");
}

Result<> CapsuleParser::begin_value(std::uint64_t type, std::uint64_t length, ByteView& bytes,
                                    CapsuleSink& sink)
{
  state_ = InHeader{};
  const bool fits = length <= max_value_bytes_;
  if (!wants(type) || (!fits && type == static_cast<std::uint64_t>(CapsuleType::datagram))) {
    if (length > 0) state_ = Skipping{length};
    return {};
  }
  if (!fits) return fail(Errc::protocol_violation, "a capsule is too long");

  const auto size = static_cast<std::size_t>(length);
  if (bytes.size() < size) {
    state_ = InValue{type, size, {}};
    return {};
  }
  const ByteView value = bytes.first(size);
  bytes = bytes.subspan(size);
  return sink.on_capsule(type, value);
}

bool CapsuleParser::wants(std::uint64_t type) const noexcept
{
  return std::ranges::find(wanted_, static_cast<CapsuleType>(type)) != wanted_.end();
}

void append_capsule(ByteVector& out, CapsuleType type, ByteView value)
{
  append_varint(out, static_cast<std::uint64_t>(type));
  append_varint(out, value.size());
  out.insert(out.end(), value.begin(), value.end());
}

}  // namespace slopn::wire
