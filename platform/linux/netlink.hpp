#pragma once

#include <libmnl/libmnl.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <new>
#include <optional>
#include <string_view>

#include "libtunnel/base/bytes.hpp"
#include "libtunnel/base/result.hpp"

/// rtnetlink, synchronous: one request, and its answer before the call returns. The kernel answers
/// such requests while they are being sent, so nothing here waits for anybody else.
namespace slopn::platform::netlink {

/// One message to the kernel. Its buffer is part of it, so it cannot be copied or moved.
class Request {
 public:
  /// `type` is RTM_...; `flags` are NLM_F_..., NLM_F_REQUEST is added.
  Request(std::uint16_t type, std::uint16_t flags) noexcept;
  Request(const Request&) = delete;
  Request& operator=(const Request&) = delete;

  /// The family header that follows the netlink header (`rtmsg`, `ifinfomsg`, ...), zeroed.
  template <class Header>
  Header& family_header() noexcept
  {
    return *new (mnl_nlmsg_put_extra_header(header_, sizeof(Header))) Header{};
  }

  void put_u8(std::uint16_t attribute, std::uint8_t value) noexcept;
  void put_u32(std::uint16_t attribute, std::uint32_t value) noexcept;
  void put_text(std::uint16_t attribute, std::string_view value);
  void put_bytes(std::uint16_t attribute, ByteView value) noexcept;

  [[nodiscard]] nlattr* begin_nest(std::uint16_t attribute) noexcept;
  void end_nest(nlattr* nest) noexcept;

  [[nodiscard]] nlmsghdr* raw() noexcept { return header_; }

 private:
  // The longest request we make is a link change with an alias of 255 bytes.
  static constexpr std::size_t kCapacityBytes = 1024;
  alignas(nlmsghdr) std::array<std::byte, kCapacityBytes> buffer_{};
  nlmsghdr* header_;
};

/// The attributes of a message or of a nest, by type. Valid as long as the message. An attribute
/// of an unexpected size reads as absent.
class Attributes {
 public:
  /// Of a message whose family header has `header_bytes`.
  Attributes(const nlmsghdr& message, std::size_t header_bytes) noexcept;
  /// Of a nest; empty for null.
  explicit Attributes(const nlattr* nest) noexcept;

  [[nodiscard]] const nlattr* find(std::uint16_t type) const noexcept;
  [[nodiscard]] std::optional<std::uint8_t> u8(std::uint16_t type) const noexcept;
  [[nodiscard]] std::optional<std::uint32_t> u32(std::uint16_t type) const noexcept;
  [[nodiscard]] std::string_view text(std::uint16_t type) const noexcept;
  [[nodiscard]] ByteView bytes(std::uint16_t type) const noexcept;

 private:
  static int add(const nlattr* attribute, void* attributes) noexcept;  // called by libmnl

  static constexpr std::size_t kMaxTypes = 96;  // IFLA_ has the most, about 70
  std::array<const nlattr*, kMaxTypes> by_type_{};
};

/// The family header of a received message.
template <class Header>
[[nodiscard]] const Header& family_header(const nlmsghdr& message) noexcept
{
  return *static_cast<const Header*>(mnl_nlmsg_get_payload(&message));
}

class Socket {
 public:
  using Visitor = std::function<void(const nlmsghdr&)>;

  /// Talks to the network namespace that is current now, for ever.
  [[nodiscard]] static Result<Socket> open();

  /// Sends a request that changes something, or asks for one object (`on_answer` gets it).
  /// The error says why in the kernel's own words where it has any.
  [[nodiscard]] Result<> transact(Request& request, const Visitor& on_answer = {});

  /// Sends a dump request (NLM_F_DUMP is added) and calls `visit` for every object.
  /// When the kernel's list changed meanwhile it is asked again, so objects may come twice.
  [[nodiscard]] Result<> dump(Request& request, const Visitor& visit);

 private:
  struct Close {
    void operator()(mnl_socket* socket) const noexcept { mnl_socket_close(socket); }
  };
  enum class Progress { more, done, interrupted };

  explicit Socket(mnl_socket* socket) noexcept : socket_(socket) {}
  [[nodiscard]] Result<> send(Request& request);
  [[nodiscard]] Result<Progress> receive(const Visitor& visit);

  std::unique_ptr<mnl_socket, Close> socket_;
  std::uint32_t sequence_ = 0;
};

}  // namespace slopn::platform::netlink
