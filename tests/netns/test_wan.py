#!/usr/bin/python3
"""tests/support/wan.cpp: the emulated link delays, loses, limits, and cuts trains of packets."""

import re
import socket
import subprocess
import unittest

import harness
from harness import BUILD, LabTest, wait_until

WAN = BUILD / "tests" / "wan"
NEAR, FAR = "192.0.2.129", "192.0.2.130"
UDP_SEGMENT = 103  # <linux/udp.h>


@unittest.skipUnless(WAN.exists(), f"{WAN} is not built")
class Wan(LabTest):
    def link(self, *options):
        """The link between the lab's client and gateway."""
        self.near, self.far = self.lab.client_net, self.lab.gateway_net
        self.wan = subprocess.Popen(
            [WAN, "--device", "wan0", *map(str, options), self.near.name, self.far.name],
            stdout=subprocess.PIPE, text=True,
        )
        self.addCleanup(self.wan.stdout.close)
        self.lab.processes.append(self.wan)
        wait_until(lambda: self.far.has_device("wan0"), 5, "the link")
        for net, own, other in ((self.near, NEAR, FAR), (self.far, FAR, NEAR)):
            net.sysctl("net.ipv6.conf.wan0.disable_ipv6", 1)
            net.ip("address", "add", own, "peer", other, "dev", "wan0")
            net.ip("link", "set", "wan0", "up")

    def counters(self):
        """Ends the link; what it says about client to server."""
        self.wan.terminate()
        up = next(line for line in self.wan.stdout if line.startswith("up\t"))
        self.assertEqual(self.wan.wait(5), 0)
        return {name: float(value) for name, value in re.findall(r"(\w+)=([\d.]+)", up)}

    def receiver(self):
        there = self.far.socket(socket.AF_INET, socket.SOCK_DGRAM)
        there.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        there.bind((FAR, 7))
        there.settimeout(5)
        self.addCleanup(there.close)
        return there

    def sender(self):
        here = self.near.socket(socket.AF_INET, socket.SOCK_DGRAM)
        here.connect((FAR, 7))
        self.addCleanup(here.close)
        return here

    def test_a_ping_takes_the_delay_of_both_ways(self):
        self.link("--delay", "20,10")
        answer = self.near.run("ping", "-n", "-c", 5, "-i", "0.05", FAR).stdout
        times = [float(found) for found in re.findall(r"time=([\d.]+) ms", answer)]
        self.assertEqual(len(times), 5)
        self.assertGreaterEqual(min(times), 30)
        self.assertLess(min(times), 35)

    def test_what_is_lost_does_not_arrive_and_is_counted(self):
        self.link("--loss", "100,0")
        self.assertFalse(self.near.ping(FAR, count=3, wait=0.2))
        self.assertEqual(self.counters()["lost"], 3)

    def test_a_train_of_segments_crosses_it_as_single_packets(self):
        self.link("--delay", 1)
        there, here = self.receiver(), self.sender()
        here.setsockopt(socket.SOL_UDP, UDP_SEGMENT, 1200)
        here.send(bytes(12000))
        for _ in range(10):
            self.assertEqual(len(there.recv(2000)), 1200)
        counters = self.counters()
        self.assertEqual(counters["packets"], 10)
        self.assertEqual(counters["bytes"], 10 * 1228)

    def test_a_full_queue_drops_what_comes_last(self):
        self.link("--rate", "0.1,0", "--queue-packets", 4)  # 98 ms a packet
        there, here = self.receiver(), self.sender()
        for number in range(10):
            here.send(bytes([number]) * 1200)
        self.assertEqual([there.recv(2000)[0] for _ in range(4)], [0, 1, 2, 3])
        self.assertEqual(self.counters()["overflown"], 6)

    def test_tcp_gets_through(self):
        self.link("--delay", 1, "--loss", 1)
        data = bytes(range(256)) * 4000
        harness.tcp_transfer(self.near, self.far, FAR, data, data)

    def test_nonsense_is_refused(self):
        for options in (["--loss", "101"], ["--loss", "nan"], ["--delay", "1,"], ["--rate", "-1"],
                        ["--device", "a" * 16], ["--what"]):
            done = subprocess.run([WAN, *options, "a", "b"], capture_output=True, text=True)
            self.assertEqual(done.returncode, 2, options)
            self.assertIn("usage: wan", done.stderr)
        done = subprocess.run([WAN, "no-such-a", "no-such-b"], capture_output=True, text=True)
        self.assertEqual(done.returncode, 1)
        self.assertIn("/run/netns/no-such-a: No such file", done.stderr)


if __name__ == "__main__":
    harness.main()
