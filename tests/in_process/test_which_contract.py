"""In which contract a call is: that whose words it uses. Rows answer in the words of both, whichever the call used."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from pydantic import ValidationError

from dao_service.core.database import SessionFactory
from dao_service.errors import InvalidError, NotFoundError
from dao_service.in_process.session_and_savepoints import Session
from dao_service.schemas.conversation import ConversationCreateDTO
from dao_service.schemas.enums import TaskState, TaskStatus, TriggerType
from dao_service.schemas.goal import GoalCreateDTO, GoalStructureCreateDTO, MilestoneStructureDTO, TaskStructureDTO
from dao_service.schemas.task import TaskCreateDTO, TaskUpdateDTO
from dao_service.services.dao_conversation_service import DaoConversationService
from dao_service.services.dao_goal_service import DaoGoalService
from dao_service.services.dao_task_service import DaoTaskService
from tests.in_process.sessions import add_user, in_a_session

goals, tasks, conversations = DaoGoalService(), DaoTaskService(), DaoConversationService()
NINE = datetime(2026, 3, 1, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
async def owner(sessions: SessionFactory) -> dict[str, UUID]:
    """A user with a goal, as fields of a task."""
    user = await add_user(sessions)
    goal = await in_a_session(sessions, lambda db: goals.create_goal(db, GoalCreateDTO(user_id=user.id, title="Run")))
    return {"user_id": user.id, "goal_id": goal.id}


@pytest.fixture
async def db(sessions: SessionFactory) -> AsyncIterator[Session]:
    async with sessions() as opened:
        yield opened


# What a caller gives.


def test_a_dto_takes_the_words_of_either_contract() -> None:
    ids: dict[str, Any] = {"user_id": uuid4(), "goal_id": uuid4()}
    newer = TaskCreateDTO(**ids, title="Run", status=TaskStatus.DONE, scheduled_at=NINE, trigger_type=TriggerType.LOCATION)
    older = TaskCreateDTO(**ids, title="Run", state=TaskState.COMPLETED, start_time=NINE, trigger_type=TriggerType.ON_LEAVING_HOME)
    assert (newer.status, older.state) == ("done", "completed")


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"state": "scheduled", "status": "pending"}, "state, status: These are not words of one contract"),
        ({"start_time": NINE, "duration_minutes": 30}, "start_time, duration_minutes: These are not words of one contract"),
        ({"state": "scheduled", "trigger_type": "location"}, "trigger_type: Input should be 'time' or 'on_leaving_home'"),
        ({"status": "pending", "trigger_type": "on_leaving_home"}, "trigger_type: Input should be 'time' or 'location'"),
        ({"state": "scheduled", "goal_id": None}, "goal_id: "),
        ({"status": "scheduled"}, "Input should be 'pending'"),
        ({"mood": "good"}, "mood"),
    ],
)
def test_a_dto_refuses_what_is_of_no_contract(fields: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError) as refused:
        TaskCreateDTO(**{"user_id": uuid4(), "goal_id": uuid4(), "title": "Run", **fields})
    assert said in str(refused.value)


def test_the_tasks_of_a_structure_are_of_one_contract() -> None:
    older, newer = TaskStructureDTO(title="Run", state=TaskState.DRIFTED), TaskStructureDTO(title="Rest", status=TaskStatus.PENDING)
    milestones = [MilestoneStructureDTO(week_number=week, title="Week", tasks=[each]) for week, each in ((1, older), (2, newer))]
    with pytest.raises(ValidationError, match=r"milestones\[0\].tasks\[0\].state, milestones\[1\].tasks\[0\].status: These are"):
        GoalStructureCreateDTO(goal=GoalCreateDTO(user_id=uuid4(), title="Run"), milestones=milestones)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"context_type": "goal"}, "langgraph_thread_id: This field is required."),
        ({}, "langgraph_thread_id: This field is required."),
    ],
)
def test_a_conversation_of_neither_contract_gets_the_problems_of_1_2(fields: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError) as refused:
        ConversationCreateDTO(user_id=uuid4(), **fields)
    assert said in str(refused.value)


async def test_a_mix_that_was_made_later_is_refused_by_the_call(db: Session, owner: dict[str, Any]) -> None:
    dto = TaskCreateDTO(**owner, title="Run", state=TaskState.DRIFTED)
    dto.description = "Slowly"
    with pytest.raises(InvalidError) as refused:
        await tasks.create_task(db, dto)
    assert {problem["field"] for problem in refused.value.errors} == {"state", "description"}


async def test_arguments_are_of_one_contract(db: Session, owner: dict[str, UUID]) -> None:
    untyped: Any = tasks
    for call, fields in (
        (untyped.list_tasks(db, status="pending", state="scheduled"), {"status", "state"}),
        (untyped.bulk_update_state(db, [uuid4()], new_status="done", new_state="completed"), {"new_status", "new_state"}),
        (untyped.bulk_update_state(db, [uuid4()]), {"new_status"}),
        (untyped.bulk_update_state(db, [uuid4()], new_state="done"), {"new_state"}),
        (untyped.get_tasks_by_timerange(db, owner["user_id"], start_at=NINE, end_time=NINE), {"start_at", "end_time"}),
        (untyped.get_tasks_by_timerange(db, owner["user_id"], start_time=NINE), {"end_time"}),
    ):
        with pytest.raises(InvalidError) as refused:
            await call
        assert {problem["field"] for problem in refused.value.errors} == fields


# What a caller gets.


@pytest.mark.parametrize("words", [{"state": "drifted", "start_time": NINE}, {"status": "rescheduled", "scheduled_at": NINE}, {}])
async def test_a_task_has_what_both_contracts_answer_over_http(
    sessions: SessionFactory,
    owner: dict[str, Any],
    client_1_0: httpx.AsyncClient,
    client_1_2: httpx.AsyncClient,
    words: dict[str, Any],
) -> None:
    task = await in_a_session(sessions, lambda db: tasks.create_task(db, TaskCreateDTO(**owner, title="Run", **words)))
    rows = [(await client.get(f"/api/v1/tasks/{task.id}")).json() for client in (client_1_0, client_1_2)]
    both = rows[0] | rows[1]
    assert task == type(task).model_validate_json(httpx.Response(200, json=both).content)
    assert task.model_fields_set == both.keys()


async def test_every_way_to_read_a_task_has_the_words_of_both(db: Session, owner: dict[str, Any]) -> None:
    made = await tasks.create_task(db, TaskCreateDTO(**owner, title="Run", start_time=NINE, end_time=NINE + HOUR))
    assert (made.scheduled_at, made.duration_minutes, made.status) == (NINE, 60, "pending")
    listed = (await tasks.list_tasks(db, user_id=owner["user_id"])).items
    ranges = [
        await tasks.get_tasks_by_timerange(db, owner["user_id"], NINE, NINE),
        await tasks.get_tasks_by_timerange(db, owner["user_id"], start_time=NINE, end_time=NINE),
    ]
    within = (await goals.get_goal_with_structure(db, owner["goal_id"])).tasks
    assert [listed, *ranges, within] == [[made]] * 4
    assert await tasks.get_task(db, made.id) == made
    linked = await tasks.set_calendar_event(db, made.id, calendar_event_id="event")
    assert (linked.state, linked.status) == ("scheduled", "pending")
    unchanged = await tasks.update_task(db, made.id, TaskUpdateDTO())
    assert unchanged == linked


async def test_a_field_of_both_contracts_is_in_the_words_of_the_call(db: Session, owner: dict[str, Any]) -> None:
    made = await tasks.create_task(db, TaskCreateDTO(**owner, title="Run", trigger_type=TriggerType.ON_LEAVING_HOME))
    assert made.trigger_type is TriggerType.ON_LEAVING_HOME
    assert (await tasks.get_task(db, made.id)).trigger_type is TriggerType.LOCATION
    older = await tasks.list_tasks(db, trigger_type=TriggerType.ON_LEAVING_HOME, user_id=owner["user_id"])
    assert [each.trigger_type for each in older.items] == [TriggerType.ON_LEAVING_HOME]


async def test_a_status_that_1_0_has_no_word_for_survives(db: Session, owner: dict[str, Any]) -> None:
    made = await tasks.create_task(db, TaskCreateDTO(**owner, title="Run", status=TaskStatus.CANCELLED))
    assert made.state is TaskState.MISSED
    moved = await tasks.update_task(db, made.id, TaskUpdateDTO(start_time=NINE))
    assert (moved.status, moved.state, moved.scheduled_at) == ("cancelled", "missed", NINE)


async def test_a_row_that_is_not_there_is_not_found_in_any_words(db: Session) -> None:
    for changes in (TaskUpdateDTO(state=TaskState.MISSED), TaskUpdateDTO(status=TaskStatus.MISSED), TaskUpdateDTO()):
        with pytest.raises(NotFoundError):
            await tasks.update_task(db, uuid4(), changes)
    with pytest.raises(NotFoundError):
        await goals.get_goal_with_structure(db, uuid4())


async def test_each_call_is_one_statement(db: Session, owner: dict[str, Any]) -> None:
    statements: list[str] = []
    async with db.connection() as connection:
        connection.add_query_logger(lambda record: statements.append(record.query))
    structure = GoalStructureCreateDTO(
        goal=GoalCreateDTO(user_id=owner["user_id"], title="Read"),
        milestones=[
            MilestoneStructureDTO(week_number=1, title="One", tasks=[TaskStructureDTO(title="Page", state=TaskState.DRIFTED)])
        ],
    )
    made = await tasks.create_task(db, TaskCreateDTO(**owner, title="Run", state=TaskState.DRIFTED))
    await tasks.create_task(db, TaskCreateDTO(**owner, title="Run", status=TaskStatus.DONE))
    await tasks.update_task(db, made.id, TaskUpdateDTO(start_time=NINE))
    await tasks.get_task(db, made.id)
    await tasks.list_tasks(db, user_id=owner["user_id"])
    await tasks.get_task_statistics(db, owner["user_id"], NINE, NINE)
    await goals.create_goal_with_structure(db, structure)
    await conversations.create_conversation(db, ConversationCreateDTO(**owner))
    await db.rollback()
    assert len([each for each in statements if each != "rollback"]) == 8
