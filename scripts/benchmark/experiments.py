"""Shows that the exact totals don't make writers wait for each other: 8 of them, with and without the trigger that counts."""

import asyncio
import time
from collections.abc import Callable
from statistics import median
from typing import TYPE_CHECKING

from .contenders import Contender
from .dataset import Dataset, restore, with_connection
from .measurement import Bench, running
from .results import SQL_ALONE, WritersResult
from .traffic import write_requests
from .work import WORK

if TYPE_CHECKING:
    import asyncpg

WRITERS = 8
_LOOK_EVERY_SECONDS = 0.01
_TRIGGER = "alter table public.tasks {} trigger count_inserted"
_INSERT = "insert into public.tasks (user_id, goal_id, title) values ($1, $2, 'Run 5 km')"
_WAITING = "select count(*) from pg_stat_activity where wait_event_type = 'Lock' and query like 'insert into public.tasks%'"


def measure_writers(
    bench: Bench, contender: Contender, dataset: Dataset, rounds: int, each: Callable[[str], None]
) -> list[WritersResult]:
    """Through a contender, and by SQL alone."""
    url = contender.stack.database_url
    through: dict[bool, list[float]] = {True: [], False: []}
    by_sql: dict[bool, list[float]] = {True: [], False: []}
    waits = looks = 0
    file = bench.directory / "writers.tsv"
    with running(contender):
        write_requests(file, bench.requests(contender, dataset, WORK["create"]))
        bench.wrk.drive(contender.url, file, bench.warm_up, WRITERS)
        for _ in range(rounds):
            for counting in (True, False):
                _count_inserted(url, counting)
                through[counting].append(bench.wrk.drive(contender.url, file, bench.seconds, WRITERS).per_second)
                rows, seen, looked = asyncio.run(_insert(url, dataset, bench.seconds))
                by_sql[counting].append(rows / bench.seconds)
                if counting:
                    waits, looks = waits + seen, looks + looked
                _count_inserted(url, True)
                restore(url)
            each(f"{WRITERS} writers")
    with_connection(url, lambda connection: connection.execute("select private.recount_rows('public.tasks')"))
    return [
        WritersResult(dataset.tasks, contender.title, median(through[True]), median(through[False])),
        WritersResult(dataset.tasks, SQL_ALONE, median(by_sql[True]), median(by_sql[False]), waits, looks),
    ]


def _count_inserted(url: str, counting: bool) -> None:
    with_connection(url, lambda connection: connection.execute(_TRIGGER.format("enable" if counting else "disable")))


async def _insert(url: str, dataset: Dataset, seconds: float) -> tuple[int, int, int]:
    """How many rows the writers inserted, how often one was seen waiting for a lock, and how often that was looked at."""
    import asyncpg  # noqa: PLC0415 - the command imports this module before anything is installed

    rows = waits = looks = 0
    end = time.monotonic() + seconds

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
    try:
        await asyncio.gather(look(connections[-1]), *(write(connection, n) for n, connection in enumerate(connections[:-1])))
    finally:
        for connection in connections:
            await connection.close()
    return rows, waits, looks
