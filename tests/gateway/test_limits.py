"""The time limit of a gateway's call."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import uuid4

import asyncpg
import orjson
import pytest
from pydantic import SecretStr

from dao_service.errors import UnavailableError, UnknownOutcomeError
from dao_service.gateway.opening import open_gateway
from dao_service.gateway.protocol import Gateway, Payload
from dao_service.generated.contract_1_2 import USERS
from dao_service.settings import Settings
from local_stack import LocalStack
from tests.locks import wait_for_waiters

LIMIT_SECONDS = 2


@pytest.fixture(params=["postgrest", "postgres"])
async def gateway(request: pytest.FixtureRequest, stack: LocalStack) -> AsyncIterator[Gateway]:
    """A gateway with one connection."""
    settings = Settings(
        postgrest_url=stack.postgrest_url,
        supabase_service_role_key=SecretStr(stack.service_role_key),
        gateway_connections=1,
        gateway_timeout_seconds=LIMIT_SECONDS,
    )
    if request.param == "postgres":
        settings.database_url = SecretStr(stack.database_url)
    gateway = open_gateway(settings)
    yield gateway
    await gateway.close()


async def _create_user(gateway: Gateway) -> str:
    row = await gateway.insert(USERS, Payload(("email",), orjson.dumps({"email": f"{uuid4().hex}@example.com"})))
    key: str = orjson.loads(row)["id"]
    return key


def _rename(gateway: Gateway, key: str) -> asyncio.Task[bytes]:
    return asyncio.create_task(_update(gateway, key))


async def _update(gateway: Gateway, key: str) -> bytes:
    return await gateway.update(USERS, key, Payload(("name",), b'{"name": "Ada"}'))


@asynccontextmanager
async def _locked(stack: LocalStack, key: str) -> AsyncIterator[None]:
    holder = await asyncpg.connect(stack.database_url)
    try:
        async with holder.transaction():
            await holder.execute("select from public.users where id = $1 for update", key)
            yield
    finally:
        await holder.close()


async def test_the_time_limit_includes_waiting_for_a_connection(
    gateway: Gateway, stack: LocalStack, database: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    one, other = await _create_user(gateway), await _create_user(gateway)
    async with _locked(stack, other):
        async with _locked(stack, one):
            first = _rename(gateway, one)
            await wait_for_waiters(database, 1)
            begun = time.monotonic()
            second = _rename(gateway, other)
            # The first call has the connection for much of the limit.
            await asyncio.wait([second], timeout=0.4 * LIMIT_SECONDS)
        await first

        with pytest.raises(UnknownOutcomeError):
            await second

    assert time.monotonic() - begun < 1.4 * LIMIT_SECONDS


async def test_a_call_that_has_waited_for_half_of_its_time_is_refused_and_not_sent(
    gateway: Gateway, stack: LocalStack, database: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    one, other = await _create_user(gateway), await _create_user(gateway)
    async with _locked(stack, one):
        first = _rename(gateway, one)
        await wait_for_waiters(database, 1)
        begun = time.monotonic()
        with pytest.raises(UnavailableError):
            await _rename(gateway, other)
        seconds = time.monotonic() - begun
    await first

    assert 0.4 * LIMIT_SECONDS < seconds < 0.9 * LIMIT_SECONDS
