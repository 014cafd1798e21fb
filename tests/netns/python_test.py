"""How a file of Python tests ends, so that ctest sees what happened in it."""

import sys
import unittest

SKIPPED = 4  # the exit code that cmake/SlopnTargets.cmake declares for "skipped"


def main() -> None:
    """Runs the tests of the calling file. Exits with 4 when all of them were skipped."""
    runner = unittest.TextTestRunner(verbosity=2, descriptions=False)
    program = unittest.main(module="__main__", testRunner=runner, exit=False)
    result = program.result
    if not result.wasSuccessful():
        sys.exit(1)
    reasons = {reason for _, reason in result.skipped}
    for reason in sorted(reasons):
        print(f"SKIPPED: {reason}", file=sys.stderr)
    # A class that is skipped as a whole counts as one skip and no run.
    sys.exit(SKIPPED if result.skipped and len(result.skipped) >= result.testsRun else 0)
