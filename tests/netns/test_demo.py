#!/usr/bin/python3
"""The demo shows what it promises and leaves nothing behind, also when it is interrupted."""

import os
import signal
import subprocess
import time
import unittest

import harness

DEMO = harness.ROOT / "tests" / "demo" / "demo.sh"


class Demo(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        harness.require()

    def start(self) -> subprocess.Popen:
        kept = {key: value for key, value in os.environ.items() if not key.startswith("SLOPN_")}
        return subprocess.Popen(
            [DEMO], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True, env=kept | {"SLOPN_BIN": str(harness.BUILD / "bin")},
        )

    def assertNothingLeft(self, process: subprocess.Popen) -> None:
        """No namespace, and nobody who still holds the output: communicate() waits for those."""
        names = os.listdir("/run/netns")
        self.assertEqual([name for name in names if name.endswith(f"-{process.pid}")], [])

    def test_demo_shows_a_working_tunnel(self):
        process = self.start()
        output, _ = process.communicate(timeout=60 * harness.PATIENCE)
        self.assertEqual(process.returncode, 0, output)
        for expected in (
            "connecting to", "connected to", "Hello from the host behind the gateway.",
            "Mbit/s of TCP through the tunnel", "5 received", "10.77.0.", "slopnctl connect -",
        ):
            self.assertIn(expected, output)
        self.assertNotIn("\x1b[", output, "colours without a terminal")
        self.assertNothingLeft(process)

    def test_interrupted_demo_leaves_nothing_behind(self):
        for number, delay in ((signal.SIGTERM, 0.3), (signal.SIGINT, 1.5), (signal.SIGTERM, 3)):
            with self.subTest(signal=number, delay=delay):
                process = self.start()
                time.sleep(delay)
                process.send_signal(number)
                output, _ = process.communicate(timeout=20 * harness.PATIENCE)
                self.assertEqual(process.returncode, 128 + number, output)
                self.assertNothingLeft(process)


if __name__ == "__main__":
    harness.main()
