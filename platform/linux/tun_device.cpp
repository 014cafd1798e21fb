#include "platform/tun_queues.hpp"

#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <sys/ioctl.h>

#include <boost/asio/posix/stream_descriptor.hpp>
#include <cerrno>
#include <utility>

#include "libtunnel/base/async.hpp"
#include "libtunnel/base/unique_fd.hpp"
#include "platform/linux/link.hpp"
#include "platform/linux/netlink.hpp"
#include "platform/linux/os_error.hpp"
#include "platform/linux/sysctl.hpp"
#include "platform/linux/tun_queue.hpp"
#include "platform/linux/tun_steering.hpp"

// Older headers than the kernels they run on.
#ifndef TUN_F_USO4
#define TUN_F_USO4 0x20
#define TUN_F_USO6 0x40
#endif

namespace slopn::platform {
namespace {

// The kernel's default of 500 overflows while a gigabit sender fills a window of 30 ms.
constexpr std::uint32_t kTransmitQueuePackets = 1000;

class LinuxTunDevice final : public TunDevice {
 public:
  LinuxTunDevice(const asio::any_io_executor& executor, UniqueFd fd, const Link& link,
                 TunQueue::Framing framing, TunOffloads offloads)
      : stream_(executor, fd.release()),
        queue_(stream_.native_handle(), link.name, framing),
        name_(link.name),
        index_(link.index),
        offloads_(offloads)
  {
  }

  std::string_view name() const noexcept override { return name_; }
  std::uint32_t index() const noexcept override { return index_; }
  TunOffloads offloads() const noexcept override { return offloads_; }

  asio::awaitable<Result<>> wait_readable() override
  {
    // No deadline: a host may have nothing to say for days. The caller cancels.
    auto [ec] = co_await stream_.async_wait(asio::posix::stream_descriptor::wait_read, with_ec);
    if (ec) co_return fail(ec, "wait for " + name_);
    co_return Result<>{};
  }

  Result<std::size_t> read_batch(PacketBatch& batch) override { return queue_.read_batch(batch); }

  Result<std::size_t> write_batch(std::span<const HostPacket> packets) override
  {
    return queue_.write_batch(packets);
  }

 private:
  asio::posix::stream_descriptor stream_;
  TunQueue queue_;
  std::string name_;
  std::uint32_t index_;
  TunOffloads offloads_;
};

// "slopn0", or "slopn%d" for the first free number. Anything else with a percent sign is refused.
bool valid_name_template(std::string_view name) noexcept
{
  if (name.size() >= IFNAMSIZ) return false;
  if (name.ends_with("%d")) name.remove_suffix(2);
  return valid_interface_name(name);
}

bool offers_vnet_header(int fd)
{
  unsigned features = 0;
  return ::ioctl(fd, TUNGETFEATURES, &features) == 0 && (features & IFF_VNET_HDR) != 0;
}

// Asks for as much of `wanted` as this kernel has: UDP came in Linux 6.2, the rest long before.
TunOffloads enable_offloads(int fd, TunOffloads wanted)
{
  constexpr unsigned kTcp = TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN;
  constexpr unsigned kUdp = TUN_F_USO4 | TUN_F_USO6;
  const auto accepts = [&](unsigned flags) {
    return ::ioctl(fd, TUNSETOFFLOAD, TUN_F_CSUM | flags) == 0;
  };
  if (accepts((wanted.tcp ? kTcp : 0) | (wanted.udp ? kUdp : 0))) return wanted;
  if (wanted.tcp && accepts(kTcp)) return {.tcp = true, .udp = false};
  (void)::ioctl(fd, TUNSETOFFLOAD, 0);
  return {};
}

Result<Link> configure_link(const std::string& name, std::uint16_t mtu_bytes)
{
  auto socket = netlink::Socket::open();
  if (!socket) return socket.error();
  auto link = find_link(*socket, name);
  if (!link) return link;

  if (auto set = set_link(*socket, link->index,
                          {.mtu_bytes = mtu_bytes,
                           .transmit_queue_packets = kTransmitQueuePackets,
                           .alias = kOurAlias});
      !set)
    return std::move(set.error()).within("set MTU " + std::to_string(mtu_bytes));
  silence_ipv6(*socket, *link);  // before it is up: afterwards the kernel has spoken already
  // Otherwise removing the first address of a subnet would take the others with it.
  (void)write_sysctl("net/ipv4/conf/" + link->name + "/promote_secondaries", "1");
  if (auto up = set_link(*socket, link->index, {.bring_up = true}); !up)
    return std::move(up.error()).within("bring link up");
  return link;
}

// Opens one more queue, or the only one. `request` holds the template before and the name after.
Result<> attach_queue(int fd, ifreq& request, int flags)
{
  request.ifr_flags = static_cast<short>(IFF_TUN | IFF_NO_PI | flags);
  const std::string name{request.ifr_name};
  if (::ioctl(fd, TUNSETIFF, &request) < 0) {
    if (errno == EBUSY) return fail(Errc::busy, "TUN interface " + name);
    return last_os_error("create TUN interface " + name);
  }
  return {};
}

// All queues of one interface, which is not up yet.
struct Queues {
  std::vector<UniqueFd> fds;
  TunQueue::Framing framing = TunQueue::Framing::none;
};

Result<Queues> open_queues(ifreq& request, std::size_t count, TunOffloads wanted)
{
  Queues queues;
  for (std::size_t i = 0; i < count; ++i) {
    UniqueFd fd{::open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK)};
    if (!fd) return last_os_error("open /dev/net/tun");
    if ((wanted.tcp || wanted.udp) && offers_vnet_header(fd.get()))
      queues.framing = TunQueue::Framing::vnet_header;
    int flags = queues.framing == TunQueue::Framing::vnet_header ? IFF_VNET_HDR : 0;
    // Without IFF_TUN_EXCL, ours would become one more queue of somebody else's interface.
    if (count > 1) flags |= IFF_MULTI_QUEUE | (i == 0 ? IFF_TUN_EXCL : 0);
    if (auto attached = attach_queue(fd.get(), request, flags); !attached) return attached.error();
    queues.fds.push_back(std::move(fd));
  }
  return queues;
}

}  // namespace

Result<std::unique_ptr<TunDevice>> open_tun(asio::any_io_executor executor,
                                            const TunOptions& options)
{
  auto opened = open_tun_queues({&executor, 1}, options, 0);
  if (!opened) return opened.error();
  return std::move(opened->devices.front());
}

Result<TunQueues> open_tun_queues(std::span<const asio::any_io_executor> executors,
                                  const TunOptions& options, std::size_t steered_addresses)
{
  if (!valid_name_template(options.name_template))
    return fail(Errc::invalid_argument, "interface name '" + options.name_template + "'");

  ifreq request{};
  options.name_template.copy(request.ifr_name, sizeof request.ifr_name - 1);
  auto queues = open_queues(request, executors.size(), options.offloads);
  if (!queues) return queues.error();
  const std::string name{request.ifr_name};

  TunQueues made;
  if (queues->fds.size() > 1 && steered_addresses > 0) {
    auto steering = steer_tun(queues->fds.front().get(), steered_addresses);
    if (steering)
      made.steering = std::move(*steering);
    else
      made.steering_refused = std::move(steering.error());
  }
  auto link = configure_link(name, options.mtu_bytes);
  if (!link) return std::move(link.error()).within(name);
  const TunOffloads offloads = queues->framing == TunQueue::Framing::vnet_header
                                   ? enable_offloads(queues->fds.front().get(), options.offloads)
                                   : TunOffloads{};
  for (std::size_t i = 0; i < executors.size(); ++i) {
    made.devices.push_back(std::make_unique<LinuxTunDevice>(executors[i], std::move(queues->fds[i]),
                                                            *link, queues->framing, offloads));
  }
  return made;
}

}  // namespace slopn::platform
