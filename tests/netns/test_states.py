#!/usr/bin/python3
"""The states of a client's tunnel: requests that repeat or contradict each other, what stays blocked
when, confirmation, and several gateways."""

import concurrent.futures
import time
from pathlib import Path

import harness
from harness import GATEWAY4, GATEWAY6, HOST4, LabTest, wait_until

# Beside the gateway on the outer network: what a client without a tunnel may reach.
BESIDE = GATEWAY4
NOBODY4, NOBODY6 = "192.0.2.99", "2001:db8:1::99"
NOT_CONNECTED_YET = ("connecting", "reconnecting")


class StatesTest(LabTest):
    def reaches(self, target=BESIDE):
        return self.lab.client_net.ping(target, wait=0.5)

    def assertBlocked(self, client):
        self.assertTrue(client.status()["traffic_blocked"], client.status())
        self.assertFalse(self.reaches(), "traffic leaves beside the tunnel")

    def assertOpen(self, client):
        self.assertFalse(client.status()["traffic_blocked"], client.status())
        wait_until(self.reaches, 3, "traffic to leave as without slopn")


class Requests(StatesTest):
    def test_a_second_connect_changes_nothing(self):
        client, gateway = self.lab.tunnel()
        since = client.status()["since"]
        client.connect(client.profile)
        client.ctl_ok("connect", client.profile, "--no-wait")
        self.assertEqual(client.status()["since"], since)
        self.assertEqual(len(gateway.sessions()), 1)

    def test_another_profile_is_refused_while_one_is_in_use(self):
        client, gateway = self.lab.tunnel()
        client.import_profile(
            {"name": "other", "gateway": f"{NOBODY4}:443", "pins": [gateway.pin],
             "auth": {"method": "none"}}
        )
        done = client.ctl("connect", "other", "--json")
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("is connected; disconnect it first", done.stdout + done.stderr)
        self.assertEqual(client.state, "connected")
        client.ctl_ok("disconnect")
        client.ctl_ok("connect", "other", "--no-wait")
        client.wait_state(*NOT_CONNECTED_YET)
        self.assertEqual(client.status()["profile"], "other")

    def test_a_disconnect_while_connecting_ends_it_at_once(self):
        gateway = self.lab.gateway().start()
        uri = gateway.invite()
        gateway.stop()
        client = self.lab.client().start()
        before = self.lab.client_net.snapshot()
        client.ctl_ok("connect", uri, "--no-wait")
        client.wait_state(*NOT_CONNECTED_YET)
        started = time.monotonic()
        client.ctl_ok("disconnect")
        self.assertLess(time.monotonic() - started, 1.5 * harness.PATIENCE)
        self.assertEqual(client.state, "disconnected")
        self.assertEqual(self.lab.client_net.snapshot(), before)
        client.ctl_ok("disconnect")

    def test_ten_at_once_end_in_one_connection(self):
        gateway = self.lab.gateway().start()
        client = self.lab.client().start()
        client.connect(gateway.invite())
        client.ctl_ok("disconnect")

        def connect(_):
            return client.ctl("connect", client.profile)

        with concurrent.futures.ThreadPoolExecutor(10) as many:
            for done in many.map(connect, range(10)):
                self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertEqual(client.state, "connected")
        wait_until(lambda: len(gateway.sessions()) == 1, 5, "one session")

    def test_ten_that_contradict_each_other_leave_a_state_that_answers(self):
        client, gateway = self.lab.tunnel()

        def ask(number):
            verb = ("connect", client.profile) if number % 2 else ("disconnect",)
            return client.ctl(*verb, "--no-wait").returncode

        with concurrent.futures.ThreadPoolExecutor(10) as many:
            self.assertEqual(set(many.map(ask, range(20))), {0})
        self.assertAlive(client, gateway)
        client.connect(client.profile)
        self.lab.client_net.wait_ping(HOST4)
        client.ctl_ok("disconnect")
        self.assertEqual(client.state, "disconnected")


class Failures(StatesTest):
    def refuse(self, client, gateway):
        """The gateway forgets the client, as when its operator takes it off the list."""
        gateway.stop()
        (Path(gateway.state_dir) / "clients.toml").unlink()
        gateway.start()
        return client.wait_state("failed", timeout=15)

    def test_a_key_that_is_refused_after_a_connection_stays_blocked(self):
        client, gateway = self.lab.tunnel()
        status = self.refuse(client, gateway)
        self.assertEqual(status["error"]["code"], "auth_rejected")
        self.assertTrue(status["error"]["remedy"])
        self.assertBlocked(client)
        time.sleep(1)
        self.assertEqual(client.state, "failed")
        self.assertBlocked(client)
        client.ctl_ok("disconnect")
        self.assertOpen(client)

    def test_a_connect_from_a_failure_stays_blocked_until_it_is_through(self):
        client, gateway = self.lab.tunnel()
        self.refuse(client, gateway)
        self.assertNotEqual(client.ctl("connect", client.profile).returncode, 0)
        self.assertEqual(client.state, "failed")
        self.assertBlocked(client)
        uri = gateway.invite("again")
        client.connect(uri)
        self.lab.client_net.wait_ping(HOST4)
        client.ctl_ok("disconnect")
        self.assertOpen(client)

    def test_a_key_that_was_never_accepted_blocks_nothing(self):
        gateway = self.lab.gateway().start()
        client = self.lab.client().start()
        secret, _ = client.make_key()
        client.import_profile(
            {"name": "stranger", "gateway": f"{GATEWAY4}:443", "pins": [gateway.pin],
             "auth": {"key": secret}}
        )
        done = client.ctl("connect", "stranger")
        self.assertEqual(done.returncode, 6, done.stdout + done.stderr)
        self.assertEqual(client.state, "failed")
        self.assertOpen(client)


class Confirmation(StatesTest):
    def setUp(self):
        super().setUp()
        self.gateway = self.lab.gateway().start()
        self.client = self.lab.client().start()
        self.before = self.lab.client_net.snapshot()

    def test_what_nobody_confirms_is_taken_back(self):
        self.client.ctl_ok("connect", self.gateway.invite(), "--confirm", 2)
        self.lab.client_net.wait_ping(HOST4)
        status = self.client.wait_state("disconnected", timeout=5)
        self.assertIn("nobody confirmed", status["reason"]["message"])
        self.assertOpen(self.client)
        wait_until(lambda: self.lab.client_net.snapshot() == self.before, 3, "the old network")

    def test_what_is_confirmed_stays(self):
        self.client.ctl_ok("connect", self.gateway.invite(), "--confirm", 2)
        self.client.ctl_ok("connect")
        time.sleep(3)
        self.assertEqual(self.client.state, "connected")

    def test_what_is_blocked_while_it_waits_is_opened_in_time(self):
        self.client.ctl_ok("connect", self.gateway.invite(), "--confirm", 4)
        self.gateway.kill()
        self.client.wait_state("disconnected", timeout=10)
        self.assertOpen(self.client)


class Gateways(StatesTest):
    def connect_through(self, gateways):
        """Connects by a profile with these gateways. Returns the status and how long it took."""
        gateway = self.lab.gateway().start()
        client = self.lab.client().start()
        secret, public = client.make_key()
        gateway.ctl_ok("gateway", "invite", "laptop", "--key", public)
        client.import_profile(
            {"name": "many", "gateways": gateways, "pins": [gateway.pin], "auth": {"key": secret}}
        )
        started = time.monotonic()
        client.ctl_ok("connect", "many")
        took = time.monotonic() - started
        wait_until(lambda: len(gateway.sessions()) == 1, 5, "one session")
        return client.status(), took

    def test_one_dead_and_one_live_gateway_connect_in_under_a_second(self):
        # Nobody answers for the first: not even that it is not there.
        self.lab.client_net.ip("route", "add", "203.0.113.0/24", "via", GATEWAY4)
        self.lab.gateway_net.ip("route", "add", "blackhole", "203.0.113.0/24")
        status, took = self.connect_through(["203.0.113.1:443", f"{GATEWAY4}:443"])
        print(f"one dead, one live gateway: {took:.3f} s")
        self.assertEqual(status["gateway"], f"{GATEWAY4}:443")
        self.assertLess(took, 1.0 * harness.PATIENCE)

    def test_a_dead_family_does_not_hold_the_other_up(self):
        status, took = self.connect_through([f"[{NOBODY6}]:443", f"{GATEWAY4}:443"])
        print(f"IPv6 dead: {took:.3f} s")
        self.assertEqual(status["gateway"], f"{GATEWAY4}:443")
        self.assertLess(took, 1.0 * harness.PATIENCE)

    def test_the_best_of_the_living_is_taken(self):
        status, _ = self.connect_through([f"{GATEWAY4}:443", f"[{GATEWAY6}]:443"])
        self.assertEqual(status["gateway"], f"{GATEWAY4}:443")

    def test_a_gateway_that_refuses_leaves_it_to_the_next(self):
        # The first knows the client's key no more than anybody's; the second does.
        gateway = self.lab.gateway().start()
        stranger = self.lab.gateway(
            {"gateway": {"listen": [f"{GATEWAY4}:4443"], "interface_name": "slopn9",
                         "pools": ["10.99.0.0/24"], "public_endpoint": f"{GATEWAY4}:4443"}},
            name="stranger",
        )
        other_net = self.lab.namespace("stranger")
        stranger.namespace = other_net
        self.lab.join(
            (self.lab.client_net, "outer9", "192.0.9.2/24", "2001:db8:9::2/64"),
            (other_net, "outer0", "192.0.9.1/24", "2001:db8:9::1/64"),
        )
        stranger.configure({"gateway": {"listen": ["192.0.9.1:443"],
                                        "public_endpoint": "192.0.9.1:443"}})
        stranger.start()
        client = self.lab.client().start()
        secret, public = client.make_key()
        gateway.ctl_ok("gateway", "invite", "laptop", "--key", public)
        client.import_profile(
            {"name": "two", "gateways": ["192.0.9.1:443", f"{GATEWAY4}:443"],
             "pins": [stranger.pin, gateway.pin], "auth": {"key": secret}}
        )
        started = time.monotonic()
        client.ctl_ok("connect", "two")
        print(f"first gateway refuses: {time.monotonic() - started:.3f} s")
        self.assertEqual(client.status()["gateway"], f"{GATEWAY4}:443")


class Lockdown(StatesTest):
    LOCKED = {"client": {"lockdown": True}}

    def test_it_blocks_before_between_and_after_connections(self):
        gateway = self.lab.gateway().start()
        client = self.lab.client(self.LOCKED).start()
        self.assertBlocked(client)
        client.connect(gateway.invite())
        self.lab.client_net.wait_ping(HOST4)
        self.assertFalse(client.status()["traffic_blocked"])
        client.ctl_ok("disconnect")
        self.assertBlocked(client)

    def test_it_blocks_after_kill_and_restart(self):
        client, _ = self.lab.tunnel(client_changes=self.LOCKED)
        client.kill()
        self.assertFalse(self.reaches(), "traffic leaves after a crash")
        client.start()
        self.assertEqual(client.state, "disconnected")
        self.assertBlocked(client)
        client.kill()
        self.assertFalse(self.reaches(), "traffic leaves after a crash")
        client.start()
        client.connect(client.profile)
        self.lab.client_net.wait_ping(HOST4)

    def test_a_stop_leaves_it_blocked_and_switching_it_off_opens(self):
        before = self.lab.client_net.snapshot()
        client, _ = self.lab.tunnel(client_changes=self.LOCKED)
        client.stop()
        self.assertFalse(self.reaches(), "traffic leaves after a stop")
        client.configure({"client": {"lockdown": False}})
        client.start()
        self.assertOpen(client)
        client.stop()
        self.assertEqual(self.lab.client_net.snapshot(), before)

    def test_a_gateway_with_a_name_is_found_again_without_dns(self):
        gateway = self.lab.gateway().start()
        client = self.lab.client(self.LOCKED)
        client.state_dir.mkdir(mode=0o700)
        (client.state_dir / "gateway-addresses").write_text(
            f"slopn-gateways 1\nvpn.slopn.test {GATEWAY4}\n"
        )
        client.start()
        secret, public = client.make_key()
        gateway.ctl_ok("gateway", "invite", "laptop", "--key", public)
        client.import_profile(
            {"name": "named", "gateway": "vpn.slopn.test", "pins": [gateway.pin],
             "auth": {"key": secret}}
        )
        client.ctl_ok("connect", "named")
        self.assertEqual(client.status()["gateway"], "vpn.slopn.test:443")

    def test_it_can_be_switched_while_running(self):
        before = self.lab.client_net.snapshot()
        client = self.lab.client().start()
        self.assertOpen(client)
        client.configure(self.LOCKED)
        client.signal(harness.signal.SIGHUP)
        wait_until(lambda: client.status()["traffic_blocked"], 3, "lockdown")
        self.assertBlocked(client)
        client.configure({"client": {"lockdown": False}})
        client.signal(harness.signal.SIGHUP)
        wait_until(lambda: not client.status()["traffic_blocked"], 3, "the end of lockdown")
        self.assertOpen(client)
        self.assertEqual(self.lab.client_net.snapshot(), before)


if __name__ == "__main__":
    harness.main()
