#!/usr/bin/python3
"""The doctor on hosts on which something is really wrong: it finds it, and its fix cures it."""

import re
import shutil
import subprocess
import time
import unittest

import harness
from harness import CLIENT4, GATEWAY4, HOST4, LabTest

CALL = harness.ROOT / "docs" / "examples" / "slopn_call.sh"
OUR_TABLE = OUR_MARK = 0x736C6F70
Findings = dict[str, list[dict[str, str]]]


def parse(text: str) -> Findings:
    """Findings in protobuf's text format, by check."""
    found: Findings = {}
    for block in re.findall(r"findings \{(.*?)\n\}", text, re.S):
        one = dict(re.findall(r'^\s*(\w+): "?(.*?)"?$', block, re.M))
        one["verdict"] = one["verdict"].removeprefix("VERDICT_").lower()
        found.setdefault(one["check"], []).append(one)
    return found


class DoctorTest(LabTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        for tool in ("curl", "protoc"):  # of the example that makes the call
            if not shutil.which(tool):
                raise unittest.SkipTest(f"there is no {tool} on this machine")

    def findings(self, daemon: harness.Daemon) -> Findings:
        done = daemon.namespace.run(CALL, "-s", daemon.socket_path, "Diagnose")
        return parse(done.stdout)

    def assertFound(self, daemon: harness.Daemon, check: str, verdict: str, *texts: str) -> str:
        """Returns the fix."""
        all_found = self.findings(daemon)[check]
        matching = [one for one in all_found if one["verdict"] == verdict]
        self.assertTrue(matching, f"{check}: {all_found}")
        for text in texts:
            self.assertIn(text, str(matching), check)
        self.assertTrue(matching[0].get("fix"), matching)
        return matching[0]["fix"]

    def assertGood(self, daemon: harness.Daemon, *checks: str) -> None:
        found = self.findings(daemon)
        for check in checks:
            self.assertEqual({one["verdict"] for one in found[check]}, {"good"}, found[check])

    def client_host(self) -> harness.Client:
        self.lab.client_net.ip("route", "add", "default", "via", GATEWAY4)
        return self.lab.client().start()


NETWORK_CHECKS = (
    "rights", "tun", "policy_routing", "nftables", "default_route", "mtu", "other_vpn", "rules",
    "mark", "table", "rp_filter", "ipv6", "files",
)


class Healthy(DoctorTest):
    def test_a_tunnel_that_works_has_no_problems_on_either_side(self):
        client, gateway = self.lab.tunnel()
        for daemon in (client, gateway):
            problems = [
                one for many in self.findings(daemon).values() for one in many
                if one["verdict"] == "problem"
                # The machine's own, not the lab's; and a lab has no default route.
                and one["check"] not in ("dns", "clock", "default_route")
            ]
            self.assertEqual(problems, [], daemon.name)

    def test_looking_takes_no_time_and_changes_nothing(self):
        client, _ = self.lab.tunnel()
        before = self.lab.client_net.snapshot()
        started = time.monotonic()
        for _ in range(5):
            self.findings(client)
        self.assertLess((time.monotonic() - started) / 5, 0.5 * harness.PATIENCE)
        self.assertEqual(self.lab.client_net.snapshot(), before)


class Network(DoctorTest):
    def test_a_host_without_a_default_route(self):
        client = self.lab.client().start()
        self.assertFound(client, "default_route", "problem")
        self.lab.client_net.ip("route", "add", "default", "via", GATEWAY4)
        self.assertGood(client, *NETWORK_CHECKS)

    def test_another_vpn_whose_rule_comes_before_ours(self):
        client, net = self.client_host(), self.lab.client_net
        net.ip("tuntap", "add", "wt0", "mode", "tun")
        net.ip("link", "set", "wt0", "up")
        net.ip("address", "add", "100.64.0.1/32", "dev", "wt0")
        net.ip("route", "add", "default", "dev", "wt0", "table", 7120)
        net.ip("rule", "add", "priority", 110, "not", "fwmark", "0x1bd00", "table", 7120)
        self.assertFound(client, "other_vpn", "notice", "NetBird", "wt0")
        fix = self.assertFound(client, "rules", "problem", "rule 110:", "fwmark 0x1bd00")
        self.assertIn("client.rule_priority below 110", fix)
        with self.subTest("the fix cures it"):
            client.stop()
            client.configure({"client": {"rule_priority": 100}})
            client.start()
            self.assertGood(client, "rules")

    def test_the_rules_of_wg_quick_are_no_problem(self):
        client, net = self.client_host(), self.lab.client_net
        net.ip("route", "add", "default", "dev", "outer0", "table", 51820)
        net.ip("rule", "add", "priority", 32765, "not", "fwmark", 51820, "table", 51820)
        net.ip(
            "rule", "add", "priority", 32764, "table", "main", "suppress_prefixlength", 0,
        )
        self.assertGood(client, "rules", "mark", "table")

    def test_somebody_else_uses_our_priority_mark_and_table(self):
        client, net = self.client_host(), self.lab.client_net
        net.ip("rule", "add", "priority", 4201, "fwmark", hex(OUR_MARK), "table", 99)
        net.ip("route", "add", "198.18.0.0/15", "dev", "outer0", "table", OUR_TABLE)
        self.assertFound(client, "rules", "problem", "4201")
        self.assertFound(client, "mark", "problem", hex(OUR_MARK))
        fix = self.assertFound(client, "table", "problem", "1 routes")
        self.assertIn("client.routing_table", fix)

    def test_strict_reverse_path_and_no_marks(self):
        net = self.lab.client_net
        net.sysctl("net.ipv4.conf.outer0.rp_filter", 1)
        client, _ = self.lab.tunnel()
        self.assertGood(client, "rp_filter")
        net.sysctl("net.ipv4.conf.all.src_valid_mark", 0)
        fix = self.assertFound(client, "rp_filter", "problem", "outer0")
        net.run(*fix.split())
        self.assertGood(client, "rp_filter")
        self.assertTrue(net.ping(HOST4))

    def test_ipv6_switched_off(self):
        client, net = self.client_host(), self.lab.client_net
        net.sysctl("net.ipv6.conf.all.disable_ipv6", 1)
        net.run(*self.assertFound(client, "ipv6", "notice").split())
        self.assertGood(client, "ipv6")

    def test_a_path_that_is_too_short(self):
        client, gateway = self.lab.tunnel()
        net = self.lab.client_net
        self.assertGood(client, "mtu")
        net.ip("link", "set", "outer0", "mtu", 1300)
        self.assertFound(client, "mtu", "notice", "1300 bytes", "IPv6")
        net.ip("-4", "route", "add", GATEWAY4, "dev", "outer0", "src", CLIENT4, "mtu", "1000")
        self.assertFound(client, "mtu", "problem", "QUIC")

    def test_no_way_to_the_gateway(self):
        client, net = self.lab.client().start(), self.lab.client_net
        gateway = self.lab.gateway().start()
        uri = gateway.invite().replace(GATEWAY4, "203.0.113.9")
        client.ctl_ok("profile", "import", "-", "--name", "far", input=uri)
        self.assertFound(client, "mtu", "problem", "203.0.113.9", "Network is unreachable")


class Host(DoctorTest):
    def test_keys_that_others_can_read(self):
        gateway = self.lab.gateway().start()
        self.assertGood(gateway, "files")
        key = gateway.state_dir / "gateway.key"
        key.chmod(0o644)
        fix = self.assertFound(gateway, "files", "problem", str(key), "0644")
        subprocess.run(fix.split(), check=True)
        self.assertGood(gateway, "files")

    def test_a_daemon_without_rights(self):
        """It starts, as it needs nothing before somebody connects."""
        net = self.lab.client_net
        client = self.lab.client()
        client.write_config()
        with open(client.log_path, "ab") as log:
            client.process = net.spawn(
                "setpriv", "--bounding-set", "-net_admin", "--inh-caps", "-net_admin",
                harness.SLOPND, "--config", client.config_path,
                stdout=log, stderr=log, env=client.environment,
            )
        harness.wait_until(lambda: client.socket_path.exists() or not client.running, 5, "a socket")
        if not client.running:
            self.skipTest("slopnd does not start without CAP_NET_ADMIN: " + client.log[-200:])
        self.assertFound(client, "rights", "problem", "CAP_NET_ADMIN")
        self.assertFound(client, "buffers", "notice", "rmem_max")


if __name__ == "__main__":
    harness.main()
