"""Deliveries: workers claim, start and finish them, in SQL alone and through each contender that offers it."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from statistics import quantiles
from typing import TYPE_CHECKING, Any

from local_stack import LocalStack
from local_stack.errors import StackError

from .contenders import CONTENDERS, TITLES, Contender
from .dataset import Dataset, with_connection
from .measurement import Bench, running
from .results import Row, Say
from .traffic import Request
from .writers import SQL_ALONE

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import asyncpg

WORKERS = 4
CLAIMED = 50
_PLANNED = 60_000
OFFERED_BY = ("postgrest", "adapter-postgrest", "adapter-postgres")

_FORGET = "truncate public.dispatches, public.notification_log"
_PLAN = """
insert into public.dispatches (user_id, task_id, channel, dedupe_key, task_scheduled_at, due_at)
select tasks.user_id, tasks.id, 'push', nth::text, tasks.scheduled_at, statement_timestamp() - nth * interval '1 minute'
from public.tasks, generate_series(1, 10) as nth where tasks.status = 'pending' limit $1
"""
_FINISH = """
insert into public.dispatches (user_id, task_id, channel, dedupe_key, due_at, attempt, started_at, finished_at, outcome)
select tasks.user_id, tasks.id, 'push', 'finished', now(), 1, now(), now(), 'sent' from public.tasks
"""
Claimed = tuple[str, int]
"""The id of a delivery, and the attempt that the claim made."""


@dataclass
class Steps:
    """One worker's way to do the three steps."""

    claim: Callable[[], Awaitable[list[Claimed]]]
    start: Callable[[Claimed], Awaitable[Any]]
    finish: Callable[[Claimed], Awaitable[Any]]


@dataclass
class Found:
    """What one way did in all rounds."""

    seconds: float = 0
    claims: list[float] = field(default_factory=list)
    sent: list[float] = field(default_factory=list)

    def row(self, label: str) -> Row:
        times = [quantiles(taken, n=100)[place - 1] * 1000 for taken in (self.claims, self.sent) for place in (50, 99)]
        return [label, len(self.sent) / self.seconds, *times]


def measure_deliveries(bench: Bench, stack: LocalStack, dataset: Dataset, rounds: int, say: Say) -> list[Row]:
    with_connection(stack.database_url, prepare)
    found: dict[str, Found] = {}
    for _ in range(rounds):
        asyncio.run(_deliver(lambda: _in_sql(stack.database_url), bench.seconds, found.setdefault(SQL_ALONE, Found())))
        for name in OFFERED_BY:
            with running(CONTENDERS[name](stack)) as contender:
                deliver_by_http(contender, bench.seconds, found.setdefault(TITLES[name], Found()))
    with_connection(stack.database_url, lambda connection: connection.execute(_FORGET))
    table = [each.row(f"{way}, {dataset.tasks:,} tasks") for way, each in found.items()]
    for label, speed, *_ in table:
        say(f"{label:44} {speed:>8,.0f} deliveries/s")
    return table


def deliver_by_http(contender: Contender, seconds: float, found: Found) -> None:
    """Let the workers deliver through a running contender, for that time."""
    asyncio.run(_deliver(lambda: _by_http(contender), seconds, found))


async def prepare(connection: "asyncpg.Connection") -> None:
    await connection.execute(_FORGET)
    await connection.execute("set session_replication_role = replica")
    await connection.execute(_FINISH)
    await connection.execute(_PLAN, _PLANNED)
    await connection.execute("vacuum (analyze) public.dispatches, public.tasks")
    await connection.execute("checkpoint")


async def _deliver(open_way: Callable[[], AbstractAsyncContextManager[Steps]], seconds: float, found: Found) -> None:
    """Let the workers deliver. A worker always finishes what it claimed."""

    async def work(steps: Steps) -> None:
        while time.monotonic() < begun + seconds:
            asked = time.monotonic()
            claimed = await steps.claim()
            found.claims.append(time.monotonic() - asked)
            if not claimed:
                raise StackError(f"the {_PLANNED:,} planned deliveries are used up: measure fewer rounds or seconds")
            for each in claimed:
                began = time.monotonic()
                await steps.start(each)
                await steps.finish(each)
                found.sent.append(time.monotonic() - began)

    async with AsyncExitStack() as opened:
        workers = [await opened.enter_async_context(open_way()) for _ in range(WORKERS)]
        begun = time.monotonic()
        await asyncio.gather(*map(work, workers))
        found.seconds += time.monotonic() - begun


@asynccontextmanager
async def _in_sql(url: str) -> "AsyncIterator[Steps]":
    import asyncpg  # noqa: PLC0415 - the command imports this module before anything is installed

    connection = await asyncpg.connect(url)
    try:
        claim = await connection.prepare("select id, attempt from unnest(public.claim_dispatches('worker', $1))")
        start = await connection.prepare("select public.start_dispatch($1, $2)")
        finish = await connection.prepare("select public.finish_dispatch($1, $2, 'sent', $1::uuid::text)")

        async def claimed() -> list[Claimed]:
            return [(row["id"], row["attempt"]) for row in await claim.fetch(CLAIMED)]

        yield Steps(claimed, lambda each: start.fetch(*each), lambda each: finish.fetch(*each))
    finally:
        await connection.close()


@asynccontextmanager
async def _by_http(contender: Contender) -> "AsyncIterator[Steps]":
    import aiohttp  # noqa: PLC0415 - the command imports this module before anything is installed

    dialect = contender.dialect
    async with aiohttp.ClientSession(contender.url) as session:

        async def ask(request: Request) -> Any:
            body, headers = request.encoded_body, request.all_headers
            async with session.request(request.method, request.path, data=body, headers=headers) as answer:
                if not answer.ok:
                    raise StackError(f"{contender.name} answers {answer.status} to {request.path}: {await answer.text()}")
                return await answer.json()

        async def claimed() -> list[Claimed]:
            return [(row["id"], row["attempt"]) for row in await ask(dialect.claim(CLAIMED))]

        yield Steps(claimed, lambda each: ask(dialect.start_delivery(*each)), lambda each: ask(dialect.finish_delivery(*each)))
