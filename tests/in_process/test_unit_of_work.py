"""DaoUnitOfWork: all steps are kept or none, and the session stays usable."""
# ruff: noqa: PT012 (the raising block has several steps)

import asyncio

import pytest

from dao_service.core.database import SessionFactory, SessionStateError
from dao_service.errors import ConflictError, UnavailableError
from dao_service.in_process.session_and_savepoints import Session
from dao_service.repositories.dao_unit_of_work import DaoUnitOfWork
from dao_service.schemas.enums import TaskState, TaskStatus
from dao_service.schemas.goal import GoalCreateDTO
from dao_service.schemas.task import TaskCreateDTO
from dao_service.schemas.user import UserDTO
from dao_service.services.dao_goal_service import DaoGoalService
from dao_service.services.dao_task_service import DaoTaskService
from dao_service.services.dao_user_service import DaoUserService
from tests.in_process.sessions import Database, assert_nothing_is_left, backend_of, exists, new_user, terminate

users, goals, tasks = DaoUserService(), DaoGoalService(), DaoTaskService()


class Regret(Exception):
    """An exception that makes a unit of work undo its steps."""


async def test_a_unit_of_work_does_not_commit(sessions: SessionFactory) -> None:
    async with sessions() as db:
        async with DaoUnitOfWork(db) as uow:
            kept = await uow.users.create(db, new_user())
        assert not await exists(sessions, kept)
        await db.commit()
    assert await exists(sessions, kept)


async def test_an_exception_undoes_only_the_steps_of_its_unit(sessions: SessionFactory) -> None:
    async with sessions() as db:
        before = await users.create_user(db, new_user())
        with pytest.raises(Regret):
            async with DaoUnitOfWork(db) as uow:
                undone = await uow.users.create(db, new_user())
                await uow.goals.create(db, GoalCreateDTO(user_id=undone.id, title="Regret nothing"))
                raise Regret
        after = await users.create_user(db, new_user())
        await db.commit()
    assert [await exists(sessions, user) for user in (before, undone, after)] == [True, False, True]


async def test_a_database_error_leaves_the_session_usable(sessions: SessionFactory) -> None:
    taken = new_user()
    async with sessions() as db:
        first = await users.create_user(db, taken)
        with pytest.raises(ConflictError):
            async with DaoUnitOfWork(db) as uow:
                undone = await uow.users.create(db, new_user())
                await uow.users.create(db, taken)
        assert (await users.get_user(db, first.id)).email == taken.email
        await db.commit()
    assert await exists(sessions, first)
    assert not await exists(sessions, undone)


async def test_units_of_work_can_be_nested(sessions: SessionFactory) -> None:
    async with sessions() as db:
        async with DaoUnitOfWork(db) as outer:
            kept = await outer.users.create(db, new_user())
            with pytest.raises(Regret):
                async with DaoUnitOfWork(db) as inner:
                    undone = await inner.users.create(db, new_user())
                    raise Regret
        with pytest.raises(Regret):
            async with DaoUnitOfWork(db) as outer:
                async with DaoUnitOfWork(db) as inner:
                    undone_with_the_outer = await inner.users.create(db, new_user())
                raise Regret
        await db.commit()
    assert [await exists(sessions, user) for user in (kept, undone, undone_with_the_outer)] == [True, False, False]


async def test_a_swallowed_error_undoes_the_unit_and_is_raised(sessions: SessionFactory) -> None:
    taken = new_user()
    async with sessions() as db:
        kept = await users.create_user(db, taken)
        with pytest.raises(SessionStateError, match="all of it is undone"):
            async with DaoUnitOfWork(db) as uow:
                undone = await uow.users.create(db, new_user())
                with pytest.raises(ConflictError):
                    await uow.users.create(db, taken)
        await db.commit()
    assert [await exists(sessions, user) for user in (kept, undone)] == [True, False]


async def test_the_session_cannot_be_committed_inside_a_unit(sessions: SessionFactory) -> None:
    async with sessions() as db:
        with pytest.raises(SessionStateError, match="Leave the unit of work"):
            async with DaoUnitOfWork(db) as uow:
                undone = await uow.users.create(db, new_user())
                await db.commit()
        await db.commit()
    assert not await exists(sessions, undone)


async def test_a_rollback_inside_a_unit_ends_the_unit(sessions: SessionFactory) -> None:
    async with sessions() as db:
        async with DaoUnitOfWork(db) as uow:
            undone = await uow.users.create(db, new_user())
            await db.rollback()
        kept = await users.create_user(db, new_user())
        await db.commit()
    assert [await exists(sessions, user) for user in (undone, kept)] == [False, True]


async def test_a_cancelled_unit_is_undone(sessions: SessionFactory, database: Database) -> None:
    created: asyncio.Future[UserDTO] = asyncio.get_running_loop().create_future()

    async def work(db: Session) -> None:
        async with DaoUnitOfWork(db) as uow:
            created.set_result(await uow.users.create(db, new_user()))
            await asyncio.Event().wait()

    async with sessions() as db:
        kept = await users.create_user(db, new_user())
        task = asyncio.create_task(work(db))
        undone = await created
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await db.commit()
    assert await exists(sessions, kept)
    assert not await exists(sessions, undone)
    await assert_nothing_is_left(sessions, database)


async def test_a_connection_lost_inside_a_unit_is_reported(sessions: SessionFactory, database: Database) -> None:
    async with sessions() as db:
        with pytest.raises(UnavailableError):
            async with DaoUnitOfWork(db) as uow:
                await terminate(database, await backend_of(db))
                await uow.users.create(db, new_user())
        with pytest.raises(SessionStateError):
            await db.commit()
        await db.rollback()
        kept = await users.create_user(db, new_user())
        await db.commit()
    assert await exists(sessions, kept)
    await assert_nothing_is_left(sessions, database)


async def test_one_unit_of_work_takes_the_rows_in_both_contracts(sessions: SessionFactory) -> None:
    async with sessions() as db:
        owner = await users.create_user(db, new_user())
        goal = await goals.create_goal(db, GoalCreateDTO(user_id=owner.id, title="Run"))
        with pytest.raises(Regret):
            async with DaoUnitOfWork(db) as uow:
                older = TaskCreateDTO(user_id=owner.id, goal_id=goal.id, title="Jog", state=TaskState.DRIFTED)
                newer = TaskCreateDTO(user_id=owner.id, title="Rest", status=TaskStatus.RESCHEDULED)
                made = [await uow.tasks.create(db, each) for each in (older, newer)]
                assert await uow.tasks.bulk_update_state(db, [each.id for each in made], new_state=TaskState.COMPLETED) == 2
                done = await uow.tasks.get_all(db, user_id=owner.id, status=TaskStatus.DONE)
                assert {each.id for each in done.items} == {each.id for each in made}
                raise Regret
        assert (await tasks.list_tasks(db, user_id=owner.id)).total == 0
