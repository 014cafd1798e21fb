"""The host's network changes under a running tunnel."""

from __future__ import annotations

import contextlib
import os
import random
import re
import select
import shutil
import signal
import socket
import struct
import subprocess
import threading
import time
import unittest

import harness
from harness import CLIENT4, CLIENT6, GATEWAY4, GATEWAY6, HOST4, LabTest, Namespace, wait_until

DEFAULT_RETRY = {"client": {"retry": None}}


class Transfer:
    """A TCP transfer through the tunnel at some 50 Mbit/s, and when its bytes arrived."""

    _PIECE = bytes(32 * 1024)

    def __init__(self, source: Namespace, target: Namespace, address: str, upload: bool) -> None:
        self.arrivals: list[float] = []
        self.error = ""
        self._stopping = False
        listener = target.socket(socket.AF_INET, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((address, 5005))
        listener.listen(1)
        caller = source.socket(socket.AF_INET, socket.SOCK_STREAM)
        caller.settimeout(10)
        caller.connect((address, 5005))
        answerer, _ = listener.accept()
        listener.close()
        self._ends = (caller, answerer) if upload else (answerer, caller)
        self._threads = [
            threading.Thread(target=self._send, daemon=True),
            threading.Thread(target=self._receive, daemon=True),
        ]
        for thread in self._threads:
            thread.start()

    def _send(self) -> None:
        sender = self._ends[0]
        sender.settimeout(20)
        try:
            while not self._stopping:
                sender.sendall(self._PIECE)
                time.sleep(0.005)
        except OSError as error:
            self.error = str(error)

    def _receive(self) -> None:
        receiver = self._ends[1]
        receiver.settimeout(0.1)
        while not self._stopping:
            try:
                if not receiver.recv(1 << 18):
                    self.error = self.error or "the connection was closed"
                    return
                self.arrivals.append(time.monotonic())
            except TimeoutError:
                continue
            except OSError as error:
                self.error = self.error or str(error)
                return

    def longest_pause(self, since: float) -> float:
        """The longest time without progress since then, up to now."""
        times = [since, *(at for at in self.arrivals if at > since), time.monotonic()]
        return max(later - earlier for earlier, later in zip(times, times[1:]))

    def close(self) -> None:
        self._stopping = True
        for end in self._ends:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(2)
        for end in self._ends:
            end.close()


class Roaming(LabTest):
    def transfer(self, upload: bool) -> Transfer:
        made = Transfer(self.lab.client_net, self.lab.host_net, HOST4, upload)
        self.addCleanup(made.close)
        return made

    def check_transfer(self, transfer: Transfer, changed_at: float) -> None:
        """It went on after what happened at `changed_at`, with a pause under one second."""
        time.sleep(2)
        pause = transfer.longest_pause(changed_at)
        print(f"{self._testMethodName}: pause of {1000 * pause:.0f} ms")
        self.assertEqual(transfer.error, "")
        self.assertLess(pause, 1 * harness.PATIENCE)

    def session(self, gateway: harness.Gateway) -> dict:
        sessions = gateway.sessions()
        self.assertEqual(len(sessions), 1, sessions)
        return sessions[0]


class NewAddress(Roaming):
    def check(self, upload: bool) -> None:
        client, gateway = self.lab.tunnel()
        net = self.lab.client_net
        before = self.session(gateway)
        transfer = self.transfer(upload)
        time.sleep(1)
        # The kernel removes secondary addresses together with the first one of their prefix.
        net.sysctl("net.ipv4.conf.outer0.promote_secondaries", 1)
        net.ip("address", "add", "192.0.2.99/24", "dev", "outer0")
        changed_at = time.monotonic()
        net.ip("address", "del", CLIENT4 + "/24", "dev", "outer0")
        self.check_transfer(transfer, changed_at)
        after = self.session(gateway)
        self.assertEqual(after["id"], before["id"], "it connected anew")
        self.assertTrue(after["remote"].startswith("192.0.2.99:"), after)
        self.assertEqual(client.state, "connected")

    def test_a_download_goes_on_from_a_new_address(self):
        self.check(upload=False)

    def test_an_upload_goes_on_from_a_new_address(self):
        self.check(upload=True)


class NewRoute(Roaming):
    PATH_MTU = 1500  # with a router

    def check(self, upload: bool) -> None:
        client, gateway = self.lab.tunnel()
        net = self.lab.client_net
        self.lab.join(
            (net, "outer1", "203.0.114.2/24", "2001:db8:4::2/64"),
            (self.lab.router_net, "near1", "203.0.114.1/24", "2001:db8:4::1/64"),
        )
        before = self.session(gateway)
        transfer = self.transfer(upload)
        time.sleep(1)
        changed_at = time.monotonic()
        net.ip("route", "replace", "default", "via", "203.0.114.1", "dev", "outer1")
        self.check_transfer(transfer, changed_at)
        after = self.session(gateway)
        self.assertEqual(after["id"], before["id"], "it connected anew")
        self.assertTrue(after["remote"].startswith("203.0.114.2:"), after)

        # And the first interface goes for good: nothing depends on it any more.
        changed_at = time.monotonic()
        net.ip("link", "delete", "outer0")
        self.check_transfer(transfer, changed_at)
        self.assertEqual(self.session(gateway)["id"], before["id"])
        self.assertEqual(client.state, "connected")

    def test_a_download_goes_on_over_another_default_route(self):
        self.check(upload=False)

    def test_an_upload_goes_on_over_another_default_route(self):
        self.check(upload=True)


class LinkGone(Roaming):
    def restore(self) -> float:
        """Gives client and gateway their link back. Returns how long the tunnel takes then."""
        self.lab.join(
            (self.lab.client_net, "outer0", CLIENT4 + "/24", CLIENT6 + "/64"),
            (self.lab.gateway_net, "outer0", GATEWAY4 + "/24", GATEWAY6 + "/64"),
        )
        started = time.monotonic()
        wait_until(lambda: self.lab.client_net.ping(HOST4, wait=0.2), 10, "the tunnel to be back")
        took = time.monotonic() - started
        print(f"{self._testMethodName}: {took:.2f} s")
        return took

    def test_a_link_that_comes_back_soon_continues_the_tunnel_within_three_seconds(self):
        client, gateway = self.lab.tunnel()
        before = self.session(gateway)
        self.lab.client_net.ip("link", "delete", "outer0")
        time.sleep(1.5)
        self.assertLess(self.restore(), 3 * harness.PATIENCE)
        self.assertEqual(self.session(gateway)["id"], before["id"], "it connected anew")

    def test_a_link_that_comes_back_late_is_used_within_three_seconds(self):
        client, _ = self.lab.tunnel(client_changes=DEFAULT_RETRY)
        self.lab.client_net.ip("link", "delete", "outer0")
        started = time.monotonic()
        status = client.wait_state("reconnecting", timeout=8)
        self.assertLess(time.monotonic() - started, 5 * harness.PATIENCE)
        self.assertIn("no way to the gateway", str(status))
        time.sleep(8)  # the waits between tries have grown
        self.assertLess(self.restore(), 3 * harness.PATIENCE)
        client.wait_state("connected", timeout=1)

    def test_a_link_without_a_route_is_no_way(self):
        client, _ = self.lab.tunnel(client_changes=DEFAULT_RETRY)
        net = self.lab.client_net
        net.ip("route", "delete", "192.0.2.0/24", "dev", "outer0")
        client.wait_state("reconnecting", timeout=6)
        time.sleep(6)
        self.assertNotEqual(client.state, "connected")
        net.ip("route", "add", "192.0.2.0/24", "dev", "outer0")
        started = time.monotonic()
        net.wait_ping(HOST4, 10)
        self.assertLess(time.monotonic() - started, 3 * harness.PATIENCE)

    def test_a_link_without_a_carrier_is_no_way(self):
        client, _ = self.lab.tunnel(client_changes=DEFAULT_RETRY)
        self.lab.gateway_net.ip("link", "set", "outer0", "down")
        client.wait_state("reconnecting", timeout=6)
        self.lab.gateway_net.ip("link", "set", "outer0", "up")
        started = time.monotonic()
        self.lab.client_net.wait_ping(HOST4, 10)
        self.assertLess(time.monotonic() - started, 3 * harness.PATIENCE)

    def test_a_second_link_without_a_route_disturbs_nothing(self):
        client, gateway = self.lab.tunnel()
        before = self.session(gateway)
        net = self.lab.client_net
        net.ip("link", "add", "idle0", "type", "veth", "peer", "name", "idle1")
        net.ip("link", "set", "idle1", "up")
        net.ip("link", "set", "idle0", "up")
        time.sleep(1)
        self.assertTrue(net.ping(HOST4))
        self.assertEqual(self.session(gateway)["remote"], before["remote"], "it moved")
        self.assertNotIn("event=way_", client.log)


class Flapping(Roaming):
    def test_an_address_that_flaps_a_hundred_times_a_minute_keeps_the_tunnel(self):
        client, gateway = self.lab.tunnel()
        net = self.lab.client_net
        net.sysctl("net.ipv4.conf.outer0.promote_secondaries", 1)
        before = self.session(gateway)
        addresses = [CLIENT4 + "/24", "192.0.2.99/24"]
        for flap in range(30):
            net.ip("address", "add", addresses[(flap + 1) % 2], "dev", "outer0")
            net.ip("address", "del", addresses[flap % 2], "dev", "outer0")
            time.sleep(0.6)
        wait_until(lambda: net.ping(HOST4, wait=0.3), 6, "the tunnel to work")
        moves = client.log.count("event=way_changed")
        print(f"{moves} moves for 30 changes")
        self.assertGreater(moves, 0)
        self.assertLessEqual(moves, 10)
        self.assertEqual(self.session(gateway)["id"], before["id"], "it connected anew")
        self.assertEqual(client.state, "connected")

    def test_routes_that_change_without_end_cost_little(self):
        client, gateway = self.lab.tunnel()
        before = self.session(gateway)
        batch = "".join(
            f"route {what} 10.{200 + i // 250}.{i % 250}.0/24 dev outer0\n"
            for what in ("add", "del") for i in range(2000)
        )
        path = self.lab.folder / "routes"
        path.write_text(batch)
        busy_before = self.cpu_seconds(client)
        for _ in range(5):
            self.lab.client_net.run("ip", "-batch", path)
        self.assertTrue(self.lab.client_net.ping(HOST4))
        self.assertLess(self.cpu_seconds(client) - busy_before, 1 * harness.PATIENCE)
        self.assertEqual(self.session(gateway)["remote"], before["remote"], "it moved")

    def cpu_seconds(self, daemon: harness.Daemon) -> float:
        fields = open(f"/proc/{daemon.pid}/stat").read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / 100


class GatewayRestart(Roaming):
    def check(self, stop) -> None:
        client, gateway = self.lab.tunnel(client_changes=DEFAULT_RETRY)
        self.lab.client_net.wait_ping(HOST4)
        stop(gateway)
        time.sleep(0.5)
        gateway.start()
        started = time.monotonic()
        wait_until(
            lambda: self.lab.client_net.ping(HOST4, wait=0.2), 15, "the tunnel to be back"
        )
        took = time.monotonic() - started
        print(f"{self._testMethodName}: {took:.2f} s")
        self.assertLess(took, 5 * harness.PATIENCE)
        client.wait_state("connected", timeout=1)

    def test_a_restarted_gateway_is_back_within_five_seconds(self):
        self.check(lambda gateway: gateway.stop())

    def test_a_gateway_that_crashed_and_started_is_back_within_five_seconds(self):
        self.check(lambda gateway: gateway.kill())


class Relay:
    """Stands between client and gateway, and does as it is told.

    `mangle(payload)` makes of each answer of the gateway what is sent to the client."""

    PORT = 4443

    def __init__(self, net: Namespace, delay: float = 0, mangle=lambda payload: [payload],
                 answers_from_elsewhere: bool = False) -> None:
        self._mangle = mangle
        self._delay = delay
        self._front = net.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._front.bind((GATEWAY4, self.PORT))
        self._mouth = self._front
        if answers_from_elsewhere:
            self._mouth = net.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self._mouth.bind((GATEWAY4, self.PORT + 1))
        self._back = net.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._back.connect((GATEWAY4, 443))
        self._client = None
        self._waiting: list[tuple[float, bytes, bool]] = []
        self._stopping = False
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while not self._stopping:
            ready, _, _ = select.select([self._front, self._back], [], [], 0.005)
            due = time.monotonic() + self._delay
            with contextlib.suppress(OSError):
                if self._front in ready:
                    payload, self._client = self._front.recvfrom(65536)
                    self._waiting.append((due, payload, True))
                if self._back in ready:
                    self._waiting += [
                        (due, made, False) for made in self._mangle(self._back.recv(65536))
                    ]
            while self._waiting and self._waiting[0][0] <= time.monotonic():
                _, payload, upward = self._waiting.pop(0)
                with contextlib.suppress(OSError):
                    if upward:
                        self._back.send(payload)
                    else:
                        self._mouth.sendto(payload, self._client)

    def close(self) -> None:
        self._stopping = True
        self._thread.join(2)
        for end in {self._front, self._mouth, self._back}:
            end.close()


class StrangeGateways(Roaming):
    def connect_through(self, **relay) -> harness.subprocess.CompletedProcess:
        gateway = self.lab.gateway().start()
        # A relay carries UDP payloads, not the runs of them that a namespace's kernel would pass on.
        self.client = self.lab.client({"client": {"retry": {"handshake_timeout_s": 4}}}).start()
        self.relay = Relay(self.lab.gateway_net, **relay)
        self.addCleanup(self.relay.close)
        uri = re.sub(rf"{re.escape(GATEWAY4)}:443\b", f"{GATEWAY4}:{Relay.PORT}", gateway.invite())
        if f":{Relay.PORT}" not in uri:
            uri = uri.replace(GATEWAY4, f"{GATEWAY4}:{Relay.PORT}", 1)
        return self.client.ctl("connect", uri, "--wait", "--timeout", 8, timeout=20)

    def test_a_slow_gateway_is_waited_for(self):
        done = self.connect_through(delay=0.35)  # 0.7 s there and back
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertTrue(self.lab.client_net.ping(HOST4, wait=3))
        time.sleep(6)
        self.assertEqual(self.client.state, "connected")
        self.assertNotIn("online->", self.client.log)

    def test_answers_from_another_address_are_not_heard(self):
        done = self.connect_through(answers_from_elsewhere=True)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn(self.client.state, ("connecting", "reconnecting"))
        self.assertAlive(self.client)

    def test_answers_that_are_garbage_are_not_believed(self):
        dice = random.Random(5)
        done = self.connect_through(mangle=lambda payload: [dice.randbytes(len(payload))])
        self.assertNotEqual(done.returncode, 0)
        self.assertIn(self.client.state, ("connecting", "reconnecting"))
        self.assertAlive(self.client)

    def test_garbage_among_the_answers_changes_nothing(self):
        dice = random.Random(6)

        def mangle(payload: bytes) -> list[bytes]:
            broken = bytearray(payload)
            broken[dice.randrange(len(broken))] ^= 1 << dice.randrange(8)
            return [dice.randbytes(dice.randrange(1, 1400)), payload, bytes(broken), payload]

        done = self.connect_through(mangle=mangle)
        self.assertEqual(done.returncode, 0, done.stderr)
        for _ in range(20):
            self.assertTrue(self.lab.client_net.ping(HOST4))
        self.assertEqual(self.client.state, "connected")

    def test_a_gateway_that_falls_silent_is_noticed(self):
        silent = threading.Event()
        done = self.connect_through(
            mangle=lambda payload: [] if silent.is_set() else [payload]
        )
        self.assertEqual(done.returncode, 0, done.stderr)
        silent.set()
        started = time.monotonic()
        # The keep-alive of tests is a second.
        status = self.client.wait_state("reconnecting", "connecting", timeout=7)
        took = time.monotonic() - started
        print(f"silence noticed after {took:.2f} s")
        self.assertLess(took, 5.5 * harness.PATIENCE)


class FakeLogind:
    """A message bus of its own, and on it somebody who owns logind's name: just enough D-Bus."""

    _CALL, _SIGNAL = 1, 4
    _PATH, _INTERFACE, _MEMBER, _DESTINATION, _SIGNATURE = 1, 2, 3, 6, 8
    _BUS = "org.freedesktop.DBus"

    def __init__(self, lab: harness.Lab) -> None:
        path = lab.folder / "bus"
        self.address = f"unix:path={path}"
        config = lab.folder / "bus.conf"
        config.write_text(
            f"<busconfig><listen>{self.address}</listen><auth>EXTERNAL</auth>"
            '<policy context="default"><allow send_destination="*"/><allow own="*"/>'
            '<allow receive_sender="*"/></policy></busconfig>'
        )
        lab.processes.append(
            subprocess.Popen(
                ["dbus-daemon", f"--config-file={config}", "--nofork"], stderr=subprocess.DEVNULL
            )
        )
        wait_until(path.exists, 5, "the message bus to start")
        self._serial = 0
        self._link = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._link.settimeout(5)
        self._link.connect(str(path))
        uid = str(os.getuid()).encode().hex()
        self._link.sendall(b"\0AUTH EXTERNAL " + uid.encode() + b"\r\n")
        assert self._link.recv(1024).startswith(b"OK"), "the bus knows us not"
        self._link.sendall(b"BEGIN\r\n")
        self._call("Hello")
        name = b"org.freedesktop.login1"
        self._call("RequestName", "su", struct.pack("<I", len(name)) + name + b"\0\0" + bytes(4))
        time.sleep(0.2)

    def _call(self, member: str, signature: str = "", body: bytes = b"") -> None:
        self._send(
            self._CALL,
            [(self._PATH, "o", "/org/freedesktop/DBus"), (self._INTERFACE, "s", self._BUS),
             (self._MEMBER, "s", member), (self._DESTINATION, "s", self._BUS)],
            signature, body,
        )

    def prepare_for_sleep(self, begins: bool) -> None:
        self._send(
            self._SIGNAL,
            [(self._PATH, "o", "/org/freedesktop/login1"),
             (self._INTERFACE, "s", "org.freedesktop.login1.Manager"),
             (self._MEMBER, "s", "PrepareForSleep")],
            "b", struct.pack("<I", begins),
        )

    def _send(self, kind: int, fields: list, signature: str, body: bytes) -> None:
        self._serial += 1
        array = b""
        for code, what, value in fields + ([(self._SIGNATURE, "g", signature)] if body else []):
            array += bytes(-len(array) % 8) + bytes([code, 1]) + what.encode() + b"\0"
            text = value.encode()
            array += bytes([len(text)]) if what == "g" else struct.pack("<I", len(text))
            array += text + b"\0"
        header = struct.pack("<cBBBIII", b"l", kind, 0, 1, len(body), self._serial, len(array))
        self._link.sendall(header + array + bytes(-len(array) % 8) + body)


@unittest.skipUnless(shutil.which("dbus-daemon"), "there is no dbus-daemon")
class Sleep(Roaming):
    def setUp(self) -> None:
        super().setUp()
        self.logind = FakeLogind(self.lab)
        os.environ["DBUS_SYSTEM_BUS_ADDRESS"] = self.logind.address
        self.addCleanup(os.environ.pop, "DBUS_SYSTEM_BUS_ADDRESS")

    def test_a_short_sleep_continues_the_tunnel(self):
        client, gateway = self.lab.tunnel()
        before = self.session(gateway)
        self.logind.prepare_for_sleep(True)
        client.wait_log("event=falling_asleep")
        self.logind.prepare_for_sleep(False)
        client.wait_log("told_by=logind")
        self.lab.client_net.wait_ping(HOST4, 2)
        self.assertEqual(self.session(gateway)["id"], before["id"], "it connected anew")

    def test_a_gateway_that_forgot_the_sleeper_is_connected_anew_at_once(self):
        slow = {"client": {"keep_alive_s": 25, "idle_timeout_s": 60, "retry": None}}
        client, gateway = self.lab.tunnel({}, slow)
        self.logind.prepare_for_sleep(True)
        client.wait_log("event=falling_asleep")
        gateway.kill()
        gateway.start()
        self.logind.prepare_for_sleep(False)
        started = time.monotonic()
        wait_until(lambda: gateway.sessions(), 5, "the client to be back")
        self.assertLess(time.monotonic() - started, 2 * harness.PATIENCE)
        self.lab.client_net.wait_ping(HOST4, 2)


class Stalled(Roaming):
    def test_a_daemon_that_was_frozen_asks_at_once_whether_the_gateway_is_there(self):
        client, gateway = self.lab.tunnel({}, {"client": {"idle_timeout_s": 60}})
        before = self.session(gateway)
        client.signal(signal.SIGSTOP)
        time.sleep(11)
        client.signal(signal.SIGCONT)
        client.wait_log("told_by=clock", 5)
        self.lab.client_net.wait_ping(HOST4, 3)
        self.assertEqual(self.session(gateway)["id"], before["id"], "it connected anew")


if __name__ == "__main__":
    harness.main()
