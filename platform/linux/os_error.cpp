#include "platform/linux/os_error.hpp"

#include <boost/system/system_category.hpp>
#include <cerrno>
#include <string>

namespace slopn::platform {

Error os_error(int error_number, std::string_view operation)
{
  if (error_number == EPERM || error_number == EACCES) {
    const boost::system::error_code reason{error_number, boost::system::system_category()};
    return fail(Errc::platform_denied, std::string{operation} + ": " + reason.message());
  }
  return fail({error_number, boost::system::system_category()}, operation);
}

Error last_os_error(std::string_view operation)
{
  return os_error(errno, operation);
}

}  // namespace slopn::platform
