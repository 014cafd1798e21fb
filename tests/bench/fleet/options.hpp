#pragma once

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>

#include "libtunnel/base/ip.hpp"
#include "libtunnel/crypto/certificate.hpp"

namespace slopn::fleet {

/// What the command line asks for.
struct Options {
  std::size_t clients = 1000;
  std::size_t concurrency = 64;  ///< Handshakes that may be unfinished at once.
  double rate_per_s = 0;  ///< Handshakes begun each second; 0: as many as `concurrency` lets.
  std::chrono::seconds hold{0};  ///< How long all sessions stay idle.
  std::chrono::seconds keep_alive{10};
  bool reconnect = false;                              ///< Close all, then open all again.
  std::optional<std::filesystem::path> write_clients;  ///< Write this clients.toml and do no more.
  UdpEndpoint gateway;
  crypto::SpkiPin pin;
  std::optional<int> gateway_pid;
  std::optional<std::filesystem::path> json_path;
};

/// The options, or the exit code of a program that has nothing left to do (after --help or a
/// mistake, which has been told).
struct Parsed {
  std::optional<Options> options;
  int exit_code = 0;
};
[[nodiscard]] Parsed parse_options(int argc, const char* const* argv);

}  // namespace slopn::fleet
