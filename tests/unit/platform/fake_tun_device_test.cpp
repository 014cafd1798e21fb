#include "platform/fake/fake_tun_device.hpp"

#include <array>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>
#include <catch2/catch_test_macros.hpp>
#include <cerrno>

#include "libtunnel/base/async.hpp"

namespace slopn::platform {
namespace {

bool ready(const std::future<Result<>>& waited)
{
  return waited.wait_for(std::chrono::seconds{0}) == std::future_status::ready;
}

ByteVector text(std::string_view characters)
{
  const ByteView bytes = as_bytes(characters);
  return {bytes.begin(), bytes.end()};
}

HostPacket whole(ByteVector& packet)
{
  return {.bytes = packet, .offload = {}};
}

}  // namespace

TEST_CASE("fake tun: a reader wakes up for an injected packet", "[unit][platform]")
{
  asio::io_context io;
  FakeTunDevice tun{io.get_executor()};
  auto waited = asio::co_spawn(io, tun.wait_readable(), asio::use_future);
  io.poll();
  CHECK_FALSE(ready(waited));

  tun.inject(as_bytes("first"));
  tun.inject(as_bytes("second"));
  io.poll();
  REQUIRE(ready(waited));
  CHECK(waited.get().has_value());

  PacketBatch batch{8, 5};
  CHECK(*tun.read_batch(batch) == 2);
  CHECK(as_text(batch.packets()[0].bytes) == "first");
  CHECK(as_text(batch.packets()[1].bytes) == "secon");  // cut to the slot
  CHECK(*tun.read_batch(batch) == 0);
  CHECK(tun.waiting() == 0);
}

TEST_CASE("fake tun: a full batch leaves the rest waiting", "[unit][platform]")
{
  asio::io_context io;
  FakeTunDevice tun{io.get_executor()};
  for (const char* text : {"a", "b", "c"}) tun.inject(as_bytes(text));
  PacketBatch batch{2, 16};
  CHECK(*tun.read_batch(batch) == 2);
  CHECK(tun.waiting() == 1);
}

TEST_CASE("fake tun: written packets can be awaited and taken", "[unit][platform]")
{
  asio::io_context io;
  FakeTunDevice tun{io.get_executor()};
  auto next = asio::co_spawn(io, tun.next_written(), asio::use_future);
  io.poll();
  std::array<ByteVector, 3> bytes{text("a"), text("b"), text("c")};
  const std::array packets{whole(bytes[0]), whole(bytes[1]), whole(bytes[2])};
  CHECK(*tun.write_batch(packets) == 3);
  io.poll();
  CHECK(as_text(*next.get()) == "a");
  CHECK(tun.take_written().size() == 2);
  CHECK(tun.take_written().empty());
}

TEST_CASE("fake tun: refuses packets beyond its room", "[unit][platform]")
{
  asio::io_context io;
  FakeTunDevice tun{io.get_executor()};
  tun.limit_room(2);
  std::array<ByteVector, 3> bytes{text("a"), text("b"), text("c")};
  const std::array packets{whole(bytes[0]), whole(bytes[1]), whole(bytes[2])};
  CHECK(*tun.write_batch(packets) == 2);
  CHECK(*tun.write_batch(packets) == 0);
  CHECK(tun.take_written().size() == 2);
  CHECK(*tun.write_batch(packets) == 2);
}

TEST_CASE("fake tun: a removed interface fails every call", "[unit][platform]")
{
  asio::io_context io;
  FakeTunDevice tun{io.get_executor()};
  auto waited = asio::co_spawn(io, tun.wait_readable(), asio::use_future);
  io.poll();
  tun.remove();
  io.poll();
  CHECK(waited.get().error().code.value() == EBADFD);
  PacketBatch batch{1, 16};
  CHECK(tun.read_batch(batch).has_error());
  ByteVector bytes = text("a");
  const std::array packets{whole(bytes)};
  CHECK(tun.write_batch(packets).has_error());
}

TEST_CASE("fake tun: cancelling a wait gives operation_aborted", "[unit][platform]")
{
  asio::io_context io;
  FakeTunDevice tun{io.get_executor()};
  asio::cancellation_signal stop;
  auto waited = asio::co_spawn(io, tun.wait_readable(),
                               asio::bind_cancellation_slot(stop.slot(), asio::use_future));
  io.poll();
  stop.emit(asio::cancellation_type::terminal);
  io.poll();
  REQUIRE(ready(waited));
  CHECK(waited.get().error().code == asio::error::operation_aborted);
}

}  // namespace slopn::platform
