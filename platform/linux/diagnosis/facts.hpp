#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "libtunnel/base/ip.hpp"
#include "platform/diagnosis.hpp"

/// What is seen on a host, without any opinion about it. An absent value could not be found out.
namespace slopn::platform {

struct LinkFact {
  std::string name;
  std::string kind;  ///< "wireguard", "tun", ...; empty for hardware.
  std::uint32_t mtu_bytes = 0;
  bool up = false;
};

struct RuleFact {
  IpVersion version = IpVersion::v4;
  std::uint32_t priority = 0;
  std::optional<std::uint32_t> mark;
  std::uint32_t mask = 0xffffffff;
  std::uint32_t table = 0;  ///< 0: it decides by itself (unreachable, ...).
  std::uint8_t protocol = 0;
  bool inverted = false;       ///< "not ..."
  bool selective = false;      ///< Looks at addresses, interfaces, users or the like, too.
  bool keeps_default = false;  ///< suppress_prefixlength: never answers with a default route.
};

struct RouteFact {
  IpVersion version = IpVersion::v4;
  std::uint32_t table = 0;
  std::uint8_t protocol = 0;
  bool is_default = false;
  std::string device;
  std::uint32_t count = 1;  ///< How many of this table and protocol, for routes without default.
};

struct PathFact {
  IpAddress gateway;
  int error = 0;  ///< errno of the kernel's answer to "which way?"; 0: there is one.
  std::uint32_t mtu_bytes = 0;
};

struct FileFact {
  std::filesystem::path path;
  bool exists = false;
  bool is_folder = false;
  uid_t owner = 0;
  mode_t mode = 0;
};

struct DnsFacts {
  bool exists = false;       ///< /etc/resolv.conf can be read.
  std::string link_target;   ///< Where it leads; empty for a plain file.
  std::string generated_by;  ///< Its first comment.
  std::vector<std::string> nameservers;
  bool resolved_runs = false;
};

struct ReversePathFact {
  std::string interface_name;
  int filter = 0;  ///< As the kernel applies it: 0 off, 1 strict, 2 loose.
};

struct HostFacts {
  // Rights.
  std::optional<bool> may_administer_network;  ///< CAP_NET_ADMIN is effective.

  // The kernel.
  std::string kernel_release;    ///< "6.1.0-18-amd64"
  std::optional<int> tun_error;  ///< errno of opening /dev/net/tun; 0: it opens.
  std::optional<std::uint32_t> tun_features;
  std::optional<bool> udp_segmentation;       ///< UDP_SEGMENT
  std::optional<bool> udp_aggregation;        ///< UDP_GRO
  std::optional<std::string> nftables_error;  ///< Empty: it answers.
  std::optional<int> rules_error;             ///< errno of listing policy rules.
  std::vector<std::string> nftables_tables;   ///< "inet mullvad"

  // The network.
  std::vector<LinkFact> links;
  std::vector<RuleFact> rules;
  std::vector<RouteFact> routes;  ///< One for each table and protocol, and each default route.
  std::vector<ReversePathFact> reverse_path;
  std::optional<bool> marks_count_for_reverse_path;  ///< src_valid_mark
  std::optional<bool> ipv6_enabled;
  std::vector<PathFact> paths;
  DnsFacts dns;

  // The rest of the host.
  std::chrono::system_clock::time_point now;
  std::optional<bool> clock_synchronized;
  std::optional<std::uint32_t> receive_buffer_max_bytes;
  std::optional<std::uint32_t> send_buffer_max_bytes;
  std::vector<FileFact> files;
  uid_t own_uid = 0;
};

/// Reads all of it; what cannot be read stays absent.
[[nodiscard]] HostFacts gather_host_facts(const DiagnosisSubject& subject);

/// Parts of it, each in its own file.
void gather_network_facts(const DiagnosisSubject& subject, HostFacts& facts);
void gather_dns_facts(HostFacts& facts);

/// resolv.conf(5), as far as the facts need it.
void read_resolv_conf(std::string_view text, DnsFacts& dns);

}  // namespace slopn::platform
