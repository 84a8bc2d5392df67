"""Waits for what another connection does, by asking Postgres."""

import asyncio
from typing import TypeAlias

import asyncpg

Database: TypeAlias = "asyncpg.Connection[asyncpg.Record]"


async def wait_for_waiters(watcher: Database, count: int) -> None:
    """Wait until this many statements wait for a lock. `watcher` must not be in a transaction, where its view would not change."""
    waiting = "select count(*) from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()"
    async with asyncio.timeout(10):
        while await watcher.fetchval(waiting) < count:
            pass
