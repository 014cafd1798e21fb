#!/usr/bin/python3
"""The control socket of a running daemon: who may do what, and what callers can do to it."""

import contextlib
import os
import random
import re
import resource
import signal
import socket
import stat
import struct
import subprocess
import time

import harness
from harness import LabTest, wait_until

READER, OPERATOR, STRANGER = 54321, 54322, 54323
NOT_PERMITTED = 4  # exit code of slopnctl, docs/slopnctl.md
SERVICE = "/slopn.control.v1.Control/"
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, SETTINGS, GOAWAY = 0, 1, 4, 7


def frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload


def field(name: str, value: str) -> bytes:
    """A header in HPACK, literal and without an index (RFC 7541 section 6.2.2)."""
    assert len(name) < 127 and len(value) < 127
    return bytes([0, len(name)]) + name.encode() + bytes([len(value)]) + value.encode()


class Caller:
    """As much of gRPC as it takes to make calls and to stop in the middle of them."""

    def __init__(self, daemon: harness.Daemon) -> None:
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.settimeout(10)
        self.socket.connect(str(daemon.socket_path))
        self.socket.sendall(PREFACE + frame(SETTINGS, 0, 0, b""))
        self.next_stream = 1
        self.received = b""

    def call(self, method: str, message: bytes = b"") -> None:
        headers = b"".join(
            [
                field(":method", "POST"),
                field(":scheme", "http"),
                field(":path", SERVICE + method),
                field(":authority", "slopnd"),
                field("te", "trailers"),
                field("content-type", "application/grpc"),
            ]
        )
        body = b"\0" + struct.pack(">I", len(message)) + message
        self.socket.sendall(
            frame(HEADERS, 4, self.next_stream, headers) + frame(DATA, 1, self.next_stream, body)
        )
        self.next_stream += 2

    def frames(self, count: int, kinds: tuple[int, ...] = (DATA, HEADERS)) -> list[bytes]:
        """The payloads of so many frames of these kinds."""
        found = []
        while len(found) < count:
            while len(self.received) < 9 or len(self.received) < 9 + self._length():
                more = self.socket.recv(65536)
                if not more:
                    raise ConnectionResetError("closed")
                self.received += more
            end = 9 + self._length()
            if self.received[3] in kinds:
                found.append(self.received[9:end])
            if self.received[3] == SETTINGS and not self.received[4] & 1:
                self.socket.sendall(frame(SETTINGS, 1, 0, b""))
            self.received = self.received[end:]
        return found

    def _length(self) -> int:
        return int.from_bytes(self.received[:3], "big")

    def close(self) -> None:
        self.socket.close()


def descriptors(daemon: harness.Daemon) -> int:
    return len(os.listdir(f"/proc/{daemon.pid}/fd"))


def ctl_as(daemon: harness.Daemon, uid: int, *arguments: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [harness.SLOPNCTL, "--socket", daemon.socket_path, *arguments],
        user=uid, group=uid, extra_groups=[], capture_output=True, text=True, timeout=20,
    )


def grants(**uids: int) -> harness.Toml:
    return {"control": {"grants": [{"role": r, "uids": [u]} for r, u in uids.items()]}}


class Roles(LabTest):
    def start(self, changes: harness.Toml = {}) -> harness.Daemon:
        for folder in (self.lab.folder, self.lab.folder.parent):
            folder.chmod(0o755)  # other users look for the socket below it
        client = self.lab.client()
        client.folder.chmod(0o755)
        client.configure(changes)
        return client.start()

    def test_wrong_uid_cannot_even_connect(self):
        client = self.start()
        self.assertEqual(stat.S_IMODE(client.socket_path.stat().st_mode), 0o600)
        done = ctl_as(client, STRANGER, "status")
        self.assertEqual(done.returncode, NOT_PERMITTED, done.stderr)

    def test_wrong_uid_that_connects_is_refused_and_told_why(self):
        client = self.start(grants(read=READER))
        done = ctl_as(client, STRANGER, "status")
        self.assertEqual(done.returncode, NOT_PERMITTED, done.stderr)
        self.assertIn("needs the role read", done.stderr)
        self.assertIn("[[control.grants]]", done.stderr)
        self.assertIn(f"uids = [{STRANGER}]", done.stderr)

    def test_each_role_may_do_what_it_says_and_no_more(self):
        client = self.start(grants(read=READER, operate=OPERATOR))
        self.assertEqual(ctl_as(client, READER, "status").returncode, 0)
        self.assertEqual(ctl_as(client, READER, "disconnect").returncode, NOT_PERMITTED)
        self.assertEqual(ctl_as(client, OPERATOR, "disconnect").returncode, 0)
        refused = ctl_as(client, OPERATOR, "profile", "remove", "home")
        self.assertEqual(refused.returncode, NOT_PERMITTED, refused.stderr)
        self.assertIn("needs the role admin", refused.stderr)

    def test_sighup_gives_and_takes_roles(self):
        client = self.start()
        client.configure(grants(operate=OPERATOR))
        client.signal(signal.SIGHUP)
        client.wait_log("config: control.grants changed")
        self.assertEqual(ctl_as(client, OPERATOR, "disconnect").returncode, 0)
        client.configure({"control": {"grants": []}})
        client.signal(signal.SIGHUP)
        wait_until(
            lambda: ctl_as(client, OPERATOR, "disconnect").returncode == NOT_PERMITTED,
            5, "the role to be taken",
        )
        self.assertEqual(stat.S_IMODE(client.socket_path.stat().st_mode), 0o600)

    def test_audit_log_says_who_did_what(self):
        client = self.start(grants(operate=OPERATOR) | {"log": {"level": "error"}})
        ctl_as(client, OPERATOR, "disconnect")
        self.assertRegex(client.log, rf"audit: uid={OPERATOR} pid=\d+ call=Disconnect result=OK")
        ctl_as(client, OPERATOR, "profile", "remove", "home")
        self.assertRegex(
            client.log, "call=RemoveProfile name=home result=PERMISSION_DENIED"
        )


class Events(LabTest):
    """What is in the messages is looked for as bytes: protobuf writes texts as they are."""

    def watch(self, daemon: harness.Daemon) -> Caller:
        caller = Caller(daemon)
        self.addCleanup(caller.close)
        caller.call("WatchEvents")
        caller.frames(1, (DATA,))  # the first answer: the stream stands
        return caller

    def assertComes(self, caller: Caller, pattern: bytes) -> None:
        seen = []
        while not seen or not re.search(pattern, seen[-1], re.DOTALL):
            self.assertLess(len(seen), 50, seen)
            seen += caller.frames(1, (DATA,))

    def test_a_gateway_tells_who_comes_and_goes(self):
        client, gateway = self.lab.client().start(), self.lab.gateway().start()
        events = self.watch(gateway)
        client.connect(gateway.invite("laptop"))
        self.assertComes(events, rb"\x52.\x08.+\x12\x06laptop$")  # session_changed, not ended
        client.ctl_ok("disconnect")
        self.assertComes(events, rb"\x52.\x08.+\x12\x06laptop\x18\x01")

    def test_a_client_tells_its_states_in_order(self):
        client, gateway = self.lab.client().start(), self.lab.gateway().start()
        events = self.watch(client)
        client.connect(gateway.invite("laptop"))
        self.assertComes(events, rb"\x1a..?\x0a\x0cdisconnected")  # state_changed, from
        self.assertComes(events, rb"\x0a\x0aconnecting.*slopn0")  # to connected
        client.ctl_ok("disconnect")
        self.assertComes(events, rb"\x0a\x09connected")


class LogLevel(LabTest):
    def test_a_level_that_was_set_stays_until_the_file_names_another(self):
        client = self.lab.client({"log": {"level": "info"}}).start()
        caller = Caller(client)
        self.addCleanup(caller.close)
        caller.call("SetLogLevel", b"\x08\x04")  # level: LOG_LEVEL_ERROR
        caller.frames(1)
        wait_until(lambda: "call=SetLogLevel" in client.log, 5, "the level to be set")
        client.configure(grants(read=READER))
        client.signal(signal.SIGHUP)
        wait_until(
            lambda: stat.S_IMODE(client.socket_path.stat().st_mode) == 0o666, 5, "the grants"
        )
        self.assertNotIn("control.grants changed", client.log)  # which is no error

        client.configure({"log": {"level": "debug"}})
        client.signal(signal.SIGHUP)
        client.wait_log("config: log.level changed")


class BadInput(LabTest):
    def setUp(self) -> None:
        super().setUp()
        self.client = self.lab.client().start()
        self.before = descriptors(self.client)

    def assertUnharmed(self) -> None:
        self.assertAlive(self.client)
        self.assertEqual(self.client.state, "disconnected")

    def test_random_bytes(self):
        chance = random.Random(1)
        for i in range(200):
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as caller:
                caller.connect(str(self.client.socket_path))
                start = PREFACE + frame(SETTINGS, 0, 0, b"") if i % 2 else b""
                with contextlib.suppress(OSError):
                    caller.sendall(start + chance.randbytes(chance.randrange(1, 5000)))
        self.assertUnharmed()

    def test_truncated_bytes(self):
        with_call = PREFACE + frame(SETTINGS, 0, 0, b"")
        with_call += frame(HEADERS, 4, 1, field(":method", "POST") + field(":path", "/x"))
        with_call += frame(DATA, 1, 1, b"\0\0\0\0\5abc")
        for end in range(1, len(with_call)):
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as caller:
                caller.connect(str(self.client.socket_path))
                caller.sendall(with_call[:end])
        self.assertUnharmed()

    def test_oversize_message(self):
        caller = Caller(self.client)
        self.addCleanup(caller.close)
        before = self.client.memory_kb()
        headers = field(":method", "POST") + field(":scheme", "http")
        headers += field(":path", SERVICE + "ImportProfile") + field("te", "trailers")
        headers += field("content-type", "application/grpc")
        length = 2**32 - 1
        caller.socket.sendall(
            frame(HEADERS, 4, 1, headers) + frame(DATA, 0, 1, b"\0" + struct.pack(">I", length))
        )
        with contextlib.suppress(OSError):
            for _ in range(4096):
                caller.socket.sendall(frame(DATA, 0, 1, bytes(16384)))
        self.assertUnharmed()
        self.assertLess(self.client.memory_kb() - before, 8 * 1024)

    def test_oversize_header(self):
        caller = Caller(self.client)
        self.addCleanup(caller.close)
        before = self.client.memory_kb()
        name = bytes([0, 1]) + b"x" + b"\x7f\x81\xff\x7f" + bytes(16000)
        with contextlib.suppress(OSError):
            for _ in range(1000):
                caller.socket.sendall(frame(HEADERS, 0, 1, name))
        self.assertUnharmed()
        self.assertLess(self.client.memory_kb() - before, 8 * 1024)

    def test_ten_thousand_connections(self):
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        if hard < 11_000:
            self.skipTest("so many descriptors are not allowed")
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        before = self.client.memory_kb()
        crowd = []
        with contextlib.ExitStack() as closing:
            for i in range(10_000):
                # Blocking: it waits while the daemon's queue of callers is full.
                caller = closing.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM))
                caller.connect(str(self.client.socket_path))
                if i % 2:
                    with contextlib.suppress(OSError):
                        caller.sendall(PREFACE + frame(SETTINGS, 0, 0, b""))
                crowd.append(caller)
            self.assertAlive(self.client)
            self.assertLess(descriptors(self.client), 700)
            self.assertLess(self.client.memory_kb() - before, 32 * 1024)
        started = time.monotonic()
        wait_until(
            lambda: self.client.ctl("status").returncode == 0, 10, "the daemon to answer again"
        )
        self.assertLess(time.monotonic() - started, 5)
        wait_until(lambda: descriptors(self.client) < self.before + 20, 10, "sockets to be closed")

    def test_who_only_connects_is_gone_after_a_while(self):
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as silent:
            silent.settimeout(10)
            silent.connect(str(self.client.socket_path))
            started = time.monotonic()
            self.assertEqual(silent.recv(1), b"")
            self.assertLess(time.monotonic() - started, 7)

    def test_caller_killed_in_the_middle_of_a_stream(self):
        for method in ("WatchStatus", "WatchEvents", "WatchLogs"):
            for _ in range(30):
                child = os.fork()
                if child == 0:
                    try:
                        caller = Caller(self.client)
                        caller.call(method, b"\x20\x01" if method == "WatchLogs" else b"")
                        if method != "WatchLogs":
                            caller.frames(1, (DATA,))
                    finally:
                        os.kill(os.getpid(), signal.SIGKILL)
                os.waitpid(child, 0)
        self.assertUnharmed()
        wait_until(lambda: descriptors(self.client) < self.before + 20, 10, "sockets to be closed")
        # Their places among the streams are free again.
        caller = Caller(self.client)
        self.addCleanup(caller.close)
        for _ in range(16):
            caller.call("WatchStatus")
        self.assertEqual(len(caller.frames(16, (DATA,))), 16)

    def test_reader_that_stops_reading_costs_bounded_memory(self):
        deaf = Caller(self.client)
        self.addCleanup(deaf.close)
        for _ in range(5):
            deaf.call("WatchStatus")
            deaf.call("WatchEvents")
            deaf.call("WatchLogs", b"\x20\x01")  # follow
        busy = Caller(self.client)
        self.addCleanup(busy.close)
        before = self.client.memory_kb()
        for _ in range(200):
            for _ in range(20):
                busy.call("Disconnect")  # each is a line of the log and an event
            busy.frames(40, (HEADERS,))
        self.assertUnharmed()
        self.assertLess(self.client.memory_kb() - before, 24 * 1024)


class Place(LabTest):
    """What may be where the socket should be."""

    def start_fails(self, client: harness.Daemon) -> str:
        client.write_config()
        client.start(wait=False)
        self.assertEqual(client.wait_exit(), 1)
        return client.log

    def test_symbolic_link(self):
        client = self.lab.client()
        target = client.folder / "target"
        target.write_text("precious")
        client.socket_path.symlink_to(target)
        self.assertIn("is a symbolic link; remove it", self.start_fails(client))
        self.assertEqual(target.read_text(), "precious")
        self.assertTrue(client.socket_path.is_symlink())

    def test_other_file(self):
        client = self.lab.client()
        client.socket_path.write_text("precious")
        self.assertIn("is not a socket; remove it", self.start_fails(client))
        self.assertEqual(client.socket_path.read_text(), "precious")

    def test_stale_socket(self):
        client = self.lab.client().start()
        client.kill()
        self.assertTrue(client.socket_path.is_socket())
        client.start()
        self.assertEqual(client.state, "disconnected")

    def test_socket_of_another_daemon(self):
        first = self.lab.client().start()
        second = self.lab.client(name="second", namespace=self.lab.extra_client_net(2))
        second.configure({"control": {"socket": str(first.socket_path)}})
        self.assertRegex(self.start_fails(second), rf"another slopnd is running \(pid {first.pid}\)")
        self.assertEqual(first.state, "disconnected")


if __name__ == "__main__":
    harness.main()
