#!/usr/bin/python3
"""What anybody on the Internet can send to a gateway without a key."""

import os
import random
import socket
import sys
import threading
import unittest

import harness
from harness import GATEWAY4, GATEWAY6, HOST4, LabTest, wait_until


sys.path.insert(0, str(harness.ROOT / "tests" / "conformance" / "interop"))
import interop  # noqa: E402

if interop.AVAILABLE:
    import initials


def spoofed_sources(count: int):
    """IPv4 addresses of 198.18.0.0/15, each once, in random order."""
    numbers = random.Random(1).sample(range(1 << 17), count)
    return [f"198.{18 + (n >> 16)}.{n >> 8 & 255}.{n & 255}" for n in numbers]


def ipv4_udp(source: str, target: str, source_port: int, payload: bytes) -> bytes:
    """For a raw socket: the kernel fills in length, identification and header checksum."""
    length = 28 + len(payload)
    header = bytes([0x45, 0]) + length.to_bytes(2, "big") + bytes([0, 0, 0, 0, 64, 17, 0, 0])
    header += socket.inet_aton(source) + socket.inet_aton(target)
    udp = source_port.to_bytes(2, "big") + (443).to_bytes(2, "big")
    return header + udp + (8 + len(payload)).to_bytes(2, "big") + b"\0\0" + payload


class Flood(LabTest):
    COUNT = 10_000

    def setUp(self):
        super().setUp()
        # Answers to spoofed senders go out to the link, as on the Internet.
        self.lab.gateway_net.ip("route", "add", "198.18.0.0/15", "via", harness.CLIENT4)
        self.raw = self.lab.client_net.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
        self.raw.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 8 << 20)
        self.addCleanup(self.raw.close)

    def send_spoofed(self, source: str, payload: bytes) -> None:
        packet = ipv4_udp(source, GATEWAY4, random.randrange(1024, 65536), payload)
        self.raw.sendto(packet, (GATEWAY4, 0))

    @unittest.skipUnless(interop.AVAILABLE, interop.WHY_NOT)
    def test_ten_thousand_spoofed_initials_get_retry_and_a_real_client_still_gets_in(self):
        gateway = self.lab.gateway().start()
        client = self.lab.client().start()
        uri = gateway.invite()
        memory_before = gateway.memory_kb()
        answers = self.lab.capture(self.lab.client_net, "outer0")
        maker = initials.InitialMaker()
        half_sent = threading.Event()

        def flood():
            for number, source in enumerate(spoofed_sources(self.COUNT)):
                self.send_spoofed(source, maker.datagram())
                if number == self.COUNT // 2:
                    half_sent.set()

        sender = threading.Thread(target=flood)
        sender.start()
        half_sent.wait(60)
        client.connect(uri, timeout=10)  # in the middle of it
        sender.join()
        self.lab.client_net.wait_ping(HOST4)
        self.assertAlive(gateway, client)

        frames = [f for f in answers.stop() if f[26:30] == socket.inet_aton(GATEWAY4)]
        retries = sum(initials.is_retry(frame[42:]) for frame in frames)
        self.assertGreater(retries, self.COUNT // 10, "no address had to be proved")
        # RFC 9000 section 8.1: at most three times what an unproven address has sent.
        self.assertLess(sum(len(frame) for frame in frames), 3 * 1200 * self.COUNT)
        grown = gateway.memory_kb("VmHWM") - memory_before
        if not harness.SANITIZED:
            self.assertLess(grown, 40 * 1024, "memory grew with the flood")

    @unittest.skipUnless(interop.AVAILABLE, interop.WHY_NOT)
    def test_memory_of_abandoned_handshakes_is_given_back(self):
        if harness.SANITIZED:
            self.skipTest("AddressSanitizer keeps freed memory")
        gateway = self.lab.gateway({"gateway": {"limits": {"handshake_timeout_s": 1}}}).start()
        maker = initials.InitialMaker()

        def wave(count):
            for source in spoofed_sources(count):
                self.send_spoofed(source, maker.datagram())
            harness.time.sleep(2 * harness.PATIENCE)
            return gateway.memory_kb()

        first = wave(2000)
        for _ in range(3):
            last = wave(2000)
        self.assertLess(last, first + 4 * 1024, "every wave leaves something behind")
        self.assertAlive(gateway)

    def test_garbage_udp_is_ignored(self):
        client, gateway = self.lab.tunnel()
        generator = random.Random(2)
        sizes = [0, 1, 7, 20, 21, 100, 1199, 1200, 1472]
        for family, address in ((socket.AF_INET, GATEWAY4), (socket.AF_INET6, GATEWAY6)):
            with self.lab.client_net.socket(family, socket.SOCK_DGRAM) as sender:
                for _ in range(3000):
                    sender.sendto(generator.randbytes(generator.choice(sizes)), (address, 443))
        for source in spoofed_sources(3000):
            self.send_spoofed(source, generator.randbytes(generator.choice(sizes[:-1])))
        self.assertAlive(gateway)
        self.assertEqual(client.state, "connected")
        self.assertTrue(self.lab.client_net.ping(HOST4))

    def test_truncated_and_bent_initials_are_ignored(self):
        if not interop.AVAILABLE:
            self.skipTest(interop.WHY_NOT)
        client, gateway = self.lab.tunnel()
        maker = initials.InitialMaker()
        generator = random.Random(3)
        for source in spoofed_sources(2000):
            datagram = bytearray(maker.datagram())
            for _ in range(generator.randrange(1, 4)):
                datagram[generator.randrange(60)] = generator.randrange(256)
            self.send_spoofed(source, bytes(datagram[: generator.choice([1200, 1200, 40, 600])]))
        self.assertAlive(gateway)
        self.assertEqual(client.state, "connected")
        self.assertTrue(self.lab.client_net.ping(HOST4))

    def test_unknown_quic_version_gets_version_negotiation_once_each(self):
        if not interop.AVAILABLE:
            self.skipTest(interop.WHY_NOT)
        gateway = self.lab.gateway().start()
        with self.lab.client_net.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.settimeout(3)
            sender.connect((GATEWAY4, 443))
            sender.send(initials.unknown_version())
            answer = sender.recv(2000)
            self.assertTrue(initials.is_version_negotiation(answer), answer[:16].hex())
            self.assertIn(initials.VERSION_1, initials.offered_versions(answer))
            sender.send(initials.unknown_version()[:1000])  # too short to deserve an answer
            sender.settimeout(0.5)
            with self.assertRaises(TimeoutError):
                sender.recv(2000)
        self.assertAlive(gateway)

    def test_many_control_connections_do_not_disturb_the_tunnel(self):
        client, _ = self.lab.tunnel()
        held = []
        for _ in range(300):
            connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            connection.settimeout(1)
            try:
                connection.connect(str(client.socket_path))
                connection.sendall(os.urandom(64))
            except OSError:
                pass
            held.append(connection)
        self.assertTrue(self.lab.client_net.ping(HOST4))
        for connection in held:
            connection.close()
        wait_until(lambda: client.ctl("status", "--json").returncode == 0, 10, "slopnctl to work")


if __name__ == "__main__":
    harness.main()
