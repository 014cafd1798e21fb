#pragma once

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace slopn {

namespace asio = boost::asio;

/// The completion token for every operation in slopn: errors come back as values.
///     auto [ec, n] = co_await socket.async_receive(buffer, with_ec);
inline constexpr auto with_ec = asio::as_tuple(asio::use_awaitable);

[[nodiscard]] inline bool cancelled(const asio::cancellation_state& state) noexcept
{
  return state.cancelled() != asio::cancellation_type::none;
}

}  // namespace slopn
