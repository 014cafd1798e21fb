#!/usr/bin/python3
"""What the daemon tells the service manager, as a socket of the test's hears it."""

import ctypes
import os
import signal
import socket
import time
from pathlib import Path

import harness
from harness import LabTest, wait_until

WATCHDOG_S = 0.6
PTRACE_SEIZE, PTRACE_INTERRUPT, PTRACE_DETACH = 0x4206, 0x4207, 17
_libc = ctypes.CDLL(None, use_errno=True)
_libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]


class Frozen:
    """One thread of a process, stopped for as long as the block lasts."""

    def __init__(self, thread: int) -> None:
        self.thread = thread

    def _ptrace(self, request: int) -> None:
        if _libc.ptrace(request, self.thread, None, None) != 0:
            raise OSError(ctypes.get_errno(), "ptrace")

    def __enter__(self) -> None:
        self._ptrace(PTRACE_SEIZE)
        self._ptrace(PTRACE_INTERRUPT)
        os.waitpid(self.thread, 0x40000000)  # __WALL

    def __exit__(self, *_: object) -> None:
        self._ptrace(PTRACE_DETACH)


class Notifications(LabTest):
    def setUp(self):
        super().setUp()
        self.path = self.lab.folder / "notify"
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(self.socket.close)
        self.socket.bind(str(self.path))
        self.socket.setblocking(False)
        self.heard: list[str] = []

    def start(self, daemon: harness.Daemon, watchdog: bool = False) -> harness.Daemon:
        self.heard.clear()
        variables = {"NOTIFY_SOCKET": str(self.path)}
        if watchdog:
            variables["WATCHDOG_USEC"] = str(int(WATCHDOG_S * harness.PATIENCE * 1e6))
        os.environ.update(variables)
        try:
            return daemon.start(wait=False)
        finally:
            for name in variables:
                del os.environ[name]

    def listen(self) -> list[str]:
        """All lines heard so far."""
        while True:
            try:
                self.heard += self.socket.recv(4096).decode().splitlines()
            except BlockingIOError:
                return self.heard

    def wait_for(self, line: str, timeout: float = 5) -> None:
        wait_until(lambda: line in self.listen(), timeout, f"{line} in {self.heard}")

    def signs_of_life(self, seconds: float) -> int:
        self.listen()
        self.heard.clear()
        time.sleep(seconds * harness.PATIENCE)
        return self.listen().count("WATCHDOG=1")


class Readiness(Notifications):
    def test_ready_comes_when_the_socket_answers_and_not_before(self):
        for daemon in (self.lab.client(), self.lab.gateway()):
            with self.subTest(daemon.name):
                self.start(daemon)
                wait_until(
                    lambda: "READY=1" in self.listen(), 10, f"{daemon.name} to be ready",
                    poll=0.001,
                )
                # At once, without trying again.
                self.assertIn(daemon.ctl("status", "--json").returncode, (0, 5))
                daemon.stop()
                self.assertIn("STOPPING=1", self.listen())

    def test_a_daemon_that_cannot_start_is_never_ready(self):
        first = self.start(self.lab.client())
        self.wait_for("READY=1")
        self.heard.clear()
        second = self.lab.client({"control": {"socket": str(first.socket_path)}}, name="second")
        self.start(second)
        self.assertNotEqual(second.wait_exit(), 0)
        self.assertNotIn("READY=1", self.listen())

    def test_the_status_line_follows_the_tunnel_and_a_reload_is_told(self):
        gateway = self.lab.gateway().start()
        client = self.start(self.lab.client())
        self.wait_for("READY=1")
        client.connect(gateway.invite())
        self.wait_for("STATUS=Connected")
        self.heard.clear()
        client.signal(signal.SIGHUP)
        self.wait_for("READY=1")
        self.assertEqual(self.heard[0], "RELOADING=1")
        when = int(self.heard[1].removeprefix("MONOTONIC_USEC="))
        self.assertAlmostEqual(when / 1e6, time.clock_gettime(time.CLOCK_MONOTONIC), delta=10)
        client.ctl_ok("disconnect", "--wait")
        self.wait_for("STATUS=Disconnected")

    def test_no_sign_of_life_is_sent_to_who_wants_none(self):
        self.start(self.lab.client())
        self.wait_for("READY=1")
        self.assertEqual(self.signs_of_life(1), 0)


class Watchdog(Notifications):
    def threads(self, daemon: harness.Daemon) -> list[int]:
        return [int(task.name) for task in Path(f"/proc/{daemon.pid}/task").iterdir()]

    def test_signs_of_life_come_in_time(self):
        for daemon in (self.lab.client(), self.lab.gateway()):
            with self.subTest(daemon.name):
                self.start(daemon, watchdog=True)
                self.wait_for("WATCHDOG=1")
                self.assertGreaterEqual(self.signs_of_life(4 * WATCHDOG_S), 6)
                daemon.stop()

    def test_a_control_thread_that_hangs_gives_no_sign_of_life(self):
        daemon = self.start(self.lab.client(), watchdog=True)
        self.wait_for("WATCHDOG=1")
        with Frozen(daemon.pid):  # the control thread is the first one
            self.signs_of_life(0.1)  # what was on its way
            self.assertEqual(self.signs_of_life(2 * WATCHDOG_S), 0)
        self.assertGreater(self.signs_of_life(2 * WATCHDOG_S), 0)

    def test_a_worker_that_hangs_gives_no_sign_of_life(self):
        for daemon in (self.lab.client(), self.lab.gateway({"gateway": {"workers": 2}})):
            with self.subTest(daemon.name):
                self.start(daemon, watchdog=True)
                self.wait_for("WATCHDOG=1")
                silent = []
                for thread in self.threads(daemon):
                    if thread == daemon.pid:
                        continue
                    with Frozen(thread):
                        self.signs_of_life(0.5 * WATCHDOG_S)
                        if self.signs_of_life(1.5 * WATCHDOG_S) == 0:
                            silent.append(thread)
                workers = 1 if daemon.name == "client" else 2
                self.assertGreaterEqual(len(silent), workers)
                self.wait_for("WATCHDOG=1")
                daemon.stop()


if __name__ == "__main__":
    harness.main()
