"""A transaction that holds its locks."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

import asyncpg


@contextmanager
def holding(url: str, statement: str) -> Iterator[None]:
    """An open transaction of another connection that holds the locks of a statement."""
    loop = asyncio.new_event_loop()
    connection = loop.run_until_complete(asyncpg.connect(url))
    try:
        loop.run_until_complete(connection.execute(f"begin; {statement}"))
        yield
        loop.run_until_complete(connection.execute("rollback"))
    finally:
        loop.run_until_complete(connection.close())
        loop.close()
