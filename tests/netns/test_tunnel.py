#!/usr/bin/python3
"""A client, a gateway and a host behind it: what a tunnel is for."""

import os
import statistics
import time

import harness
from harness import CLIENT4, GATEWAY6, HOST4, HOST6, INNER_GATEWAY4, LabTest, wait_until


class Tunnel(LabTest):
    def test_pings_of_both_families_reach_the_host_behind(self):
        client, gateway = self.lab.tunnel()
        net = self.lab.client_net
        self.assertTrue(net.ping(HOST4, count=5))
        self.assertTrue(net.ping(HOST6, count=5))
        self.assertTrue(net.ping(HOST4, size=1300))
        self.assertAlive(client, gateway)

    def test_first_ping_after_connect_wait_is_answered(self):
        self.lab.tunnel()
        self.assertTrue(self.lab.client_net.ping(HOST4, wait=1))
        self.assertTrue(self.lab.client_net.ping(HOST6, wait=1))

    def test_connecting_takes_no_timer_and_no_needless_round_trip(self):
        """Usually 20 ms; the limit is for busy machines, and below every timer that could hide."""
        client, _ = self.lab.tunnel()
        times = []
        for _ in range(9):
            client.ctl_ok("disconnect", "--wait")
            started = time.monotonic()
            client.connect(client.profile)
            self.assertTrue(self.lab.client_net.ping(HOST4, wait=1))
            times.append(time.monotonic() - started)
        self.assertLess(statistics.median(times), 0.2 * harness.PATIENCE, times)

    def test_tcp_carries_both_directions_of_both_families(self):
        self.lab.tunnel()
        upload, download = os.urandom(3_000_000), os.urandom(3_000_000)
        for address in (HOST4, HOST6):
            harness.tcp_transfer(
                self.lab.client_net, self.lab.host_net, address, upload, download
            )

    def test_udp_of_all_sizes_is_carried_whole(self):
        self.lab.tunnel()
        for address in (HOST4, HOST6):
            for size in (1, 1200, 4000):  # the last one is cut into fragments by the kernel
                with self.subTest(address=address, size=size):
                    data = os.urandom(size)
                    answer = harness.udp_echo(
                        self.lab.client_net, self.lab.host_net, address, data
                    )
                    self.assertEqual(answer, data)

    def test_outer_ipv6_carries_a_tunnel(self):
        gateway = self.lab.gateway({"gateway": {"public_endpoint": f"[{GATEWAY6}]:443"}}).start()
        client = self.lab.client().start()
        client.connect(gateway.invite())
        self.assertIn(GATEWAY6, client.status()["remote"])
        self.assertTrue(self.lab.client_net.ping(HOST4))
        self.assertTrue(self.lab.client_net.ping(HOST6))

    def test_status_says_what_was_negotiated(self):
        client, gateway = self.lab.tunnel()
        status = client.status()
        self.assertEqual(status["state"], "connected")
        self.assertEqual(status["authentication"], "concealed")
        self.assertTrue(status["cipher"].startswith("TLS_"), status)
        self.assertIn("X25519", status["key_exchange_group"])
        self.assertEqual(status["mtu_bytes"], self.lab.client_net.mtu("slopn0"))
        session = gateway.sessions()[0]
        self.assertEqual(session["client"], "laptop")
        self.assertEqual(sorted(session["addresses"]), sorted(status["addresses"]))
        self.assertIn(CLIENT4, session["remote"])

    def test_two_clients_have_addresses_of_their_own(self):
        first, gateway = self.lab.tunnel()
        other_net = self.lab.extra_client_net(2)
        second = self.lab.client(name="second", namespace=other_net).start()
        second.connect(gateway.invite("second"))
        self.assertTrue(set(first.status()["addresses"]).isdisjoint(second.status()["addresses"]))
        for net in (self.lab.client_net, other_net):
            self.assertTrue(net.ping(HOST4))
            self.assertTrue(net.ping(HOST6))
        self.assertEqual(len(gateway.sessions()), 2)

    def test_a_client_keeps_its_addresses_over_restarts_of_both_sides(self):
        client, gateway = self.lab.tunnel()
        before = client.status()["addresses"]
        client.ctl_ok("disconnect", "--wait")
        gateway.stop()
        gateway.start()
        other = self.lab.client(name="other", namespace=self.lab.extra_client_net(2)).start()
        other.connect(gateway.invite("other"))
        client.connect(client.profile)
        self.assertEqual(client.status()["addresses"], before)

    def test_disconnect_ends_the_session_at_the_gateway(self):
        client, gateway = self.lab.tunnel()
        client.ctl_ok("disconnect", "--wait")
        self.assertEqual(client.state, "disconnected")
        wait_until(lambda: not gateway.sessions(), 3, "the session to end")
        self.assertFalse(self.lab.client_net.has_device("slopn0"))

    def test_the_gateway_answers_pings_to_its_inner_address(self):
        self.lab.tunnel()
        self.assertTrue(self.lab.client_net.ping(INNER_GATEWAY4))

    def test_both_daemons_stay_small_with_traffic(self):
        """20 MB with all that is shared, in the build that ships; the other builds are larger on
        disk, so of them only the memory of their own counts."""
        if harness.SANITIZED:
            self.skipTest("sanitizers need memory of their own")
        client, gateway = self.lab.tunnel()
        data = os.urandom(8_000_000)
        harness.tcp_transfer(self.lab.client_net, self.lab.host_net, HOST4, data, data)
        for daemon in (client, gateway):
            self.assertLess(daemon.memory_kb("RssAnon"), 6 * 1024, daemon.name)
            if harness.BUILD.name == "release":
                self.assertLess(daemon.memory_kb("VmHWM"), 20 * 1024, daemon.name)


if __name__ == "__main__":
    harness.main()
