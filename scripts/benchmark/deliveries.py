"""Deliveries: workers on asyncpg claim, start and finish them; then again with many finished ones in the table."""

import asyncio
import time
from statistics import quantiles
from typing import TYPE_CHECKING

from local_stack import LocalStack

from .dataset import Dataset, load, with_connection
from .measurement import Bench
from .results import Row, Say

if TYPE_CHECKING:
    import asyncpg

WORKERS = 4
_SECONDS = 5  # times the seconds of a measurement
_TASKS, _PLANNED, _FINISHED = 6, 5, 100  # times the smallest size: 60,000 tasks, 50,000 planned, 1,000,000 finished

_FORGET = "truncate public.dispatches, public.notification_log"
_PLAN = """
insert into public.dispatches (user_id, task_id, channel, dedupe_key, task_scheduled_at, due_at)
select tasks.user_id, tasks.id, 'push', nth::text, tasks.scheduled_at, statement_timestamp() - nth * interval '1 minute'
from public.tasks, generate_series(1, 5) as nth where tasks.status = 'pending' limit $1
"""
_FINISH = """
insert into public.dispatches (user_id, task_id, channel, dedupe_key, due_at, attempt, started_at, finished_at, outcome)
select tasks.user_id, tasks.id, 'push', 'finished ' || nth, now(), 1, now(), now(), 'sent'
from public.tasks, generate_series(1, 100) as nth limit $1
"""


def measure_deliveries(bench: Bench, stack: LocalStack, dataset: Dataset, rounds: int, say: Say) -> list[Row]:
    url, size = stack.database_url, dataset.tasks
    load(url, Dataset(size * _TASKS))
    table: list[Row] = []
    for finished in (0, size * _FINISHED):
        planned, sent, seconds, claims = size * _PLANNED, 0, 0.0, list[float]()
        for _ in range(rounds):
            with_connection(url, lambda connection: _prepare(connection, planned, finished))  # noqa: B023 - called at once
            done, took = asyncio.run(_deliver(url, bench.seconds * _SECONDS, claims))
            sent, seconds = sent + done, seconds + took
        p50, p99 = (quantiles(claims, n=100)[place - 1] * 1000 for place in (50, 99))
        speed = sent / seconds
        say(f"{finished:>9,} finished {speed:>8,.0f} deliveries/s  a claim {p50:.1f} / {p99:.1f} ms")
        before = table[0][1] if table else None
        ratio = speed / before if isinstance(before, float) else None
        table.append([f"{planned:,} planned, {finished:,} finished", speed, p50, p99, ratio])
    with_connection(url, lambda connection: connection.execute(_FORGET))
    return table


async def _prepare(connection: "asyncpg.Connection", planned: int, finished: int) -> None:
    await connection.execute(_FORGET)
    await connection.execute("set session_replication_role = replica")
    await connection.execute(_PLAN, planned)
    await connection.execute(_FINISH, finished)
    await connection.execute("vacuum (analyze) public.dispatches, public.tasks")
    await connection.execute("checkpoint")


async def _deliver(url: str, seconds: float, claims: list[float]) -> tuple[int, float]:
    """How many deliveries the workers finished, and in what time. Adds the seconds of each claim to `claims`."""
    import asyncpg  # noqa: PLC0415 - the command imports this module before anything is installed

    sent, begun = 0, time.monotonic()

    async def work(connection: "asyncpg.Connection") -> None:
        nonlocal sent
        claim = await connection.prepare("select id, attempt from unnest(public.claim_dispatches('worker', 50))")
        start = await connection.prepare("select public.start_dispatch($1, $2)")
        finish = await connection.prepare("select public.finish_dispatch($1, $2, 'sent', $1::uuid::text)")
        while time.monotonic() < begun + seconds:
            asked = time.monotonic()
            claimed = await claim.fetch()
            claims.append(time.monotonic() - asked)
            if not claimed:
                break
            for each in claimed:
                await start.fetch(each["id"], each["attempt"])
                await finish.fetch(each["id"], each["attempt"])
                sent += 1

    connections = [await asyncpg.connect(url) for _ in range(WORKERS)]
    try:
        await asyncio.gather(*map(work, connections))
    finally:
        for connection in connections:
            await connection.close()
    return sent, time.monotonic() - begun
