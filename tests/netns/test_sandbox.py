#!/usr/bin/python3
"""The packaged units, as they are, under a real systemd: what they forbid, and that all works."""

import json
import os
import re
import signal
import subprocess
import unittest
from pathlib import Path

import harness
import systemd_host
from harness import HOST4, HOST6, INNER_GATEWAY4, LabTest, wait_until

CLIENT, GATEWAY = "slopnd.service", "slopnd-gateway.service"
CAP_NET_BIND_SERVICE, CAP_NET_ADMIN, CAP_BPF = 10, 12, 39


class Service:
    """A slopnd that systemd runs."""

    def __init__(self, host: systemd_host.SystemdHost, unit: str, config: harness.Toml) -> None:
        self.host, self.unit = host, unit
        self.config_path = host.config_dir / "slopnd.toml"
        self.config = config
        self.write_config()

    def write_config(self) -> None:
        self.config_path.write_text(harness.to_toml(self.config))
        self.config_path.chmod(0o640)
        self.host.run("chown", "root:slopn", "/etc/slopn/slopnd.toml")

    def install(self, drop_in: str = "") -> None:
        self.host.install(self.unit, drop_in)

    def start(self) -> None:
        done = self.host.systemctl("start", self.unit, check=False, timeout=40)
        if done.returncode != 0:
            raise AssertionError(f"{done.stderr}\n{self.host.log(self.unit)}")

    def show(self, name: str) -> str:
        return self.host.property(self.unit, name)

    @property
    def pid(self) -> int:
        """As this test sees it."""
        inside = self.show("MainPID")
        for status in Path("/proc").glob("[0-9]*/status"):
            try:
                text = status.read_text()
            except OSError:
                continue
            ids = re.search(r"^NSpid:\s+(.*)$", text, re.M).group(1).split()
            same = status.parent / "ns" / "pid"
            if ids[-1] == inside and same.stat().st_ino == self._pid_namespace:
                return int(status.parent.name)
        raise AssertionError(f"no process {inside} of {self.unit}")

    @property
    def _pid_namespace(self) -> int:
        return Path(f"/proc/{self.host.pid}/ns/pid").stat().st_ino

    def process_status(self) -> dict[str, str]:
        lines = Path(f"/proc/{self.pid}/status").read_text().splitlines()
        return {key: value.strip() for key, _, value in (line.partition(":") for line in lines)}

    def ctl(self, *arguments: object) -> str:
        """slopnctl, with the socket that everybody uses."""
        done = self.host.run("/var/lib/slopn-bin/slopnctl", *arguments, check=False, timeout=30)
        if done.returncode != 0:
            raise AssertionError(
                f"slopnctl {arguments}: {done.returncode} {done.stdout}{done.stderr}\n{self.log}"
            )
        return done.stdout

    @property
    def log(self) -> str:
        return self.host.log(self.unit)


class SandboxTest(LabTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        if reason := systemd_host.why_not():
            raise unittest.SkipTest(reason)

    def boot(self, namespace) -> systemd_host.SystemdHost:
        host = systemd_host.SystemdHost(namespace)
        self.addCleanup(host.close)
        return host

    def services(self) -> tuple[Service, Service]:
        """Neither is started yet."""
        plain = self.lab.gateway().config["gateway"]
        level = {"log": {"level": "debug"}}
        gateway = Service(
            self.boot(self.lab.gateway_net), GATEWAY, level | {"gateway": plain}
        )
        client = Service(
            self.boot(self.lab.client_net), CLIENT,
            level | {"client": {"retry": harness.QUICK_RETRY}},
        )
        for service in (client, gateway):
            service.install()
        return client, gateway

    def tearDown(self):
        if harness.has_failed(self):
            for log in self.lab.folder.glob("systemd-*/*.log"):
                print(f"---- {log.name}\n" + "\n".join(log.read_text().splitlines()[-40:]))
        super().tearDown()

    def connect(self, client: Service, gateway: Service) -> None:
        for service in (gateway, client):
            service.start()
        uri = json.loads(gateway.ctl("gateway", "invite", "laptop", "--json"))["uri"]
        client.ctl("connect", uri, "--wait", "--timeout", 15)


class Units(SandboxTest):
    def test_a_tunnel_in_the_packaged_units_carries_pings(self):
        client, gateway = self.services()
        before = {net: net.snapshot() for net in (self.lab.client_net, self.lab.gateway_net)}
        self.connect(client, gateway)
        net = self.lab.client_net
        for address in (HOST4, HOST6, INNER_GATEWAY4):
            self.assertTrue(net.ping(address, wait=3), address)
        data = bytes(range(256)) * 4000
        harness.tcp_transfer(net, self.lab.host_net, HOST4, data, data)

        with self.subTest("measurements work too"):
            client.ctl("speedtest", "--json", "--seconds", 1)
        with self.subTest("the doctor sees no problem of the sandbox's"):
            call = harness.ROOT / "docs" / "examples" / "slopn_call.sh"
            for service in (client, gateway):
                found = service.host.run(call, "Diagnose").stdout
                blocks = re.findall(r"check: \"(\w+)\"\s+verdict: VERDICT_(PROBLEM|UNKNOWN)", found)
                # The machine's or the lab's own.
                blocks = [one for one in blocks if one[0] not in ("dns", "clock", "default_route")]
                self.assertEqual(blocks, [], service.unit)
        with self.subTest("who they run as"):
            for service, capabilities in (
                (client, 1 << CAP_NET_ADMIN),
                (gateway, 1 << CAP_NET_ADMIN | 1 << CAP_NET_BIND_SERVICE),
            ):
                status = service.process_status()
                for kind in ("CapPrm", "CapEff", "CapBnd"):
                    self.assertEqual(int(status[kind], 16), capabilities, f"{service.unit} {kind}")
                self.assertEqual(status["NoNewPrivs"], "1")
                self.assertEqual(status["Seccomp"], "2")
                self.assertNotIn("0", status["Uid"].split())
                self.assertNotIn("0", status["Gid"].split())
        with self.subTest("what systemctl status says"):
            self.assertEqual(client.show("StatusText"), "Connected")
            wait_until(
                lambda: gateway.show("StatusText") == "Gateway with 1 session", 15, "the status"
            )
        with self.subTest("nothing was refused by the sandbox"):
            for service in (client, gateway):
                complaints = [
                    line for line in service.log.splitlines()
                    if re.search("denied|not permitted|read-only|EPERM", line, re.I)
                    and "make a BPF table" not in line
                ]
                self.assertEqual(complaints, [], service.unit)
        with self.subTest("stopping leaves nothing behind"):
            for service in (client, gateway):
                service.host.systemctl("stop", service.unit)
                self.assertEqual(service.show("Result"), "success")
            for net, snapshot in before.items():
                self.assertEqual(net.snapshot(), snapshot, net.role)

    def test_a_reload_is_told_and_takes_effect(self):
        client, _ = self.services()
        client.start()
        client.config["log"]["level"] = "info"
        client.write_config()
        client.host.systemctl("reload", client.unit)
        self.assertEqual(client.show("ActiveState"), "active")
        wait_until(lambda: "log.level changed" in client.log, 5, "the reload")

    def test_members_of_the_group_may_call_and_others_may_not(self):
        client, _ = self.services()
        client.start()
        status = ["/var/lib/slopn-bin/slopnctl", "status", "--json"]
        as_nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
        refused = client.host.run(*as_nobody, *status, check=False)
        self.assertNotIn(refused.returncode, (0, 5), refused.stdout)
        as_member = ["setpriv", "--reuid=65534", "--regid=65534", "--groups=slopn"]
        allowed = client.host.run(*as_member, *status, check=False)
        self.assertIn(allowed.returncode, (0, 5), allowed.stdout + allowed.stderr)

    def test_a_configuration_that_is_wrong_is_not_tried_again(self):
        client, _ = self.services()
        client.config["nonsense"] = 1
        client.write_config()
        client.host.systemctl("start", client.unit, check=False)
        wait_until(lambda: client.show("ActiveState") == "failed", 10, "it to fail")
        self.assertEqual(client.show("ExecMainStatus"), "2")
        self.assertEqual(client.show("NRestarts"), "0")

    def test_a_gateway_in_the_clients_unit_says_which_unit_it_needs(self):
        client, gateway = self.services()
        client.config = {"role": "gateway"}
        client.write_config()
        client.host.systemctl("start", client.unit, check=False)
        self.assertIn("systemctl start slopnd-gateway", client.log)

    def test_a_second_role_takes_the_place_of_the_first(self):
        client, _ = self.services()
        client.start()
        other = Service(client.host, GATEWAY, {})
        other.install()
        other.start()
        self.assertEqual(client.show("ActiveState"), "inactive")
        client.start()
        self.assertEqual(other.show("ActiveState"), "inactive")
        self.assertEqual(client.show("ActiveState"), "active")

    def test_a_key_that_only_root_may_read_comes_in_as_a_credential(self):
        """docs/decisions/0016-service.md"""
        _, gateway = self.services()
        certificate, key = gateway.host.config_dir / "gw.crt", gateway.host.config_dir / "gw.key"
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
             "-nodes", "-days", "30", "-subj", "/CN=gw.example", "-keyout", key,
             "-out", certificate],
            check=True, capture_output=True,
        )
        certificate.chmod(0o644)
        key.chmod(0o600)
        inside = "/run/credentials/slopnd-gateway.service/tls.key"
        text = (harness.ROOT / "docs/decisions/0016-service.md").read_text()
        self.assertIn(inside, text)
        gateway.config["gateway"]["tls"] = {
            "certificate": "/etc/slopn/gw.crt", "private_key": inside
        }
        gateway.write_config()
        gateway.install("[Service]\nLoadCredential=tls.key:/etc/slopn/gw.key\n")
        gateway.start()
        self.assertIn("gateway: serving", gateway.log)

    def test_the_drop_in_for_steering_gives_the_gateway_its_program(self):
        """docs/decisions/0014-workers.md"""
        _, gateway = self.services()
        text = (harness.ROOT / "docs/decisions/0014-workers.md").read_text()
        drop_in = text[text.index("    [Service]") :].split("\n\n")[0]
        gateway.config["gateway"]["workers"] = 2
        gateway.write_config()
        gateway.install(drop_in)
        gateway.start()
        self.assertEqual(int(gateway.process_status()["CapEff"], 16) >> CAP_BPF & 1, 1)
        self.assertNotIn("BPF", gateway.log)


# Tries what an attacker who has taken over the daemon would try. Prints JSON: what came of each.
PROBE = """
import ctypes, errno, json, mmap, os, socket, time
libc = ctypes.CDLL(None, use_errno=True)
def call(function, *arguments):
    if function(*arguments) == -1:
        raise OSError(ctypes.get_errno(), "")
def write(path, text=""):
    with open(path, "w") as file:
        file.write(text)
SYS_BPF, PTRACE_ATTACH, CLONE_NEWUSER = 321, 16, 0x10000000
tries = {
    "write /etc": lambda: write("/etc/slopn/new"),
    "write /usr": lambda: write("/usr/new"),
    "write state": lambda: write("/var/lib/slopn/new"),
    "write kernel switch": lambda: write("/proc/sys/kernel/hostname", "x"),
    "write network switch": lambda: write("/proc/sys/net/ipv4/conf/all/src_valid_mark", "0"),
    "write cgroup": lambda: write("/sys/fs/cgroup/cgroup.procs", "1"),
    "read /home": lambda: os.listdir("/home") or write("/home/new"),
    "read /etc/shadow": lambda: open("/etc/shadow").close(),
    "open kernel memory": lambda: open("/dev/mem").close(),
    "open kernel log": lambda: open("/dev/kmsg").close(),
    "open TUN": lambda: os.close(os.open("/dev/net/tun", os.O_RDWR)),
    "packet socket": lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW).close(),
    "raw socket": lambda: socket.socket(socket.AF_INET, socket.SOCK_RAW, 1).close(),
    "user namespace": lambda: call(libc.unshare, CLONE_NEWUSER),
    "mount": lambda: call(libc.mount, b"none", b"/tmp", b"tmpfs", 0, None),
    "become root": lambda: os.setuid(0),
    "code in writable memory": lambda: mmap.mmap(-1, 4096, prot=7).close(),
    "bpf": lambda: call(libc.syscall, SYS_BPF, 0, None, 0),
    "ptrace": lambda: call(libc.ptrace, PTRACE_ATTACH, os.getppid(), None, None),
    "set the clock": lambda: time.clock_settime(time.CLOCK_REALTIME, 1),
    "signal systemd": lambda: os.kill(1, 0),
    "ask systemd": lambda: socket.socket(socket.AF_UNIX).connect("/run/systemd/private"),
}
results = {}
for name, attempt in tries.items():
    try:
        attempt()
        results[name] = "done"
    except OSError as error:
        results[name] = errno.errorcode[error.errno]
results["others seen"] = sorted(set(filter(str.isdigit, os.listdir("/proc"))) - {str(os.getpid())})
print(json.dumps(results))
"""
ALLOWED = {"write state", "write network switch", "open TUN"}


class Forbidden(SandboxTest):
    def test_a_daemon_that_is_taken_over_can_do_little(self):
        client, gateway = self.services()
        for service in (client, gateway):
            with self.subTest(service.unit):
                probe = service.host.config_dir / "probe.py"
                probe.write_text(PROBE)
                service.install(
                    "[Service]\nType=oneshot\nRestart=no\nWatchdogSec=0\nExecStart=\n"
                    "ExecStart=/usr/bin/python3 -S -E /etc/slopn/probe.py\n"
                )
                service.start()
                results = json.loads(service.log.splitlines()[-1])
                self.assertEqual(results.pop("others seen"), [])
                done = {name for name, result in results.items() if result == "done"}
                self.assertEqual(done, ALLOWED, results)


class Watchdog(SandboxTest):
    def test_a_daemon_that_hangs_is_started_again(self):
        client, gateway = self.services()
        client.install("[Service]\nWatchdogSec=2\nRestartSec=100ms\n")
        self.connect(client, gateway)
        first = client.pid
        os.kill(first, signal.SIGSTOP)
        wait_until(lambda: client.show("NRestarts") == "1", 15, "a restart", poll=0.2)
        wait_until(lambda: client.show("ActiveState") == "active", 10, "it to be ready")
        self.assertNotEqual(client.pid, first)


if __name__ == "__main__":
    harness.main()
