#!/usr/bin/python3
"""Super-packets and trains are a matter of speed only: without any of them the tunnel carries the same."""

import os
import socket
import struct

import harness
from harness import HOST4, HOST6, LabTest

OFFLOADS = ("tun_tcp", "tun_udp", "udp_gso", "udp_gro")
UDP_SEGMENT = 103


class Offloads(LabTest):
    def tunnel_without(self, at_client, at_gateway):
        def off(names):
            return {"offload": {name: False for name in names}}

        gateway = self.lab.gateway(off(at_gateway)).start()
        client = self.lab.client(off(at_client)).start()
        client.connect(gateway.invite())
        return client, gateway

    def carry_everything(self, client, gateway):
        net, host = self.lab.client_net, self.lab.host_net
        upload, download = os.urandom(2_000_000), os.urandom(2_000_000)
        for address in (HOST4, HOST6):
            self.assertTrue(net.ping(address, size=1200))
            harness.tcp_transfer(net, host, address, upload, download)
            for size in (1, 1200, 4000):
                data = os.urandom(size)
                self.assertEqual(harness.udp_echo(net, host, address, data), data)
        self.send_train()
        self.assertAlive(client, gateway)

    def send_train(self):
        """A UDP train of the client's program, as QUIC sends it: all pieces arrive, and whole."""
        pieces = [os.urandom(1000) for _ in range(20)]
        with self.lab.host_net.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver:
            receiver.bind((HOST4, 4000))
            receiver.settimeout(5)
            with self.lab.client_net.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
                sender.sendmsg(
                    [b"".join(pieces)],
                    [(socket.SOL_UDP, UDP_SEGMENT, struct.pack("H", 1000))],
                    0,
                    (HOST4, 4000),
                )
            arrived = [receiver.recv(2000) for _ in pieces]
        self.assertEqual(arrived, pieces)

    def test_super_packets_of_tcp_can_be_off(self):
        self.carry_everything(*self.tunnel_without(("tun_tcp",), ("tun_tcp",)))

    def test_super_packets_of_udp_can_be_off(self):
        self.carry_everything(*self.tunnel_without(("tun_udp",), ("tun_udp",)))

    def test_sending_in_trains_can_be_off(self):
        self.carry_everything(*self.tunnel_without(("udp_gso",), ("udp_gso",)))

    def test_receiving_in_trains_can_be_off(self):
        self.carry_everything(*self.tunnel_without(("udp_gro",), ("udp_gro",)))

    def test_all_offloads_can_be_off(self):
        self.carry_everything(*self.tunnel_without(OFFLOADS, OFFLOADS))

    def test_one_end_may_have_none(self):
        self.carry_everything(*self.tunnel_without(OFFLOADS, ()))

    def test_the_other_end_may_have_none(self):
        self.carry_everything(*self.tunnel_without((), OFFLOADS))


if __name__ == "__main__":
    harness.main()
