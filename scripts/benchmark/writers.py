"""Writers: rows that several insert at once, in SQL alone and through the service, with the exact total and without it."""

import asyncio
import time
from statistics import median
from typing import TYPE_CHECKING

from local_stack import LocalStack
from local_stack.database import execute_script

from .contenders import CONTENDERS
from .dataset import Dataset, restore
from .measurement import Bench, running
from .results import Row, Say
from .traffic import write_requests
from .work import WORK

if TYPE_CHECKING:
    import asyncpg

SQL_ALONE = "SQL alone"
WRITERS = 8
_LOOK_EVERY_SECONDS = 0.01
_TRIGGER = "alter table public.tasks {} trigger count_inserted"
_INSERT = "insert into public.tasks (user_id, goal_id, title) values ($1, $2, 'Run 5 km')"
_WAITING = "select count(*) from pg_stat_activity where wait_event_type = 'Lock' and query like 'insert into public.tasks%'"


def measure_writers(bench: Bench, stack: LocalStack, dataset: Dataset, rounds: int, say: Say) -> list[Row]:
    contender, url = CONTENDERS["adapter-postgres"](stack), stack.database_url
    speeds: dict[tuple[str, bool], list[float]] = {}
    waits = looks = 0
    file = bench.directory / "writers.tsv"
    with running(contender):
        write_requests(file, bench.requests(contender, dataset, WORK["create"]))
        bench.wrk.drive(contender.url, file, bench.warm_up, WRITERS)
        for _ in range(rounds):
            for counting in (True, False):
                execute_script(url, _TRIGGER.format("enable" if counting else "disable"))
                drive = bench.wrk.drive(contender.url, file, bench.seconds, WRITERS)
                rows, seen, looked = asyncio.run(_insert(url, dataset, bench.seconds))
                speeds.setdefault((contender.title, counting), []).append(drive.per_second)
                speeds.setdefault((SQL_ALONE, counting), []).append(rows / bench.seconds)
                if counting:
                    waits, looks = waits + seen, looks + looked
                execute_script(url, _TRIGGER.format("enable"))
                restore(url)
            say(f"{WRITERS} writers")
    execute_script(url, "select private.recount_rows('public.tasks')")
    table: list[Row] = []
    for way, waiting in ((contender.title, None), (SQL_ALONE, f"{waits} in {looks:,} looks")):
        counted, uncounted = median(speeds[way, True]), median(speeds[way, False])
        table.append([f"{way}, {dataset.tasks:,} tasks", counted, uncounted, counted / uncounted, waiting])
    return table


async def _insert(url: str, dataset: Dataset, seconds: float) -> tuple[int, int, int]:
    """How many rows the writers inserted, how often a writer was seen waiting for a lock, and how often this looked."""
    import asyncpg  # noqa: PLC0415 - the command imports this module before anything is installed

    rows = waits = looks = 0
    end = 0.0

    async def write(connection: "asyncpg.Connection", number: int) -> None:
        nonlocal rows
        user = dataset.written_users[number % len(dataset.written_users)]
        insert = await connection.prepare(_INSERT)
        while time.monotonic() < end:
            await insert.fetch(dataset.user(user), dataset.goal(user))
            rows += 1

    async def look(connection: "asyncpg.Connection") -> None:
        nonlocal waits, looks
        while time.monotonic() < end:
            waits += await connection.fetchval(_WAITING)
            looks += 1
            await asyncio.sleep(_LOOK_EVERY_SECONDS)

    connections = [await asyncpg.connect(url) for _ in range(WRITERS + 1)]
    end = time.monotonic() + seconds
    try:
        await asyncio.gather(look(connections[0]), *(write(connection, n) for n, connection in enumerate(connections[1:])))
    finally:
        for connection in connections:
            await connection.close()
    return rows, waits, looks
