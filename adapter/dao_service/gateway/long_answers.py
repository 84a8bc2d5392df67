"""Answers that can have many megabytes: a few are prepared at a time, because each costs several times its size, here, in PostgREST
and in Postgres."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import nullcontext

from dao_service.errors import SATURATED, UnavailableError

_AT_ONCE = 3
_WITHIN_SECONDS = 30


class LongAnswers:
    """Who may prepare one: first come, first served."""

    def __init__(self) -> None:
        self._places = asyncio.Semaphore(_AT_ONCE)

    async def prepare(self, call: Callable[[], Awaitable[bytes]]) -> bytes:
        """The answer of the call. Raises `UnavailableError` if its turn does not come."""
        try:
            async with asyncio.timeout(_WITHIN_SECONDS) if self._places.locked() else nullcontext():
                await self._places.acquire()
        except TimeoutError:
            raise UnavailableError(SATURATED) from None
        try:
            return await call()
        finally:
            self._places.release()
