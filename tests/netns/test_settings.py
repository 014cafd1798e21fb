#!/usr/bin/python3
"""What the user wants of a client: kept over restarts, in force at once."""

import json
import random
import re
import socket
import threading

import harness
from harness import GATEWAY4, GATEWAY6, HOST4, HOST6, LabTest

MARK = b"which way does this text go?"
ON_LINK4, PUBLIC_ON_LINK4 = "192.168.7.1", "203.0.113.1"
ON_LINK6, PUBLIC_ON_LINK6 = "fd07::1", "2001:db8:77::1"


def settings_of(client):
    return client.ctl_json("settings", "get")["settings"]


def set_settings(client, *changes):
    client.ctl_ok("settings", "set", *changes)


class SettingsTest(LabTest):
    def refused(self, client, *arguments, input=None):
        """What slopnctl says to an order that slopnd refuses."""
        done = client.ctl(*arguments, "--json", input=input)
        self.assertNotEqual(done.returncode, 0, done.stdout)
        return json.dumps(json.loads(done.stdout or done.stderr))

    def stored(self):
        """A client with a profile "laptop", not started, and its gateway."""
        gateway = self.lab.gateway().start()
        client = self.lab.client().start()
        client.ctl_ok("profile", "import", gateway.invite(), "--name", "laptop")
        return client, gateway

    def seen(self, capture):
        """The marked datagrams themselves, not the ICMP errors that quote them."""
        headers = {link + ip + 8 for link in (0, 14) for ip in (20, 40)}
        return [frame for frame in capture.frames if frame.find(MARK) in headers]

    def send(self, *targets):
        """Marked datagrams to each of the addresses, whatever becomes of them."""
        for target in targets:
            family = socket.AF_INET6 if ":" in target else socket.AF_INET
            with self.lab.client_net.socket(family, socket.SOCK_DGRAM) as sender:
                for _ in range(5):
                    try:
                        sender.sendto(MARK, (target, 9))
                    except OSError:
                        pass  # nothing may go out


class Kept(SettingsTest):
    def test_what_is_set_outlives_the_daemon_and_is_exported_and_imported(self):
        client, _ = self.stored()
        set_settings(client, "mtu_bytes=1300", "split.exclude=192.0.2.0/25,2001:db8:9::/48")
        before = settings_of(client)
        self.assertEqual(before["split.exclude"], "192.0.2.0/25,2001:db8:9::/48")
        client.stop()
        client.start()
        self.assertEqual(settings_of(client), before)
        text = client.ctl_ok("settings", "export")
        set_settings(client, "mtu_bytes=", "split.exclude=")
        self.assertEqual(settings_of(client)["mtu_bytes"], "0")
        client.ctl_ok("settings", "import", "-", input=text)
        self.assertEqual(settings_of(client), before)
        self.assertEqual((client.state_dir / "settings.toml").stat().st_mode & 0o777, 0o600)

    def test_an_order_is_obeyed_as_a_whole_or_not_at_all(self):
        client, _ = self.stored()
        before = settings_of(client)
        answer = self.refused(client, "settings", "set", "lan_access=true", "mtu_bytes=7")
        self.assertIn("mtu_bytes", answer)
        self.assertIn("dns.mode", self.refused(client, "settings", "set", "dns.mode=gateway"))
        self.assertIn("auto_connect", self.refused(client, "settings", "set", "auto_connect=x"))
        self.refused(client, "settings", "import", "-", input="schema_version = 1\n")
        answer = self.refused(client, "settings", "import", "-", input="schema_version = 99\n")
        self.assertIn("newer", answer)
        self.assertEqual(settings_of(client), before)

    def test_a_gateway_has_no_settings(self):
        gateway = self.lab.gateway().start()
        self.assertIn("gateway", self.refused(gateway, "settings", "get"))
        self.refused(gateway, "settings", "set", "lockdown=true")

    def test_a_daemon_killed_amid_changes_never_leaves_a_broken_file(self):
        client = self.lab.client().start()
        sometimes = random.Random(4)
        for round_number in range(12):
            stopping = threading.Event()

            def change():
                number = 1280
                while not stopping.is_set():
                    number += 1
                    client.ctl("settings", "set", f"mtu_bytes={number}", "lan_access=true")

            changing = [threading.Thread(target=change, daemon=True) for _ in range(2)]
            for one in changing:
                one.start()
            stopping.wait(sometimes.uniform(0.05, 0.4))
            client.kill()
            stopping.set()
            for one in changing:
                one.join(10)
            client.start()
            answer = client.ctl_json("settings", "get")
            self.assertEqual(answer["problem"], "", round_number)
        self.assertEqual(answer["settings"]["lan_access"], "true")
        self.assertFalse(list(client.state_dir.glob("settings.toml.*")))


class AutoConnect(SettingsTest):
    def test_connects_at_start_to_the_profile_that_the_settings_name(self):
        client, gateway = self.stored()
        client.ctl_ok("profile", "import", gateway.invite("other"), "--name", "other")
        set_settings(client, "auto_connect=laptop")
        client.stop()
        # The settings win over the administrator's file.
        client.configure({"client": {"connect_on_start": True, "default_profile": "other"}})
        client.start()
        self.assertEqual(client.wait_state("connected")["profile"], "laptop")
        self.assertTrue(self.lab.client_net.ping(HOST4))

        set_settings(client, "auto_connect=")
        client.stop()
        client.start()
        self.assertEqual(client.wait_state("connected")["profile"], "other")

    def test_a_start_without_the_wish_connects_nowhere(self):
        client, _ = self.stored()
        client.stop()
        client.start()
        self.assertEqual(client.state, "disconnected")


class Unreadable(SettingsTest):
    def check_locked_until_repaired(self, content, problem, kept_as):
        client, _ = self.stored()
        set_settings(client, "auto_connect=laptop")
        client.stop()
        client.configure({"client": {"connect_on_start": True, "default_profile": "laptop"}})
        file = client.state_dir / "settings.toml"
        file.write_text(content)
        client.start()
        answer = client.ctl_json("settings", "get")
        self.assertRegex(answer["problem"], problem)
        self.assertEqual(answer["settings"]["lockdown"], "true")
        self.assertRegex(client.log, problem)
        self.assertIn("traffic is blocked", client.log)
        status = client.status()
        self.assertEqual(status["state"], "disconnected")
        self.assertTrue(status["traffic_blocked"])
        outside = self.lab.capture(self.lab.client_net, "outer0")
        self.send(GATEWAY4, GATEWAY6)
        outside.stop()
        self.assertEqual(self.seen(outside), [])
        self.assertEqual(file.read_text(), content)

        set_settings(client, "lockdown=false")
        answer = client.ctl_json("settings", "get")
        self.assertEqual(answer["problem"], "")
        self.assertEqual(answer["settings"]["lockdown"], "false")
        self.assertEqual((client.state_dir / kept_as).read_text(), content)
        self.assertFalse(client.status()["traffic_blocked"])
        self.assertTrue(self.lab.client_net.ping(GATEWAY4))
        client.connect("laptop")
        self.assertTrue(self.lab.client_net.ping(HOST4))

    def test_a_broken_file_locks_until_it_is_repaired(self):
        self.check_locked_until_repaired(
            'schema_version = 1\nauto_connect = "lap', "settings.toml:2:", "settings.toml.damaged-1"
        )

    def test_a_file_of_a_newer_version_locks_and_is_kept(self):
        self.check_locked_until_repaired(
            "schema_version = 99\nlockdown = false\n",
            re.escape("written by a newer slopnd (schema_version 99"),
            "settings.toml.newer-1",
        )


class Lockdown(SettingsTest):
    def setUp(self):
        super().setUp()
        self.client, _ = self.stored()
        self.net = self.lab.client_net

    def test_it_blocks_at_once_survives_a_crash_and_ends_at_once(self):
        self.assertTrue(self.net.ping(GATEWAY4))
        set_settings(self.client, "lockdown=true")
        self.assertFalse(self.net.ping(GATEWAY4, wait=0.5))
        self.client.kill()
        outside = self.lab.capture(self.net, "outer0")
        self.send(GATEWAY4, GATEWAY6)
        self.client.start()
        self.send(GATEWAY4, GATEWAY6)
        outside.stop()
        self.assertEqual(self.seen(outside), [])
        self.assertTrue(self.client.status()["traffic_blocked"])
        self.client.connect("laptop")
        self.assertTrue(self.net.ping(HOST4))
        self.client.ctl_ok("disconnect", "--wait")
        self.assertFalse(self.net.ping(GATEWAY4, wait=0.5))
        set_settings(self.client, "lockdown=false")
        self.assertTrue(self.net.ping(GATEWAY4))
        self.assertTrue(self.net.ping(GATEWAY6))

    def test_the_lan_and_what_is_excluded_are_outside_of_it(self):
        neighbour = self.lab.namespace("neighbour")
        self.lab.join(
            (self.net, "home0", "192.168.7.2/24", "fd07::2/64"),
            (neighbour, "home0", ON_LINK4 + "/24", ON_LINK6 + "/64"),
        )
        set_settings(self.client, "lockdown=true")
        self.assertFalse(self.net.ping(ON_LINK4, wait=0.5))
        set_settings(self.client, "lan_access=true")
        self.assertTrue(self.net.ping(ON_LINK4))
        self.assertTrue(self.net.ping(ON_LINK6))
        self.assertFalse(self.net.ping(GATEWAY4, wait=0.5))
        set_settings(self.client, "lan_access=false", f"split.exclude={GATEWAY4}/32")
        self.assertFalse(self.net.ping(ON_LINK4, wait=0.5))
        self.assertTrue(self.net.ping(GATEWAY4))
        self.assertFalse(self.net.ping(GATEWAY6, wait=0.5))
        set_settings(self.client, "lockdown=false")
        self.assertTrue(self.net.ping(GATEWAY6))


class Split(SettingsTest):
    def setUp(self):
        super().setUp()
        # A way past the tunnel, as a machine with Internet access has it.
        net = self.lab.client_net
        net.ip("route", "add", "default", "via", GATEWAY4)
        net.ip("-6", "route", "add", "default", "via", GATEWAY6)
        self.client, self.gateway = self.lab.tunnel()

    def way_of(self, target):
        """Where marked datagrams to `target` were seen: "inside", "outside", "both" or "nowhere"."""
        inside = self.lab.capture(self.lab.client_net, "slopn0")
        outside = self.lab.capture(self.lab.client_net, "outer0")
        self.send(target)
        inside.stop(), outside.stop()
        seen = bool(self.seen(inside)), bool(self.seen(outside))
        return {(1, 0): "inside", (0, 1): "outside", (1, 1): "both", (0, 0): "nowhere"}[seen]

    def test_what_is_excluded_goes_outside_and_nothing_else_does(self):
        self.assertEqual(self.way_of(HOST4), "inside")
        set_settings(self.client, f"split.exclude={HOST4}/32,{HOST6}/128")
        self.assertEqual(self.way_of(HOST4), "outside")
        self.assertEqual(self.way_of(HOST6), "outside")
        self.assertEqual(self.way_of("198.51.100.3"), "inside")
        self.assertEqual(self.way_of("2001:db8:2::3"), "inside")
        set_settings(self.client, "split.exclude=")
        self.assertEqual(self.way_of(HOST4), "inside")
        self.assertEqual(self.way_of(HOST6), "inside")
        self.assertTrue(self.lab.client_net.ping(HOST4))

    def test_only_what_is_included_goes_inside_and_it_never_goes_outside(self):
        set_settings(self.client, f"split.include={HOST4}/32,2001:db8:2::/64")
        self.assertEqual(self.way_of(HOST4), "inside")
        self.assertEqual(self.way_of(HOST6), "inside")
        self.assertEqual(self.way_of("198.51.100.3"), "outside")
        self.assertEqual(self.way_of("2001:db8:9::3"), "outside")
        self.assertTrue(self.lab.client_net.ping(HOST4))
        self.assertEqual(self.client.status()["routes"], [f"{HOST4}/32", "2001:db8:2::/64"])

        # Nor while the gateway is away, when only what is not included is left to the host.
        outside = self.lab.capture(self.lab.client_net, "outer0")
        self.gateway.kill()
        self.client.wait_state("reconnecting", timeout=15)
        self.send(HOST4, HOST6)
        set_settings(self.client, f"split.include={HOST4}/32,2001:db8:2::/64,203.0.113.0/24")
        self.send(HOST4, HOST6, "203.0.113.9")
        outside.stop()
        self.assertEqual(self.seen(outside), [])

    def test_rules_that_exclude_what_they_include_are_refused(self):
        answer = self.refused(
            self.client, "settings", "set", "split.exclude=10.0.0.0/8", "split.include=10.1.0.0/16"
        )
        self.assertIn("split.include", answer)
        self.assertEqual(self.way_of(HOST4), "inside")

    def test_nothing_of_it_is_left_after_disconnecting(self):
        self.client.ctl_ok("disconnect", "--wait")
        before = self.lab.client_net.snapshot()
        set_settings(self.client, "split.exclude=192.0.2.128/25,2001:db8:9::/48", "lan_access=true")
        self.client.connect(self.client.profile)
        self.client.ctl_ok("disconnect", "--wait")
        self.assertEqual(self.lab.client_net.snapshot(), before)

    def test_the_mtu_of_the_settings_holds_from_the_next_connection_on(self):
        answer = self.client.ctl_json("settings", "set", "mtu_bytes=1300", "lan_access=true")
        self.assertEqual(answer["takes_effect_later"], ["mtu_bytes"])
        net = self.lab.client_net
        self.assertGreater(net.mtu("slopn0"), 1300)
        self.client.ctl_ok("disconnect", "--wait")
        self.client.connect(self.client.profile)
        self.assertIn(net.mtu("slopn0"), range(1280, 1301))


class LanAccess(SettingsTest):
    def setUp(self):
        super().setUp()
        # Two neighbours on links of the client: one with private addresses, and one that announces
        # public ones as its own (TunnelCrack LocalNet).
        self.neighbour = self.lab.namespace("neighbour")
        client = self.lab.client_net
        self.lab.join(
            (client, "home0", "192.168.7.2/24", "fd07::2/64"),
            (self.neighbour, "home0", ON_LINK4 + "/24", ON_LINK6 + "/64"),
        )
        self.lab.join(
            (client, "rogue0", "203.0.113.2/24", "2001:db8:77::2/64"),
            (self.neighbour, "rogue0", PUBLIC_ON_LINK4 + "/24", PUBLIC_ON_LINK6 + "/64"),
        )
        self.client, _ = self.lab.tunnel()

    def reached(self):
        return {
            target
            for target in (ON_LINK4, ON_LINK6, PUBLIC_ON_LINK4, PUBLIC_ON_LINK6)
            if self.lab.client_net.ping(target, wait=0.5)
        }

    def test_private_networks_are_reached_only_if_the_user_wants_it(self):
        self.assertEqual(self.reached(), set())
        set_settings(self.client, "lan_access=true")
        self.assertEqual(self.reached(), {ON_LINK4, ON_LINK6})
        self.assertTrue(self.lab.client_net.ping(HOST4))
        self.assertTrue(self.lab.client_net.ping(HOST6))
        set_settings(self.client, "lan_access=false")
        self.assertEqual(self.reached(), set())

    def test_a_public_network_on_a_link_is_never_reached_beside_the_tunnel(self):
        rogue = self.lab.capture(self.lab.client_net, "rogue0")
        inside = self.lab.capture(self.lab.client_net, "slopn0")
        set_settings(self.client, "lan_access=true")
        self.send(PUBLIC_ON_LINK4, PUBLIC_ON_LINK6)
        rogue.stop(), inside.stop()
        self.assertEqual(self.seen(rogue), [])
        self.assertGreaterEqual(len(self.seen(inside)), 10)

    def test_the_lan_is_reached_while_the_client_reconnects(self):
        set_settings(self.client, "lan_access=true")
        self.lab.client_net.ip("link", "set", "outer0", "down")
        self.client.wait_state("reconnecting", timeout=15)
        self.assertEqual(self.reached(), {ON_LINK4, ON_LINK6})


if __name__ == "__main__":
    harness.main()
