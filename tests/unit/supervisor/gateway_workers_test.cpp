#include "daemon/supervisor/gateway_workers.hpp"

#include <catch2/catch_test_macros.hpp>

#include "daemon/supervisor/gateway_options.hpp"

using namespace slopn;
using namespace slopn::daemon;

TEST_CASE("gateway workers: one gets all limits as they are", "[unit][supervisor]")
{
  session::GatewayEndpointOptions whole;
  whole.max_handshakes = 77;
  const auto share = share_of(whole, 0, 1);
  CHECK(share.max_handshakes == 77);
  CHECK(share.max_visitors == whole.max_visitors);
  CHECK(share.retry_above_handshakes == whole.retry_above_handshakes);
  CHECK(share.max_sessions == whole.max_sessions);
  CHECK(share.workers == 1);
}

TEST_CASE("gateway workers: limits for strangers are shared out, none becomes zero",
          "[unit][supervisor]")
{
  session::GatewayEndpointOptions whole;
  whole.max_handshakes = 10;
  whole.max_visitors = 1;
  whole.retry_above_handshakes = 9;
  const auto share = share_of(whole, 3, 4);
  CHECK(share.max_handshakes == 3);
  CHECK(share.max_visitors == 1);
  CHECK(share.retry_above_handshakes == 3);
  CHECK(share.worker == 3);
  CHECK(share.workers == 4);
  // Clients are counted where they are admitted.
  CHECK(share.max_sessions == whole.max_sessions);
}

TEST_CASE("gateway workers: 'always ask for an address proof' stays always", "[unit][supervisor]")
{
  session::GatewayEndpointOptions whole;
  whole.retry_above_handshakes = 0;
  CHECK(share_of(whole, 1, 8).retry_above_handshakes == 0);
}

TEST_CASE("gateway workers: as many as configured, or one for each core", "[unit][supervisor]")
{
  config::GatewayConfig config;
  config.workers = 5;
  CHECK(worker_count(config) == 5);
  config.workers = 0;
  CHECK(worker_count(config) >= 1);
  CHECK(worker_count(config) <= 64);
}
