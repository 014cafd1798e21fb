#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "cli/format/json.hpp"
#include "libtunnel/base/ip.hpp"

namespace slopn::cli {

enum class Addresses { replace, keep };

/// Takes out of texts what must not leave this host with a support archive.
///
/// Always: private keys, invitations, passwords and tokens, and whatever looks like one of them.
/// Unless they are to be kept: public addresses, and the addresses and names of gateways.
/// Public keys, pins, addresses and names become "<key-1>", "<address-2>", "<host-1>": the same
/// thing has the same number in all texts, so that one still sees what belongs together.
class Redactor {
 public:
  explicit Redactor(Addresses addresses) : addresses_(addresses) {}

  /// A gateway or an outer address, with or without a port: replaced wherever it occurs, even when
  /// it is a private address.
  void know_outer(std::string_view host_port);

  [[nodiscard]] std::string clean(std::string_view text);

  /// Every string in `document`. A field's name says whether its value is a secret.
  void clean(Json& document);

 private:
  [[nodiscard]] std::string without_public_keys(const std::string& text);
  [[nodiscard]] std::string without_hosts(const std::string& text);
  [[nodiscard]] std::string without_addresses(const std::string& text);
  [[nodiscard]] bool is_outer(const IpAddress& address) const;
  [[nodiscard]] std::string numbered(std::string_view kind, const std::string& value);

  Addresses addresses_;
  std::vector<std::string> outer_hosts_;  // in lower case
  std::set<IpAddress> outer_addresses_;
  std::map<std::string, std::map<std::string, std::size_t>, std::less<>> numbers_;
};

}  // namespace slopn::cli
