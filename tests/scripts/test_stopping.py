"""A command that is stopped at any moment ends in time with all of its processes."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from local_stack.processes import wait_until
from tests.scripts.conftest import StartDev
from tests.scripts.dev import SCRIPTS, own_environment
from tests.scripts.processes import descendants, name_of, needs_proc, processes_of

pytestmark = [pytest.mark.integration, needs_proc]

STOPS = int(os.environ.get("FLUX_STOPS", "8"))
"""The number of random stops: FLUX_STOPS=200 runs the long test."""
SECONDS_TO_STOP = 20

CLEANING_UP_FOR_EVER = """
import sys, threading
from local_stack.errors import exit_code_of
from local_stack.processes import Server
from local_stack.stopping import heed_signals, pause
from pathlib import Path

def main():
    server = Server("a server", Path(sys.argv[1]))
    server.spawn(["sh", "-c", "trap '' TERM; while :; do sleep 60; done"])
    heed_signals(deadline_seconds=int(sys.argv[2]))
    print("running", flush=True)
    try:
        pause(60)
    finally:
        print("stopping", flush=True)
        threading.Event().wait()

sys.exit(exit_code_of(main))
"""


def nothing_runs(home: Path) -> bool:
    return wait_until(lambda: processes_of(home) == {}, 5)


def test_stops_at_random_moments_leave_nothing_running_and_the_home_usable(home: Path, start_dev: StartDev) -> None:
    dice, longest = random.Random(STOPS), 0.0
    for _ in range(2):  # the first start also makes the database: most moments of its length would come after a later one
        began = time.monotonic()
        dev = start_dev()
        dev.read_until("ready")
        longest = 1.2 * (time.monotonic() - began)
        assert dev.end() == 0
    for number in range(STOPS):
        asked = dice.choice((signal.SIGTERM, signal.SIGHUP))
        moment = dice.uniform(0, longest)
        dev = start_dev()
        time.sleep(moment)  # the random moment
        dev.process.send_signal(asked)
        exit_code = dev.process.wait(SECONDS_TO_STOP)
        # A signal before the handlers are installed simply ends it.
        assert exit_code in (0, 128 + asked, -asked), (number, moment, dev.lines)
        assert nothing_runs(home), (number, moment, processes_of(home))
    start_dev().read_until("ready")


@pytest.mark.parametrize("deadline", [1, 60], ids=["the deadline", "a second signal"])
def test_a_cleanup_that_hangs_is_ended(deadline: int, home: Path) -> None:
    command = [sys.executable, "-c", CLEANING_UP_FOR_EVER, str(home / "log"), str(deadline)]
    environment = own_environment(home, PYTHONPATH=str(SCRIPTS))
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stdout.readline() == "running\n"
        process.send_signal(signal.SIGTERM)
        assert process.stdout.readline() == "stopping\n"
        if deadline > SECONDS_TO_STOP:
            time.sleep(0.6)  # signals closer together count as one
            process.send_signal(signal.SIGTERM)
        assert process.wait(SECONDS_TO_STOP) == 128 + signal.SIGTERM
        assert process.stderr
        assert process.stderr.read() == "error: killed what had not stopped yet\n"
    assert nothing_runs(home)


def test_a_part_that_hangs_is_killed(home: Path, start_dev: StartDev) -> None:
    dev = start_dev()
    dev.read_until("ready")
    [postgrest] = [process for process in descendants(dev.process.pid) if name_of(process) == "postgrest"]
    os.kill(postgrest, signal.SIGSTOP)
    dev.process.send_signal(signal.SIGTERM)
    assert dev.process.wait(SECONDS_TO_STOP) == 0
    assert nothing_runs(home)


@pytest.mark.parametrize("command", ["generate --check", "test --only advisors", "test --only generated", "dev"])
def test_every_command_stops_while_it_starts_a_database(command: str, home: Path) -> None:
    name, *options = command.split()
    environment = own_environment(home)
    with subprocess.Popen(
        [sys.executable, SCRIPTS / name, *options], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert wait_until(lambda: "postgres" in processes_of(home).values(), 60)
        process.send_signal(signal.SIGTERM)
        output, errors = process.communicate(timeout=SECONDS_TO_STOP)
    assert process.returncode == 128 + signal.SIGTERM, output + errors
    assert errors.splitlines()[-1] == "stopped"
    assert "Traceback" not in errors
    assert nothing_runs(home)
