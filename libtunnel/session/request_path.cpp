#include "libtunnel/session/request_path.hpp"

#include <algorithm>

namespace slopn::session {
namespace {

constexpr std::string_view kPrefix = "/.well-known/masque/ip/";

bool is_any(std::string_view variable) noexcept
{
  return variable == "*" || variable == "%2A" || variable == "%2a";
}

}  // namespace

RequestPath classify_path(std::string_view path) noexcept
{
  if (!path.starts_with(kPrefix) || !path.ends_with('/')) return RequestPath::elsewhere;
  path.remove_prefix(kPrefix.size());
  if (path.empty()) return RequestPath::elsewhere;
  path.remove_suffix(1);
  const auto slash = path.find('/');
  if (slash == std::string_view::npos) return RequestPath::elsewhere;
  const std::string_view target = path.substr(0, slash);
  const std::string_view protocol = path.substr(slash + 1);
  if (target.empty() || protocol.empty() || protocol.find('/') != std::string_view::npos)
    return RequestPath::elsewhere;
  return is_any(target) && is_any(protocol) ? RequestPath::tunnel : RequestPath::narrower_tunnel;
}

}  // namespace slopn::session
