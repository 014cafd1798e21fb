#!/usr/bin/python3
"""Who may come in, and what a client may do inside."""

import socket
import urllib.parse

import harness
from harness import (
    GATEWAY4,
    HOST4,
    HOST6,
    INNER_GATEWAY4,
    INNER_GATEWAY6,
    LabTest,
    wait_until,
)

OTHER_PIN = "sha256:" + "A" * 43

# Exit codes of slopnctl, docs/slopnctl.md.
AUTHENTICATION_REFUSED, TIMED_OUT = 6, 7


def without_prefix(addresses: list[str]) -> dict[int, str]:
    return {6 if ":" in text else 4: text.split("/")[0] for text in addresses}


class Access(LabTest):
    def test_wrong_pin_is_refused_and_nothing_is_sent_through(self):
        gateway = self.lab.gateway().start()
        client = self.lab.client().start()
        uri = urllib.parse.unquote(gateway.invite())
        self.assertIn(gateway.pin, uri)
        done = client.ctl("connect", uri.replace(gateway.pin, OTHER_PIN), "--wait", "--timeout", 5)
        self.assertEqual(done.returncode, AUTHENTICATION_REFUSED, done.stderr)
        self.assertRegex(done.stdout + done.stderr, "(?i)pin|key")
        self.assertFalse(self.lab.client_net.has_device("slopn0"))
        self.assertEqual(gateway.sessions(), [])

    def test_unknown_client_key_is_refused(self):
        gateway = self.lab.gateway().start()
        stranger = self.lab.gateway(name="stranger")  # only to make an invitation somewhere else
        stranger.configure({"gateway": {"listen": ["127.0.0.1:4443"], "interface_name": "slopn9",
                                        "pools": ["10.78.0.0/24"]}})
        stranger.start()
        uri = urllib.parse.unquote(stranger.invite()).replace(stranger.pin, gateway.pin)
        stranger.stop()
        client = self.lab.client().start()
        done = client.ctl("connect", uri, "--wait", "--timeout", 5)
        self.assertEqual(done.returncode, AUTHENTICATION_REFUSED, done.stdout + done.stderr)
        self.assertEqual(gateway.sessions(), [])

    def test_kick_ends_the_session_and_the_client_says_why(self):
        client, gateway = self.lab.tunnel()
        kicked = gateway.sessions()[0]["id"]
        self.assertEqual(gateway.ctl_json("gateway", "kick", "laptop")["ended"], 1)
        # It may come back, as another session.
        wait_until(lambda: all(s["id"] != kicked for s in gateway.sessions()), 3, "it to end")
        wait_until(lambda: "state=connected->" in client.log, 3, "the client to notice")
        self.assertRegex(client.log, 'state=connected->.* reason="[^"]+')
        self.assertAlive(client, gateway)

    def test_kick_of_nobody_is_an_error(self):
        gateway = self.lab.gateway().start()
        self.assertNotEqual(gateway.ctl("gateway", "kick", "nobody").returncode, 0)

    def test_sighup_lets_a_new_client_in_and_an_old_one_out(self):
        gateway = self.lab.gateway().start()
        client = self.lab.client().start()
        key, public = client.make_key()
        client.import_profile(
            {
                "name": "mine",
                "gateway": f"{GATEWAY4}:443",
                "pins": [gateway.pin],
                "auth": {"key": key},
            }
        )
        refused = client.ctl("connect", "mine", "--wait", "--timeout", 3)
        self.assertEqual(refused.returncode, AUTHENTICATION_REFUSED, refused.stderr)

        gateway.configure(
            {"gateway": {"auth": {"client": [{"name": "mine", "public_key": public}]}}}
        )
        gateway.signal(harness.signal.SIGHUP)
        wait_until(
            lambda: client.ctl("connect", "mine", "--wait", "--timeout", 3).returncode == 0,
            10, "the new client to be let in",
        )
        self.assertTrue(self.lab.client_net.ping(HOST4))

        gateway.configure({"gateway": {"auth": {"client": []}}})
        gateway.signal(harness.signal.SIGHUP)
        wait_until(lambda: not gateway.sessions(), 5, "the session of a removed client to end")

    def test_broken_config_at_sighup_changes_nothing(self):
        client, gateway = self.lab.tunnel()
        gateway.config_path.write_text("this is no TOML [[[")
        gateway.signal(harness.signal.SIGHUP)
        gateway.wait_log("slopnd.toml:1")
        self.assertAlive(gateway)
        self.assertEqual(client.state, "connected")
        self.assertTrue(self.lab.client_net.ping(HOST4))

    def test_pool_exhausted_is_a_clear_refusal(self):
        # A /30 has two hosts, and the gateway takes the first.
        client, gateway = self.lab.tunnel({"gateway": {"pools": ["10.77.0.0/30"]}})
        second = self.lab.client(
            name="second", namespace=self.lab.extra_client_net(2)
        ).start()
        done = second.ctl("connect", gateway.invite("second"), "--wait", "--timeout", 4)
        self.assertNotEqual(done.returncode, 0)
        self.assertRegex(done.stdout + done.stderr, "(?i)pool|address")
        self.assertAlive(gateway, client)
        self.assertTrue(self.lab.client_net.ping(HOST4))

    def test_anonymous_is_warned_about_at_every_start(self):
        gateway = self.lab.gateway({"gateway": {"auth": {"anonymous": True}}}).start()
        self.assertRegex(gateway.log, r"(?i)warn.*anonymous|anonymous.*warn")


class Inside(LabTest):
    """Two clients of one gateway."""

    def setUp(self):
        super().setUp()
        self.client, self.gateway = self.lab.tunnel(self.GATEWAY)
        self.other_net = self.lab.extra_client_net(2)
        self.other = self.lab.client(name="second", namespace=self.other_net).start()
        self.other.connect(self.gateway.invite("second"))
        self.inner = without_prefix(self.client.status()["addresses"])
        self.other_inner = without_prefix(self.other.status()["addresses"])

    GATEWAY: harness.Toml = {}


class ClientsApart(Inside):
    def test_clients_do_not_reach_each_other(self):
        for version in (4, 6):
            self.assertFalse(self.lab.client_net.ping(self.other_inner[version], wait=0.7))
            self.assertFalse(self.other_net.ping(self.inner[version], wait=0.7))
        self.assertTrue(self.lab.client_net.ping(HOST4))

    def test_a_foreign_source_address_does_not_pass(self):
        capture = self.lab.capture(self.lab.host_net, "lan0")
        net = self.lab.client_net

        def counted() -> int:
            """The client itself may drop them first; what a hostile client does is tested in
            tests/conformance/interop/test_bad_input.py."""
            mine = self.client.status()["traffic"]["drops"].get("foreign_source", 0)
            return mine + self.gateway.drops("foreign_source")

        before = counted()
        for address, target, family in (
            (self.other_inner[4], HOST4, "-4"),
            ("203.0.113.77", HOST4, "-4"),
            (self.other_inner[6], HOST6, "-6"),
        ):
            width = 32 if family == "-4" else 128
            net.ip("address", "add", f"{address}/{width}", "dev", "lo", *(
                ["nodad"] if family == "-6" else []))
            net.run("ping", family, "-n", "-c", 3, "-i", "0.1", "-W", 1, "-I", address, target,
                    check=False)
            net.ip("address", "del", f"{address}/{width}", "dev", "lo")
        frames = capture.stop()
        foreign = [socket.inet_aton("203.0.113.77"), socket.inet_aton(self.other_inner[4])]
        self.assertFalse([f for f in frames if any(address in f for address in foreign)])
        self.assertGreater(counted(), before, "nobody counted a drop")
        self.assertTrue(net.ping(HOST4), "the session must live on")

    def test_services_of_the_gateway_itself_are_not_reachable(self):
        listeners = []
        for family, addresses in (
            (socket.AF_INET, (INNER_GATEWAY4, GATEWAY4, "198.51.100.1")),
            (socket.AF_INET6, (INNER_GATEWAY6, "2001:db8:2::1")),
        ):
            listener = self.lab.gateway_net.socket(family, socket.SOCK_STREAM)
            listener.bind(("::" if family == socket.AF_INET6 else "0.0.0.0",
                           2222 + (family == socket.AF_INET6)))
            listener.listen(8)
            listeners.append(listener)
            for address in addresses:
                caller = self.lab.client_net.socket(family, socket.SOCK_STREAM)
                caller.settimeout(1)
                with caller, self.assertRaises(OSError, msg=address):
                    caller.connect((address, listener.getsockname()[1]))
        for listener in listeners:
            listener.close()


class ClientsTogether(Inside):
    GATEWAY = {"gateway": {"client_to_client": True}}

    def test_clients_reach_each_other_when_the_gateway_says_so(self):
        for version in (4, 6):
            self.assertTrue(self.lab.client_net.ping(self.other_inner[version]))
            self.assertTrue(self.other_net.ping(self.inner[version]))


if __name__ == "__main__":
    harness.main()
