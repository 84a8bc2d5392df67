"""The worker of docs/notifier.md sends each delivery once, though workers are killed."""

import os
import random
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from time import monotonic, sleep

import pytest

from local_stack import LocalStack
from local_stack.database import execute_script, fetch_rows
from tests.docs.pages import BLOCKS

(_SOURCE,) = [block.source for block in BLOCKS if block.page == "docs/notifier.md" and block.language == "python"]
_DUE = 60
_KILLS = 5
_PLAN = f"""
delete from public.dispatches;
with
  someone as (insert into public.users (email) values (gen_random_uuid() || '@example.com') returning id),
  task as (insert into public.tasks (user_id, title) select id, 'Run' from someone returning id, user_id)
insert into public.dispatches (user_id, task_id, channel, dedupe_key, due_at)
select user_id, id, 'push', nth::text, now() from task, generate_series(1, {_DUE}) as nth;
"""


@pytest.fixture
def start(service_urls: Mapping[str, str], tmp_path: Path) -> Iterator[Callable[[], "subprocess.Popen[bytes]"]]:
    """Starts a worker over the gateway to Postgres, with a lease of one second."""
    source = _SOURCE.replace("http://localhost:8000", service_urls["postgres"]).replace("LEASE_SECONDS = 30", "LEASE_SECONDS = 1")
    with ExitStack() as workers:

        def start() -> "subprocess.Popen[bytes]":
            worker = subprocess.Popen([sys.executable, "-c", source], cwd=tmp_path, stdout=subprocess.DEVNULL)
            workers.callback(worker.wait)
            workers.callback(worker.kill)
            return worker

        yield start


def _until(holds: Callable[[], bool]) -> None:
    end = monotonic() + 60
    while not holds():
        assert monotonic() < end, "the workers make no progress"
        sleep(0.01)


def test_killed_workers_lose_and_double_nothing(
    stack: LocalStack, start: Callable[[], "subprocess.Popen[bytes]"], tmp_path: Path
) -> None:
    execute_script(stack.database_url, _PLAN)
    sent_file = tmp_path / "sent.txt"
    sent_file.touch()
    workers = [start() for _ in range(3)]

    for _ in range(_KILLS):
        wanted = len(sent_file.read_text().splitlines()) + random.randint(1, 6)
        _until(lambda wanted=wanted: len(sent_file.read_text().splitlines()) >= min(wanted, _DUE))  # type: ignore[misc]
        os.kill(workers.pop(0).pid, signal.SIGKILL)
        workers.append(start())
    _until(lambda: not fetch_rows(stack.database_url, "select from public.dispatches where outcome is null limit 1"))

    taken = Counter(line.split()[0] for line in sent_file.read_text().splitlines())
    rows = fetch_rows(stack.database_url, "select id::text, outcome::text, started_at from public.dispatches")
    ended = {outcome: {row["id"] for row in rows if row["outcome"] == outcome} for outcome in ("sent", "unknown")}
    assert set(taken.values()) == {1}
    assert ended["sent"] <= taken.keys() <= ended["sent"] | ended["unknown"]
    assert len(ended["sent"] | ended["unknown"]) == _DUE
    assert len(ended["unknown"]) <= 5 * _KILLS
    assert all(row["started_at"] for row in rows)
