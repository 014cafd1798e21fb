// fleet: many clients against one gateway; see options.cpp.

#include <sys/resource.h>

#include <csignal>
#include <cstdio>
#include <fstream>

#include "daemon/config/client_registry.hpp"
#include "libtunnel/base/file.hpp"
#include "tests/bench/fleet/report.hpp"

namespace slopn::fleet {
namespace {

constexpr rlim_t kOtherDescriptors = 64;

std::atomic<bool> stop_wanted{false};
static_assert(std::atomic<bool>::is_always_lock_free);

void want_stop(int)
{
  stop_wanted = true;
}

int complain(const Error& error)
{
  std::fprintf(stderr, "fleet: %s\n", error.message().c_str());
  return 1;
}

// Fixed times and keys: the same file each time.
Result<> write_clients(const Options& options)
{
  std::vector<config::InvitedClient> clients;
  for (std::size_t i = 0; i < options.clients; ++i)
    clients.push_back({"fleet-" + std::to_string(i), key_of_client(i).public_key(), {}});
  return atomic_write_file(*options.write_clients, config::format_clients(clients), 0600);
}

Result<> allow_sockets(std::size_t clients)
{
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  const rlim_t wanted = clients + kOtherDescriptors;
  if (limit.rlim_cur >= wanted) return {};
  limit.rlim_cur = wanted;
  limit.rlim_max = std::max(limit.rlim_max, wanted);
  if (::setrlimit(RLIMIT_NOFILE, &limit) < 0)
    return fail({errno, boost::system::system_category()}, "have a socket for each client");
  return {};
}

int run(const Options& options)
{
  if (options.write_clients) {
    const auto written = write_clients(options);
    return written ? 0 : complain(written.error());
  }
  if (auto allowed = allow_sockets(options.clients); !allowed) return complain(allowed.error());
  struct sigaction action {};
  action.sa_handler = want_stop;
  ::sigaction(SIGINT, &action, nullptr);
  ::sigaction(SIGTERM, &action, nullptr);

  const auto tls = quic::TlsContext::for_client({quic::PinnedKeys{{options.pin}}, "", {}});
  if (!tls) return complain(tls.error());
  Fleet fleet{options, *tls, stop_wanted};
  const auto figures = fleet.run();
  if (!figures) return complain(figures.error());
  std::fputs(to_text(*figures).c_str(), stdout);
  if (options.json_path && !(std::ofstream{*options.json_path} << to_json(*figures)).flush())
    return complain(fail(Errc::invalid_argument, "write " + options.json_path->string()));
  if (stop_wanted) return 130;
  return figures->opening.opened == options.clients ? 0 : 1;
}

}  // namespace
}  // namespace slopn::fleet

int main(int argc, char** argv)
{
  const auto parsed = slopn::fleet::parse_options(argc, argv);
  return parsed.options ? slopn::fleet::run(*parsed.options) : parsed.exit_code;
}
