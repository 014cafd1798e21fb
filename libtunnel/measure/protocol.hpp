#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "libtunnel/base/bytes.hpp"

/// How throughput and latency inside a tunnel are measured, between a program on the client and a
/// service on the gateway's inner address. Numbers are in network byte order.
///
/// TCP, for throughput. Whoever connects says what it wants and is answered:
///
///     hello   | "SLPM" | version 1 | direction 1 | streams 1 | 0 1 | duration in ms 4 | test 8 |
///     answer  | "SLPM" | version 1 | verdict 1   | 0 2 |
///
/// Then bytes without meaning flow: down to the client, or up to the gateway, which says every
/// `kReportInterval`, and when all has been sent, how many have come; bytes that the sender still
/// holds would count otherwise:
///
///     report  | bytes received 8 | microseconds since the answer 8 |
///
/// The client ends a stream by closing it. Streams of one test share its number.
///
/// UDP, for latency and loss: what comes back is what was sent, marked as a reply.
///
///     echo    | "SLPM" | version 1 | kind 1 | 0 2 | test 8 | sequence number 8 |
namespace slopn::measure {

inline constexpr std::uint8_t kVersion = 1;
inline constexpr std::uint8_t kMaxStreams = 16;
inline constexpr std::chrono::milliseconds kMaxDuration{60'000};
inline constexpr std::chrono::milliseconds kReportInterval{200};

enum class Direction : std::uint8_t {
  up = 1,    ///< The client sends.
  down = 2,  ///< The gateway sends.
};

/// The client's wish for one stream of a test.
struct Hello {
  Direction direction = Direction::down;
  std::uint8_t streams = 1;               ///< Of the whole test: 1 to kMaxStreams.
  std::chrono::milliseconds duration{0};  ///< 1 ms to kMaxDuration.
  std::uint64_t test = 0;                 ///< Chosen at random by the client.
  friend bool operator==(const Hello&, const Hello&) = default;
};

enum class Verdict : std::uint8_t {
  welcome = 0,
  busy = 1,  ///< Too many tests, of this client or of all.
};

struct Report {
  std::uint64_t bytes = 0;
  std::chrono::microseconds elapsed{0};
  friend bool operator==(const Report&, const Report&) = default;
};

struct Echo {
  enum class Kind : std::uint8_t { request = 1, reply = 2 };
  Kind kind = Kind::request;
  std::uint64_t test = 0;
  std::uint64_t sequence = 0;
  friend bool operator==(const Echo&, const Echo&) = default;
};

inline constexpr std::size_t kHelloBytes = 20;
inline constexpr std::size_t kAnswerBytes = 8;
inline constexpr std::size_t kReportBytes = 16;
inline constexpr std::size_t kEchoBytes = 24;

[[nodiscard]] std::array<std::byte, kHelloBytes> format(const Hello& hello) noexcept;
[[nodiscard]] std::array<std::byte, kAnswerBytes> format(Verdict verdict) noexcept;
[[nodiscard]] std::array<std::byte, kReportBytes> format(const Report& report) noexcept;
[[nodiscard]] std::array<std::byte, kEchoBytes> format(const Echo& echo) noexcept;

/// nullopt for anything but exactly such a message with values in their ranges.
[[nodiscard]] std::optional<Hello> parse_hello(ByteView bytes) noexcept;
[[nodiscard]] std::optional<Verdict> parse_answer(ByteView bytes) noexcept;
[[nodiscard]] std::optional<Report> parse_report(ByteView bytes) noexcept;
[[nodiscard]] std::optional<Echo> parse_echo(ByteView bytes) noexcept;

}  // namespace slopn::measure
