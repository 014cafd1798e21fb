"""A systemd of its own for a network namespace, to run the units of this repository as they are.

The machine's own service manager, if it has one, is not involved: this one is process 1 of a process
namespace, with its own mounts (/run, /var/lib and a copy of /etc), its own part of the cgroup tree
and no units but those it is given. It goes, with all it started, when the lab is closed.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import textwrap
from pathlib import Path
from typing import Any, Optional

import harness

SYSTEMD = Path("/usr/lib/systemd/systemd")
UNITS = harness.ROOT / "systemd"

# Run as process 1 before systemd takes its place.
BOOT = """\
set -e
mount --make-rprivate /
mount -t proc proc /proc
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mount -t tmpfs -o mode=755 tmpfs /run
mount -t tmpfs -o mode=755 tmpfs /var/lib
mkdir /var/lib/slopn-bin
mount --bind {programs} /var/lib/slopn-bin
mount --bind {folder}/etc /etc
for dir in /usr/lib/systemd/system /usr/lib/systemd/system-generators; do
  mount --bind {folder}/nothing $dir
done
# Shared among themselves, not with the machine: credentials reach a service that way.
mount --make-rshared /
exec env -i container=slopn-test PATH=/usr/sbin:/usr/bin:/sbin:/bin {systemd} --system \\
  --unit=test.target --show-status=no --log-target=kmsg --log-level=err
"""


def why_not() -> str:
    """Why no systemd can be started here; empty when one can."""
    if not SYSTEMD.exists():
        return "there is no systemd on this machine"
    if cgroup_root() is None:
        return "there is no cgroup2 file system on this machine"
    if not shutil.which("systemd-sysusers"):
        return "there is no systemd-sysusers on this machine"
    return ""


def cgroup_root() -> Optional[Path]:
    for line in Path("/proc/self/mounts").read_text().splitlines():
        _, where, kind, options, *_ = line.split()
        if kind == "cgroup2" and "rw" in options.split(","):
            return Path(where)
    return None


class SystemdHost:
    """Boots at once. `systemctl` and `run` act inside."""

    def __init__(self, namespace: harness.Namespace) -> None:
        _remove_dead_cgroups()
        self.namespace = namespace
        self.folder = namespace.lab.folder / f"systemd-{namespace.role}"
        self.cgroup = cgroup_root() / f"{namespace.name}-systemd"
        (self.folder / "nothing").mkdir(parents=True)
        self._make_etc()
        self.cgroup.mkdir()
        self._process = self._boot()
        self.pid = harness.wait_until(self._first_child, 5, "systemd to start")
        harness.wait_until(self._is_up, 10, "systemd to be up", poll=0.1)

    def _make_etc(self) -> None:
        etc = self.folder / "etc"
        subprocess.run(["cp", "-a", "/etc", etc], check=True)
        for kind in ("system", "system.conf.d", "user"):
            shutil.rmtree(etc / "systemd" / kind, ignore_errors=True)
        self.units = etc / "systemd" / "system"
        self.units.mkdir(parents=True)
        for name in ("test", "sysinit", "basic", "shutdown", "network", "network-online"):
            (self.units / f"{name}.target").write_text("[Unit]\nDefaultDependencies=no\n")
        subprocess.run(
            ["systemd-sysusers", f"--root={self.folder}", UNITS / "sysusers.d" / "slopn.conf"],
            check=True, capture_output=True,
        )
        self.config_dir = etc / "slopn"
        self.config_dir.mkdir()

    def _boot(self) -> subprocess.Popen:
        script = self.folder / "boot.sh"
        script.write_text(
            BOOT.format(programs=harness.BUILD / "bin", folder=self.folder, systemd=SYSTEMD)
        )
        # Into the cgroup first: `ip netns exec` hides the file system that it is in.
        command = (
            f"echo $$ > {self.cgroup}/cgroup.procs; exec ip netns exec {self.namespace.name} "
            f"unshare --pid --mount --uts --ipc --cgroup --fork --kill-child sh {script}"
        )
        with open(self.folder / "boot.log", "wb") as log:
            process = subprocess.Popen(
                ["sh", "-e", "-c", command], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                preexec_fn=harness._die_with_parent,
            )
        self.namespace.lab.processes.append(process)
        return process

    def _first_child(self) -> int:
        """Process 1, as seen from here; 0 as long as it has not begun."""
        if self._process.poll() is not None:
            raise AssertionError("systemd ended: " + (self.folder / "boot.log").read_text())
        pid = self._process.pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        return int(children[0]) if children else 0

    def _is_up(self) -> bool:
        comm = Path(f"/proc/{self.pid}/comm").read_text().strip()
        return comm == "systemd" and self.systemctl("is-system-running", check=False).stdout in (
            "running\n", "degraded\n",
        )

    def close(self) -> None:
        self._process.kill()
        self._process.wait(5)
        for folder, _, _ in os.walk(self.cgroup, topdown=False):
            harness.wait_until(lambda: _remove_cgroup(folder), 5, f"{folder} to be empty")

    def run(self, *command: Any, check: bool = True, **more: Any) -> subprocess.CompletedProcess:
        """Runs a command as root among the processes, mounts and network of this host."""
        inside = ["nsenter", "-t", self.pid, "-m", "-p", "-n", "-i", "-u", "-C"]
        return harness._run([*inside, *command], check, **more)

    def systemctl(self, *arguments: Any, **more: Any) -> subprocess.CompletedProcess:
        return self.run("systemctl", "--no-pager", *arguments, **more)

    def property(self, unit: str, name: str) -> str:
        return self.systemctl("show", unit, "-P", name).stdout.strip()

    def install(self, unit: str, drop_in: str = "") -> None:
        """A unit of the repository, with another path of the program and, at will, a drop-in."""
        shutil.copy(UNITS / unit, self.units / unit)
        start = next(
            line for line in (UNITS / unit).read_text().splitlines() if "ExecStart=" in line
        )
        folder = self.units / f"{unit}.d"
        folder.mkdir(exist_ok=True)
        log = f"append:{self.folder}/{unit}.log"
        (folder / "10-test.conf").write_text(
            f"[Service]\nExecStart=\n{start.replace('/usr/sbin/', '/var/lib/slopn-bin/')}\n"
            f"StandardOutput={log}\nStandardError={log}\n"
        )
        (folder / "20-more.conf").write_text(textwrap.dedent(drop_in))
        self.systemctl("daemon-reload")

    def log(self, unit: str) -> str:
        path = self.folder / f"{unit}.log"
        return path.read_text(errors="replace") if path.exists() else ""


def _remove_dead_cgroups() -> None:
    """Those of test processes that were killed."""
    for dead in cgroup_root().glob(f"{harness.PREFIX}*-systemd"):
        owner = dead.name[len(harness.PREFIX) :].split("-")[0]
        if owner.isdigit() and not os.path.exists(f"/proc/{owner}"):
            for folder, _, _ in os.walk(dead, topdown=False):
                _remove_cgroup(folder)


def _remove_cgroup(folder: str) -> bool:
    with contextlib.suppress(OSError):
        os.rmdir(folder)
    return not os.path.exists(folder)
