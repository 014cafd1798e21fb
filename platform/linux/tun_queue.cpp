#include "platform/linux/tun_queue.hpp"

#include <poll.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "platform/linux/os_error.hpp"
#include "platform/linux/vnet_header.hpp"

namespace slopn::platform {
namespace {

// What to do with the rest of a batch after one packet was refused.
enum class WriteFailure { no_room, bad_packet, broken };

WriteFailure classify(int error_number) noexcept
{
  switch (error_number) {
    case EAGAIN:
    case ENOBUFS:
    case ENOMEM:
      return WriteFailure::no_room;
    case EINVAL:    // neither IPv4 nor IPv6
    case EMSGSIZE:  // longer than any packet
    case E2BIG:
      return WriteFailure::bad_packet;
    default:
      return WriteFailure::broken;
  }
}

// Reads one packet and what stands before it. Returns the packet's length, or -1 with `errno`.
ssize_t receive(TunQueue::Framing framing, int fd, VnetHeader& header, MutableByteView slot)
{
  if (framing == TunQueue::Framing::none) return ::read(fd, slot.data(), slot.size());
  const std::array<iovec, 2> parts{{{&header, sizeof header}, {slot.data(), slot.size()}}};
  const ssize_t length = ::readv(fd, parts.data(), parts.size());
  if (length < 0) return length;
  return std::max<ssize_t>(0, length - static_cast<ssize_t>(sizeof header));
}

ssize_t transmit(TunQueue::Framing framing, int fd, const HostPacket& packet)
{
  if (framing == TunQueue::Framing::none)
    return ::write(fd, packet.bytes.data(), packet.bytes.size());
  VnetHeader header = to_vnet_header(packet.offload);
  const std::array<iovec, 2> parts{
      {{&header, sizeof header}, {packet.bytes.data(), packet.bytes.size()}}};
  return ::writev(fd, parts.data(), parts.size());
}

}  // namespace

Result<std::size_t> TunQueue::read_batch(PacketBatch& batch) const
{
  std::size_t count = 0;
  while (!batch.full()) {
    const MutableByteView slot = batch.next_slot();
    VnetHeader header{};
    const ssize_t length = receive(framing_, fd_, header, slot);
    if (length < 0) {
      if (errno == EINTR) continue;
      if (errno == EAGAIN) break;
      return io_error(errno, "read from ");
    }
    const auto offload = from_vnet_header(header);
    if (!offload) continue;
    batch.commit(static_cast<std::size_t>(length), *offload);
    ++count;
  }
  // Woken for nothing: perhaps because there will never be anything again.
  if (count == 0 && !batch.full()) {
    if (auto alive = check_alive(); !alive) return alive.error();
  }
  return count;
}

Result<std::size_t> TunQueue::write_batch(std::span<const HostPacket> packets) const
{
  std::size_t taken = 0;
  while (taken < packets.size()) {
    if (transmit(framing_, fd_, packets[taken]) < 0) {
      if (errno == EINTR) continue;
      switch (classify(errno)) {
        case WriteFailure::no_room:
          return taken;
        case WriteFailure::bad_packet:
          break;
        case WriteFailure::broken:
          return io_error(errno, "write to ");
      }
    }
    ++taken;
  }
  return taken;
}

Result<> TunQueue::check_alive() const
{
  pollfd state{.fd = fd_, .events = POLLIN, .revents = 0};
  // The kernel reports POLLERR from the moment the interface is unregistered.
  if (::poll(&state, 1, 0) > 0 && (state.revents & POLLERR) != 0)
    return io_error(EBADFD, "wait for ");
  return {};
}

Error TunQueue::io_error(int error_number, const char* operation) const
{
  const char* reason = "";
  if (error_number == EBADFD) reason = ": the interface was deleted";
  if (error_number == EIO) reason = ": the interface is down";
  return os_error(error_number, operation + name_ + reason);
}

}  // namespace slopn::platform
