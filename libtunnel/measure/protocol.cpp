#include "libtunnel/measure/protocol.hpp"

#include <concepts>

namespace slopn::measure {
namespace {

constexpr std::uint32_t kMagic = 0x534c504d;  // "SLPM"
// Longer than any test; beyond it microseconds could overflow in sums.
constexpr std::uint64_t kMaxElapsedUs = 3'600'000'000;

class Writer {
 public:
  explicit Writer(MutableByteView out) noexcept : out_(out) {}

  template <std::unsigned_integral T>
  Writer& put(T value) noexcept
  {
    for (std::size_t left = sizeof value; left > 0; --left)
      out_[at_++] = static_cast<std::byte>(static_cast<std::uint64_t>(value) >> 8 * (left - 1));
    return *this;
  }

 private:
  MutableByteView out_;
  std::size_t at_ = 0;
};

class Reader {
 public:
  explicit Reader(ByteView bytes) noexcept : bytes_(bytes) {}

  template <std::unsigned_integral T>
  T get() noexcept
  {
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < sizeof(T); ++i)
      value = value << 8U | std::to_integer<std::uint64_t>(bytes_[at_++]);
    return static_cast<T>(value);
  }

 private:
  ByteView bytes_;
  std::size_t at_ = 0;
};

void start(Writer& writer) noexcept
{
  writer.put(kMagic).put(kVersion);
}

// Also checks that there are as many bytes as the message has.
bool starts_well(Reader& reader, ByteView bytes, std::size_t size) noexcept
{
  return bytes.size() == size && reader.get<std::uint32_t>() == kMagic &&
         reader.get<std::uint8_t>() == kVersion;
}

}  // namespace

std::array<std::byte, kHelloBytes> format(const Hello& hello) noexcept
{
  std::array<std::byte, kHelloBytes> bytes{};
  Writer writer{bytes};
  start(writer);
  writer.put(static_cast<std::uint8_t>(hello.direction)).put(hello.streams).put(std::uint8_t{0});
  writer.put(static_cast<std::uint32_t>(hello.duration.count())).put(hello.test);
  return bytes;
}

std::array<std::byte, kAnswerBytes> format(Verdict verdict) noexcept
{
  std::array<std::byte, kAnswerBytes> bytes{};
  Writer writer{bytes};
  start(writer);
  writer.put(static_cast<std::uint8_t>(verdict));
  return bytes;
}

std::array<std::byte, kReportBytes> format(const Report& report) noexcept
{
  std::array<std::byte, kReportBytes> bytes{};
  Writer{bytes}.put(report.bytes).put(static_cast<std::uint64_t>(report.elapsed.count()));
  return bytes;
}

std::array<std::byte, kEchoBytes> format(const Echo& echo) noexcept
{
  std::array<std::byte, kEchoBytes> bytes{};
  Writer writer{bytes};
  start(writer);
  writer.put(static_cast<std::uint8_t>(echo.kind)).put(std::uint16_t{0});
  writer.put(echo.test).put(echo.sequence);
  return bytes;
}

std::optional<Hello> parse_hello(ByteView bytes) noexcept
{
  Reader reader{bytes};
  if (!starts_well(reader, bytes, kHelloBytes)) return std::nullopt;
  const auto direction = reader.get<std::uint8_t>();
  Hello hello;
  hello.streams = reader.get<std::uint8_t>();
  const auto zero = reader.get<std::uint8_t>();
  hello.duration = std::chrono::milliseconds{reader.get<std::uint32_t>()};
  hello.test = reader.get<std::uint64_t>();
  const bool up = direction == static_cast<std::uint8_t>(Direction::up);
  if (!up && direction != static_cast<std::uint8_t>(Direction::down)) return std::nullopt;
  hello.direction = up ? Direction::up : Direction::down;
  if (zero != 0 || hello.streams == 0 || hello.streams > kMaxStreams) return std::nullopt;
  if (hello.duration.count() == 0 || hello.duration > kMaxDuration) return std::nullopt;
  return hello;
}

std::optional<Verdict> parse_answer(ByteView bytes) noexcept
{
  Reader reader{bytes};
  if (!starts_well(reader, bytes, kAnswerBytes)) return std::nullopt;
  const auto verdict = reader.get<std::uint8_t>();
  if (verdict > static_cast<std::uint8_t>(Verdict::busy)) return std::nullopt;
  if (reader.get<std::uint16_t>() != 0) return std::nullopt;
  return static_cast<Verdict>(verdict);
}

std::optional<Report> parse_report(ByteView bytes) noexcept
{
  if (bytes.size() != kReportBytes) return std::nullopt;
  Reader reader{bytes};
  const auto received = reader.get<std::uint64_t>();
  const auto elapsed_us = reader.get<std::uint64_t>();
  if (elapsed_us > kMaxElapsedUs) return std::nullopt;
  return Report{received, std::chrono::microseconds{elapsed_us}};
}

std::optional<Echo> parse_echo(ByteView bytes) noexcept
{
  Reader reader{bytes};
  if (!starts_well(reader, bytes, kEchoBytes)) return std::nullopt;
  const auto kind = reader.get<std::uint8_t>();
  const auto zero = reader.get<std::uint16_t>();
  if (zero != 0 || kind < static_cast<std::uint8_t>(Echo::Kind::request) ||
      kind > static_cast<std::uint8_t>(Echo::Kind::reply))
    return std::nullopt;
  Echo echo;
  echo.kind = static_cast<Echo::Kind>(kind);
  echo.test = reader.get<std::uint64_t>();
  echo.sequence = reader.get<std::uint64_t>();
  return echo;
}

}  // namespace slopn::measure
