#include "platform/linux/netlink.hpp"

#include <linux/rtnetlink.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <cassert>
#include <cerrno>
#include <string>
#include <vector>

#include "platform/linux/os_error.hpp"

namespace slopn::platform::netlink {
namespace {

constexpr std::size_t kReceiveBytes = 32'768;  // what the kernel fills at most in a dump
constexpr int kDumpTries = 5;

// The kernel's explanation, if the answer carries one (NETLINK_EXT_ACK).
std::string_view explanation(const nlmsghdr& message) noexcept
{
  if ((message.nlmsg_flags & NLM_F_ACK_TLVS) == 0) return {};
  const auto& error = family_header<nlmsgerr>(message);
  std::size_t header_bytes = sizeof(nlmsgerr);
  if ((message.nlmsg_flags & NLM_F_CAPPED) == 0) {
    if (error.msg.nlmsg_len < sizeof(nlmsghdr)) return {};
    header_bytes += error.msg.nlmsg_len - sizeof(nlmsghdr);
  }
  if (header_bytes > mnl_nlmsg_get_payload_len(&message)) return {};
  return Attributes{message, header_bytes}.text(NLMSGERR_ATTR_MSG);
}

}  // namespace

Request::Request(std::uint16_t type, std::uint16_t flags) noexcept
    : header_(mnl_nlmsg_put_header(buffer_.data()))
{
  header_->nlmsg_type = type;
  header_->nlmsg_flags = static_cast<std::uint16_t>(flags | NLM_F_REQUEST);
}

void Request::put_u8(std::uint16_t attribute, std::uint8_t value) noexcept
{
  put_bytes(attribute, std::as_bytes(std::span{&value, 1}));
}

void Request::put_u32(std::uint16_t attribute, std::uint32_t value) noexcept
{
  put_bytes(attribute, std::as_bytes(std::span{&value, 1}));
}

void Request::put_text(std::uint16_t attribute, std::string_view value)
{
  const std::string terminated{value};
  put_bytes(attribute, std::as_bytes(std::span{terminated.c_str(), terminated.size() + 1}));
}

void Request::put_bytes(std::uint16_t attribute, ByteView value) noexcept
{
  [[maybe_unused]] const bool fits =
      mnl_attr_put_check(header_, kCapacityBytes, attribute, value.size(), value.data());
  assert(fits);
}

nlattr* Request::begin_nest(std::uint16_t attribute) noexcept
{
  nlattr* nest = mnl_attr_nest_start_check(header_, kCapacityBytes, attribute);
  assert(nest != nullptr);
  return nest;
}

void Request::end_nest(nlattr* nest) noexcept
{
  mnl_attr_nest_end(header_, nest);
}

Attributes::Attributes(const nlmsghdr& message, std::size_t header_bytes) noexcept
{
  (void)mnl_attr_parse(&message, static_cast<unsigned>(header_bytes), &Attributes::add, this);
}

Attributes::Attributes(const nlattr* nest) noexcept
{
  if (nest != nullptr) (void)mnl_attr_parse_nested(nest, &Attributes::add, this);
}

int Attributes::add(const nlattr* attribute, void* attributes) noexcept
{
  auto& by_type = static_cast<Attributes*>(attributes)->by_type_;
  const std::uint16_t type = mnl_attr_get_type(attribute);
  if (type < by_type.size()) by_type[type] = attribute;
  return MNL_CB_OK;
}

const nlattr* Attributes::find(std::uint16_t type) const noexcept
{
  return type < by_type_.size() ? by_type_[type] : nullptr;
}

std::optional<std::uint8_t> Attributes::u8(std::uint16_t type) const noexcept
{
  const nlattr* attribute = find(type);
  if (attribute == nullptr || mnl_attr_get_payload_len(attribute) != 1) return std::nullopt;
  return mnl_attr_get_u8(attribute);
}

std::optional<std::uint32_t> Attributes::u32(std::uint16_t type) const noexcept
{
  const nlattr* attribute = find(type);
  if (attribute == nullptr || mnl_attr_get_payload_len(attribute) != 4) return std::nullopt;
  return mnl_attr_get_u32(attribute);
}

std::string_view Attributes::text(std::uint16_t type) const noexcept
{
  const std::string_view padded = as_text(bytes(type));
  return padded.substr(0, padded.find('\0'));
}

ByteView Attributes::bytes(std::uint16_t type) const noexcept
{
  const nlattr* attribute = find(type);
  if (attribute == nullptr) return {};
  return {static_cast<const std::byte*>(mnl_attr_get_payload(attribute)),
          mnl_attr_get_payload_len(attribute)};
}

Result<Socket> Socket::open()
{
  Socket socket{mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC)};
  if (!socket.socket_) return last_os_error("open rtnetlink socket");
  if (mnl_socket_bind(socket.socket_.get(), 0, MNL_SOCKET_AUTOPID) < 0)
    return last_os_error("bind rtnetlink socket");

  // Old kernels know none of these; we then get shorter explanations and longer dumps.
  int on = 1;
  for (const int option : {NETLINK_EXT_ACK, NETLINK_CAP_ACK, NETLINK_GET_STRICT_CHK})
    (void)mnl_socket_setsockopt(socket.socket_.get(), option, &on, sizeof on);

  const timeval patience{.tv_sec = 3, .tv_usec = 0};
  if (::setsockopt(mnl_socket_get_fd(socket.socket_.get()), SOL_SOCKET, SO_RCVTIMEO, &patience,
                   sizeof patience) < 0)
    return last_os_error("set rtnetlink timeout");
  return socket;
}

Result<> Socket::send(Request& request)
{
  request.raw()->nlmsg_seq = ++sequence_;
  if (mnl_socket_sendto(socket_.get(), request.raw(), request.raw()->nlmsg_len) < 0)
    return last_os_error("send to rtnetlink");
  return {};
}

Result<Socket::Progress> Socket::receive(const Visitor& visit)
{
  alignas(nlmsghdr) std::array<std::byte, kReceiveBytes> buffer;
  const auto received = mnl_socket_recvfrom(socket_.get(), buffer.data(), buffer.size());
  if (received < 0) {
    if (errno == EAGAIN) return fail(Errc::timed_out, "answer from rtnetlink");
    return last_os_error("receive from rtnetlink");
  }

  bool interrupted = false;
  int left = static_cast<int>(received);
  for (const auto* message = reinterpret_cast<const nlmsghdr*>(buffer.data());
       mnl_nlmsg_ok(message, left); message = mnl_nlmsg_next(message, &left)) {
    if (message->nlmsg_seq != sequence_) continue;  // what is left of a request that timed out
    if ((message->nlmsg_flags & NLM_F_DUMP_INTR) != 0) interrupted = true;
    switch (message->nlmsg_type) {
      case NLMSG_NOOP:
        continue;
      case NLMSG_OVERRUN:
        return fail(Errc::busy, "rtnetlink lost messages");
      case NLMSG_DONE:
      case NLMSG_ERROR: {
        // Both start with a negative errno value, or zero.
        if (mnl_nlmsg_get_payload_len(message) < sizeof(int)) return Progress::done;
        const int error = family_header<int>(*message);
        if (error != 0) {
          return os_error(-error, message->nlmsg_type == NLMSG_ERROR ? explanation(*message) : "");
        }
        return interrupted ? Progress::interrupted : Progress::done;
      }
      default:
        if (visit) visit(*message);
    }
  }
  return interrupted ? Progress::interrupted : Progress::more;
}

Result<> Socket::transact(Request& request, const Visitor& on_answer)
{
  request.raw()->nlmsg_flags = static_cast<std::uint16_t>(request.raw()->nlmsg_flags | NLM_F_ACK);
  if (auto sent = send(request); !sent) return sent;
  for (;;) {
    auto progress = receive(on_answer);
    if (!progress) return progress.error();
    if (*progress == Progress::done) return {};
  }
}

Result<> Socket::dump(Request& request, const Visitor& visit)
{
  request.raw()->nlmsg_flags = static_cast<std::uint16_t>(request.raw()->nlmsg_flags | NLM_F_DUMP);
  for (int attempt = 0; attempt < kDumpTries; ++attempt) {
    if (auto sent = send(request); !sent) return sent;
    bool interrupted = false;
    for (;;) {
      auto progress = receive(visit);
      if (!progress) return progress.error();
      if (*progress == Progress::interrupted) interrupted = true;
      if (*progress == Progress::done) break;
    }
    if (!interrupted) return {};
  }
  return fail(Errc::busy, "the kernel's tables change faster than they can be read");
}

}  // namespace slopn::platform::netlink
