"""scripts/dev restarts its parts and reports why."""

import os
import re
import signal
from pathlib import Path

import httpx
import pytest

from local_stack import StackError, supervisor
from local_stack.processes import Server, ServerPart, wait_until
from local_stack.supervisor import Watched
from tests.scripts.conftest import StartDev
from tests.scripts.processes import children, name_of, needs_proc

pytestmark = [pytest.mark.integration, needs_proc]


def test_a_part_that_dies_is_started_again(start_dev: StartDev) -> None:
    dev = start_dev()
    dev.read_until("ready")
    users = f"http://127.0.0.1:{dev.port('PORT')}/api/v1/users/"
    assert httpx.get(users).status_code == 200
    [postgrest] = [process for process in children(dev.process.pid) if name_of(process) == "postgrest"]
    os.kill(postgrest, signal.SIGKILL)
    dev.read_until("PostgREST ended unexpectedly")
    dev.read_until("PostgREST is back")
    assert httpx.get(users).status_code == 200


def test_each_part_that_hangs_is_started_again_and_no_other(start_dev: StartDev) -> None:
    dev = start_dev()
    dev.read_until("ready")
    parts = children(dev.process.pid)
    [postgres] = [part for part in parts if name_of(part) == "postgres"]
    os.kill(postgres, signal.SIGSTOP)
    dev.read_until("Postgres is back")
    for part in parts - {postgres}:
        os.kill(part, signal.SIGSTOP)
    while sum(line.endswith("is back\n") for line in dev.lines) < len(parts):
        dev.read_until("")
    hung = sorted(line.partition(" does not answer: starting it again in 0.5 s")[0] for line in dev.lines if "again" in line)
    assert hung == ["PostgREST", "Postgres", "the API gateway", "the adapter"]
    for port, path in (("PORT", "/ready"), ("POSTGREST_PORT", "/rest/v1/")):
        assert httpx.get(f"http://127.0.0.1:{dev.port(port)}{path}").status_code == 200


class NeverStarts(ServerPart):
    """A program that logs why it ends, and ends."""

    def __init__(self, home: Path) -> None:
        super().__init__(Server("the program", home / "log"))

    def answers(self) -> bool:
        return False

    def start(self) -> None:
        self._server.spawn(["sh", "-c", "echo starting; echo no such table >&2; exit 1"])
        self._server.await_ready(self.answers)


def test_the_delay_before_restarting_a_part_that_cannot_start_grows_and_the_reason_is_shown(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "_RECOVERED_AFTER_SECONDS", 0)  # as for a part that had run for a long time
    part, reports = NeverStarts(home), list[str]()
    watched = Watched(part, part.start)
    with pytest.raises(StackError, match="no such table"):
        part.start()

    def reported_four() -> bool:
        watched.look(reports.append)
        return len(reports) == 4

    assert wait_until(reported_four, 20)
    told = [re.fullmatch(r"the program (.*): starting it again in ([\d.]+) s; its log ends with: (.*)", line) for line in reports]
    assert [each and each.groups() for each in told] == [
        ("ended unexpectedly", "0.5", "no such table"),
        ("ended while starting", "1", "no such table"),
        ("ended while starting", "2", "no such table"),
        ("ended while starting", "4", "no such table"),
    ]
