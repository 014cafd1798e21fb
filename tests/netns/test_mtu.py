#!/usr/bin/python3
"""The inner MTU follows the outer path, and who sends too much is told."""

import os
import re

import harness
from harness import GATEWAY4, HOST4, HOST6, LabTest, wait_until

# IPv4 20, UDP 8, QUIC header 1 + connection ID 8 + packet number 4, DATAGRAM 3, context 2, tag 16.
OVERHEAD4 = 62


class Ethernet(LabTest):
    def test_a_1500_byte_path_gives_an_inner_mtu_of_1438(self):
        client, _ = self.lab.tunnel()
        net = self.lab.client_net
        wait_until(lambda: net.mtu("slopn0") == 1500 - OVERHEAD4, 10, "an MTU of 1438")
        self.assertEqual(client.status()["mtu_bytes"], 1438)
        self.assertTrue(net.ping(HOST4, size=1438 - 28, whole=True))
        self.assertTrue(net.ping(HOST6, size=1438 - 48, whole=True))

    def test_a_packet_that_does_not_fit_gets_icmp_too_big(self):
        self.lab.tunnel()
        net = self.lab.client_net
        wait_until(lambda: net.mtu("slopn0") == 1500 - OVERHEAD4, 10, "an MTU of 1438")
        # From the host's side, where links carry 1500 bytes: the gateway must say what fits.
        # Masquerading hides the client, so a connection of the client is needed: TCP with a
        # segment size of the host's own link.
        data = os.urandom(2_000_000)
        for address in (HOST4, HOST6):
            harness.tcp_transfer(net, self.lab.host_net, address, b"get", data)


class SmallPath(LabTest):
    PATH_MTU = 1400

    def test_a_1400_byte_path_is_found_and_the_tun_follows(self):
        client, _ = self.lab.tunnel()
        net = self.lab.client_net
        wait_until(
            lambda: 1280 <= net.mtu("slopn0") <= 1400 - OVERHEAD4, 10, "an MTU that fits 1400"
        )
        inner = net.mtu("slopn0")
        self.assertTrue(net.ping(HOST4, size=inner - 28, whole=True))
        self.assertTrue(net.ping(HOST6, size=inner - 48, whole=True))
        self.assertEqual(client.status()["mtu_bytes"], inner)
        data = os.urandom(1_000_000)
        for address in (HOST4, HOST6):
            harness.tcp_transfer(net, self.lab.host_net, address, data, data)

    def test_the_sender_of_a_too_big_packet_is_told_the_mtu(self):
        """Without masquerading the host reaches the client itself, with packets of 1500 bytes."""
        _, gateway = self.lab.tunnel({"gateway": {"masquerade": False}})
        client = self.lab.daemons[1]
        net, host = self.lab.client_net, self.lab.host_net
        wait_until(lambda: net.mtu("slopn0") <= 1400 - OVERHEAD4, 10, "an MTU that fits 1400")
        self.assertTrue(net.ping(HOST4))
        inner4 = next(a for a in client.status()["addresses"] if ":" not in a).split("/")[0]
        done = host.run(
            "ping", "-n", "-c", 3, "-i", "0.2", "-W", 1, "-M", "do", "-s", 1472, inner4, check=False
        )
        told = re.search(r"mtu ?= ?(\d+)", done.stdout + done.stderr)
        self.assertTrue(told, done.stdout + done.stderr)
        self.assertLessEqual(int(told.group(1)), 1400 - OVERHEAD4)
        self.assertGreaterEqual(int(told.group(1)), 1280)
        self.assertAlive(gateway)


class TinyPath(LabTest):
    PATH_MTU = 1280

    def test_a_path_too_small_for_ipv6_still_carries_ipv4(self):
        """RFC 9484 section 7.1: where 1280 bytes do not fit there is no IPv6 in the tunnel."""
        client, _ = self.lab.tunnel()
        net = self.lab.client_net
        wait_until(lambda: net.mtu("slopn0") <= 1280 - OVERHEAD4, 10, "an MTU that fits 1280")
        inner = net.mtu("slopn0")
        self.assertTrue(net.ping(HOST4, size=inner - 28, whole=True))
        data = os.urandom(500_000)
        harness.tcp_transfer(net, self.lab.host_net, HOST4, data, data)
        self.assertEqual(client.state, "connected")
        self.assertTrue(net.ping(GATEWAY4, size=100))


if __name__ == "__main__":
    harness.main()
