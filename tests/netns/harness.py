"""Real daemons between network namespaces.

A `Lab` has three namespaces, joined by veth pairs, and a folder for files. Nothing in it reaches
the machine's own network, and everything goes when the lab is closed: processes (only those it
started), namespaces and files. Labs of a test run that was killed are removed by the next one.

      client                     [router]                    gateway                  host
    192.0.2.2/24  ----------------------------------------  192.0.2.1/24
    2001:db8:1::2/64                                        2001:db8:1::1/64
                                                            198.51.100.1/24  ---- 198.51.100.2/24
                                                            2001:db8:2::1/64      2001:db8:2::2/64

With `path_mtu` a router stands between client and gateway, and the far link carries no more.
"""

from __future__ import annotations

import atexit
import base64
import contextlib
import ctypes
import ipaddress
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest
from pathlib import Path
from typing import Any, Callable, Iterator, Optional

from python_test import main  # noqa: F401  (every test file ends with harness.main())

ROOT = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("SLOPN_BUILD_DIR", ROOT / "build" / "dev"))
SLOPND = BUILD / "bin" / "slopnd"
SLOPNCTL = BUILD / "bin" / "slopnctl"

GATEWAY4, GATEWAY6 = "192.0.2.1", "2001:db8:1::1"
CLIENT4, CLIENT6 = "192.0.2.2", "2001:db8:1::2"
HOST4, HOST6 = "198.51.100.2", "2001:db8:2::2"
POOL4, POOL6 = "10.77.0.0/24", "fd77::/64"
INNER_GATEWAY4, INNER_GATEWAY6 = "10.77.0.1", "fd77::1"

# A client that is not patient: tests wait for it.
QUICK_RETRY = {"first_backoff_ms": 100, "longest_backoff_s": 1, "handshake_timeout_s": 3}

PREFIX = "slopn-t"
SANITIZED = bool(os.environ.get("SLOPN_SANITIZED"))
PATIENCE = 4.0 if SANITIZED else 1.0  # how much longer everything may take
# The sanitizers of GCC 12 cannot start where the kernel randomises addresses by more than 28 bits.
LAUNCHER = ["setarch", "-R"] if SANITIZED else []
TSAN_OPTIONS = {
    "TSAN_OPTIONS": "exitcode=66:ignore_noninstrumented_modules=1:suppressions="
    + str(Path(__file__).with_name("tsan.supp"))
}

_libc = ctypes.CDLL(None, use_errno=True)
_CLONE_NEWNET = 0x40000000
_PR_SET_PDEATHSIG = 1


def why_not() -> str:
    """Why no lab can be made here; empty when one can."""
    if os.geteuid() != 0:
        return "network namespaces need root (CAP_NET_ADMIN)"
    if not os.path.exists("/dev/net/tun"):
        return "there is no /dev/net/tun"
    probe = f"{PREFIX}{os.getpid()}-probe"
    made = subprocess.run(["ip", "netns", "add", probe], capture_output=True, text=True)
    subprocess.run(["ip", "netns", "del", probe], capture_output=True)
    if made.returncode != 0:
        return f"no network namespaces here: {made.stderr.strip()}"
    return ""


def require() -> None:
    """Skips the calling test where it cannot run; fails it with SLOPN_REQUIRE_NETNS=1."""
    reason = why_not()
    if reason and os.environ.get("SLOPN_REQUIRE_NETNS") == "1":
        raise RuntimeError(f"SLOPN_REQUIRE_NETNS=1, but {reason}")
    if reason:
        raise unittest.SkipTest(reason)
    for program in (SLOPND, SLOPNCTL):
        if not program.exists():
            raise RuntimeError(f"{program} is missing: build it first, or set SLOPN_BUILD_DIR")


def _die_with_parent() -> None:
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def wait_until(
    condition: Callable[[], Any], timeout: float = 5, what: str = "", poll: float = 0.02
) -> Any:
    """The first true value of `condition`. Fails with `what` when there is none in time."""
    deadline = time.monotonic() + timeout * PATIENCE
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {timeout * PATIENCE:g} s for {what or condition}")
        time.sleep(poll)


# ---- namespaces ----------------------------------------------------------------------------------


class Namespace:
    def __init__(self, lab: "Lab", role: str) -> None:
        self.lab = lab
        self.role = role
        self.name = f"{PREFIX}{os.getpid()}-{lab.suffix}-{role}"
        _run(["ip", "netns", "add", self.name])
        self.ip("link", "set", "lo", "up")
        # No duplicate address detection: an address is usable at once.
        for where in ("all", "default"):
            self.sysctl(f"net.ipv6.conf.{where}.accept_dad", 0)
            self.sysctl(f"net.ipv6.conf.{where}.accept_ra", 0)

    def run(
        self, *command: Any, check: bool = True, timeout: float = 20, **more: Any
    ) -> subprocess.CompletedProcess:
        """Runs a command inside and waits for it."""
        return _run(["ip", "netns", "exec", self.name, *command], check, timeout, **more)

    def ip(self, *arguments: Any) -> str:
        return _run(["ip", "-n", self.name, *arguments]).stdout

    def ip_json(self, *arguments: Any) -> Any:
        return json.loads(_run(["ip", "-n", self.name, "-j", *arguments]).stdout or "[]")

    def spawn(self, *command: Any, **more: Any) -> subprocess.Popen:
        """Starts a process inside; the lab ends it."""
        process = subprocess.Popen(
            ["ip", "netns", "exec", self.name, *map(str, command)],
            stdin=subprocess.DEVNULL,
            preexec_fn=_die_with_parent,
            **more,
        )
        self.lab.processes.append(process)
        return process

    @contextlib.contextmanager
    def inside(self) -> Iterator[None]:
        """Sockets made by this thread in this block belong to the namespace, also afterwards."""
        with open(f"/proc/self/task/{threading.get_native_id()}/ns/net") as home, open(
            f"/run/netns/{self.name}"
        ) as there:
            _setns(there.fileno())
            try:
                yield
            finally:
                _setns(home.fileno())

    def socket(self, family: int, kind: int, protocol: int = 0) -> socket.socket:
        with self.inside():
            return socket.socket(family, kind, protocol)

    def sysctl(self, key: str, value: Any) -> None:
        with self.inside():
            path = "/proc/thread-self/root/proc/sys/" + key.replace(".", "/")
            Path(path).write_text(str(value))

    def ping(
        self, target: str, *, count: int = 1, size: int = 56, whole: bool = False, wait: float = 2
    ) -> bool:
        """Whether `target` answers. `whole` forbids fragments."""
        more = ["-M", "do"] if whole else []
        done = self.run(
            "ping", "-n", "-q", "-c", count, "-i", "0.05", "-W", wait, "-s", size, *more, target,
            check=False, timeout=wait + 10,
        )
        return done.returncode == 0

    def wait_ping(self, target: str, timeout: float = 5) -> None:
        wait_until(
            lambda: self.ping(target, wait=0.3), timeout, f"{target} to answer pings of {self.role}"
        )

    def mtu(self, device: str) -> int:
        return self.ip_json("link", "show", "dev", device)[0]["mtu"]

    def has_device(self, device: str) -> bool:
        return any(link["ifname"] == device for link in self.ip_json("link", "show"))

    def snapshot(self) -> dict[str, str]:
        """All that a daemon could have left behind."""
        return {
            "links": "\n".join(sorted(link["ifname"] for link in self.ip_json("link", "show"))),
            "addresses": self.ip("-br", "address", "show"),
            "rules": self.ip("rule", "show"),
            "rules6": self.ip("-6", "rule", "show"),
            "routes": self.ip("route", "show", "table", "all"),
            "routes6": self.ip("-6", "route", "show", "table", "all"),
            "nftables": self.run("nft", "list", "ruleset").stdout,
            "forwarding": self.run(
                "sysctl", "net.ipv4.ip_forward", "net.ipv6.conf.all.forwarding"
            ).stdout,
        }


def _setns(fd: int) -> None:
    if _libc.setns(fd, _CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns")


def _run(
    command: list, check: bool = True, timeout: float = 20, **more: Any
) -> subprocess.CompletedProcess:
    command = [str(word) for word in command]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=timeout * PATIENCE,
        stdin=None if "input" in more else subprocess.DEVNULL, preexec_fn=_die_with_parent, **more,
    )
    if check and done.returncode != 0:
        raise AssertionError(
            f"{' '.join(command)}: exit code {done.returncode}\n{done.stdout}{done.stderr}"
        )
    return done


# ---- daemons -------------------------------------------------------------------------------------

Toml = dict[str, Any]


def to_toml(values: Toml, path: str = "") -> str:
    """Enough TOML for configurations: tables, lists of tables and plain values."""
    plain, tables = [], []
    for key, value in values.items():
        full = f"{path}.{key}" if path else key
        if isinstance(value, dict):
            tables.append(f"[{full}]\n" + to_toml(value, full))
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            tables += [f"[[{full}]]\n" + to_toml(entry, full) for entry in value]
        else:
            plain.append(f"{key} = {json.dumps(value)}\n")
    return "".join(plain) + "\n" + "".join(tables)


def merged(base: Toml, changes: Toml) -> Toml:
    """`base` with `changes` on top, table by table. None removes a key."""
    result = dict(base)
    for key, value in changes.items():
        if isinstance(value, dict):
            result[key] = merged(result.get(key, {}), value)
        elif value is None:
            result.pop(key, None)
        else:
            result[key] = value
    return result


class Daemon:
    """One slopnd with its own configuration, state, socket and log."""

    def __init__(self, namespace: Namespace, name: str, config: Toml) -> None:
        self.namespace = namespace
        self.name = name
        self.folder = namespace.lab.folder / name
        self.folder.mkdir()
        self.config_path = self.folder / "slopnd.toml"
        self.socket_path = self.folder / "slopnd.sock"
        self.log_path = self.folder / "slopnd.log"
        self.state_dir = self.folder / "state"
        self.process: Optional[subprocess.Popen] = None
        self.config: Toml = merged(
            {
                "state_dir": str(self.state_dir),
                "log": {"level": "debug"},
                "control": {"socket": str(self.socket_path), "group": ""},
            },
            config,
        )

    @property
    def environment(self) -> dict[str, str]:
        kept = {key: value for key, value in os.environ.items() if not key.startswith("SLOPN_")}
        return TSAN_OPTIONS | kept | {"NO_COLOR": "1", "LC_ALL": "C.UTF-8"}

    def configure(self, changes: Toml) -> None:
        """Changes the configuration; takes effect with the next start or reload."""
        self.config = merged(self.config, changes)
        self.write_config()

    def write_config(self) -> None:
        self.config_path.write_text(to_toml(self.config))

    def start(self, wait: bool = True) -> "Daemon":
        """Starts it, and waits until it answers on its socket."""
        assert not self.running, f"{self.name} runs already"
        if not self.config_path.exists():
            self.write_config()
        with open(self.log_path, "ab") as log:
            self.process = self.namespace.spawn(
                *LAUNCHER, SLOPND, "--config", self.config_path,
                stdout=log, stderr=subprocess.STDOUT, env=self.environment,
            )
        if wait:
            wait_until(self._answers, 10, f"{self.name} to answer on its socket")
        return self

    def _answers(self) -> bool:
        if not self.running:
            raise AssertionError(f"{self.name} ended with {self.process.returncode}:\n{self.log}")
        return self.socket_path.exists() and self.ctl("status", "--json").returncode in (0, 5)

    @property
    def running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    @property
    def log(self) -> str:
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    def wait_log(self, text: str, timeout: float = 5) -> None:
        wait_until(lambda: text in self.log, timeout, f"{text!r} in the log of {self.name}")

    def signal(self, number: int) -> None:
        self.process.send_signal(number)

    def stop(self, timeout: float = 3) -> float:
        """SIGTERM. Returns how long it took; fails when that is more than `timeout` seconds."""
        started = time.monotonic()
        self.signal(signal.SIGTERM)
        try:
            self.process.wait(timeout * PATIENCE)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"{self.name} does not stop within {timeout} s") from None
        if self.process.returncode != 0:
            raise AssertionError(f"{self.name} ended with {self.process.returncode}:\n{self.log}")
        return time.monotonic() - started

    def kill(self) -> None:
        """SIGKILL: it has no chance to clean up."""
        self.signal(signal.SIGKILL)
        self.process.wait(5)

    def wait_exit(self, timeout: float = 10) -> int:
        """The exit code of a daemon that is expected to end by itself."""
        return self.process.wait(timeout * PATIENCE)

    # ---- its command line

    def ctl(
        self, *arguments: Any, timeout: float = 30, input: Optional[str] = None
    ) -> subprocess.CompletedProcess:
        """slopnctl; look at `returncode`, `stdout` and `stderr`."""
        more = {} if input is None else {"input": input}
        return self.namespace.run(
            *LAUNCHER, SLOPNCTL, "--socket", self.socket_path, *arguments,
            check=False, timeout=timeout, env=self.environment, **more,
        )

    def ctl_ok(self, *arguments: Any, **more: Any) -> str:
        done = self.ctl(*arguments, **more)
        if done.returncode != 0:
            raise AssertionError(
                f"slopnctl {' '.join(map(str, arguments))}: exit code {done.returncode}\n"
                f"{done.stdout}{done.stderr}"
            )
        return done.stdout

    def ctl_json(self, *arguments: Any, **more: Any) -> Any:
        return json.loads(self.ctl_ok(*arguments, "--json", **more))

    def status(self) -> dict[str, Any]:
        """The document of `slopnctl status --json`, whatever the exit code says about it."""
        done = self.ctl("status", "--json")
        try:
            return json.loads(done.stdout)
        except ValueError:
            raise AssertionError(f"status: {done.returncode} {done.stdout}{done.stderr}") from None

    @property
    def state(self) -> str:
        """Of a client: "disconnected", "connecting", "connected", "reconnecting", ..."""
        return self.status().get("state", "")

    def wait_state(self, *states: str, timeout: float = 10) -> dict[str, Any]:
        """The first status document with one of these states."""

        def matching() -> Optional[dict[str, Any]]:
            status = self.status()
            return status if status.get("state") in states else None

        return wait_until(matching, timeout, f"{self.name} to be {' or '.join(states)}")

    # ---- its process

    @property
    def pid(self) -> int:
        return self.process.pid

    def memory_kb(self, field: str = "VmRSS") -> int:
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith(field + ":"):
                return int(line.split()[1])
        raise AssertionError(f"no {field} of {self.name}")


class Gateway(Daemon):
    def invite(self, name: str = "laptop", *more: Any) -> str:
        """Lets a new client in; returns its slopn:// URI."""
        return self.ctl_json("gateway", "invite", name, *more)["uri"]

    def sessions(self) -> list[dict[str, Any]]:
        return self.ctl_json("gateway", "sessions")["sessions"]

    @property
    def pin(self) -> str:
        return self.status()["certificate_pin"]

    def drops(self, reason: str) -> int:
        """Packets dropped for `reason`, of all sessions since the start."""
        return self.status()["traffic"]["drops"].get(reason, 0)


class Client(Daemon):
    profile = ""  # the one of the last `connect()`

    def connect(self, target: str, timeout: float = 10) -> None:
        """`target` is a profile or a slopn:// URI. Waits until the tunnel is up."""
        wait = ("--wait", "--timeout", round(timeout * PATIENCE))
        self.profile = self.ctl_json("connect", target, *wait)["profile"]

    def import_profile(self, profile: Toml, *more: Any) -> None:
        self.ctl_ok("profile", "import", "-", *more, input=to_toml(profile))

    def make_key(self) -> tuple[str, str]:
        """A new client key: the secret for a profile's auth.key, and the public key."""
        path = self.folder / "client.key"
        public = self.ctl_json("keygen", "--out", path, "--force")["public_key"]
        pem = path.read_text().splitlines()
        der = base64.b64decode("".join(line for line in pem if not line.startswith("-")))
        return base64.urlsafe_b64encode(der[-32:]).rstrip(b"=").decode(), public


# ---- the lab -------------------------------------------------------------------------------------

_open_labs: list["Lab"] = []


def _close_all_labs(*_: Any) -> None:
    for lab in list(_open_labs):
        lab.close()


def _terminated(*_: Any) -> None:
    sys.exit(143)  # runs the exit handlers


atexit.register(_close_all_labs)
signal.signal(signal.SIGTERM, _terminated)


def _lab_folder() -> Path:
    folder = Path(tempfile.mkdtemp(prefix=f"slopn-lab-{os.getpid()}-"))
    folder.chmod(0o755)
    return folder


def _remove_dead_labs() -> None:
    """Namespaces and folders of test processes that were killed."""
    for folder in Path(tempfile.gettempdir()).glob("slopn-lab-*-*"):
        if not os.path.exists(f"/proc/{folder.name.split('-')[2]}"):
            shutil.rmtree(folder, ignore_errors=True)
    for name in os.listdir("/run/netns") if os.path.isdir("/run/netns") else []:
        if name.startswith(PREFIX):
            owner = name[len(PREFIX) :].split("-")[0]
            if owner.isdigit() and not os.path.exists(f"/proc/{owner}"):
                subprocess.run(["ip", "netns", "del", name], capture_output=True)


class Lab:
    def __init__(self, path_mtu: Optional[int] = None) -> None:
        _remove_dead_labs()
        self.suffix = os.urandom(2).hex()
        self.folder = _lab_folder()
        self.processes: list[subprocess.Popen] = []
        self.namespaces: list[Namespace] = []
        self.captures: list[Capture] = []
        self.daemons: list[Daemon] = []
        self._closed = False
        _open_labs.append(self)
        try:
            self.client_net = self.namespace("client")
            self.gateway_net = self.namespace("gateway")
            self.host_net = self.namespace("host")
            if path_mtu:
                self._join_through_router(path_mtu)
            else:
                self.join(
                    (self.client_net, "outer0", CLIENT4 + "/24", CLIENT6 + "/64"),
                    (self.gateway_net, "outer0", GATEWAY4 + "/24", GATEWAY6 + "/64"),
                )
            self.join(
                (self.gateway_net, "lan0", "198.51.100.1/24", "2001:db8:2::1/64"),
                (self.host_net, "lan0", HOST4 + "/24", HOST6 + "/64"),
            )
            self.host_net.ip("route", "add", "default", "via", "198.51.100.1")
            self.host_net.ip("-6", "route", "add", "default", "via", "2001:db8:2::1")
        except BaseException:
            self.close()
            raise

    def namespace(self, role: str) -> Namespace:
        made = Namespace(self, role)
        self.namespaces.append(made)
        return made

    def join(self, *ends: tuple[Namespace, str, str, str], mtu: int = 1500) -> None:
        """A veth pair between two ends: namespace, device, IPv4 and IPv6 address."""
        (a, device_a, *_), (b, device_b, *_) = ends
        a.ip("link", "add", device_a, "type", "veth", "peer", "name", device_b, "netns", b.name)
        for namespace, device, *addresses in ends:
            namespace.ip("link", "set", device, "mtu", mtu, "up")
            for address in addresses:
                namespace.ip("address", "add", address, "dev", device)

    def _join_through_router(self, path_mtu: int) -> None:
        """The client is in 203.0.113.0/24 then, and the router's far link has the small MTU."""
        self.router_net = router = self.namespace("router")
        router.sysctl("net.ipv4.ip_forward", 1)
        router.sysctl("net.ipv6.conf.all.forwarding", 1)
        self.join(
            (self.client_net, "outer0", "203.0.113.2/24", "2001:db8:3::2/64"),
            (router, "near0", "203.0.113.1/24", "2001:db8:3::1/64"),
        )
        self.join(
            (router, "far0", "192.0.2.254/24", "2001:db8:1::fe/64"),
            (self.gateway_net, "outer0", GATEWAY4 + "/24", GATEWAY6 + "/64"),
        )
        router.ip("link", "set", "far0", "mtu", path_mtu)
        for end, via4, via6 in (
            (self.client_net, "203.0.113.1", "2001:db8:3::1"),
            (self.gateway_net, "192.0.2.254", "2001:db8:1::fe"),
        ):
            end.ip("route", "add", "default", "via", via4)
            end.ip("-6", "route", "add", "default", "via", via6)
        self.gateway_net.ip("link", "set", "outer0", "mtu", path_mtu)

    def gateway(self, changes: Toml = {}, name: str = "gateway") -> Gateway:
        """A gateway, not started yet."""
        config: Toml = {
            "role": "gateway",
            "gateway": {
                "listen": [f"{GATEWAY4}:443", f"[{GATEWAY6}]:443"],
                "public_endpoint": f"{GATEWAY4}:443",
                "pools": [POOL4, POOL6],
                "routes": ["0.0.0.0/0", "::/0"],
            },
        }
        daemon = Gateway(self.gateway_net, name, merged(config, changes))
        self.daemons.append(daemon)
        return daemon

    def client(
        self, changes: Toml = {}, name: str = "client", namespace: Optional[Namespace] = None
    ) -> Client:
        """A client, not started yet. Retries quickly."""
        config: Toml = {
            "role": "client",
            "client": {
                "idle_timeout_s": 5,
                "keep_alive_s": 1,
                "retry": QUICK_RETRY,
            },
        }
        daemon = Client(namespace or self.client_net, name, merged(config, changes))
        self.daemons.append(daemon)
        return daemon

    def tunnel(
        self, gateway_changes: Toml = {}, client_changes: Toml = {}
    ) -> tuple[Client, Gateway]:
        """Both daemons, connected by an invitation."""
        gateway = self.gateway(gateway_changes).start()
        client = self.client(client_changes).start()
        client.connect(gateway.invite())
        return client, gateway

    def extra_client_net(self, number: int) -> Namespace:
        """One more client namespace beside the first, on a link of its own to the gateway."""
        made = self.namespace(f"client{number}")
        subnet = f"192.0.{2 + number}"
        subnet6 = f"2001:db8:{0x10 + number:x}::"
        self.join(
            (made, "outer0", f"{subnet}.2/24", subnet6 + "2/64"),
            (self.gateway_net, f"outer{number}", f"{subnet}.1/24", subnet6 + "1/64"),
        )
        made.ip("route", "add", GATEWAY4, "via", f"{subnet}.1")
        made.ip("-6", "route", "add", GATEWAY6, "via", subnet6 + "1")
        return made

    def capture(self, namespace: Namespace, device: str) -> "Capture":
        made = Capture(namespace, device)
        self.captures.append(made)
        return made

    def print_logs(self, lines: int = 60) -> None:
        for daemon in self.daemons:
            print(f"---- {daemon.name}: the end of its log", file=sys.stderr)
            for line in daemon.log.splitlines()[-lines:]:
                print(f"  {line}", file=sys.stderr)

    def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        for capture in self.captures:
            capture.stop()
        for process in self.processes:
            if process.poll() is None:
                process.kill()
        for process in self.processes:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(5)
        for namespace in self.namespaces:
            subprocess.run(["ip", "netns", "del", namespace.name], capture_output=True)
        shutil.rmtree(self.folder, ignore_errors=True)
        _open_labs.remove(self)


def has_failed(test: unittest.TestCase) -> bool:
    """Whether the test that is just ending, or a part of it, has failed."""
    result = test._outcome.result
    return any(
        getattr(failed, "test_case", failed) is test
        for failed, _ in result.failures + result.errors
    )


class LabTest(unittest.TestCase):
    """A test with a lab of its own. Shows the daemons' logs when it fails."""

    PATH_MTU: Optional[int] = None

    @classmethod
    def setUpClass(cls) -> None:
        require()

    def setUp(self) -> None:
        self.lab = Lab(self.PATH_MTU)
        self.addCleanup(self.lab.close)

    def tearDown(self) -> None:
        if has_failed(self):
            self.lab.print_logs()

    def assertAlive(self, *daemons: Daemon) -> None:
        for daemon in daemons:
            self.assertTrue(daemon.running, f"{daemon.name} has ended")


# ---- traffic -------------------------------------------------------------------------------------


class Capture:
    """Every frame that a device sends or receives, from now on."""

    _ETH_P_ALL = 3

    def __init__(self, namespace: Namespace, device: str) -> None:
        self.frames: list[bytes] = []
        self._socket = namespace.socket(
            socket.AF_PACKET, socket.SOCK_RAW, socket.htons(self._ETH_P_ALL)
        )
        self._socket.bind((device, 0))
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
        self._socket.settimeout(0.1)
        self._stopping = False
        self._thread = threading.Thread(target=self._collect, daemon=True)
        self._thread.start()

    def _collect(self) -> None:
        while not self._stopping:
            try:
                self.frames.append(self._socket.recv(65536))
            except TimeoutError:
                continue
            except OSError:
                return

    def stop(self) -> list[bytes]:
        if not self._stopping:
            time.sleep(0.1)  # what is on its way
            self._stopping = True
            self._thread.join(2)
            self._socket.close()
        return self.frames


def _family(address: str) -> int:
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def tcp_transfer(
    source: Namespace, target: Namespace, address: str, upload: bytes, download: bytes,
    port: int = 5000, timeout: float = 20,
) -> None:
    """`source` connects to `address` in `target`, and both send. Fails if a byte is wrong."""
    listener = target.socket(_family(address), socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((address, port))
    listener.listen(1)
    listener.settimeout(timeout)
    caller = source.socket(_family(address), socket.SOCK_STREAM)
    caller.settimeout(timeout)
    results: dict[str, bytes] = {}

    def serve() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.settimeout(timeout)
            _exchange(connection, download, len(upload), results, "uploaded")

    server = threading.Thread(target=serve, daemon=True)
    server.start()
    with caller, listener:
        caller.connect((address, port))
        _exchange(caller, upload, len(download), results, "downloaded")
        server.join(timeout)
    if results.get("uploaded") != upload or results.get("downloaded") != download:
        raise AssertionError(f"TCP to {address} changed or lost data")


def _exchange(
    connection: socket.socket, data: bytes, wanted: int, results: dict[str, bytes], name: str
) -> None:
    sender = threading.Thread(target=connection.sendall, args=(data,), daemon=True)
    sender.start()
    received = bytearray()
    while len(received) < wanted:
        piece = connection.recv(1 << 16)
        if not piece:
            break
        received += piece
    sender.join(20)
    results[name] = bytes(received)


def udp_echo(
    source: Namespace, target: Namespace, address: str, data: bytes, port: int = 5001,
    tries: int = 3,
) -> bytes:
    """Sends a datagram and returns the answer of an echo server in `target`.

    Sends it again when there is none: the first large one over IPv6 only teaches its sender the
    MTU, because routers do not cut IPv6 packets."""
    with target.socket(_family(address), socket.SOCK_DGRAM) as server, source.socket(
        _family(address), socket.SOCK_DGRAM
    ) as caller:
        server.bind((address, port))
        server.settimeout(0.5)
        caller.settimeout(1)

        def serve() -> None:
            for _ in range(2 * tries):
                with contextlib.suppress(TimeoutError):
                    received, sender = server.recvfrom(65536)
                    server.sendto(received, sender)
                    if answered.wait(0.5):
                        return

        answered = threading.Event()
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            for left in reversed(range(tries)):
                caller.sendto(data, (address, port))
                try:
                    return caller.recv(65536)
                except TimeoutError:
                    if not left:
                        raise
        finally:
            answered.set()
            thread.join(5)
        raise AssertionError("unreachable")


def is_tunnel_or_neighbour_frame(frame: bytes, gateways: tuple[str, ...]) -> bool:
    """Whether an Ethernet frame is UDP to or from port 443 of a gateway, ARP, or IPv6's own
    housekeeping (neighbour and router discovery, multicast listener reports)."""
    kind = int.from_bytes(frame[12:14], "big")
    packet = frame[14:]
    if kind == 0x0806:
        return True
    if kind == 0x0800:
        header = 4 * (packet[0] & 15)
        protocol = packet[9]
        ends = {str(ipaddress.IPv4Address(packet[i : i + 4])) for i in (12, 16)}
        upper = packet[header:]
    elif kind == 0x86DD:
        protocol, upper = packet[6], packet[40:]
        ends = {str(ipaddress.IPv6Address(packet[i : i + 16])) for i in (8, 24)}
        if protocol == 0:  # hop-by-hop options, as multicast listener reports have
            protocol, upper = upper[0], upper[8 * (upper[1] + 1) :]
        if protocol == 58:
            return upper[0] in (130, 131, 132, 133, 134, 135, 136, 143)
    else:
        return False
    ports = {int.from_bytes(upper[i : i + 2], "big") for i in (0, 2)}
    return protocol == 17 and 443 in ports and bool(ends & set(gateways))
