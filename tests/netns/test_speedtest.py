#!/usr/bin/python3
"""What a client measures against its gateway, and who else may reach the service behind it."""

import contextlib
import json
import os
import signal
import socket
import struct
import subprocess
import time

import harness
from harness import GATEWAY4, GATEWAY6, INNER_GATEWAY4, INNER_GATEWAY6, LabTest, wait_until

PORT = 5202
HELLO = struct.Struct(">4sBBBBIQ")  # libtunnel/measure/protocol.hpp
ANSWER = struct.Struct(">4sBBH")
ECHO = struct.Struct(">4sBBHQQ")
UP, DOWN = 1, 2
WELCOME, BUSY = 0, 1
SHORT = ("--seconds", 1, "--streams", 2)


def hello(direction=DOWN, streams=1, duration_ms=10_000, test=1):
    return HELLO.pack(b"SLPM", 1, direction, streams, 0, duration_ms, test)


def connect(namespace, address=INNER_GATEWAY4, timeout=3.0):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    made = namespace.socket(family, socket.SOCK_STREAM)
    made.settimeout(timeout)
    made.connect((address, PORT))
    return made


def verdict(connection):
    """What the service says; None when it closes the connection instead."""
    try:
        answer = connection.recv(ANSWER.size, socket.MSG_WAITALL)
    except ConnectionResetError:
        return None
    return ANSWER.unpack(answer)[2] if len(answer) == ANSWER.size else None


def echoes(namespace, address, timeout=1.0):
    """Whether an echo to `address` comes back."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with namespace.socket(family, socket.SOCK_DGRAM) as udp:
        udp.settimeout(timeout)
        udp.connect((address, PORT))
        with contextlib.suppress(OSError):
            udp.send(ECHO.pack(b"SLPM", 1, 1, 0, 7, 1))
            return udp.recv(100) == ECHO.pack(b"SLPM", 1, 2, 0, 7, 1)
    return False


def accepts(namespace, address, timeout=1.0):
    """Whether a TCP connection to `address` comes about."""
    try:
        connect(namespace, address, timeout).close()
        return True
    except OSError:
        return False


class Measuring(LabTest):
    def test_speedtest_measures_both_directions_and_the_latency(self):
        client, gateway = self.lab.tunnel()
        result = client.ctl_json("speedtest", *SHORT)
        self.assertEqual(result["gateway"], f"{INNER_GATEWAY4}:{PORT}")
        self.assertEqual(result["interface_name"], "slopn0")
        self.assertEqual(result["streams"], 2)
        for direction in ("download", "upload"):
            part = result[direction]
            self.assertGreater(part["rate_bits_per_s"], 1_000_000, result)
            self.assertGreater(part["bytes"], 100_000, result)
            self.assertGreaterEqual(part["duration_ms"], 900)
            self.assertLess(part["duration_ms"], 1_500 * harness.PATIENCE)
        for part in (result["idle"], result["download"], result["upload"]):
            latency = part["latency_us"]
            self.assertGreater(part["packets_sent"], 10, result)
            self.assertLess(part["packets_lost"], part["packets_sent"], result)
            self.assertGreater(latency["min"], 0, result)
            ordered = [latency[name] for name in ("min", "median", "p99", "max")]
            self.assertEqual(ordered, sorted(ordered))
        # What came through the tunnel is what the gateway saw go into it.
        self.assertGreater(
            gateway.status()["traffic"]["sent_bytes"], result["download"]["bytes"]
        )
        self.assertAlive(client, gateway)

    def test_one_direction_can_be_chosen(self):
        client, _ = self.lab.tunnel()
        down = client.ctl_json("speedtest", *SHORT, "--download-only")
        self.assertIsNone(down["upload"])
        self.assertGreater(down["download"]["bytes"], 0)
        up = client.ctl_json("speedtest", *SHORT, "--upload-only")
        self.assertIsNone(up["download"])
        self.assertGreater(up["upload"]["bytes"], 0)
        self.assertEqual(client.ctl("speedtest", "--upload-only", "--download-only").returncode, 2)

    def test_people_get_text(self):
        client, _ = self.lab.tunnel()
        text = client.ctl_ok("speedtest", *SHORT)
        for word in ("download", "upload", "Mbit/s", "latency idle", "99% within", "lost 0 of"):
            self.assertIn(word, text)
        text = client.ctl_ok("ping", "-c", 3, "-i", 0.05)
        self.assertIn(f"reply from {INNER_GATEWAY4}: seq=3 time=", text)
        self.assertIn("3 sent, 3 received, 0% lost", text)
        self.assertIn("min/avg/max/mdev", text)

    def test_ping_counts_and_times(self):
        client, _ = self.lab.tunnel()
        result = client.ctl_json("ping", "-c", 20, "-i", 0.01)
        self.assertEqual((result["packets_sent"], result["packets_lost"]), (20, 0))
        latency = result["latency_us"]
        self.assertTrue(0 < latency["min"] <= latency["avg"] <= latency["max"], result)
        self.assertLess(latency["median"], 100_000 * harness.PATIENCE, result)

    def test_ctrl_c_ends_a_ping_with_its_summary(self):
        client, _ = self.lab.tunnel()
        process = self.lab.client_net.spawn(
            *harness.LAUNCHER, harness.SLOPNCTL, "--socket", client.socket_path, "ping", "-i",
            "0.1", stdout=subprocess.PIPE, text=True, env=client.environment,
        )
        lines = [process.stdout.readline() for _ in range(3)]
        self.assertIn("seq=2", lines[2])
        process.send_signal(signal.SIGINT)
        rest, _ = process.communicate(timeout=5 * harness.PATIENCE)
        self.assertIn("0% lost", rest)
        self.assertEqual(process.returncode, 0)

    def test_ping_fails_when_nothing_is_answered(self):
        client, gateway = self.lab.tunnel()
        self.lab.client_net.run("nft", "add table inet t; add chain inet t in { type filter hook "
                                f"input priority 0; }}; add rule inet t in udp sport {PORT} drop")
        done = client.ctl("ping", "-c", 2, "-i", 0.05, "--json")
        self.assertEqual(done.returncode, 1)
        result = json.loads(done.stdout)
        self.assertEqual((result["packets_sent"], result["packets_lost"]), (2, 2))
        self.assertIsNone(result["latency_us"])

    def test_a_path_that_loses_all_that_is_large_is_said_so(self):
        client, _ = self.lab.tunnel()
        self.lab.client_net.run("nft", "add table inet t; add chain inet t in { type filter hook "
                                f"input priority 0; }}; add rule inet t in tcp sport {PORT} "
                                "meta length > 300 drop")
        done = client.ctl("speedtest", *SHORT, "--download-only", "--json")
        self.assertEqual(done.returncode, 7)
        self.assertIn("large packets", json.loads(done.stdout)["error"]["remedy"])

    def test_status_names_the_endpoints_of_both_families(self):
        client, _ = self.lab.tunnel()
        self.assertEqual(
            client.status()["measurement_endpoints"],
            [f"{INNER_GATEWAY4}:{PORT}", f"[{INNER_GATEWAY6}]:{PORT}"],
        )
        self.assertTrue(echoes(self.lab.client_net, INNER_GATEWAY6))
        with connect(self.lab.client_net, INNER_GATEWAY6) as connection:
            connection.sendall(hello())
            self.assertEqual(verdict(connection), WELCOME)

    def test_the_port_can_be_another(self):
        client, _ = self.lab.tunnel({"gateway": {"speedtest_port": 7000}})
        self.assertEqual(
            client.ctl_json("ping", "-c", 1)["gateway"], f"{INNER_GATEWAY4}:7000"
        )
        self.assertFalse(accepts(self.lab.client_net, INNER_GATEWAY4))

    def test_it_goes_on_when_the_interface_was_lost(self):
        client, gateway = self.lab.tunnel()
        self.lab.gateway_net.ip("link", "del", "slopn0")
        wait_until(lambda: self.lab.gateway_net.has_device("slopn0"), 5, "a new interface")
        wait_until(lambda: echoes(self.lab.client_net, INNER_GATEWAY4), 5, "an echo")
        self.assertGreater(client.ctl_json("speedtest", *SHORT)["upload"]["bytes"], 0)


class WhereNothingCanBeMeasured(LabTest):
    def failure(self, daemon, command="speedtest"):
        done = daemon.ctl(command, "--json")
        self.assertNotEqual(done.returncode, 0)
        return json.loads(done.stdout)["error"]

    def test_a_client_that_is_not_connected_says_how_to_connect(self):
        client = self.lab.client().start()
        for command in ("speedtest", "ping"):
            error = self.failure(client, command)
            self.assertEqual((error["code"], error["exit_code"]), ("not_connected", 5))
            self.assertIn("slopnctl connect", error["remedy"])

    def test_a_gateway_says_that_clients_measure(self):
        gateway = self.lab.gateway().start()
        self.assertIn("client", self.failure(gateway)["message"])

    def test_a_gateway_may_offer_none(self):
        client, gateway = self.lab.tunnel({"gateway": {"speedtest": False}})
        self.assertEqual(client.status()["measurement_endpoints"], [])
        for command in ("speedtest", "ping"):
            error = self.failure(client, command)
            self.assertEqual((error["code"], error["exit_code"]), ("not_offered", 1))
            self.assertIn("gateway.speedtest", error["remedy"])
        self.assertFalse(accepts(self.lab.client_net, INNER_GATEWAY4))
        self.assertNotIn(str(PORT), self.lab.gateway_net.run("ss", "-Hltun").stdout)
        self.assertNotIn(str(PORT), self.lab.gateway_net.run("nft", "list", "ruleset").stdout)

    def test_an_endpoint_beside_the_tunnel_is_not_believed(self):
        """The client takes only a route that does not lead to the gateway's inner address."""
        client, _ = self.lab.tunnel({"gateway": {"routes": ["198.51.100.0/24"]}})
        self.assertEqual(client.status()["measurement_endpoints"], [])
        self.assertEqual(self.failure(client)["code"], "not_offered")

    def test_a_port_that_is_taken_costs_only_the_measurements(self):
        with self.lab.gateway_net.socket(socket.AF_INET6, socket.SOCK_STREAM) as taken:
            taken.bind(("::", PORT))  # of both families
            taken.listen()
            client, gateway = self.lab.tunnel()
            self.assertIn("clients cannot measure", gateway.log)
            self.assertTrue(self.lab.client_net.ping(INNER_GATEWAY4))
            self.assertEqual(client.status()["measurement_endpoints"], [])
            self.assertFalse(accepts(self.lab.client_net, INNER_GATEWAY4))


class WhoReachesTheService(LabTest):
    def test_only_the_tunnel_and_only_its_inner_address(self):
        self.lab.tunnel()
        client, host, gateway = self.lab.client_net, self.lab.host_net, self.lab.gateway_net
        self.assertTrue(accepts(client, INNER_GATEWAY4) and echoes(client, INNER_GATEWAY4))
        # The gateway's other addresses, through the tunnel and beside it.
        for source, address in (
            (client, "198.51.100.1"), (client, "2001:db8:2::1"), (host, "198.51.100.1"),
            (host, GATEWAY4), (host, "2001:db8:2::1"), (client, GATEWAY6),
            (gateway, "127.0.0.1"), (gateway, "::1"), (gateway, GATEWAY4),
        ):
            with self.subTest(source=source.role, address=address):
                self.assertFalse(accepts(source, address, 0.4))
                self.assertFalse(echoes(source, address, 0.4))

    def test_a_neighbour_outside_does_not_reach_the_inner_address(self):
        self.lab.tunnel()
        self.lab.gateway_net.sysctl("net.ipv4.conf.all.rp_filter", 0)
        for flushed in (False, True):  # also without the packet filter: it is bound to the TUN
            if flushed:
                self.lab.gateway_net.run("nft", "flush", "ruleset")
            for address in (INNER_GATEWAY4, INNER_GATEWAY6):
                with self.subTest(address=address, flushed=flushed):
                    self.assertFalse(accepts(self.lab.host_net, address, 0.4))
                    self.assertFalse(echoes(self.lab.host_net, address, 0.4))

    def test_other_services_of_the_gateway_stay_closed(self):
        self.lab.tunnel()
        with self.lab.gateway_net.socket(socket.AF_INET, socket.SOCK_STREAM) as other:
            other.bind(("0.0.0.0", PORT + 1))
            other.listen()
            with self.assertRaises(ConnectionRefusedError):
                with self.lab.client_net.socket(socket.AF_INET, socket.SOCK_STREAM) as caller:
                    caller.settimeout(3)
                    caller.connect((INNER_GATEWAY4, PORT + 1))


class BadClients(LabTest):
    def setUp(self):
        super().setUp()
        self.client, self.gateway = self.lab.tunnel()
        self.net = self.lab.client_net

    def assertServes(self):
        self.assertGreater(self.client.ctl_json("speedtest", *SHORT)["download"]["bytes"], 0)
        self.assertAlive(self.client, self.gateway)

    def test_garbage_is_survived(self):
        wrong = [
            b"\0" * 20, os.urandom(5000), b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", hello(direction=3),
            hello(streams=0), hello(streams=17), hello(duration_ms=60_001), hello(duration_ms=0),
        ]
        for garbage in wrong:
            with connect(self.net) as connection:
                connection.sendall(garbage)
                self.assertIsNone(verdict(connection), garbage[:20])
        with self.net.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
            udp.settimeout(0.3)
            udp.connect((INNER_GATEWAY4, PORT))
            for garbage in (b"", os.urandom(24), os.urandom(1200), b"SLPM" * 6,
                            ECHO.pack(b"SLPM", 1, 2, 0, 1, 1)):
                udp.send(garbage)
            with self.assertRaises(TimeoutError):
                udp.recv(100)
        self.assertServes()

    def test_one_client_has_one_test(self):
        with connect(self.net) as first, connect(self.net) as second:
            first.sendall(hello(test=1))
            self.assertEqual(verdict(first), WELCOME)
            second.sendall(hello(test=2))
            self.assertEqual(verdict(second), BUSY)
        self.assertServes()

    def test_a_busy_gateway_is_told_to_people(self):
        with connect(self.net) as other:
            other.sendall(hello(test=1))  # and never reads what comes
            self.assertEqual(verdict(other), WELCOME)
            done = self.client.ctl("speedtest", *SHORT, "--json")
            self.assertEqual(json.loads(done.stdout)["error"]["code"], "busy")
        self.assertServes()

    def test_connections_that_say_nothing_are_few_and_end(self):
        silent = []
        for _ in range(40):
            with contextlib.suppress(OSError):
                silent.append(connect(self.net))

        def open_now():
            still = 0
            for connection in silent:
                connection.setblocking(False)
                try:
                    still += 1 if connection.recv(1) else 0
                except BlockingIOError:
                    still += 1
                except OSError:
                    pass
            return still

        wait_until(lambda: open_now() <= 20, 2, "the connections over the limit to be closed")
        wait_until(lambda: open_now() == 0, 8, "the silent connections to be closed")
        self.assertServes()

    def test_a_client_that_stalls_in_a_test_makes_room_again(self):
        with connect(self.net, timeout=20) as up:
            up.sendall(hello(UP, duration_ms=1_000))
            self.assertEqual(verdict(up), WELCOME)
            started = time.monotonic()
            while up.recv(1000):  # sends nothing: ended when its time is up, or it stalls
                pass
            self.assertLess(time.monotonic() - started, 12 * harness.PATIENCE)
        self.assertServes()

    def test_a_flood_of_echoes_does_not_hurt_the_tunnel(self):
        packet = ECHO.pack(b"SLPM", 1, 1, 0, 7, 1)
        with self.net.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
            udp.connect((INNER_GATEWAY4, PORT))
            udp.setblocking(False)
            end = time.monotonic() + 1
            while time.monotonic() < end:
                with contextlib.suppress(BlockingIOError):
                    udp.send(packet)
        self.assertTrue(self.net.ping(INNER_GATEWAY4, count=3))
        self.assertServes()


if __name__ == "__main__":
    harness.main()
