"""SQL of the tools themselves, through asyncpg. Callable with and without a running event loop."""

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, TypeVar

from .stopping import asked_to_stop, raise_if_asked

if TYPE_CHECKING:
    import asyncpg

Result = TypeVar("Result")

_CONNECT_SECONDS = 10
_LOOK_EVERY_SECONDS = 0.1


def execute_script(url: str, sql: str) -> None:
    """Run any number of statements in one transaction."""

    async def execute(connection: "asyncpg.Connection") -> None:
        async with connection.transaction():
            await connection.execute(sql)

    with_connection(url, execute)


def fetch_rows(url: str, sql: str, *arguments: object) -> list[dict[str, Any]]:
    async def fetch(connection: "asyncpg.Connection") -> list[dict[str, Any]]:
        return [dict(row) for row in await connection.fetch(sql, *arguments)]

    return with_connection(url, fetch)


def with_connection(url: str, use: "Callable[[asyncpg.Connection], Coroutine[Any, Any, Result]]") -> Result:
    """Connect, and return what `use` returns. A signal cancels it."""
    import asyncpg  # noqa: PLC0415 - the commands import this module before anything is installed

    async def connect_and_use() -> Result:
        connection = await asyncpg.connect(url, timeout=_CONNECT_SECONDS)
        try:
            return await use(connection)
        finally:
            await connection.close()

    async def until_asked_to_stop() -> Result:
        using = asyncio.ensure_future(connect_and_use())
        while not using.done() and not asked_to_stop():
            await asyncio.wait({using}, timeout=_LOOK_EVERY_SECONDS)
        using.cancel()
        return await using

    # In another thread, because the caller's may already run an event loop.
    with ThreadPoolExecutor(max_workers=1) as thread:
        try:
            return thread.submit(asyncio.run, until_asked_to_stop()).result()
        finally:
            raise_if_asked()
