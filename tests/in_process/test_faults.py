"""Faults in a process that uses the in-process API, which must leave nothing behind."""

import asyncio
from contextlib import AsyncExitStack

import pytest

from dao_service.core.database import SessionFactory, SessionStateError
from dao_service.errors import (
    TimeLimitError,
    UnavailableError,
)
from dao_service.repositories.dao_unit_of_work import DaoUnitOfWork
from dao_service.schemas.task import TaskUpdateDTO
from dao_service.schemas.user import UserDTO
from dao_service.services.dao_task_service import DaoTaskService
from dao_service.services.dao_user_service import DaoUserService
from local_stack import LocalStack
from tests.in_process.sessions import (
    CONNECTIONS,
    Database,
    add_task,
    add_user,
    assert_nothing_is_left,
    backend_of,
    exists,
    has_a_queue,
    in_a_session,
    locked,
    new_user,
    terminate,
    until,
)
from tests.locks import wait_for_waiters

users = DaoUserService()
tasks = DaoTaskService()


async def test_a_call_that_is_cancelled_leaves_nothing_behind(
    sessions: SessionFactory, stack: LocalStack, database: Database
) -> None:
    task = await add_task(sessions)
    created: list[UserDTO] = []

    async def work() -> None:
        async with sessions() as db:
            created.append(await users.create_user(db, new_user()))
            await tasks.update_task(db, task.id, TaskUpdateDTO(title="Cancelled"))

    async with locked(stack, task):
        working = asyncio.create_task(work())
        await wait_for_waiters(database, 1)
        working.cancel()
        with pytest.raises(asyncio.CancelledError):
            await working
    assert not await exists(sessions, created[0])
    await assert_nothing_is_left(sessions, database)


async def test_leaving_a_session_during_a_call_rolls_back(sessions: SessionFactory, database: Database) -> None:
    async with sessions() as db:
        on_its_way = asyncio.create_task(users.create_user(db, new_user()))
        await until(lambda: db._held is not None)
    assert not await exists(sessions, await on_its_way)
    await assert_nothing_is_left(sessions, database)


@pytest.mark.parametrize("connected", [True, False])
@pytest.mark.parametrize("twice", [True, False])
async def test_cancelling_at_any_moment_leaves_nothing_behind(
    sessions: SessionFactory, database: Database, caplog: pytest.LogCaptureFixture, *, connected: bool, twice: bool
) -> None:
    async def work() -> None:
        async with sessions() as db:
            await users.create_user(db, new_user())
            async with DaoUnitOfWork(db) as uow:
                await uow.users.create(db, new_user())
            await db.commit()
            await users.create_user(db, new_user())

    for moment in range(150):
        if connected:
            await in_a_session(sessions, lambda db: users.list_users(db, limit=1))
        else:
            await sessions.dispose()
        working = asyncio.create_task(work())
        for _ in range(moment):
            await asyncio.sleep(0)
        working.cancel()
        if twice:
            await asyncio.sleep(0)
            working.cancel()
        await asyncio.wait([working])
    await assert_nothing_is_left(sessions, database)
    assert "active transaction" not in caplog.text


async def test_a_lost_connection_is_reported_and_replaced(sessions: SessionFactory, database: Database) -> None:
    async with sessions() as db:
        lost = await users.create_user(db, new_user())
        await terminate(database, await backend_of(db))
        with pytest.raises(UnavailableError):
            await users.create_user(db, new_user())
        await db.rollback()
        kept = await users.create_user(db, new_user())
        await terminate(database, await backend_of(db))
        with pytest.raises(UnavailableError):
            await db.commit()
        with pytest.raises(SessionStateError):
            await db.commit()
    assert not await exists(sessions, lost)
    assert not await exists(sessions, kept)
    await assert_nothing_is_left(sessions, database)


async def test_a_connection_lost_during_a_call_is_reported(sessions: SessionFactory, stack: LocalStack, database: Database) -> None:
    task = await add_task(sessions)
    async with locked(stack, task), sessions() as db:
        backend = await backend_of(db)
        updating = asyncio.create_task(tasks.update_task(db, task.id, TaskUpdateDTO(title="Lost")))
        await wait_for_waiters(database, 1)
        await terminate(database, backend)
        with pytest.raises(UnavailableError):
            await updating
    await assert_nothing_is_left(sessions, database)


async def test_a_statement_that_exceeds_its_time_limit_is_reported(
    sessions: SessionFactory, stack: LocalStack, database: Database
) -> None:
    task = await add_task(sessions)
    async with locked(stack, task), sessions() as db:
        async with db.connection() as connection:
            await connection.execute("set local lock_timeout = '50ms'")
        with pytest.raises(TimeLimitError):
            await tasks.update_task(db, task.id, TaskUpdateDTO(title="Late"))
    await assert_nothing_is_left(sessions, database)


async def test_an_exhausted_pool_raises_in_time_and_recovers(
    sessions: SessionFactory, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GATEWAY_TIMEOUT_SECONDS", "0.3")
    async with AsyncExitStack() as held:
        opened = [await held.enter_async_context(sessions()) for _ in range(CONNECTIONS)]
        for db in opened:
            await users.list_users(db, limit=1)
        async with sessions() as late:
            started = asyncio.get_running_loop().time()
            with pytest.raises(UnavailableError):
                await users.list_users(late, limit=1)
            assert asyncio.get_running_loop().time() - started < 2
            await opened[0].close()
            await users.list_users(late, limit=1)
    await assert_nothing_is_left(sessions, database)


async def test_a_caller_cancelled_while_waiting_for_a_connection_leaves_the_queue(
    sessions: SessionFactory, database: Database
) -> None:
    async with AsyncExitStack() as held:
        for _ in range(CONNECTIONS):
            await users.list_users(await held.enter_async_context(sessions()), limit=1)
        queueing = asyncio.create_task(add_user(sessions))
        await until(lambda: has_a_queue(sessions))
        queueing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await queueing
    await assert_nothing_is_left(sessions, database)


async def test_an_unreachable_database_is_reported(no_database: SessionFactory) -> None:
    async with no_database() as db:
        with pytest.raises(UnavailableError):
            await users.list_users(db)
