#include "daemon/supervisor/gateway_finder.hpp"

#include <algorithm>
#include <boost/asio/cancel_after.hpp>
#include <boost/asio/ip/udp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <utility>

namespace slopn::daemon {
namespace {

constexpr auto kResolveTimeout = std::chrono::seconds(5);

}  // namespace

void GatewayFinder::search(const std::vector<config::HostPort>& gateways, Names names,
                           Listener listener)
{
  search_.emplace();
  const SearchId id = search_->id = ++last_search_;
  search_->listener = std::move(listener);
  search_->gateways = gateways;
  search_->answered.assign(gateways.size(), false);
  std::vector<std::size_t> unknown;
  for (std::size_t number = 0; number < gateways.size(); ++number) {
    const auto known = known_.find(gateways[number].host);
    if (const auto address = IpAddress::parse(gateways[number].host)) {
      take(number, {*address});
    } else if (known != known_.end() && names == Names::remember) {
      take(number, known->second);
    } else {
      unknown.push_back(number);
    }
  }
  for (const std::size_t number : unknown) tasks_.spawn(resolve(id, number));
  if (!unknown.empty()) tasks_.spawn(end_head_start(id));
  tell();
}

asio::awaitable<void> GatewayFinder::resolve(SearchId search, std::size_t gateway)
{
  co_await asio::this_coro::throw_if_cancelled(false);
  if (!search_ || search_->id != search) co_return;
  const config::HostPort asked = search_->gateways[gateway];
  asio::ip::udp::resolver resolver{control_};
  const auto [ec, answers] = co_await resolver.async_resolve(
      asked.host, std::to_string(asked.port),
      asio::ip::resolver_base::numeric_service | asio::ip::resolver_base::address_configured,
      asio::cancel_after(kResolveTimeout, with_ec));
  const bool stop = co_await stop_requested();
  if (stop) co_return;

  std::vector<IpAddress> addresses;
  for (const auto& answer : answers) {
    if (const auto address = IpAddress::parse(answer.endpoint().address().to_string()))
      addresses.push_back(*address);
  }
  if (!addresses.empty()) known_[asked.host] = addresses;
  if (!search_ || search_->id != search) co_return;
  // DNS that does not answer now has perhaps done so before.
  if (const auto known = known_.find(asked.host); known != known_.end()) {
    take(gateway, known->second);
  } else {
    const std::string why = ec ? " (" + ec.message() + ")" : "";
    search_->answered[gateway] = true;
    search_->news.missing.push_back(fail(Errc::unreachable, "resolve " + asked.host + why));
  }
  tell();
}

asio::awaitable<void> GatewayFinder::end_head_start(SearchId search)
{
  co_await asio::this_coro::throw_if_cancelled(false);
  asio::steady_timer timer{control_, RacePlan::kHeadStart};
  [[maybe_unused]] const auto [ec] = co_await timer.async_wait(with_ec);
  const bool stop = co_await stop_requested();
  if (stop || !search_ || search_->id != search) co_return;
  search_->waits = false;
  // DNS may be dead: what it has said before is better than nothing.
  for (std::size_t number = 0; number < search_->gateways.size(); ++number) {
    const auto known = known_.find(search_->gateways[number].host);
    if (!search_->answered[number] && known != known_.end()) offer(number, known->second);
  }
  tell();
}

void GatewayFinder::take(std::size_t gateway, const std::vector<IpAddress>& addresses)
{
  search_->answered[gateway] = true;
  offer(gateway, addresses);
}

void GatewayFinder::offer(std::size_t gateway, const std::vector<IpAddress>& addresses)
{
  for (const IpAddress& address : addresses)
    search_->news.candidates.push_back({{address, search_->gateways[gateway].port}, gateway});
}

// Passes on what is new, once the best gateway is known or has had its time.
void GatewayFinder::tell()
{
  const bool complete = std::ranges::find(search_->answered, false) == search_->answered.end();
  if (search_->waits && !search_->answered.front()) return;
  if (search_->news.candidates.empty() && !complete) return;
  News news = std::exchange(search_->news, {});
  news.complete = complete;
  if (!complete) std::swap(news.missing, search_->news.missing);
  const Listener listener = search_->listener;
  if (complete) search_.reset();
  listener(news);
}

asio::awaitable<void> GatewayFinder::stop()
{
  search_.reset();
  tasks_.cancel();
  co_await tasks_.join();
}

}  // namespace slopn::daemon
