"""What every interop test begins with: is aioquic there, and how a test ends for ctest."""

import importlib.util
import logging
import os
import sys

FOLDER = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(FOLDER)))
DEPS = os.environ.get("SLOPN_DEPS", os.path.join(ROOT, "build", "deps"))

for path in (FOLDER, os.path.join(DEPS, "python"), os.path.join(ROOT, "tests", "netns")):
    if path not in sys.path:
        sys.path.insert(0, path)

AVAILABLE = importlib.util.find_spec("aioquic") is not None
WHY_NOT = "aioquic is missing: run packaging/bootstrap.sh"

from python_test import main  # noqa: E402,F401  (exit code 4 when every test was skipped)
from harness import to_toml  # noqa: E402,F401

# unittest runs asyncio in debug mode, which reports every callback that takes 0.1 s.
logging.getLogger("asyncio").setLevel(logging.ERROR)
