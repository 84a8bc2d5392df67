"""Two connections of this package's own, and a user whose rows they write."""

from collections.abc import AsyncIterator

import asyncpg
import pytest

from local_stack import LocalStack
from tests.concurrency.races import WRITERS, Race
from tests.locks import Database
from tests.owners import Owner, make_owner


@pytest.fixture(scope="package")
async def connections(stack: LocalStack) -> AsyncIterator[list[Database]]:
    opened = [await asyncpg.connect(stack.database_url) for _ in range(WRITERS)]
    yield opened
    for connection in opened:
        await connection.close()


@pytest.fixture
def race(connections: list[Database], database: Database) -> Race:
    return Race(connections[0], connections[1], database)


@pytest.fixture
async def owner(database: Database) -> Owner:
    return await make_owner(database)
