#!/usr/bin/python3
"""What may be seen from outside, and what may be left behind."""

import os
import socket

import harness
from harness import GATEWAY4, GATEWAY6, HOST4, HOST6, LabTest

MARK = b"nobody outside may read this text"


class OuterLink(LabTest):
    def send_marked(self):
        net = self.lab.client_net
        for family, address in ((socket.AF_INET, HOST4), (socket.AF_INET6, HOST6)):
            with net.socket(family, socket.SOCK_DGRAM) as sender:
                for _ in range(5):
                    try:
                        sender.sendto(MARK, (address, 9))
                    except OSError:
                        pass  # nothing may go out, which is what this is about

    def test_inner_packets_are_never_seen_unencrypted_on_the_outer_link(self):
        capture = self.lab.capture(self.lab.client_net, "outer0")
        behind = self.lab.capture(self.lab.host_net, "lan0")
        client, _ = self.lab.tunnel()
        self.send_marked()
        self.lab.client_net.ping(HOST4)
        harness.tcp_transfer(
            self.lab.client_net, self.lab.host_net, HOST4, MARK * 100, os.urandom(10000) + MARK
        )
        client.ctl_ok("disconnect", "--wait")
        frames = capture.stop()
        self.assertGreater(len([f for f in behind.stop() if MARK in f]), 5, "nothing got through")
        self.assertFalse([frame for frame in frames if MARK in frame])
        for frame in frames:
            self.assertTrue(
                harness.is_tunnel_or_neighbour_frame(frame, (GATEWAY4, GATEWAY6)), frame[:80].hex()
            )

    def test_inner_packets_do_not_leak_while_the_client_reconnects(self):
        client, gateway = self.lab.tunnel()
        net = self.lab.client_net
        # A route to the host past the tunnel, as a machine with Internet access has it.
        net.ip("route", "add", "default", "via", GATEWAY4)
        net.ip("-6", "route", "add", "default", "via", GATEWAY6)
        capture = self.lab.capture(net, "outer0")
        gateway.kill()
        self.send_marked()
        client.wait_state("reconnecting", timeout=15)
        self.send_marked()
        self.assertFalse([frame for frame in capture.stop() if MARK in frame])

    def test_ipv6_does_not_leak_from_a_tunnel_that_has_only_ipv4(self):
        self.lab.tunnel({"gateway": {"pools": [harness.POOL4], "routes": ["0.0.0.0/0"]}})
        net = self.lab.client_net
        capture = self.lab.capture(net, "outer0")
        self.assertTrue(net.ping(HOST4))
        self.assertFalse([frame for frame in capture.stop() if MARK in frame])


class Remains(LabTest):
    def test_nothing_is_left_after_disconnect(self):
        net = self.lab.client_net
        before = net.snapshot()
        client, _ = self.lab.tunnel()
        self.assertNotEqual(net.snapshot(), before)
        client.ctl_ok("disconnect", "--wait")
        self.assertEqual(net.snapshot(), before)

    def test_nothing_is_left_after_many_connects(self):
        net = self.lab.client_net
        before = net.snapshot()
        client, _ = self.lab.tunnel()
        for _ in range(5):
            client.ctl_ok("disconnect", "--wait")
            client.connect(client.profile)
        client.ctl_ok("disconnect", "--wait")
        self.assertEqual(net.snapshot(), before)
        descriptors = len(os.listdir(f"/proc/{client.pid}/fd"))
        for _ in range(5):
            client.connect(client.profile)
            client.ctl_ok("disconnect", "--wait")
        self.assertLessEqual(len(os.listdir(f"/proc/{client.pid}/fd")), descriptors + 1)

    def test_other_tables_and_rules_of_the_gateway_are_left_alone(self):
        net = self.lab.gateway_net
        net.run("nft", "add", "table", "inet", "somebody_else")
        net.ip("rule", "add", "priority", "4201", "lookup", "main")
        before = net.snapshot()
        client, gateway = self.lab.tunnel()
        client.stop()
        gateway.stop()
        self.assertEqual(net.snapshot(), before)

    def test_the_client_uses_only_its_own_table_beside_rules_of_others(self):
        net = self.lab.client_net
        net.ip("rule", "add", "priority", "100", "lookup", "77")
        net.ip("route", "add", "203.0.113.0/24", "dev", "outer0", "table", "77")
        before = net.snapshot()
        client, _ = self.lab.tunnel()
        self.assertTrue(net.ping(HOST4))
        client.stop()
        self.assertEqual(net.snapshot(), before)


if __name__ == "__main__":
    harness.main()
