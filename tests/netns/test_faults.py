#!/usr/bin/python3
"""What goes wrong in a daemon's life, and what it has to do about it."""

import json
import os
import random
import time

import harness
from harness import GATEWAY4, HOST4, HOST6, SLOPND, LabTest, wait_until

TIMED_OUT = 7
UNREACHABLE_DAEMON = 3


class GatewayGone(LabTest):
    def test_gateway_down_the_client_keeps_trying_and_says_why(self):
        gateway = self.lab.gateway().start()
        uri = gateway.invite()
        gateway.stop()
        client = self.lab.client().start()
        done = client.ctl("connect", uri, "--wait", "--timeout", 2)
        self.assertEqual(done.returncode, TIMED_OUT, done.stdout + done.stderr)
        status = client.wait_state("reconnecting", timeout=10)
        self.assertTrue(status["reason"]["message"], status)
        gateway.start()
        client.wait_state("connected", timeout=15)
        self.lab.client_net.wait_ping(HOST4)

    def test_gateway_unreachable_the_client_reconnects_when_the_path_is_back(self):
        client, _ = self.lab.tunnel()
        net = self.lab.client_net
        self.lab.gateway_net.ip("link", "set", "outer0", "down")
        status = client.wait_state("reconnecting", timeout=15)
        self.assertTrue(status["reason"]["message"], status)
        # Tries without a network to try on are not counted.
        self.assertGreaterEqual(status["next_attempt"], 1)
        self.lab.gateway_net.ip("link", "set", "outer0", "up")
        client.wait_state("connected", timeout=15)
        net.wait_ping(HOST4)

    def test_gateway_restarted_the_client_reconnects_by_itself(self):
        client, gateway = self.lab.tunnel()
        gateway.stop()
        client.wait_state("reconnecting", "connecting", timeout=10)
        gateway.start()
        client.wait_state("connected", timeout=15)
        self.lab.client_net.wait_ping(HOST4)
        self.lab.client_net.wait_ping(HOST6)

    def test_gateway_killed_and_restarted_the_client_reconnects(self):
        client, gateway = self.lab.tunnel()
        gateway.kill()
        gateway.start()
        wait_until(lambda: gateway.sessions(), 20, "the client to be back")
        client.wait_state("connected", timeout=15)
        self.lab.client_net.wait_ping(HOST4, 10)

    def test_waits_between_tries_grow_and_stop_at_the_cap(self):
        gateway = self.lab.gateway().start()
        uri = gateway.invite()
        gateway.kill()
        client = self.lab.client(
            {"client": {"retry": {"first_backoff_ms": 200, "longest_backoff_s": 1,
                                  "handshake_timeout_s": 1}}}
        ).start()
        client.ctl("connect", uri, "--no-wait")
        wait_until(
            lambda: client.status().get("next_attempt", 0) >= 4
            or client.status().get("attempt", 0) >= 4,
            20, "four tries",
        )
        self.assertAlive(client)


class Killed(LabTest):
    def test_client_killed_its_next_start_repairs_rules_routes_and_device(self):
        net = self.lab.client_net
        before = net.snapshot()
        client, gateway = self.lab.tunnel()
        client.kill()
        client.start()
        self.assertEqual(client.state, "disconnected")
        wait_until(lambda: net.snapshot() == before, 3, "what the killed client left to be removed")
        client.connect(client.profile)
        net.wait_ping(HOST4)
        client.stop()
        self.assertEqual(net.snapshot(), before)
        self.assertAlive(gateway)

    def test_client_killed_while_connecting_leaves_nothing_after_the_next_start(self):
        net = self.lab.client_net
        gateway = self.lab.gateway().start()
        uri = gateway.invite()
        before = net.snapshot()
        client = self.lab.client()
        for delay in (0.0, 0.005, 0.02, 0.05):
            client.start()
            client.ctl("connect", uri, "--no-wait")
            time.sleep(delay)
            client.kill()
        client.start()
        client.stop()
        self.assertEqual(net.snapshot(), before)

    def test_either_side_killed_at_random_moments_comes_back(self):
        client, gateway = self.lab.tunnel()
        moments = random.Random(4)
        for number in range(8):
            victim = (client, gateway)[number % 2]
            victim.kill()
            victim.start()
            if victim is client:
                client.ctl_ok("connect", client.profile, "--no-wait")
            time.sleep(moments.uniform(0, 0.15))
        client.wait_state("connected", timeout=15)
        self.lab.client_net.wait_ping(HOST4, 15)

    def test_gateway_killed_its_next_start_repairs_its_tables(self):
        net = self.lab.gateway_net
        before = net.snapshot()
        client, gateway = self.lab.tunnel()
        gateway.kill()
        gateway.start()
        rules = net.run("nft", "list", "ruleset").stdout
        self.assertEqual(rules.count("table "), 1, rules)
        client.wait_state("connected", timeout=20)
        wait_until(lambda: gateway.sessions(), 20, "the client to be back")
        self.lab.client_net.wait_ping(HOST4, 10)
        client.stop()
        gateway.stop()
        self.assertEqual(net.snapshot(), before)


class Stopped(LabTest):
    def test_sigterm_stops_within_three_seconds_and_leaves_nothing(self):
        client_before = self.lab.client_net.snapshot()
        gateway_before = self.lab.gateway_net.snapshot()
        client, gateway = self.lab.tunnel()
        self.lab.client_net.ping(HOST4)
        client.stop(timeout=3)
        gateway.stop(timeout=3)
        self.assertEqual(self.lab.client_net.snapshot(), client_before)
        self.assertEqual(self.lab.gateway_net.snapshot(), gateway_before)

    def test_sigterm_while_connecting_stops_within_three_seconds(self):
        before = self.lab.client_net.snapshot()
        gateway = self.lab.gateway().start()
        uri = gateway.invite()
        gateway.kill()
        client = self.lab.client().start()
        client.ctl("connect", uri, "--no-wait")
        time.sleep(0.3)
        client.stop(timeout=3)
        self.assertEqual(self.lab.client_net.snapshot(), before)

    def test_sigterm_with_traffic_stops_within_three_seconds(self):
        client, gateway = self.lab.tunnel()
        flood = self.lab.client_net.spawn(
            "ping", "-q", "-f", HOST4, stdout=harness.subprocess.DEVNULL,
            stderr=harness.subprocess.DEVNULL,
        )
        time.sleep(0.5)
        gateway.stop(timeout=3)
        client.stop(timeout=3)
        flood.kill()


class DeviceGone(LabTest):
    def test_tun_deleted_under_the_client_is_repaired(self):
        client, gateway = self.lab.tunnel()
        self.lab.client_net.ip("link", "delete", "slopn0")
        self.lab.client_net.wait_ping(HOST4, 15)
        self.assertAlive(client, gateway)
        self.assertEqual(client.state, "connected")

    def test_tun_deleted_under_the_gateway_is_repaired_or_ends_it_with_an_error(self):
        client, gateway = self.lab.tunnel()
        self.lab.gateway_net.ip("link", "delete", "slopn0")
        wait_until(
            lambda: not gateway.running or self.lab.client_net.ping(HOST4, wait=0.3),
            15, "the gateway to repair its device or to say that it cannot",
        )
        if not gateway.running:
            self.assertNotEqual(gateway.process.returncode, 0)
            self.assertRegex(gateway.log, r"(?i)error.*(slopn0|tun|device)")
            gateway.start()
        client.wait_state("connected", timeout=20)
        self.lab.client_net.wait_ping(HOST4, 15)


class Files(LabTest):
    def run_slopnd(self, *arguments):
        command = [*harness.LAUNCHER, SLOPND, *arguments]
        return self.lab.client_net.run(*command, check=False, timeout=10)

    def test_two_daemons_on_one_socket_the_second_says_so(self):
        first, _ = self.lab.tunnel()
        second = self.lab.client(name="second")
        second.configure({"control": {"socket": str(first.socket_path)}})
        second.start(wait=False)
        self.assertNotEqual(second.wait_exit(), 0)
        self.assertRegex(second.log, "another slopnd is running")
        self.assertEqual(first.state, "connected", "the first daemon must not be disturbed")
        self.assertTrue(self.lab.client_net.ping(HOST4))

    def test_a_stale_socket_of_a_killed_daemon_is_replaced(self):
        client = self.lab.client().start()
        client.kill()
        self.assertTrue(client.socket_path.exists())
        client.start()
        self.assertEqual(client.state, "disconnected")

    def test_broken_config_is_refused_with_file_line_and_remedy(self):
        path = self.lab.folder / "broken.toml"
        for text, expected in (
            ('role = "client"\n[client\n', "broken.toml:2"),
            ('role = "client"\n[client]\nkeep_aliv_s = 3\n', "keep_alive_s"),
            ('role = "client"\n[client]\nkeep_alive_s = "three"\n', "broken.toml:3"),
            ('role = "server"\n', "gateway"),
        ):
            path.write_text(text)
            done = self.run_slopnd("--config", path)
            self.assertNotEqual(done.returncode, 0, text)
            self.assertIn(expected, done.stdout + done.stderr, text)

    def test_missing_config_file_is_named(self):
        done = self.run_slopnd("--config", "/nowhere/slopnd.toml")
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("/nowhere/slopnd.toml", done.stdout + done.stderr)

    def damage_every_state_file(self, daemon, how):
        damaged = 0
        for path in daemon.state_dir.rglob("*"):
            if path.is_file() and path.suffix not in (".key", ".crt"):
                how(path)
                damaged += 1
        return damaged

    def test_truncated_state_of_the_gateway_is_set_aside(self):
        client, gateway = self.lab.tunnel()
        gateway.stop()

        def cut(path):
            os.truncate(path, path.stat().st_size // 2)

        self.assertGreater(self.damage_every_state_file(gateway, cut), 0, "no state was kept")
        gateway.start()
        self.assertRegex(gateway.log, r"(?i)damaged")
        other = self.lab.client(name="other", namespace=self.lab.extra_client_net(2)).start()
        other.connect(gateway.invite("other"))
        self.assertAlive(gateway, client)

    def test_emptied_state_of_the_gateway_does_not_stop_it(self):
        _, gateway = self.lab.tunnel()
        gateway.stop()
        self.damage_every_state_file(gateway, lambda path: os.truncate(path, 0))
        gateway.start()

    def test_truncated_profile_of_the_client_is_refused_and_the_daemon_lives(self):
        client, gateway = self.lab.tunnel()
        client.stop()

        def cut(path):
            os.truncate(path, path.stat().st_size // 2)

        self.assertGreater(self.damage_every_state_file(client, cut), 0, "no profile was kept")
        client.start()
        done = client.ctl("connect", "laptop", "--wait", "--timeout", 3)
        self.assertNotEqual(done.returncode, 0)
        self.assertAlive(client)
        client.connect(gateway.invite("again"))

    def test_no_daemon_is_an_exit_code_of_its_own(self):
        client = self.lab.client().start()
        client.stop()
        self.assertEqual(client.ctl("status").returncode, UNREACHABLE_DAEMON)

    def test_private_files_are_readable_by_their_owner_only(self):
        client, gateway = self.lab.tunnel()
        for daemon in (client, gateway):
            for path in daemon.state_dir.rglob("*"):
                loose = path.stat().st_mode & 0o077
                self.assertFalse(loose and path.suffix != ".crt", f"{path}: {loose:o}")

    def test_no_secret_is_in_the_logs(self):
        client, gateway = self.lab.tunnel()
        secret = json.loads(client.ctl_ok("profile", "list", "--json"))
        self.assertNotIn("PRIVATE KEY", json.dumps(secret))
        uri = gateway.invite("again")
        key = uri.split("key=")[1].split("&")[0]
        for daemon in (client, gateway):
            self.assertNotIn(key, daemon.log)


class Roaming(LabTest):
    def test_the_tunnel_survives_a_new_outer_address_or_reconnects(self):
        client, _ = self.lab.tunnel()
        net = self.lab.client_net
        # The kernel removes secondary addresses together with the first one of their prefix.
        net.sysctl("net.ipv4.conf.outer0.promote_secondaries", 1)
        net.ip("address", "add", "192.0.2.99/24", "dev", "outer0")
        net.ip("address", "del", harness.CLIENT4 + "/24", "dev", "outer0")
        net.wait_ping(HOST4, 20)
        self.assertAlive(client)
        self.assertTrue(net.ping(GATEWAY4))


if __name__ == "__main__":
    harness.main()
