#pragma once

#include <boost/system/error_code.hpp>
#include <boost/system/result.hpp>
#include <cstdint>
#include <string>
#include <string_view>

namespace slopn {

/// Failures that slopn itself can originate.
/// The numbers appear in logs and in the control API: append, never renumber.
enum class Errc {
  timed_out = 1,            // the peer or a helper did not answer within its deadline
  invalid_packet = 2,       // malformed bytes from the network or from the TUN device
  peer_closed = 3,          // the peer ended the connection on purpose
  auth_rejected = 4,        // credentials refused; retrying with the same ones is pointless
  platform_denied = 5,      // the kernel or a system service refused a change we asked for
  invalid_argument = 6,     // a value from a caller, a file or the command line makes no sense
  not_found = 7,            // the named thing does not exist
  already_exists = 8,       // the named thing exists and would have to be replaced
  identity_mismatch = 9,    // the peer's certificate is not the one this profile trusts
  protocol_violation = 10,  // the peer broke a rule of QUIC, HTTP/3 or CONNECT-IP
  pool_exhausted = 11,      // no inner address is left for another session
  unreachable = 12,         // the outer network says that the peer cannot be reached
  path_too_small = 13,      // the outer path cannot carry the smallest inner packet
  refused = 14,             // the peer answered and said no, for a reason that may pass
  cancelled = 15,           // the caller or a shutdown gave the operation up
  tls_failure = 16,         // the TLS handshake failed for a reason other than identity
  busy = 17,                // another instance or operation holds what is needed
  data_corrupt = 18,        // a file of ours does not contain what we wrote
};

[[nodiscard]] boost::system::error_code make_error_code(Errc code) noexcept;

/// What went wrong, and what we were doing at the time.
struct Error {
  boost::system::error_code code;
  std::string context;  ///< Outermost operation first: "bring up slopn0: set MTU 1280".

  /// Returns this error with `operation` put in front of its context.
  [[nodiscard]] Error within(std::string_view operation) &&;

  /// One line for people: the context, then what the code means.
  [[nodiscard]] std::string message() const;
};

/// A `T`, or the reason there is none.
/// Only `if (r)`, `*r`, `r->` and `r.error()` are used, so that `std::expected` can
/// replace this alias once slopn moves to C++23.
template <class T = void>
using Result = boost::system::result<T, Error>;

/// Starts an error: `return fail(Errc::timed_out, "TLS handshake");`
[[nodiscard]] Error fail(boost::system::error_code code, std::string_view context);

/// Whether trying again later, with nothing changed on our side, can help. Total over `Errc`.
[[nodiscard]] bool is_retryable(Errc code) noexcept;

/// The same for any code: what the operating system reports (no route, interface down) may pass.
[[nodiscard]] bool is_retryable(const boost::system::error_code& code) noexcept;

// Boost's result<T, E>::value() wants this for error types it does not know; slopn never calls
// value(), so reaching it is a bug.
[[noreturn]] void throw_exception_from_error(const Error& error,
                                             const boost::source_location& where);

}  // namespace slopn

template <>
struct boost::system::is_error_code_enum<slopn::Errc> : std::true_type {
};
