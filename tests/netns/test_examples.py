#!/usr/bin/python3
"""docs/examples: frontends that know nothing of slopnctl, against a real daemon."""

import itertools
import re
import shutil
import subprocess
import sys
import unittest

import harness
from harness import HOST4, LabTest, wait_until

EXAMPLES = harness.ROOT / "docs" / "examples"
PROTO = harness.ROOT / "proto"


class ShellFrontend(LabTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        for tool in ("curl", "protoc"):
            if not shutil.which(tool):
                raise unittest.SkipTest(f"there is no {tool} on this machine")

    def call(self, daemon, *arguments, check=True):
        return daemon.namespace.run(
            EXAMPLES / "slopn_call.sh", "-s", daemon.socket_path, *arguments, check=check
        )

    def test_it_connects_and_disconnects_a_tunnel(self):
        gateway = self.lab.gateway().start()
        client = self.lab.client().start()
        self.assertIn("disconnected", self.call(client, "GetStatus").stdout)
        self.assertIn("version:", self.call(client, "GetVersion").stdout)
        answer = self.call(client, "Connect", f'uri: "{gateway.invite()}"').stdout
        self.assertRegex(answer, r'profile: ".+"')
        wait_until(lambda: "connected {" in self.call(client, "GetStatus").stdout, 10, "a tunnel")
        self.assertTrue(self.lab.client_net.ping(HOST4))
        sessions = self.call(gateway, "Gateway/ListSessions", "page_size: 5").stdout
        self.assertIn('client: "laptop"', sessions)
        self.call(client, "Disconnect")
        wait_until(lambda: "disconnected" in self.call(client, "GetStatus").stdout, 5, "the end")

    def test_it_says_why_a_call_failed(self):
        client = self.lab.client().start()
        refused = self.call(client, "Connect", 'profile: "nowhere"', check=False)
        self.assertEqual(refused.returncode, 1, refused.stderr)
        self.assertIn("nowhere", refused.stderr)
        self.assertEqual(self.call(client, "Connect", "nonsense", check=False).returncode, 2)
        self.assertEqual(self.call(client, "NoSuchCall", check=False).returncode, 2)
        client.stop()
        self.assertEqual(self.call(client, "GetStatus", check=False).returncode, 3)


class PythonFrontend(LabTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        probe = subprocess.run(
            ["/usr/bin/python3", "-c", "import grpc, google.protobuf"], capture_output=True
        )
        if probe.returncode != 0:
            raise unittest.SkipTest("there is no python3-grpcio on this machine")

    def command(self, daemon, *arguments):
        program = EXAMPLES / "watch_tunnel.py"
        return ["/usr/bin/python3", "-B", program, "--socket", daemon.socket_path, *arguments]

    def run_it(self, daemon, *arguments, check=True):
        return daemon.namespace.run(*self.command(daemon, *arguments), check=check)

    def test_it_connects_watches_and_disconnects(self):
        gateway = self.lab.gateway().start()
        client = self.lab.client().start()
        client.ctl_ok("profile", "import", "-", "--name", "home", input=gateway.invite())
        self.assertEqual(self.run_it(client, "--once").stdout, "disconnected\n")
        log = self.lab.folder / "watch.log"
        with open(log, "w") as out:
            self.lab.client_net.spawn(*self.command(client), stdout=out)
        wait_until(lambda: "disconnected" in log.read_text(), 10, "the first status")

        lines = self.run_it(client, "connect", "home").stdout.splitlines()
        self.assertRegex(lines[-1], r"^connected: home by slopn0, 10\.77\.0\.\d+")
        self.assertTrue(self.lab.client_net.ping(HOST4))
        self.assertRegex(self.run_it(gateway, "--once").stdout, "^gateway: 1 sessions")
        self.run_it(client, "disconnect")
        wait_until(lambda: log.read_text().endswith("disconnected\n"), 5, "the last status")
        states = re.findall(r"(?m)^(\w+)", log.read_text())
        self.assertEqual(  # each step of connecting is a change of its own
            [state for state, _ in itertools.groupby(states)][:3],
            ["disconnected", "connecting", "connected"],
        )

    def test_it_says_what_to_do_when_a_call_fails(self):
        client = self.lab.client().start()
        refused = self.run_it(client, "connect", "nowhere", check=False)
        self.assertEqual(refused.returncode, 1)
        self.assertIn("slopnctl profile list", refused.stderr)
        client.stop()
        self.assertEqual(self.run_it(client, "--once", check=False).returncode, 3)


class Tools(unittest.TestCase):
    def test_the_python_example_says_what_is_missing(self):
        done = subprocess.run(
            ["/usr/bin/python3", "-S", "-I", EXAMPLES / "watch_tunnel.py"],
            capture_output=True, text=True,
        )
        self.assertEqual(done.returncode, 1)
        self.assertIn("apt install python3-grpcio", done.stderr)


if __name__ == "__main__":
    sys.dont_write_bytecode = True
    harness.main()
