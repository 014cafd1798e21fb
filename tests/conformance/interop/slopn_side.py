"""slopnd beside an aioquic peer: both in one fresh network namespace that ends with the test.

The test process itself moves into the namespace, so that asyncio needs to know nothing of it. Only
the loopback interface is there, and its address 192.0.2.1 stands for the outside.
"""

from __future__ import annotations

import ctypes
import subprocess
import unittest

import interop  # noqa: F401  (finds harness)
import harness
from harness import Client, Gateway, Toml, merged

OUTSIDE4, OUTSIDE6 = "192.0.2.1", "2001:db8:1::1"
GATEWAY_PORT = 443
_CLONE_NEWNET = 0x40000000


class _Here:
    """Stands in for `harness.Namespace`: commands run where the test process is."""

    role = "here"

    def __init__(self, lab: "Place") -> None:
        self.lab = lab

    def run(self, *command, check=True, timeout=20, **more):
        return harness._run(list(command), check, timeout, **more)

    def ip(self, *arguments) -> str:
        return self.run("ip", *arguments).stdout

    def spawn(self, *command, **more) -> subprocess.Popen:
        process = subprocess.Popen(
            [str(word) for word in command], stdin=subprocess.DEVNULL,
            preexec_fn=harness._die_with_parent, **more,
        )
        self.lab.processes.append(process)
        return process


_moved = False


def _move_to_own_namespace() -> None:
    global _moved
    if _moved:
        return
    if ctypes.CDLL(None, use_errno=True).unshare(_CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "unshare")
    _moved = True
    for command in (
        "ip link set lo up",
        f"ip address add {OUTSIDE4}/32 dev lo",
        f"ip address add {OUTSIDE6}/128 dev lo nodad",
    ):
        subprocess.run(command.split(), check=True, capture_output=True)


class Place(harness.Lab):
    """A lab with one namespace, our own."""

    def __init__(self) -> None:  # deliberately not the base class's: it makes three namespaces
        harness._remove_dead_labs()
        self.folder = harness._lab_folder()
        self.processes, self.namespaces, self.captures, self.daemons = [], [], [], []
        self._closed = False
        harness._open_labs.append(self)
        self.here = _Here(self)

    def gateway(self, changes: Toml = {}, name: str = "gateway") -> Gateway:
        config: Toml = {
            "role": "gateway",
            "gateway": {
                "listen": [f"{OUTSIDE4}:{GATEWAY_PORT}", f"[{OUTSIDE6}]:{GATEWAY_PORT}"],
                "public_endpoint": f"{OUTSIDE4}:{GATEWAY_PORT}",
                "pools": [harness.POOL4, harness.POOL6],
                "routes": ["0.0.0.0/0", "::/0"],
                "auth": {"anonymous": True},
            },
        }
        daemon = Gateway(self.here, name, merged(config, changes))
        self.daemons.append(daemon)
        return daemon

    def client(self, changes: Toml = {}, name: str = "client", namespace=None) -> Client:
        config: Toml = {
            "role": "client",
            "client": {
                "idle_timeout_s": 5,
                "keep_alive_s": 1,
                "retry": harness.QUICK_RETRY,
            },
        }
        daemon = Client(self.here, name, merged(config, changes))
        self.daemons.append(daemon)
        return daemon


class InteropTest(unittest.IsolatedAsyncioTestCase):
    """A test with a place of its own. Shows the daemons' logs when it fails."""

    @classmethod
    def setUpClass(cls) -> None:
        if not interop.AVAILABLE:
            raise unittest.SkipTest(interop.WHY_NOT)
        harness.require()
        _move_to_own_namespace()

    def setUp(self) -> None:
        self.place = Place()
        self.addCleanup(self.place.close)

    def tearDown(self) -> None:
        if harness.has_failed(self):
            self.place.print_logs()

    def assertStillServes(self, daemon) -> None:
        self.assertTrue(daemon.running, f"{daemon.name} has ended")
        daemon.ctl_ok("status")
