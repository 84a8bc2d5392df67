"""Races: two connections, one of which waits for a lock of the other."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from tests.locks import Database
from tests.owners import Owner

WRITERS = 8


@dataclass(frozen=True)
class Race:
    """`holder` has a lock that `waiter` needs. `watcher`, outside any transaction, sees when `waiter` waits."""

    holder: Database
    waiter: Database
    watcher: Database

    @asynccontextmanager
    async def meanwhile(self, wait_for: Callable[[], Awaitable[Any]]) -> AsyncIterator["asyncio.Future[Any]"]:
        """Inside, `wait_for` waits for the open transaction of `holder`. On leaving, `holder` commits and `wait_for` ends."""
        waiting = asyncio.ensure_future(wait_for())
        try:
            await self._until_blocked()
            assert not waiting.done()
            yield waiting
        finally:
            if self.holder.is_in_transaction():
                await self.holder.execute("commit")
            await asyncio.wait([waiting], timeout=10)

    async def run(self, held: str, waits: str) -> Any:
        """Begin `waits` while `held` is uncommitted, commit, and return the result or the error of `waits`."""
        await self.holder.execute("begin")
        await self.holder.execute(held)
        async with self.meanwhile(lambda: self.waiter.execute(waits)) as outcome:
            pass
        return outcome.exception() or outcome.result()

    async def _until_blocked(self) -> None:
        pids = self.holder.get_server_pid(), self.waiter.get_server_pid()
        async with asyncio.timeout(10):
            while not await self.watcher.fetchval("select $1 = any(pg_blocking_pids($2))", *pids):
                pass


async def make_tasks(database: Database, owner: Owner, count: int) -> list[UUID]:
    """Create tasks and return their ids in the order in which bulk updates lock them."""
    made = await database.fetch(
        "insert into public.tasks (user_id, title) select $1, 'x' from generate_series(1, $2::int) returning id",
        owner.user,
        count,
    )
    return sorted(row["id"] for row in made)
