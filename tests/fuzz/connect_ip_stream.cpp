// The whole stream of a peer, given to both sides.

#include <chrono>
#include <cstddef>
#include <cstdint>

#include "libtunnel/core/connect_ip_client.hpp"
#include "libtunnel/core/connect_ip_gateway.hpp"
#include "tests/fuzz/must.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
  using namespace slopn;
  const ByteView stream = view(data, size);
  const Clock::time_point now{};

  ConnectIpClient client;
  client.on_accepted(now, std::chrono::milliseconds{10});
  (void)client.on_stream_data(stream.first(size / 2), now);
  (void)client.on_time(now + std::chrono::milliseconds{10});
  (void)client.on_stream_data(stream.subspan(size / 2), now);
  for (const auto& event : client.take_events()) {
    if (const auto* configured = std::get_if<connect_ip::Configured>(&event))
      fuzz::must(!configured->addresses.empty());
  }
  fuzz::must(!client.on_stream_end());

  ConnectIpGateway gateway{{.addresses = {*IpPrefix::parse("10.0.0.2/32")},
                            .routes = {wire::range_of(*IpPrefix::parse("0.0.0.0/0"))}}};
  (void)gateway.on_stream_data(stream, now);
  // 1000 answers, each with our address; a refusal only answers one request.
  fuzz::must(gateway.take_output().size() <= 64 * 1024);
  fuzz::must(!gateway.on_stream_end());
  return 0;
}
