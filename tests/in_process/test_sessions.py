"""The in-process API: sessions, DAOs and services, their values and their errors."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import httpx
import pytest
from pydantic import MISSING, ValidationError

from dao_service.core.database import DatabaseSession, SessionFactory, SessionStateError
from dao_service.dao.dao_registry import get_task_dao
from dao_service.errors import (
    BadRequestError,
    ConflictError,
    DataServiceError,
    InvalidError,
    NotFoundError,
)
from dao_service.schemas.enums import TaskStatus
from dao_service.schemas.goal import GoalCreateDTO
from dao_service.schemas.pattern import PatternCreateDTO
from dao_service.schemas.task import TaskCreateDTO, TaskUpdateDTO
from dao_service.schemas.user import UserCreateDTO, UserDTO, UserUpdateDTO
from dao_service.services.dao_goal_service import DaoGoalService
from dao_service.services.dao_pattern_service import DaoPatternService
from dao_service.services.dao_task_service import DaoTaskService
from dao_service.services.dao_user_service import DaoUserService
from tests.in_process.sessions import Database, add_user, assert_nothing_is_left, exists, in_a_session, new_user

users = DaoUserService()
goals = DaoGoalService()
tasks = DaoTaskService()
patterns = DaoPatternService()


# A session is a transaction.


async def test_uncommitted_changes_are_rolled_back(sessions: SessionFactory) -> None:
    async with sessions() as db:
        kept = await users.create_user(db, new_user())
        await db.commit()
        rolled_back = await users.create_user(db, new_user())
        await db.rollback()
        kept_too = await users.create_user(db, new_user())
        await db.commit()
        left = await users.create_user(db, new_user())
    assert [await exists(sessions, user) for user in (kept, rolled_back, kept_too, left)] == [True, False, True, False]


async def test_an_exception_in_the_body_rolls_back(sessions: SessionFactory, database: Database) -> None:
    created: list[UserDTO] = []

    async def work() -> None:
        async with sessions() as db:
            created.append(await users.create_user(db, new_user()))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await work()
    assert not await exists(sessions, created[0])
    await assert_nothing_is_left(sessions, database)


async def test_no_transaction_begins_before_the_first_call(no_database: SessionFactory) -> None:
    async with no_database() as db:
        await db.commit()
        await db.rollback()


async def test_concurrent_calls_on_one_session_run_one_at_a_time(sessions: SessionFactory) -> None:
    async with sessions() as db:
        created = await asyncio.gather(*(users.create_user(db, new_user()) for _ in range(10)))
        await db.commit()
    assert all([await exists(sessions, user) for user in created])


async def test_a_database_error_aborts_the_transaction_until_rollback(sessions: SessionFactory) -> None:
    taken = new_user()
    async with sessions() as db:
        lost = await users.create_user(db, taken)
        with pytest.raises(ConflictError):
            await users.create_user(db, taken)
        with pytest.raises(SessionStateError, match="Roll back first"):
            await users.get_user(db, lost.id)
        with pytest.raises(SessionStateError, match="Roll back first"):
            await db.commit()
        await db.rollback()
        kept = await users.create_user(db, taken)
        await db.commit()
    assert [await exists(sessions, user) for user in (lost, kept)] == [False, True]


async def test_a_missing_row_does_not_abort_the_transaction(sessions: SessionFactory) -> None:
    async with sessions() as db:
        user = await users.create_user(db, new_user())
        with pytest.raises(NotFoundError):
            await users.get_user(db, uuid4())
        with pytest.raises(InvalidError):
            await users.get_user(db, "no uuid")
        await db.commit()
    assert await exists(sessions, user)


async def test_a_closed_session_refuses_calls(sessions: SessionFactory, database: Database) -> None:
    async with sessions() as db:
        await users.create_user(db, new_user())
    for call in (lambda: users.create_user(db, new_user()), db.commit):
        with pytest.raises(SessionStateError, match="closed"):
            await call()
    await assert_nothing_is_left(sessions, database)


async def test_a_session_uses_the_role_of_the_data_api(sessions: SessionFactory) -> None:
    async with sessions() as db, db.connection() as connection:
        assert await connection.fetchval("select current_user") == "service_role"
        assert await connection.fetchval("show lock_timeout") == "4s"


# Values.


async def test_ids_and_words_may_be_text_or_objects(sessions: SessionFactory) -> None:
    user = await add_user(sessions)
    untyped: Any = tasks
    async with sessions() as db:
        for user_id, status in ((user.id, TaskStatus.DONE), (str(user.id), "done")):
            made = await tasks.create_task(db, TaskCreateDTO(user_id=user_id, title="Run", status=status))  # type: ignore[arg-type]
            assert (made.user_id, made.status) == (user.id, TaskStatus.DONE)
            assert await tasks.get_task(db, made.id) == await tasks.get_task(db, str(made.id)) == made
            assert await untyped.bulk_update_state(db, [made.id], "missed") == 1
            assert await untyped.bulk_update_state(db, task_ids=[str(made.id)], new_status=status) == 1
        page = await untyped.list_tasks(db, user_id=user_id, status=status)
        assert [page.total, page.page_size, page.has_next] == [2, 100, False]


async def test_a_time_without_an_offset_is_refused(sessions: SessionFactory) -> None:
    naive, aware = datetime(2026, 1, 31, 9), datetime(2026, 1, 31, 9, tzinfo=UTC)  # noqa: DTZ001
    with pytest.raises(ValidationError):
        TaskCreateDTO(user_id=uuid4(), title="Run", scheduled_at=naive)
    task = TaskCreateDTO(user_id=uuid4(), title="Run")
    task.scheduled_at = naive
    async with sessions() as db:
        with pytest.raises(InvalidError) as changed:
            await tasks.create_task(db, task)
        with pytest.raises(InvalidError) as ranged:
            await tasks.get_tasks_by_user_and_timerange(db, uuid4(), naive, aware)
    assert [error.value.errors[0]["field"] for error in (changed, ranged)] == ["scheduled_at", "start_at"]


async def test_json_and_numbers_are_stored_unchanged(sessions: SessionFactory) -> None:
    given = {"big": 10**30, "tiny": 1e-300, "third": 1 / 3, "text": "\u00e9\u2028\U0001f600'\"\\", "deep": [{"": [None, True, []]}]}
    user = await add_user(sessions, profile=given)
    assert user.profile == given
    async with sessions() as db:
        made = await patterns.create_pattern(db, PatternCreateDTO(user_id=user.id, confidence=0.1, data={"1": 1}))
        assert (made.confidence, made.data) == (0.1, {"1": 1})


@pytest.mark.parametrize("value", [float("nan"), float("inf"), "\ud800", object()])
async def test_a_value_that_json_cannot_hold_is_refused(sessions: SessionFactory, value: object) -> None:
    async with sessions() as db:
        with pytest.raises(InvalidError):
            await users.create_user(db, new_user(profile={"value": value}))


async def test_a_nul_character_is_refused_and_its_field_named(sessions: SessionFactory) -> None:
    async with sessions() as db:
        with pytest.raises(InvalidError) as refused:
            await users.create_user(db, new_user(profile={"notes": ["\0"]}))
    assert refused.value.errors[0]["field"] == "profile.notes[0]"


async def test_an_update_changes_only_the_fields_that_were_set(sessions: SessionFactory) -> None:
    user = await add_user(sessions, name="Ada", profile={"a": 1})
    async with sessions() as db:
        unchanged = await users.update_user(db, user.id, UserUpdateDTO())
        assert unchanged == user
        changed = await users.update_user(db, user.id, UserUpdateDTO(name=None, email=MISSING))
        assert (changed.name, changed.email, changed.profile) == (None, user.email, {"a": 1})
        changes = UserUpdateDTO()
        changes.onboarded = True
        assert (await users.update_user(db, user.id, changes)).onboarded


async def test_a_default_modified_after_construction_is_sent(sessions: SessionFactory) -> None:
    given = new_user()
    given.preferences["theme"] = "dark"
    async with sessions() as db:
        assert (await users.create_user(db, given)).preferences == {"theme": "dark"}


async def test_a_dto_of_another_resource_is_refused(sessions: SessionFactory) -> None:
    async with sessions() as db:
        with pytest.raises(InvalidError) as refused:
            await users.create_user(db, GoalCreateDTO(user_id=uuid4(), title="Run"))  # type: ignore[arg-type]
    assert {problem["field"] for problem in refused.value.errors} >= {"email", "user_id", "title"}


async def test_an_address_needs_its_form_in_process_too(sessions: SessionFactory) -> None:
    user, changed = await add_user(sessions), new_user()
    changed.email = "jane@example.com "
    async with sessions() as db:
        for attempt in (users.create_user(db, changed), users.update_user(db, user.id, UserUpdateDTO.model_construct(email=" "))):
            with pytest.raises(InvalidError) as refused:
                await attempt
            assert [problem["field"] for problem in refused.value.errors] == ["email"]


async def test_no_task_ids_update_nothing() -> None:
    nowhere: Any = None
    assert await get_task_dao().bulk_update_state(nowhere, [], TaskStatus.DONE) == 0


# Errors.


async def test_errors_have_the_messages_of_the_rest_api(sessions: SessionFactory, client_1_2: httpx.AsyncClient) -> None:
    user, other = await add_user(sessions), await add_user(sessions)
    theirs = await in_a_session(sessions, lambda db: goals.create_goal(db, GoalCreateDTO(user_id=other.id, title="Run")))
    now = datetime.now(UTC)
    unknown, earlier = uuid4(), now - timedelta(days=1)
    untyped: Any = tasks
    task = {"user_id": str(user.id), "title": "Run", "goal_id": str(theirs.id)}
    span = {"user_id": str(user.id), "start_at": now.isoformat(), "end_at": earlier.isoformat()}
    cases: list[tuple[type[DataServiceError], Callable[[DatabaseSession], Awaitable[Any]], httpx.Request]] = [
        (NotFoundError, lambda db: users.get_user(db, unknown), client_1_2.build_request("GET", f"/api/v1/users/{unknown}")),
        (NotFoundError, lambda db: users.delete_user(db, unknown), client_1_2.build_request("DELETE", f"/api/v1/users/{unknown}")),
        (
            ConflictError,
            lambda db: users.create_user(db, UserCreateDTO(email=user.email)),
            client_1_2.build_request("POST", "/api/v1/users/", json={"email": user.email}),
        ),
        (
            InvalidError,
            lambda db: tasks.create_task(db, TaskCreateDTO(user_id=user.id, title="Run", goal_id=theirs.id)),
            client_1_2.build_request("POST", "/api/v1/tasks/", json=task),
        ),
        (
            BadRequestError,
            lambda db: tasks.get_tasks_by_user_and_timerange(db, user.id, start_at=now, end_at=earlier),
            client_1_2.build_request("GET", "/api/v1/tasks/by-timerange", params=span),
        ),
        (
            InvalidError,
            lambda db: untyped.list_tasks(db, status="scheduled"),
            client_1_2.build_request("GET", "/api/v1/tasks/", params={"status": "scheduled"}),
        ),
    ]
    for kind, call, request in cases:
        with pytest.raises(kind) as raised:
            await in_a_session(sessions, call)
        answer = await client_1_2.send(request)
        error = raised.value
        said = {"detail": error.detail} | ({"errors": list(error.errors)} if error.errors else {})
        assert (answer.status_code, answer.json()) == (error.status, said)


async def test_a_time_keeps_its_instant_if_its_offset_has_seconds(sessions: SessionFactory) -> None:
    then = datetime(1800, 1, 1, tzinfo=ZoneInfo("Europe/Amsterdam"))  # 0:19:32 ahead of UTC
    async with sessions() as db:
        user = await users.create_user(db, new_user())
        task = await tasks.create_task(db, TaskCreateDTO(user_id=user.id, title="Sail", scheduled_at=then))
        found = await tasks.get_tasks_by_user_and_timerange(db, user_id=user.id, start_at=then, end_at=then)
        changed = await tasks.update_task(db, task.id, TaskUpdateDTO(scheduled_at=then + timedelta(microseconds=1)))

    assert task.scheduled_at == then
    assert [each.id for each in found] == [task.id]
    assert changed.scheduled_at == then + timedelta(microseconds=1)
