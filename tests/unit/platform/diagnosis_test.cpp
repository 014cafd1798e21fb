#include "platform/diagnosis.hpp"

#include <linux/if_tun.h>
#include <linux/rtnetlink.h>

#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <cerrno>
#include <filesystem>
#include <functional>
#include <set>

#include "libtunnel/base/file.hpp"
#include "platform/linux/diagnosis/judge.hpp"
#include "platform/route_manager.hpp"
#include "tests/support/catch_result.hpp"

namespace slopn::platform {
namespace {

constexpr std::uint32_t kOurMark = 0x736c6f70;
constexpr std::uint32_t kOurTable = 0x736c6f70;
constexpr std::uint8_t kForeign = RTPROT_STATIC;

RouteFact default_route(std::uint32_t table, std::string device)
{
  RouteFact route;
  route.table = table;
  route.protocol = kForeign;
  route.is_default = true;
  route.device = std::move(device);
  return route;
}

RouteFact routes_in(std::uint32_t table, std::uint8_t protocol, std::uint32_t count)
{
  RouteFact route;
  route.table = table;
  route.protocol = protocol;
  route.count = count;
  return route;
}

RuleFact rule(std::uint32_t priority, std::uint32_t table)
{
  RuleFact fact;
  fact.priority = priority;
  fact.table = table;
  fact.protocol = kForeign;
  return fact;
}

LinkFact link(std::string name, std::string kind = {}, std::uint32_t mtu = 1500)
{
  return {std::move(name), std::move(kind), mtu, true};
}

PathFact path(const char* gateway, std::uint32_t mtu, int error = 0)
{
  return {*IpAddress::parse(gateway), error, mtu};
}

/// A host on which nothing is wrong.
HostFacts healthy()
{
  HostFacts facts;
  facts.may_administer_network = true;
  facts.kernel_release = "6.12.3-amd64";
  facts.tun_error = 0;
  facts.tun_features = IFF_VNET_HDR | IFF_MULTI_QUEUE;
  facts.udp_segmentation = true;
  facts.udp_aggregation = true;
  facts.nftables_error = "";
  facts.rules_error = 0;
  facts.links = {link("lo", "", 65536), link("eth0")};
  facts.rules = {rule(0, RT_TABLE_LOCAL), rule(32766, RT_TABLE_MAIN), rule(32767, 253)};
  facts.routes = {default_route(RT_TABLE_MAIN, "eth0")};
  facts.reverse_path = {{"eth0", 2}};
  facts.marks_count_for_reverse_path = false;
  facts.ipv6_enabled = true;
  facts.dns.exists = true;
  facts.dns.nameservers = {"192.0.2.53"};
  facts.now = std::chrono::sys_days{std::chrono::year{2026} / 6 / 1};
  facts.clock_synchronized = true;
  facts.receive_buffer_max_bytes = 212'992;
  facts.send_buffer_max_bytes = 212'992;
  return facts;
}

/// What a check says about a host that differs from a healthy one by `change`.
Finding judged(std::string_view check, const std::function<void(HostFacts&)>& change,
               const DiagnosisSubject& subject = {})
{
  HostFacts facts = healthy();
  change(facts);
  for (Finding& finding : judge_host(subject, facts)) {
    if (finding.check == check && finding.verdict != Verdict::good) return std::move(finding);
  }
  return {std::string{check}, Verdict::good, {}, {}, {}};
}

DiagnosisSubject gateway()
{
  DiagnosisSubject subject;
  subject.role = DiagnosisSubject::Role::gateway;
  return subject;
}

bool mentions(const std::string& text, std::string_view part)
{
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("doctor: finds nothing wrong with a healthy host", "[unit][diagnosis]")
{
  for (const DiagnosisSubject& subject : {DiagnosisSubject{}, gateway()}) {
    for (const Finding& finding : judge_host(subject, healthy())) {
      INFO(finding.check << ": " << finding.summary << " " << finding.detail);
      CHECK(finding.verdict == Verdict::good);
      CHECK(finding.fix.empty());
      CHECK_FALSE(finding.summary.empty());
    }
  }
}

TEST_CASE("doctor: every check has a finding for a client, and names are unique",
          "[unit][diagnosis]")
{
  std::set<std::string> found;
  for (const Finding& finding : judge_host({}, healthy())) found.insert(finding.check);
  std::set<std::string> names;
  for (const DiagnosisCheck& check : all_checks()) {
    CHECK(names.insert(std::string{check.name}).second);
    CHECK(check.question.ends_with("?"));
  }
  CHECK(found == names);
}

TEST_CASE("doctor: facts that are missing altogether make no check fail", "[unit][diagnosis]")
{
  for (const Finding& finding : judge_host({}, HostFacts{})) {
    INFO(finding.check);
    CHECK_FALSE(finding.summary.empty());
    if (finding.verdict != Verdict::good) CHECK_FALSE(finding.fix.empty());
  }
}

TEST_CASE("doctor: rights", "[unit][diagnosis]")
{
  const auto without = [](HostFacts& facts) { facts.may_administer_network = false; };
  CHECK(judged("rights", without).verdict == Verdict::problem);
  CHECK(mentions(judged("rights", without).fix, "systemctl start slopnd"));
  CHECK(judged("rights", [](HostFacts& facts) { facts.may_administer_network.reset(); }).verdict ==
        Verdict::unknown);
  CHECK(judged("nftables", [](HostFacts& facts) {
          facts.may_administer_network = false;
          facts.nftables_error = "Operation not permitted";
        }).verdict == Verdict::unknown);
}

TEST_CASE("doctor: an outsider's rights are not the daemon's", "[unit][diagnosis]")
{
  DiagnosisSubject outsider;
  outsider.viewpoint = DiagnosisSubject::Viewpoint::outsider;
  for (const bool right : {false, true}) {
    const auto change = [right](HostFacts& facts) {
      facts.may_administer_network = right;
      facts.own_uid = 1000;
      facts.tun_error = right ? 0 : EACCES;
      if (!right) facts.nftables_error = "Operation not permitted";
    };
    CHECK(judged("rights", change, outsider).verdict == Verdict::unknown);
    CHECK(judged("buffers", change, outsider).verdict == Verdict::good);
    HostFacts facts = healthy();
    change(facts);
    for (const Finding& finding : judge_host(outsider, facts))
      CHECK(finding.verdict != Verdict::problem);
  }
}

TEST_CASE("doctor: /dev/net/tun", "[unit][diagnosis]")
{
  const auto error = [](int number) {
    return judged("tun", [number](HostFacts& facts) { facts.tun_error = number; });
  };
  CHECK(mentions(error(ENOENT).summary, "there is no"));
  CHECK(mentions(error(ENODEV).fix, "modprobe tun"));
  CHECK(mentions(error(EACCES).fix, "chmod"));
  for (const int number : {ENOENT, ENODEV, EACCES, EPERM, EIO})
    CHECK(error(number).verdict == Verdict::problem);
}

TEST_CASE("doctor: an old kernel is slower and works", "[unit][diagnosis]")
{
  const auto kernel = [](const char* release) {
    return judged("tun_offload", [release](HostFacts& facts) { facts.kernel_release = release; });
  };
  CHECK(kernel("6.1.0-18-amd64").verdict == Verdict::notice);
  CHECK(kernel("5.10").verdict == Verdict::notice);
  CHECK(kernel("6.2").verdict == Verdict::good);
  CHECK(kernel("10.0-rc1").verdict == Verdict::good);
  CHECK(kernel("unknown").verdict == Verdict::good);
  CHECK(judged("tun_offload", [](HostFacts& facts) { facts.tun_features = 0; }).verdict ==
        Verdict::notice);
  const auto no_gro = [](HostFacts& facts) { facts.udp_aggregation = false; };
  CHECK(mentions(judged("udp_offload", no_gro).detail, "UDP_GRO"));
}

TEST_CASE("doctor: a gateway needs nftables more than a client does", "[unit][diagnosis]")
{
  const auto broken = [](HostFacts& facts) { facts.nftables_error = "Protocol not supported"; };
  CHECK(judged("nftables", broken).verdict == Verdict::notice);
  CHECK(judged("nftables", broken, gateway()).verdict == Verdict::problem);
}

TEST_CASE("doctor: UDP buffers matter only without the right to go beyond the limit",
          "[unit][diagnosis]")
{
  CHECK(judged("buffers", [](HostFacts&) {}).verdict == Verdict::good);
  const Finding small =
      judged("buffers", [](HostFacts& facts) { facts.may_administer_network = false; });
  CHECK(small.verdict == Verdict::notice);
  CHECK(mentions(small.fix, "sysctl -w net.core.rmem_max=7340032"));
}

TEST_CASE("doctor: a host without a way out", "[unit][diagnosis]")
{
  const Finding none = judged("default_route", [](HostFacts& facts) { facts.routes.clear(); });
  CHECK(none.verdict == Verdict::problem);
  CHECK(judged("default_route", [](HostFacts& facts) {
          facts.routes.clear();
          facts.paths = {path("192.0.2.1", 1500)};
        }).verdict == Verdict::good);
  // Our own route in our own table is none.
  CHECK(judged("default_route", [](HostFacts& facts) {
          facts.routes = {default_route(kOurTable, "slopn0")};
        }).verdict == Verdict::problem);
}

TEST_CASE("doctor: the outer path's MTU", "[unit][diagnosis]")
{
  const auto at = [](const char* gateway, std::uint32_t mtu, int error = 0) {
    return judged("mtu", [=](HostFacts& facts) { facts.paths = {path(gateway, mtu, error)}; });
  };
  CHECK(at("192.0.2.1", 1500).verdict == Verdict::good);
  CHECK(at("192.0.2.1", 1300).verdict == Verdict::notice);  // no IPv6 inside
  CHECK(at("192.0.2.1", 1228).verdict == Verdict::notice);
  CHECK(at("192.0.2.1", 1227).verdict == Verdict::problem);
  CHECK(at("2001:db8::1", 1247).verdict == Verdict::problem);
  const Finding unreachable = at("192.0.2.1", 0, ENETUNREACH);
  CHECK(unreachable.verdict == Verdict::problem);
  CHECK(mentions(unreachable.fix, "ip route get 192.0.2.1"));
  CHECK(judged("mtu", [](HostFacts& facts) { facts.links[1].mtu_bytes = 1280; }).verdict ==
        Verdict::notice);
}

TEST_CASE("doctor: other VPNs by name and by kind", "[unit][diagnosis]")
{
  const auto with = [](const char* name, const char* kind) {
    return judged("other_vpn", [=](HostFacts& facts) { facts.links.push_back(link(name, kind)); });
  };
  CHECK(mentions(with("tailscale0", "tun").summary, "Tailscale"));
  CHECK(mentions(with("wg0", "wireguard").summary, "WireGuard"));
  CHECK(mentions(with("home", "wireguard").summary, "WireGuard"));
  CHECK(with("tun0", "tun").verdict == Verdict::notice);
  CHECK(with("slopn0", "tun").verdict == Verdict::good);  // ours
  CHECK(with("veth0", "veth").verdict == Verdict::good);
  CHECK(judged("other_vpn", [](HostFacts& facts) {
          facts.links.push_back(link("wg0", "wireguard"));
          facts.links.back().up = false;
        }).verdict == Verdict::good);
  CHECK(judged("other_vpn", [](HostFacts& facts) {
          facts.nftables_tables = {"inet mullvad"};
        }).verdict == Verdict::notice);
}

TEST_CASE("doctor: a rule before ours that takes everything", "[unit][diagnosis]")
{
  const auto with = [](const std::function<void(RuleFact&)>& change, std::uint32_t priority) {
    return judged("rules", [&](HostFacts& facts) {
      facts.routes.push_back(default_route(7120, "wt0"));
      facts.rules.push_back(rule(priority, 7120));
      change(facts.rules.back());
    });
  };
  const auto as_it_is = [](RuleFact&) {};
  const Finding before = with(as_it_is, 110);
  CHECK(before.verdict == Verdict::problem);
  CHECK(mentions(before.detail, "rule 110:"));
  CHECK(mentions(before.fix, "client.rule_priority below 110"));
  CHECK(with(as_it_is, 5270).verdict == Verdict::good);  // after ours
  // "not fwmark X": everything but somebody's own packets.
  CHECK(with(
            [](RuleFact& fact) {
              fact.mark = 51820;
              fact.inverted = true;
            },
            110)
            .verdict == Verdict::problem);
  // Only marked packets, only some packets, never the default route.
  CHECK(with([](RuleFact& fact) { fact.mark = 0x80000; }, 110).verdict == Verdict::good);
  CHECK(with([](RuleFact& fact) { fact.selective = true; }, 110).verdict == Verdict::good);
  CHECK(with([](RuleFact& fact) { fact.keeps_default = true; }, 110).verdict == Verdict::good);
  // To a table that leads nowhere in particular.
  CHECK(with([](RuleFact& fact) { fact.table = 99; }, 110).verdict == Verdict::good);
  // Refusing everything.
  CHECK(with([](RuleFact& fact) { fact.table = 0; }, 110).verdict == Verdict::problem);
  // Ours.
  CHECK(with([](RuleFact& fact) { fact.protocol = kClientRoutingProtocol; }, 110).verdict ==
        Verdict::good);
  CHECK(judged(
            "rules", [](HostFacts& facts) { facts.rules.push_back(rule(110, 7120)); }, gateway())
            .verdict == Verdict::good);
}

TEST_CASE("doctor: somebody else's rule at one of our three priorities", "[unit][diagnosis]")
{
  const auto at = [](std::uint32_t priority) {
    return judged("rules", [=](HostFacts& facts) { facts.rules.push_back(rule(priority, 99)); })
        .verdict;
  };
  CHECK(at(4199) == Verdict::good);
  CHECK(at(4200) == Verdict::problem);
  CHECK(at(4202) == Verdict::problem);
  CHECK(at(4203) == Verdict::good);
}

TEST_CASE("doctor: somebody else uses our mark", "[unit][diagnosis]")
{
  const auto with = [](std::uint32_t mark, std::uint32_t mask) {
    return judged("mark",
                  [=](HostFacts& facts) {
                    facts.rules.push_back(rule(5000, 99));
                    facts.rules.back().mark = mark;
                    facts.rules.back().mask = mask;
                  })
        .verdict;
  };
  CHECK(with(kOurMark, 0xffffffff) == Verdict::problem);
  CHECK(with(51820, 0xffffffff) == Verdict::good);
  CHECK(with(0x80000, 0xff0000) == Verdict::good);
  CHECK(with(0x6c0000, 0xff0000) == Verdict::problem);  // the mask leaves a part that is the same
}

TEST_CASE("doctor: somebody else uses our table", "[unit][diagnosis]")
{
  const Finding taken = judged(
      "table", [](HostFacts& facts) { facts.routes.push_back(routes_in(kOurTable, kForeign, 3)); });
  CHECK(taken.verdict == Verdict::problem);
  CHECK(mentions(taken.detail, "3 routes"));
  CHECK(judged("table", [](HostFacts& facts) {
          facts.routes.push_back(routes_in(kOurTable, kClientRoutingProtocol, 3));
        }).verdict == Verdict::good);
}

TEST_CASE("doctor: strict reverse path filtering is only a problem without marks",
          "[unit][diagnosis]")
{
  const auto strict = [](HostFacts& facts) { facts.reverse_path = {{"eth0", 1}}; };
  CHECK(judged("rp_filter", strict).verdict == Verdict::good);
  DiagnosisSubject up;
  up.tunnel_up = true;
  const Finding dropped = judged("rp_filter", strict, up);
  CHECK(dropped.verdict == Verdict::problem);
  CHECK(mentions(dropped.fix, "src_valid_mark=1"));
  CHECK(judged("rp_filter", [&](HostFacts& facts) {
          strict(facts);
          facts.nftables_error = "Protocol not supported";
        }).verdict == Verdict::problem);
}

TEST_CASE("doctor: IPv6 switched off", "[unit][diagnosis]")
{
  CHECK(judged("ipv6", [](HostFacts& facts) { facts.ipv6_enabled = false; }).verdict ==
        Verdict::notice);
}

TEST_CASE("doctor: who owns the name servers", "[unit][diagnosis]")
{
  const auto summary = [](const std::function<void(DnsFacts&)>& change) {
    HostFacts facts = healthy();
    change(facts.dns);
    for (const Finding& finding : judge_host({}, facts)) {
      if (finding.check == "dns") return finding.summary;
    }
    return std::string{};
  };
  CHECK(mentions(summary([](DnsFacts&) {}), "plain file"));
  CHECK(mentions(summary([](DnsFacts& dns) { dns.generated_by = " Generated by NetworkManager"; }),
                 "NetworkManager"));
  CHECK(mentions(summary([](DnsFacts& dns) { dns.link_target = "../run/resolvconf/resolv.conf"; }),
                 "resolvconf"));
  CHECK(mentions(summary([](DnsFacts& dns) {
                   dns.resolved_runs = true;
                   dns.link_target = "../run/systemd/resolve/stub-resolv.conf";
                   dns.nameservers = {"127.0.0.53"};
                 }),
                 "systemd-resolved"));
  CHECK(mentions(summary([](DnsFacts& dns) { dns.resolved_runs = true; }), "do not ask it"));
  const Finding missing = judged("dns", [](HostFacts& facts) {
    facts.dns.exists = false;
    facts.dns.link_target = "/run/nowhere";
  });
  CHECK(missing.verdict == Verdict::problem);
  CHECK(mentions(missing.detail, "/run/nowhere"));
  CHECK(judged("dns", [](HostFacts& facts) { facts.dns.nameservers.clear(); }).verdict ==
        Verdict::notice);
}

TEST_CASE("doctor: reads resolv.conf, whatever is in it", "[unit][diagnosis]")
{
  DnsFacts dns;
  read_resolv_conf(
      "# Generated by X\x1b[31m\n;more\n\nsearch example.org\nnameserver 192.0.2.1\n"
      "nameserver\n  nameserver\t2001:db8::1 # late\nnonsense\n",
      dns);
  CHECK(dns.nameservers == std::vector<std::string>{"192.0.2.1", "2001:db8::1"});
  CHECK(mentions(dns.generated_by, "Generated by X"));
  CHECK_FALSE(mentions(dns.generated_by, "\x1b"));
  DnsFacts many;
  std::string text;
  for (int i = 0; i < 1000; ++i) text += "nameserver 192.0.2.1\n";
  read_resolv_conf(text, many);
  CHECK(many.nameservers.size() == 8);
}

TEST_CASE("doctor: a clock that is wrong", "[unit][diagnosis]")
{
  const auto at = [](int year) {
    return judged("clock",
                  [year](HostFacts& facts) {
                    facts.now = std::chrono::sys_days{std::chrono::year{year} / 1 / 1};
                  })
        .verdict;
  };
  CHECK(at(1970) == Verdict::problem);
  CHECK(at(2200) == Verdict::problem);
  CHECK(at(2030) == Verdict::good);
  CHECK(judged("clock", [](HostFacts& facts) { facts.clock_synchronized = false; }).verdict ==
        Verdict::notice);
}

TEST_CASE("doctor: keys that others can read, or that we cannot", "[unit][diagnosis]")
{
  const auto with = [](mode_t mode, uid_t owner, uid_t own_uid) {
    return judged("files", [=](HostFacts& facts) {
      facts.own_uid = own_uid;
      facts.files = {{"/var/lib/slopn/gateway.key", true, false, owner, mode}, {"/no/such/file"}};
    });
  };
  CHECK(with(0600, 0, 0).verdict == Verdict::good);
  CHECK(with(0600, 995, 995).verdict == Verdict::good);
  const Finding open = with(0644, 0, 0);
  CHECK(open.verdict == Verdict::problem);
  CHECK(mentions(open.detail, "0644"));
  CHECK(open.fix == "chmod 0600 /var/lib/slopn/gateway.key");
  CHECK(with(0600, 1000, 995).verdict == Verdict::problem);
}

TEST_CASE("docs: doctor.md explains every check, in order, and no other", "[unit][diagnosis]")
{
  const auto text = read_file(std::filesystem::path{SLOPN_SOURCE_DIR} / "docs/doctor.md", {65'536});
  REQUIRE(text);
  std::size_t at = 0;
  for (const DiagnosisCheck& check : all_checks()) {
    INFO(check.name);
    const std::string section =
        "### `" + std::string{check.name} + "`\n" + std::string{check.question} + ' ';
    at = text->find(section, at);
    REQUIRE(at != std::string::npos);
  }
  CHECK(static_cast<std::size_t>(std::ranges::count(*text, '#')) == 1 + 3 * all_checks().size());
}

TEST_CASE("doctor: looks at this host without failing, and with a fix for all that is not good",
          "[unit][diagnosis]")
{
  for (const Finding& finding : diagnose()) {
    INFO(finding.check << ": " << finding.summary);
    CHECK((finding.verdict == Verdict::good) == finding.fix.empty());
  }
}

}  // namespace slopn::platform
