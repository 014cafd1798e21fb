#include "platform/network_monitor.hpp"

#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sys/socket.h>

#include <array>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <cerrno>
#include <cstddef>

#include "libtunnel/base/unique_fd.hpp"
#include "platform/linux/netlink.hpp"
#include "platform/linux/os_error.hpp"

namespace slopn::platform {
namespace {

constexpr std::uint32_t group(unsigned number) noexcept
{
  return 1U << (number - 1);  // bind() takes the first 32 as bits
}

constexpr std::uint32_t kGroups = group(RTNLGRP_LINK) | group(RTNLGRP_IPV4_IFADDR) |
                                  group(RTNLGRP_IPV6_IFADDR) | group(RTNLGRP_IPV4_ROUTE) |
                                  group(RTNLGRP_IPV6_ROUTE) | group(RTNLGRP_IPV4_RULE) |
                                  group(RTNLGRP_IPV6_RULE);

// Hears that something changed. What it was does not matter, so nothing is parsed.
Result<UniqueFd> open_events()
{
  UniqueFd fd{::socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, NETLINK_ROUTE)};
  if (!fd) return last_os_error("open rtnetlink socket");
  sockaddr_nl address{};
  address.nl_family = AF_NETLINK;
  address.nl_groups = kGroups;
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) < 0)
    return last_os_error("listen to rtnetlink");
  return fd;
}

// How the kernel says that there is no way; anything else is an error of ours or of its.
bool means_no_way(const boost::system::error_code& code) noexcept
{
  if (code == Errc::platform_denied) return true;  // a "prohibit" route: asking needs no rights
  switch (code.value()) {
    case ENETUNREACH:
    case EHOSTUNREACH:
    case ENETDOWN:
    case EINVAL:  // a "blackhole" route
    case EAFNOSUPPORT:
    case EOPNOTSUPP:  // no IPv6 on this host
      return true;
    default:
      return false;
  }
}

// The address and the interface; whether that can send is another question.
std::optional<LocalPath> read_path(const nlmsghdr& message)
{
  const auto& header = netlink::family_header<rtmsg>(message);
  if (header.rtm_type != RTN_UNICAST && header.rtm_type != RTN_LOCAL) return std::nullopt;
  const netlink::Attributes attributes{message, sizeof header};
  const auto source = IpAddress::from_bytes(attributes.bytes(RTA_PREFSRC));
  const auto interface_index = attributes.u32(RTA_OIF);
  if (!source || source->is_unspecified() || !interface_index) return std::nullopt;
  return LocalPath{*source, *interface_index, {}};
}

class LinuxNetworkMonitor final : public NetworkMonitor {
 public:
  LinuxNetworkMonitor(asio::any_io_executor executor, UniqueFd events, netlink::Socket socket)
      : events_(std::move(executor), events.release()), socket_(std::move(socket))
  {
  }

  asio::awaitable<Result<>> wait_change() override
  {
    for (;;) {
      const auto [ec] =
          co_await events_.async_wait(asio::posix::stream_descriptor::wait_read, with_ec);
      if (ec) co_return fail(ec, "wait for changes of the network");
      const auto changed = drain();
      if (!changed) co_return changed.error();
      if (*changed) co_return Result<>{};
    }
  }

  Result<std::optional<LocalPath>> path_to(const IpAddress& destination,
                                           std::uint32_t mark) override
  {
    netlink::Request request{RTM_GETROUTE, 0};
    auto& header = request.family_header<rtmsg>();
    header.rtm_family = destination.is_v4() ? AF_INET : AF_INET6;
    header.rtm_dst_len = destination.is_v4() ? 32 : 128;
    request.put_bytes(RTA_DST, destination.bytes());
    if (mark != 0) request.put_u32(RTA_MARK, mark);
    std::optional<LocalPath> path;
    auto asked = socket_.transact(request, [&](const nlmsghdr& message) {
      if (message.nlmsg_type == RTM_NEWROUTE) path = read_path(message);
    });
    if (!asked && means_no_way(asked.error().code)) return std::optional<LocalPath>{};
    if (!asked) return std::move(asked.error()).within("ask for the way to the gateway");
    if (path && !read_interface(*path)) return std::optional<LocalPath>{};
    return path;
  }

 private:
  // Completes `path`. Routes stay when a cable is pulled or an access point lost: false then, and
  // when the interface went away meanwhile.
  [[nodiscard]] bool read_interface(LocalPath& path)
  {
    netlink::Request request{RTM_GETLINK, 0};
    auto& header = request.family_header<ifinfomsg>();
    header.ifi_family = AF_UNSPEC;
    header.ifi_index = static_cast<int>(path.interface_index);
    unsigned flags = 0;
    const auto asked = socket_.transact(request, [&](const nlmsghdr& message) {
      if (message.nlmsg_type != RTM_NEWLINK) return;
      const auto& link = netlink::family_header<ifinfomsg>(message);
      flags = link.ifi_flags;
      path.interface_name = netlink::Attributes{message, sizeof link}.text(IFLA_IFNAME);
    });
    return asked && (flags & IFF_UP) != 0 && (flags & IFF_RUNNING) != 0;
  }

  // Empties the socket. A message that was lost for want of room says as much as one that came.
  Result<bool> drain()
  {
    bool changed = false;
    for (;;) {
      std::array<std::byte, 64> start;  // the rest is cut off
      const auto size = ::recv(events_.native_handle(), start.data(), start.size(), MSG_DONTWAIT);
      if (size >= 0 || errno == ENOBUFS)
        changed = true;
      else if (errno == EAGAIN || errno == EWOULDBLOCK)
        return changed;
      else if (errno != EINTR)
        return last_os_error("read from rtnetlink");
    }
  }

  asio::posix::stream_descriptor events_;
  netlink::Socket socket_;
};

}  // namespace

Result<std::unique_ptr<NetworkMonitor>> make_network_monitor(asio::any_io_executor executor)
{
  auto events = open_events();
  if (!events) return events.error();
  auto socket = netlink::Socket::open();
  if (!socket) return socket.error();
  return std::unique_ptr<NetworkMonitor>{std::make_unique<LinuxNetworkMonitor>(
      std::move(executor), std::move(*events), std::move(*socket))};
}

}  // namespace slopn::platform
