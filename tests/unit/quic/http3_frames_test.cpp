#include "libtunnel/quic/http3_frames.hpp"

#include <catch2/catch_test_macros.hpp>
#include <string>

#include "tests/support/hex.hpp"

using namespace slopn;
using namespace slopn::quic;
using namespace slopn::test;

namespace {

// "type:payload " for each frame, whatever pieces it came in.
std::string frames_in(FrameReader& reader, ByteView bytes)
{
  std::string found;
  while (const auto piece = reader.next(bytes)) {
    if (piece->begins) found += " " + std::to_string(piece->type) + ":";
    found += to_hex(piece->payload);
  }
  return found;
}

}  // namespace

TEST_CASE("http3 frames: finds frames whose integers have any length", "[unit][quic]")
{
  FrameReader reader;
  CHECK(frames_in(reader, hex("00 02 aabb  07 00  4021 4003 010203  c000000000000000 01 ff")) ==
        " 0:aabb 7: 33:010203 0:ff");
  CHECK(reader.between_frames());
}

TEST_CASE("http3 frames: the pieces they come in mean nothing", "[unit][quic]")
{
  const ByteVector bytes = hex("00 03 aabbcc 4021 8000 0001 05 0d 00");
  FrameReader reader;
  std::string found;
  for (const std::byte& byte : bytes) found += frames_in(reader, {&byte, 1});
  CHECK(found == " 0:aabbcc 33:05 13:");
  CHECK(reader.between_frames());
}

TEST_CASE("http3 frames: an unfinished header or payload is not between frames", "[unit][quic]")
{
  for (const char* text : {"00", "40", "00 40", "00 02", "00 02 aa", "00 ffffffffffffffff aa"}) {
    CAPTURE(text);
    FrameReader reader;
    (void)frames_in(reader, hex(text));
    CHECK_FALSE(reader.between_frames());
  }
}

TEST_CASE("http3 frames: what is written can be read", "[unit][quic]")
{
  for (const std::size_t size : {0U, 63U, 64U, 16'383U, 16'384U, 100'000U}) {
    CAPTURE(size);
    ByteVector bytes;
    append_frame_header(bytes, kDataFrame, size);
    CHECK(bytes.size() == 1 + (size < 64 ? 1U : size < 16'384 ? 2U : 4U));
    bytes.resize(bytes.size() + size);
    FrameReader reader;
    ByteView rest = bytes;
    const auto piece = reader.next(rest);
    REQUIRE(piece);
    CHECK(piece->payload.size() == size);
    CHECK(reader.between_frames());
  }
}

TEST_CASE("http3 frames: what HTTP/2 used is known, so it may not be ignored", "[unit][quic]")
{
  CHECK(is_known_frame(kHeadersFrame));
  CHECK(is_known_frame(0x02));
  CHECK(is_known_frame(0x0d));
  CHECK_FALSE(is_known_frame(0x21));
}
