#!/usr/bin/python3
"""The units' sandbox, judged by systemd-analyze and by a list of our own; nothing is started."""

import re
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "tests" / "netns"))
from python_test import main  # noqa: E402

UNITS = ROOT / "systemd"
SERVICES = sorted(UNITS.glob("*.service"))
MOST_EXPOSURE = 2.5  # of 10, where 10 is a service without any sandbox

# What must be there, whatever systemd-analyze thinks of it.
DEMANDED = {
    "Type": "notify",
    "User": "slopn",
    "NoNewPrivileges": "yes",
    "ProtectSystem": "strict",
    "ProtectHome": "yes",
    "PrivateTmp": "yes",
    "PrivateDevices": "yes",
    "DevicePolicy": "closed",
    "DeviceAllow": "/dev/net/tun rw",
    "RestrictAddressFamilies": "AF_UNIX AF_INET AF_INET6 AF_NETLINK",
    "MemoryDenyWriteExecute": "yes",
    "StateDirectoryMode": "0700",
    "UMask": "0077",
    "LimitCORE": "0",
}
CAPABILITIES = {
    "slopnd.service": "CAP_NET_ADMIN",
    "slopnd-gateway.service": "CAP_NET_ADMIN CAP_NET_BIND_SERVICE",
}


def settings(unit: Path) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for line in unit.read_text().splitlines():
        if match := re.match(r"(\w+)=(.*)", line):
            found.setdefault(match[1], []).append(match[2])
    return found


class Sandbox(unittest.TestCase):
    def test_there_is_a_unit_for_each_role(self):
        self.assertEqual({unit.name for unit in SERVICES}, set(CAPABILITIES))

    def test_exposure_stays_below_the_limit(self):
        if not shutil.which("systemd-analyze"):
            self.skipTest("there is no systemd-analyze on this machine")
        for unit in SERVICES:
            with self.subTest(unit.name):
                done = subprocess.run(
                    ["systemd-analyze", "security", "--offline=true", "--no-pager", unit],
                    capture_output=True, text=True,
                )
                match = re.search(r"Overall exposure level for \S+: (\d+\.\d+)", done.stdout)
                self.assertIsNotNone(match, done.stdout + done.stderr)
                self.assertLess(float(match[1]), MOST_EXPOSURE)

    def test_systemd_understands_every_line(self):
        if not shutil.which("systemd-analyze"):
            self.skipTest("there is no systemd-analyze on this machine")
        with tempfile.TemporaryDirectory() as folder:
            for unit in SERVICES:
                text = unit.read_text().replace("/usr/sbin/slopnd", "/bin/true")
                (Path(folder) / unit.name).write_text(text)
            for unit in SERVICES:
                with self.subTest(unit.name):
                    done = subprocess.run(
                        ["systemd-analyze", "verify", "--man=no", Path(folder) / unit.name],
                        capture_output=True, text=True,
                    )
                    complaints = [line for line in done.stderr.splitlines() if unit.name in line]
                    self.assertEqual(complaints, [])

    def test_what_is_demanded_is_there(self):
        for unit in SERVICES:
            found = settings(unit)
            for name, value in DEMANDED.items():
                with self.subTest(unit=unit.name, name=name):
                    self.assertEqual(found.get(name), [value])

    def test_the_capabilities_are_those_that_are_needed(self):
        for unit in SERVICES:
            found = settings(unit)
            for name in ("CapabilityBoundingSet", "AmbientCapabilities"):
                self.assertEqual(found[name], [CAPABILITIES[unit.name]], f"{unit.name} {name}")

    def test_the_user_of_the_units_is_made_by_sysusers(self):
        text = (UNITS / "sysusers.d" / "slopn.conf").read_text()
        self.assertRegex(text, r"(?m)^u slopn -")


if __name__ == "__main__":
    main()
