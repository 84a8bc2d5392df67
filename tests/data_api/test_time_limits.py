"""The settings of callers of the Data API, on a stack of its own because the tests change them."""

import asyncio
from collections.abc import Iterator
from uuid import uuid4

import asyncpg
import pytest
from postgrest.exceptions import APIError

from dao_service.gateway.login import Login
from local_stack import LocalStack
from local_stack.database import execute_script
from tests.owners import answer, client_with, make_owner, signed_in


@pytest.fixture(scope="module")
def limited() -> Iterator[LocalStack]:
    """A stack with a function that returns the caller's limits."""
    with LocalStack().database_first() as stack:
        execute_script(
            stack.database_url,
            "create function public.show_limits() returns text[] language sql stable as"
            " $$select array[current_setting('statement_timeout'), current_setting('lock_timeout')]$$;"
            "grant execute on function public.show_limits() to service_role, authenticated",
        )
        stack.start_data_api()
        yield stack


async def test_every_caller_of_the_data_api_has_limits(limited: LocalStack) -> None:
    async with client_with(limited, limited.service_role_key) as service, signed_in(limited, str(uuid4())) as user:
        assert await answer(service.rpc("show_limits")) == ["8s", "4s"]
        assert await answer(user.rpc("show_limits")) == ["3s", "2s"]


@pytest.mark.parametrize(
    ("statement_limit", "lock_limit", "code"),
    [("10s", "100ms", "55P03"), ("100ms", "10s", "57014")],
    ids=["the limit on locks", "the limit on statements"],
)
async def test_waiting_for_a_locked_row_ends_at_the_lock_timeout(
    statement_limit: str, lock_limit: str, code: str, limited: LocalStack
) -> None:
    holder, watcher = await asyncpg.connect(limited.database_url), await asyncpg.connect(limited.database_url)
    owner = await make_owner(watcher)
    await watcher.execute(f"alter role service_role set statement_timeout = '{statement_limit}'")
    await watcher.execute(f"alter role service_role set lock_timeout = '{lock_limit}'")
    await watcher.execute("notify pgrst, 'reload config'")
    await holder.execute("begin")
    await holder.execute("update public.tasks set title = 'held' where id = $1", owner.task)

    async with client_with(limited, limited.service_role_key) as service, asyncio.timeout(20):
        while await answer(service.rpc("show_limits")) != [statement_limit, lock_limit]:
            pass
        with pytest.raises(APIError) as refused:
            await service.table("tasks").update({"title": "mine"}).eq("id", owner.task).execute()
        # Reading does not wait.
        [task] = await answer(service.table("tasks").select("title").eq("id", owner.task))

    assert refused.value.code == code
    assert task == {"title": "Task"}
    await holder.close()
    await watcher.close()


FIRST_MOMENT = "0001-01-01T00:00:00+00:00"


async def test_answers_are_in_utc_whatever_the_time_zone_of_the_database(limited: LocalStack) -> None:
    watcher = await asyncpg.connect(limited.database_url)
    owner = await make_owner(watcher)
    await watcher.execute(f"update public.tasks set scheduled_at = '{FIRST_MOMENT}' where id = '{owner.task}'")
    await watcher.execute("alter database postgres set timezone = 'America/New_York'")
    await watcher.execute("alter database postgres set datestyle = 'SQL, DMY'")
    try:
        limited.postgrest.kill()
        limited.postgrest.start()
        async with client_with(limited, limited.service_role_key) as service, signed_in(limited, owner.user) as user:
            for client in (service, user):
                assert await answer(client.table("tasks").select("scheduled_at").eq("id", owner.task)) == [
                    {"scheduled_at": FIRST_MOMENT}
                ]
                assert await answer(client.schema("v1_0").table("tasks").select("start_time").eq("id", owner.task)) == [
                    {"start_time": FIRST_MOMENT}
                ]
    finally:
        await watcher.execute("alter database postgres reset timezone")
        await watcher.execute("alter database postgres reset datestyle")
        await watcher.close()


async def test_a_direct_connection_is_in_utc_whatever_the_time_zone_of_its_role(limited: LocalStack) -> None:
    watcher = await asyncpg.connect(limited.database_url)
    await watcher.execute("alter role service_role set timezone = 'America/New_York'")
    try:
        connection = await Login(limited.database_url, commands_within=5).connect()
        assert await connection.fetchval("select current_setting('timezone')") == "UTC"
        await connection.close()
    finally:
        await watcher.execute("alter role service_role set timezone = 'UTC'")
        await watcher.close()
