#!/usr/bin/python3
"""The inner MTU follows the outer path, and who sends too much is told."""

import os
import socket

import harness
from harness import GATEWAY4, HOST4, HOST6, LabTest, wait_until

# IPv4 20, UDP 8, QUIC header 1 + connection ID 8 + packet number 4, DATAGRAM 3, context 2, tag 16.
OVERHEAD4 = 62

# <linux/in.h> and <linux/in6.h>; Python has no names for them.
IP_MTU_DISCOVER, IP_MTU, PMTUDISC_DO = 10, 14, 2
IPV6_MTU_DISCOVER, IPV6_MTU = 23, 24


class Ethernet(LabTest):
    def test_a_1500_byte_path_gives_an_inner_mtu_of_1438(self):
        client, _ = self.lab.tunnel()
        net = self.lab.client_net
        wait_until(lambda: net.mtu("slopn0") == 1500 - OVERHEAD4, 10, "an MTU of 1438")
        self.assertEqual(client.status()["mtu_bytes"], 1438)
        self.assertTrue(net.ping(HOST4, size=1438 - 28, whole=True))
        self.assertTrue(net.ping(HOST6, size=1438 - 48, whole=True))

    def test_a_packet_that_does_not_fit_is_refused_with_the_mtu(self):
        client, _ = self.lab.tunnel()
        net = self.lab.client_net
        wait_until(lambda: net.mtu("slopn0") == 1500 - OVERHEAD4, 10, "an MTU of 1438")
        done = net.run(
            "ping", "-n", "-c", 1, "-W", 1, "-M", "do", "-s", 1438 - 27, HOST4, check=False
        )
        self.assertRegex(done.stdout + done.stderr, "mtu ?= ?1438")
        self.assertEqual(client.state, "connected")


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
        """The host answers with ever smaller datagrams, as it is told, until they get through."""
        client, gateway = self.lab.tunnel()
        net, host = self.lab.client_net, self.lab.host_net
        wait_until(
            lambda: 1280 <= net.mtu("slopn0") <= 1400 - OVERHEAD4, 10, "an MTU that fits 1400"
        )
        inner = net.mtu("slopn0")
        for family, address, level, discover, mtu_option, headers in (
            (socket.AF_INET, HOST4, socket.IPPROTO_IP, IP_MTU_DISCOVER, IP_MTU, 28),
            (socket.AF_INET6, HOST6, socket.IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_MTU, 48),
        ):
            server = host.socket(family, socket.SOCK_DGRAM)
            caller = net.socket(family, socket.SOCK_DGRAM)
            with server, caller:
                server.setsockopt(level, discover, PMTUDISC_DO)
                server.bind((address, 5002))
                server.settimeout(3)
                caller.settimeout(0.3)
                caller.sendto(b"send me all you can", (address, 5002))
                server.connect(server.recvfrom(100)[1])
                received = b""
                for _ in range(20):
                    size = server.getsockopt(level, mtu_option) - headers
                    try:
                        server.send(bytes(size))
                        received = caller.recv(2000)
                    except OSError:  # told of a smaller MTU, or nothing came
                        continue
                    break
                self.assertEqual(len(received) + headers, inner, "the largest that got through")
        self.assertAlive(client, gateway)


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
