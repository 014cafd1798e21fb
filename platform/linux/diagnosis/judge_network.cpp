#include <linux/rtnetlink.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <map>

#include "platform/linux/diagnosis/judge.hpp"
#include "platform/route_manager.hpp"

// What concerns links, routing and names.
namespace slopn::platform {
namespace {

constexpr std::uint32_t kRulesOfOurs = 3;

// IPv4 header 20, IPv6 header 40, UDP header 8 bytes. QUIC needs UDP payloads of 1200 bytes
// (RFC 9000 section 14), an inner MTU of 1280 takes 34 bytes of QUIC around it.
constexpr std::uint32_t kQuicPayloadBytes = 1200;
constexpr std::uint32_t kInnerIpv6PayloadBytes = 1280 + 34;
constexpr std::uint32_t headers_bytes(IpVersion version)
{
  return version == IpVersion::v4 ? 28 : 48;
}

std::string hex(std::uint32_t number)
{
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  do {
    text.insert(text.begin(), kDigits[number & 0xfU]);
    number >>= 4;
  } while (number != 0);
  return "0x" + text;
}

bool is_ours(std::uint8_t protocol)
{
  return protocol == kClientRoutingProtocol || protocol == kGatewayRoutingProtocol;
}

std::string ip_command(IpVersion version)
{
  return version == IpVersion::v4 ? "ip -4 " : "ip -6 ";
}

std::string describe(const RuleFact& rule)
{
  std::string text = ip_command(rule.version) + "rule " + std::to_string(rule.priority) + ":";
  if (rule.inverted) text += " not";
  if (rule.mark) {
    text += " fwmark " + hex(*rule.mark);
    if (rule.mask != 0xffffffff) text += "/" + hex(rule.mask);
  }
  return text + (rule.table != 0 ? " lookup " + std::to_string(rule.table) : " decides by itself");
}

bool is_client(const DiagnosisSubject& subject)
{
  return subject.role == DiagnosisSubject::Role::client;
}

/// Whether a packet with (or, for nullopt, without) our mark meets the rule.
bool meets(const RuleFact& rule, std::optional<std::uint32_t> mark)
{
  if (rule.selective) return false;  // some packets only
  const bool same = !rule.mark || (mark.value_or(0) & rule.mask) == (*rule.mark & rule.mask);
  return same != rule.inverted;
}

bool has_default_route(const HostFacts& facts, const RuleFact& rule)
{
  return std::ranges::any_of(facts.routes, [&](const RouteFact& route) {
    return route.is_default && route.table == rule.table && route.version == rule.version;
  });
}

struct KnownVpn {
  std::string_view interface_prefix;
  std::string_view product;
};
constexpr std::array kKnownVpns{
    KnownVpn{"tailscale", "Tailscale"},
    KnownVpn{"wg-mullvad", "Mullvad"},
    KnownVpn{"wg0-mullvad", "Mullvad"},
    KnownVpn{"nordlynx", "NordVPN"},
    KnownVpn{"nordtun", "NordVPN"},
    KnownVpn{"proton", "Proton VPN"},
    KnownVpn{"pvpn", "Proton VPN"},
    KnownVpn{"CloudflareWARP", "Cloudflare WARP"},
    KnownVpn{"wt0", "NetBird"},
    KnownVpn{"zt", "ZeroTier"},
    KnownVpn{"nebula", "Nebula"},
    KnownVpn{"lightway", "Lightway"},
    KnownVpn{"xvpn", "ExpressVPN"},
    KnownVpn{"gpd", "GlobalProtect"},
    KnownVpn{"cscotun", "Cisco AnyConnect"},
    KnownVpn{"vpn", "a VPN"},
    KnownVpn{"ppp", "PPP"},
    KnownVpn{"tun", "OpenVPN or another VPN"},
};

/// Which VPN an interface is of; empty: of none.
std::string product_of(const LinkFact& link)
{
  for (const KnownVpn& vpn : kKnownVpns) {
    if (link.name.starts_with(vpn.interface_prefix)) return std::string{vpn.product};
  }
  if (link.kind == "wireguard") return "WireGuard";
  if (link.kind == "tun") return "another VPN";
  return {};
}

}  // namespace

void judge_policy_routing(const DiagnosisSubject& subject, const HostFacts& facts,
                          Findings& findings)
{
  if (!is_client(subject)) return;
  if (!facts.rules_error)
    return findings.unknown("policy_routing", "the routing rules were not asked for",
                            "run slopnctl doctor again");
  if (*facts.rules_error == 0) return findings.good("policy_routing", "policy rules can be used");
  findings.problem("policy_routing", "the kernel knows no policy rules",
                   std::string{"listing rules: "} + std::strerror(*facts.rules_error),
                   "a kernel with CONFIG_IP_MULTIPLE_TABLES");
}

void judge_default_route(const DiagnosisSubject&, const HostFacts& facts, Findings& findings)
{
  std::string ways;
  for (const RouteFact& route : facts.routes) {
    if (!route.is_default || route.table != RT_TABLE_MAIN || is_ours(route.protocol)) continue;
    if (!ways.empty()) ways += ", ";
    ways += (route.version == IpVersion::v4 ? "IPv4 by " : "IPv6 by ") + route.device;
  }
  if (!ways.empty()) return findings.good("default_route", "there is a way out", ways);
  const bool reaches_gateways =
      !facts.paths.empty() &&
      std::ranges::all_of(facts.paths, [](const PathFact& path) { return path.error == 0; });
  if (reaches_gateways)
    return findings.good("default_route", "the gateway is reached without a default route");
  findings.problem("default_route", "there is no default route",
                   "no route for the whole of IPv4 or IPv6 in table main",
                   "connect the host to a network, then look: ip route show default");
}

void judge_other_vpn(const DiagnosisSubject& subject, const HostFacts& facts, Findings& findings)
{
  bool alone = true;
  for (const LinkFact& link : facts.links) {
    if (!link.up || link.name == subject.interface_name) continue;
    const std::string product = product_of(link);
    if (product.empty()) continue;
    alone = false;
    findings.notice("other_vpn", product + " is up on " + link.name,
                    "two VPNs share the host's routes; which of them a packet takes depends on the "
                    "order of rules (see rules)",
                    "if that is not meant, end the other one: ip link show " + link.name);
  }
  for (const std::string& table : facts.nftables_tables) {
    const bool foreign = table.ends_with(" mullvad") || table.ends_with(" nordvpn") ||
                         table.find("wg-quick-") != std::string::npos;
    if (!foreign) continue;
    alone = false;
    findings.notice("other_vpn", "the packet filter has rules of another VPN",
                    "nft table " + table + "; it may drop what slopn sends",
                    "end the other VPN, or see its rules: nft list table " + table);
  }
  if (alone) findings.good("other_vpn", "no other VPN runs here");
}

// Ours must be asked first: a rule before them that sends everything elsewhere makes the tunnel
// useless, or sends the tunnel's own packets into somebody else's.
void judge_rules(const DiagnosisSubject& subject, const HostFacts& facts, Findings& findings)
{
  if (!is_client(subject)) return;
  const std::uint32_t first = subject.rule_priority;
  const std::uint32_t last = first + kRulesOfOurs - 1;
  bool all_well = true;
  for (const RuleFact& rule : facts.rules) {
    if (is_ours(rule.protocol) || rule.table == RT_TABLE_LOCAL) continue;
    if (rule.priority >= first && rule.priority <= last) {
      all_well = false;
      findings.problem("rules", "somebody else's rule has one of our priorities", describe(rule),
                       "choose others: client.rule_priority in slopnd.toml");
    } else if (rule.priority < first && meets(rule, std::nullopt) && !rule.keeps_default &&
               (rule.table == 0 || has_default_route(facts, rule))) {
      all_well = false;
      findings.problem("rules", "somebody else's rule is asked before ours and takes everything",
                       describe(rule),
                       "end what made it, or be asked earlier: client.rule_priority below " +
                           std::to_string(rule.priority) + " in slopnd.toml");
    }
  }
  if (all_well) findings.good("rules", "nobody's rules come in the way of ours");
}

void judge_mark(const DiagnosisSubject& subject, const HostFacts& facts, Findings& findings)
{
  if (!is_client(subject)) return;
  const std::string ours = hex(subject.mark);
  bool all_well = true;
  for (const RuleFact& rule : facts.rules) {
    if (is_ours(rule.protocol) || !rule.mark || rule.inverted) continue;
    if ((subject.mark & rule.mask) != (*rule.mark & rule.mask)) continue;
    all_well = false;
    const bool same = *rule.mark == subject.mark && rule.mask == 0xffffffff;
    findings.problem("mark",
                     same ? "somebody else uses our packet mark " + ours
                          : "somebody else's rule takes our packet mark " + ours + " for its own",
                     describe(rule), "choose another: client.fwmark in slopnd.toml");
  }
  if (all_well) findings.good("mark", "nobody else uses the packet mark " + ours);
}

void judge_table(const DiagnosisSubject& subject, const HostFacts& facts, Findings& findings)
{
  if (!is_client(subject)) return;
  const std::string table = std::to_string(subject.table);
  std::uint32_t foreign = 0;
  for (const RouteFact& route : facts.routes) {
    if (route.table == subject.table && !is_ours(route.protocol)) foreign += route.count;
  }
  if (foreign == 0) return findings.good("table", "nobody else uses the routing table " + table);
  findings.problem("table", "somebody else uses our routing table " + table,
                   std::to_string(foreign) + " routes are not ours: ip route show table " + table,
                   "choose another: client.routing_table in slopnd.toml");
}

void judge_rp_filter(const DiagnosisSubject& subject, const HostFacts& facts, Findings& findings)
{
  if (!is_client(subject)) return;
  std::string strict;
  for (const ReversePathFact& fact : facts.reverse_path) {
    if (fact.filter == 1 && fact.interface_name != subject.interface_name)
      strict += (strict.empty() ? "" : ", ") + fact.interface_name;
  }
  if (strict.empty())
    return findings.good("rp_filter", "the reverse path is not filtered strictly");
  if (facts.nftables_error && !facts.nftables_error->empty() &&
      facts.may_administer_network == true)
    return findings.problem("rp_filter", "the gateway's answers will be dropped",
                            "rp_filter=1 on " + strict + ", and no nftables to mark answers with",
                            "sysctl -w net.ipv4.conf.all.rp_filter=2 (loose)");
  if (subject.tunnel_up && facts.marks_count_for_reverse_path == false)
    return findings.problem("rp_filter", "the gateway's answers are dropped",
                            "rp_filter=1 on " + strict + ", and src_valid_mark was set to 0",
                            "sysctl -w net.ipv4.conf.all.src_valid_mark=1");
  findings.good("rp_filter", "the reverse path is filtered strictly; slopn marks its answers",
                "rp_filter=1 on " + strict);
}

void judge_ipv6(const DiagnosisSubject&, const HostFacts& facts, Findings& findings)
{
  if (!facts.ipv6_enabled)
    return findings.unknown("ipv6", "whether the host speaks IPv6 is not known",
                            "sysctl net.ipv6.conf.all.disable_ipv6");
  if (*facts.ipv6_enabled) return findings.good("ipv6", "IPv6 is enabled");
  findings.notice("ipv6", "IPv6 is switched off on this host",
                  "the tunnel carries IPv4 only; nothing leaks by that",
                  "sysctl -w net.ipv6.conf.all.disable_ipv6=0");
}

void judge_dns(const DiagnosisSubject&, const HostFacts& facts, Findings& findings)
{
  const DnsFacts& dns = facts.dns;
  if (!dns.exists)
    return findings.problem(
        "dns", "there is no /etc/resolv.conf",
        dns.link_target.empty() ? "" : "it is a link to " + dns.link_target + ", which is missing",
        "start what writes it (systemctl start systemd-resolved), or write \"nameserver ADDRESS\"");
  if (dns.nameservers.empty())
    return findings.notice("dns", "/etc/resolv.conf names no server",
                           "programs ask a server on this host then", "add: nameserver ADDRESS");
  std::string servers = "asks";
  for (const std::string& server : dns.nameservers) servers += " " + server;

  const bool leads_to_resolved = dns.link_target.find("systemd/resolve") != std::string::npos;
  if (dns.resolved_runs && !leads_to_resolved && dns.nameservers.front() != "127.0.0.53")
    return findings.notice("dns", "systemd-resolved runs, but programs do not ask it",
                           "/etc/resolv.conf " + servers,
                           "ln -sf /run/systemd/resolve/stub-resolv.conf /etc/resolv.conf");
  std::string owner = "nobody; /etc/resolv.conf is a plain file";
  if (leads_to_resolved || dns.nameservers.front() == "127.0.0.53") {
    owner = "systemd-resolved";
  } else if (dns.generated_by.find("NetworkManager") != std::string::npos ||
             dns.link_target.find("NetworkManager") != std::string::npos) {
    owner = "NetworkManager";
  } else if (dns.link_target.find("resolvconf") != std::string::npos ||
             dns.generated_by.find("resolvconf") != std::string::npos) {
    owner = "resolvconf";
  }
  findings.good("dns", "name servers are chosen by " + owner, servers);
}

void judge_mtu(const DiagnosisSubject&, const HostFacts& facts, Findings& findings)
{
  for (const PathFact& path : facts.paths) {
    const std::string gateway = path.gateway.to_string();
    if (path.error != 0) {
      findings.problem("mtu", "there is no way to the gateway " + gateway,
                       std::string{"connect: "} + std::strerror(path.error),
                       "see what the kernel says: ip route get " + gateway);
      continue;
    }
    const std::uint32_t headers = headers_bytes(path.gateway.version());
    const std::string seen = std::to_string(path.mtu_bytes) + " bytes on the way to " + gateway;
    if (path.mtu_bytes < kQuicPayloadBytes + headers) {
      findings.problem("mtu", "packets on the way to the gateway are too short for QUIC", seen,
                       "raise the MTU of the interface (ip link set dev NAME mtu 1500): at least " +
                           std::to_string(kQuicPayloadBytes + headers) + " are needed");
    } else if (path.mtu_bytes < kInnerIpv6PayloadBytes + headers) {
      findings.notice(
          "mtu", "packets on the way to the gateway are too short for IPv6 in the tunnel", seen,
          "raise the MTU of the interface (ip link set dev NAME mtu 1500): " +
              std::to_string(kInnerIpv6PayloadBytes + headers) + " are needed for it");
    } else {
      findings.good("mtu", "packets on the way to the gateway are long enough", seen);
    }
  }
  if (!facts.paths.empty()) return;
  // Nobody knows the gateway: then the ways out of the host must do.
  for (const RouteFact& route : facts.routes) {
    if (!route.is_default || route.table != RT_TABLE_MAIN) continue;
    const auto link = std::ranges::find(facts.links, route.device, &LinkFact::name);
    if (link == facts.links.end() || link->mtu_bytes >= kInnerIpv6PayloadBytes + 48) continue;
    return findings.notice("mtu", "packets out of this host are short",
                           std::to_string(link->mtu_bytes) + " bytes by " + link->name,
                           "ip link set dev " + link->name + " mtu 1500, if the network can");
  }
  findings.good("mtu", "packets out of this host are long enough");
}

}  // namespace slopn::platform
