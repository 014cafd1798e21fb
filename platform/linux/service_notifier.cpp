#include "platform/service_notifier.hpp"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "libtunnel/base/unique_fd.hpp"

// The whole of systemd's notification protocol, as sd_notify(3) documents it: one datagram of lines
// to a Unix socket. Why this is not libsystemd: docs/decisions/0016-service.md.
namespace slopn::platform {
namespace {

/// Takes a variable out of the environment, so that no child process can speak for us.
std::string take_variable(const char* name)
{
  const char* const value = std::getenv(name);
  std::string text = value == nullptr ? "" : value;
  ::unsetenv(name);
  return text;
}

template <class Number>
std::optional<Number> parse(const std::string& text)
{
  Number number{};
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (ec != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

struct Address {
  sockaddr_un value{};
  socklen_t size = 0;
};

/// A path, or "@name" in the abstract name space; systemd gives no other kind to a service.
std::optional<Address> parse_address(const std::string& text)
{
  Address address;
  const bool usable = text.size() > 1 && text.size() < sizeof address.value.sun_path &&
                      (text.front() == '/' || text.front() == '@');
  if (!usable) return std::nullopt;
  address.value.sun_family = AF_UNIX;
  text.copy(address.value.sun_path, text.size());
  if (text.front() == '@') address.value.sun_path[0] = '\0';
  // The end of a path is its NUL, that of an abstract name is its size.
  const std::size_t nul = text.front() == '/' ? 1 : 0;
  address.size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + text.size() + nul);
  return address;
}

std::optional<std::chrono::microseconds> watchdog_of(const std::string& microseconds,
                                                     const std::string& pid)
{
  const auto value = parse<std::int64_t>(microseconds);
  if (!value || *value <= 0) return std::nullopt;
  // Inherited from a service that started us: meant for it, not for us.
  if (!pid.empty() && parse<pid_t>(pid) != ::getpid()) return std::nullopt;
  return std::chrono::microseconds{*value};
}

class SystemdNotifier final : public ServiceNotifier {
 public:
  SystemdNotifier(std::optional<Address> address, std::optional<std::chrono::microseconds> timeout)
      : address_(address), watchdog_timeout_(address ? timeout : std::nullopt)
  {
    if (address_) socket_.reset(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  }

  void notify(std::string_view assignments) noexcept override
  {
    if (!socket_) return;
    (void)::sendto(socket_.get(), assignments.data(), assignments.size(), MSG_NOSIGNAL,
                   reinterpret_cast<const sockaddr*>(&address_->value), address_->size);
  }

  std::optional<std::chrono::microseconds> watchdog_timeout() const override
  {
    return watchdog_timeout_;
  }

 private:
  std::optional<Address> address_;
  std::optional<std::chrono::microseconds> watchdog_timeout_;
  UniqueFd socket_;
};

}  // namespace

std::unique_ptr<ServiceNotifier> make_service_notifier()
{
  const auto address = parse_address(take_variable("NOTIFY_SOCKET"));
  const std::string microseconds = take_variable("WATCHDOG_USEC");
  const std::string pid = take_variable("WATCHDOG_PID");
  return std::make_unique<SystemdNotifier>(address, watchdog_of(microseconds, pid));
}

}  // namespace slopn::platform
