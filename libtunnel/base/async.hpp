#pragma once

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace slopn {

namespace asio = boost::asio;

/// The completion token for every operation in slopn: errors come back as values.
///     auto [ec, n] = co_await socket.async_receive(buffer, with_ec);
inline constexpr auto with_ec = asio::as_tuple(asio::use_awaitable);

/// Whether somebody has asked this coroutine to stop.
///     const bool stop = co_await stop_requested();
/// Give what `co_await` returns a name, here and everywhere: GCC 12 destroys an object that a
/// condition or a discarded statement leaves without one as if it had been made twice.
[[nodiscard]] inline asio::awaitable<bool> stop_requested()
{
  const asio::cancellation_state state = co_await asio::this_coro::cancellation_state;
  co_return state.cancelled() != asio::cancellation_type::none;
}

}  // namespace slopn
