#include "daemon/measure/measure_service.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_future.hpp>

#include "daemon/measure/sockets.hpp"

namespace slopn::measure {

Result<MeasureService::Sockets> MeasureService::open(const UdpEndpoint& at,
                                                     const std::string& interface_name)
{
  auto tcp = listen_tcp(at, interface_name);
  if (!tcp) return std::move(tcp.error()).within("TCP");
  auto udp = open_udp(at, interface_name);
  if (!udp) return std::move(udp.error()).within("UDP");
  return Sockets{at, std::move(*tcp), std::move(*udp)};
}

Result<std::unique_ptr<MeasureService>> MeasureService::start(const MeasureOptions& options)
{
  std::vector<Sockets> sockets;
  Error reason = fail(Errc::invalid_argument, "no address to measure at");
  for (const IpAddress& address : options.addresses) {
    auto opened = open({address, options.port}, options.interface_name);
    if (opened) {
      sockets.push_back(std::move(*opened));
    } else {
      reason = std::move(opened.error());
    }
  }
  if (sockets.empty()) return reason;
  return std::unique_ptr<MeasureService>{new MeasureService{std::move(sockets)}};
}

MeasureService::MeasureService(std::vector<Sockets> sockets)
{
  for (const Sockets& one : sockets) endpoints_.push_back(one.at);
  asio::post(thread_.executor(),
             [this, sockets = std::move(sockets)]() mutable { begin(std::move(sockets)); });
}

MeasureService::~MeasureService()
{
  asio::co_spawn(thread_.executor(), end(), asio::use_future).wait();
}

void MeasureService::begin(std::vector<Sockets> sockets)
{
  for (Sockets& one : sockets) {
    streams_.serve(one.at, std::move(one.tcp));
    echoes_.emplace_back(thread_.executor(), std::move(one.udp));
    echo_tasks_.spawn(echoes_.back().run());
  }
}

asio::awaitable<void> MeasureService::end()
{
  echo_tasks_.cancel();
  co_await echo_tasks_.join();
  co_await streams_.stop();
  echoes_.clear();
}

}  // namespace slopn::measure
