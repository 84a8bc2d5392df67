"""Turns: calls that wait for one lock can't use up every connection.

A call that waits in the database for a locked table or row holds its connection. So at most three of four connections go to calls
on one relation, and one to writes of one row: later calls wait here, without a connection, and are refused when their time is over,
before anything was begun.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from dao_service.errors import SATURATED, UnavailableError


class Turns:
    """Who may use a connection: first come, first served."""

    def __init__(self, connections: int) -> None:
        self._most = max(1, connections * 3 // 4)
        self._semaphores: dict[tuple[str, str], tuple[asyncio.Semaphore, int]] = {}
        """With how many calls use each."""

    @asynccontextmanager
    async def turn(self, resource: str, key: str, within_seconds: float) -> AsyncIterator[None]:
        """For a call on a relation, and of the row with this key unless it is "". Raises `UnavailableError` if it does not come."""
        async with AsyncExitStack() as turns:
            try:
                async with asyncio.timeout(within_seconds):
                    if key:  # The row first: a call that waits for a row takes no turn of its relation.
                        await turns.enter_async_context(self._one(resource, key, 1))
                    await turns.enter_async_context(self._one(resource, "", self._most))
            except TimeoutError:
                raise UnavailableError(SATURATED) from None
            yield

    @asynccontextmanager
    async def _one(self, resource: str, key: str, most: int) -> AsyncIterator[None]:
        semaphore, users = self._semaphores.get((resource, key)) or (asyncio.Semaphore(most), 0)
        self._semaphores[resource, key] = semaphore, users + 1
        try:
            async with semaphore:
                yield
        finally:
            semaphore, users = self._semaphores.pop((resource, key))
            if users > 1:
                self._semaphores[resource, key] = semaphore, users - 1
