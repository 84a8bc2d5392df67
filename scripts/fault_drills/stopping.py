"""Many stops of scripts/dev at random moments: the long form of a test."""

import os
import sys
import time

from local_stack.processes import run
from local_stack.project import ROOT

from .finding import Finding

_TEST = "tests/scripts/test_stopping.py::test_stops_at_random_moments_leave_nothing_running_and_the_home_usable"


def stop_at_random_moments(*, stops: int) -> Finding:
    """Run the test with this many stops. It makes a stack of its own."""
    begun = time.monotonic()
    ended = run([sys.executable, "-m", "pytest", "-q", "-n0", _TEST], cwd=ROOT, env=os.environ | {"FLUX_STOPS": str(stops)})
    problem = next((line for line in ended.stdout.splitlines() if line.startswith("E ")), ended.stdout[-300:])
    return Finding(
        f"{stops} stops of scripts/dev at random moments",
        f"nothing is left running, {time.monotonic() - begun:.0f} s" if ended.returncode == 0 else problem,
        "nothing is left running",
        ended.returncode == 0,
    )
