"""Every operation of both contracts can be called from Python, and returns DTOs."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from dao_service.contracts import CONTRACTS, DEFAULT_CONTRACT
from dao_service.core.database import DatabaseSession, SessionFactory
from dao_service.dao import dao_registry
from dao_service.errors import DataServiceError, NotFoundError
from dao_service.in_process import calls
from dao_service.repositories.dao_unit_of_work import DaoUnitOfWork
from dao_service.schemas import (
    conversation,
    demo_flags,
    dispatch,
    enums,
    goal,
    message,
    milestone,
    notification_log,
    pattern,
    task,
    user,
)
from dao_service.schemas.enums import ContextType, GoalStatus, MessageRole, NotificationChannel, ReportedOutcome, TaskStatus
from dao_service.schemas.pagination import PaginatedResponse
from dao_service.services.dao_conversation_service import DaoConversationService
from dao_service.services.dao_demo_flags_service import DaoDemoFlagsService
from dao_service.services.dao_dispatch_service import DaoDispatchService
from dao_service.services.dao_goal_service import DaoGoalService
from dao_service.services.dao_message_service import DaoMessageService
from dao_service.services.dao_milestone_service import DaoMilestoneService
from dao_service.services.dao_notification_log_service import DaoNotificationLogService
from dao_service.services.dao_pattern_service import DaoPatternService
from dao_service.services.dao_task_service import DaoTaskService
from dao_service.services.dao_user_service import DaoUserService
from generator.names import singular
from tests.locks import Database
from tests.owners import sign_up

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
Called = set[tuple[str, str, str]]
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def called(monkeypatch: pytest.MonkeyPatch) -> Called:
    """The operations that are called, as contract, method and path."""
    found: Called = set()

    def read(offer: Any, *values: Any) -> Any:
        answer = read_one(offer, *values)
        [contract] = [name for name, contract in CONTRACTS.items() if contract.schema == offer.schema]
        found.add((contract, offer.operation.method, offer.operation.path))
        return answer

    read_one = calls._read
    monkeypatch.setattr(calls, "_read", read)
    return found


def operations(contract: str) -> Called:
    return {(contract, operation.method, operation.path) for operation in CONTRACTS[contract].operations}


async def test_every_operation_of_contract_1_2_is_available(sessions: SessionFactory, called: Called, database: Database) -> None:
    users, goals, tasks, milestones = DaoUserService(), DaoGoalService(), DaoTaskService(), DaoMilestoneService()
    async with sessions() as db:
        ada = await users.create_user(db, user.UserCreateDTO(email=f"{uuid4().hex}@example.com"))
        assert isinstance(ada, user.UserDTO)
        assert await users.get_user(db, ada.id) == ada
        assert isinstance(await users.list_users(db, skip=0, limit=1), PaginatedResponse)
        assert (await users.update_user(db, ada.id, user.UserUpdateDTO(onboarded=True))).onboarded
        account = uuid4()
        await sign_up(database, str(account))
        assert (await users.link_sign_in(db, ada.id, account)).email == f"{account}@example.com"

        run = await goals.create_goal(db, goal.GoalCreateDTO(user_id=ada.id, title="Run", class_tags=["health"]))
        assert await goals.get_goal(db, run.id) == run
        assert (await goals.update_goal(db, run.id, goal.GoalUpdateDTO(status=GoalStatus.PIPELINE))).status == "pipeline"
        assert [each.id for each in (await goals.list_goals(db, user_id=ada.id, status=GoalStatus.PIPELINE)).items] == [run.id]
        structure = goal.GoalStructureCreateDTO(
            goal=goal.GoalCreateDTO(user_id=ada.id, title="Read"),
            milestones=[goal.MilestoneStructureDTO(week_number=1, title="One", tasks=[goal.TaskStructureDTO(title="Page 1")])],
        )
        full = await goals.create_goal_with_structure(db, structure)
        assert isinstance(full, goal.GoalFullDTO)
        assert await goals.get_goal_with_structure(db, full.id) == full
        assert full.tasks[0].milestone_id == full.milestones[0].id

        week = await milestones.create_milestone(db, milestone.MilestoneCreateDTO(goal_id=run.id, week_number=2, title="Two"))
        assert await milestones.get_milestone(db, week.id) == week
        assert (await milestones.update_milestone(db, week.id, milestone.MilestoneUpdateDTO(title="2"))).title == "2"
        assert (await milestones.list_milestones(db, goal_id=run.id)).total == 1

        jog = await tasks.create_task(db, task.TaskCreateDTO(user_id=ada.id, goal_id=run.id, title="Jog", scheduled_at=NOON))
        assert await tasks.get_task(db, jog.id) == jog
        assert (await tasks.update_task(db, jog.id, task.TaskUpdateDTO(duration_minutes=30))).duration_minutes == 30
        assert (await tasks.set_calendar_event(db, jog.id, calendar_event_id="event")).calendar_event_id == "event"
        assert (await tasks.set_calendar_event(db, jog.id, calendar_event_id=None)).calendar_event_id is None
        statuses = [TaskStatus.PENDING, TaskStatus.DONE]
        several = await tasks.list_tasks(db, user_id=ada.id, status=statuses, scheduled_from=NOON, scheduled_before=NOON + HOUR)
        assert [each.id for each in several.items] == [jog.id]
        assert [each.id for each in (await tasks.list_tasks(db, goal_id=run.id)).items] == [jog.id]
        window = {"start_at": NOON, "end_at": NOON + HOUR}
        assert [each.id for each in await tasks.get_tasks_by_user_and_timerange(db, user_id=ada.id, **window)] == [jog.id]
        assert await tasks.bulk_update_state(db, task_ids=[jog.id, jog.id, uuid4()], new_status=TaskStatus.DONE) == 1
        statistics = await tasks.get_task_statistics(db, user_id=ada.id, start_date=NOON - 999 * DAY, end_date=NOON + 999 * DAY)
        assert isinstance(statistics, task.TaskStatisticsDTO)
        assert (statistics.total_tasks, statistics.by_status["done"], statistics.completion_rate) == (2, 1, 0.5)

        threads, messages = DaoConversationService(), DaoMessageService()
        thread = await threads.create_conversation(
            db, conversation.ConversationCreateDTO(user_id=ada.id, langgraph_thread_id=uuid4().hex, context_type=ContextType.VOICE)
        )
        hello = await messages.create_message(
            db, message.MessageCreateDTO(conversation_id=thread.id, role=MessageRole.USER, content="Hello", metadata={"n": 1})
        )
        assert await messages.get_message(db, hello.id) == hello
        assert await messages.list_messages(db, thread.id) == [hello]
        await messages.delete_message(db, hello.id)
        assert await messages.list_messages(db, conversation_id=thread.id) == []
        ended = conversation.ConversationFunctionUpdateDTO(extracted_intent="run", duration_seconds=5, linked_goal_id=run.id)
        assert (await threads.close_voice_session(db, thread.id, ended)).linked_goal_id == run.id
        assert (await threads.get_conversation(db, thread.id)).duration_seconds == 5
        changes = conversation.ConversationUpdateDTO(voice_session_id="s")
        assert (await threads.update_conversation(db, thread.id, changes)).voice_session_id == "s"
        assert (await threads.list_conversations(db, user_id=ada.id)).total == 1

        two = [conversation.AppendMessagesMessageDTO(role=MessageRole.USER, content=each) for each in "ab"]
        appended = await threads.append_messages(db, thread.id, messages=two, title_if_empty="Chat")
        assert await messages.list_messages(db, thread.id, limit=1) == appended[1:]
        latest = await threads.list_conversations(db, user_id=ada.id, order="last_message")
        assert [each.title for each in latest.items] == ["Chat"]

        habits, log, flags = DaoPatternService(), DaoNotificationLogService(), DaoDemoFlagsService()
        habit = await habits.create_pattern(db, pattern.PatternCreateDTO(user_id=ada.id, confidence=0.5))
        assert await habits.get_pattern(db, habit.id) == habit
        assert (await habits.update_pattern(db, habit.id, pattern.PatternUpdateDTO(confidence=1))).confidence == 1
        assert (await habits.list_patterns(db, user_id=ada.id)).total == 1
        sent = await log.create_notification_log(
            db, notification_log.NotificationLogCreateDTO(task_id=jog.id, channel=NotificationChannel.PUSH)
        )
        assert await log.get_notification_log(db, sent.id) == sent
        answered = notification_log.NotificationLogUpdateDTO(response="ok")
        assert (await log.update_notification_log(db, sent.id, answered)).response == "ok"
        assert (await log.list_notification_log(db, task_id=jog.id, channel=NotificationChannel.PUSH)).total == 1
        fast = await flags.put_demo_flags(db, ada.id, escalation_speed=10)
        assert await flags.get_demo_flags(db, ada.id) == fast
        assert (await flags.put(db, ada.id)).escalation_speed == 1
        assert isinstance(fast, demo_flags.DemoFlagsDTO)

        kept = pattern.PutPatternPatternDTO(user_id=ada.id, pattern_type="time", pattern_key="runs", description="Early")
        assert (await habits.put_pattern(db, kept)).pattern_key == "runs"

        await _deliver(db, ada, run)
        assert (await goals.advance_goal(db, run.id, expected_status=GoalStatus.PIPELINE)).activated is None
        with pytest.raises(DataServiceError):  # there is no such account
            async with DaoUnitOfWork(db):
                await users.link_sign_in(db, ada.id, uuid4())
        exported = await users.export_user(db, ada.id)
        assert {each.id for each in exported.goals} == {run.id, full.id}

        await log.delete_notification_log(db, sent.id)
        await habits.delete_pattern(db, habit.id)
        await tasks.delete_task(db, jog.id)
        await milestones.delete_milestone(db, week.id)
        await goals.delete_goal(db, run.id)
        await users.delete_user(db, ada.id)
        for get in (users.get_user, flags.get_demo_flags):
            with pytest.raises(NotFoundError):
                await get(db, ada.id)
    assert called == operations("1.2")


async def _deliver(db: DatabaseSession, ada: user.UserDTO, run: goal.GoalDTO) -> None:
    """A recurring task: its delivery is sent and answered, it is moved and finished, and counted."""
    tasks, log, dispatches = DaoTaskService(), DaoNotificationLogService(), DaoDispatchService()
    swim = await tasks.create_task(db, task.TaskCreateDTO(user_id=ada.id, goal_id=run.id, title="Swim", scheduled_at=NOON))
    push = dispatch.DispatchPlanDTO(task_id=swim.id, channel=NotificationChannel.PUSH, dedupe_key="p", due_at=NOON)
    call = dispatch.DispatchPlanDTO(task_id=swim.id, channel=NotificationChannel.CALL, dedupe_key="c", due_at=NOON + 9999 * DAY)
    assert await dispatches.schedule_dispatches(db, dispatches=[push, call]) == 2
    [claimed] = [each for each in await dispatches.claim_dispatches(db, worker="w", limit=100) if each.task_id == swim.id]
    assert claimed.task.title == "Swim"
    assert (await dispatches.start_dispatch(db, claimed.id, attempt=1)).started_at
    assert (await dispatches.extend_dispatch(db, claimed.id, attempt=1, lease_seconds=9)).attempt == 1
    external = uuid4().hex
    sent = await dispatches.finish_dispatch(db, claimed.id, attempt=1, outcome=ReportedOutcome.SENT, external_id=external)
    assert await dispatches.get_dispatch(db, claimed.id) == sent
    assert (await dispatches.list_dispatches(db, task_id=swim.id, outcome="none")).total == 1
    assert await dispatches.cancel_dispatches(db, task_id=swim.id) == 1
    push_channel = NotificationChannel.PUSH
    answer = await log.record_response(db, channel=push_channel, external_id=external, response_id=external, response="ok")
    assert answer.result == "recorded"
    moved = await tasks.move_task(db, swim.id, scheduled_at=NOON + HOUR, expected_scheduled_at=NOON)
    assert (moved.scheduled_at, moved.reminder_sent_at) == (NOON + HOUR, None)
    following = task.FinishTaskNextDTO(scheduled_at=NOON + DAY, occurrence_at=NOON + DAY)
    finished = await tasks.finish_task(db, swim.id, new_status=TaskStatus.DONE, next=following)
    assert finished.next is not None
    assert finished.next.series_id == swim.id
    weeks = await tasks.get_weekly_statistics(db, user_id=ada.id, weeks=2, until=NOON)
    assert [each.total_tasks for each in weeks] == [2, 0]
    assert (await tasks.get_daily_statistics(db, user_id=ada.id, days=1, until=NOON))[0].by_status["done"] == 2
    assert (await tasks.get_streak(db, user_id=ada.id, until=NOON)).current == 1
    tags = await tasks.get_statistics_by_tag(db, user_id=ada.id, start_at=NOON, end_at=NOON + HOUR)
    assert [(each.tag, each.total_tasks) for each in tags] == [("health", 2)]
    assert (await DaoGoalService().get_goal_progress(db, run.id, until=NOON + DAY)).total_tasks == 3


async def test_the_words_of_contract_1_0_call_its_operations(sessions: SessionFactory, called: Called) -> None:
    """Calls without a word of one contract alone are calls of contract 1.2."""
    users, goals, tasks, threads = DaoUserService(), DaoGoalService(), DaoTaskService(), DaoConversationService()
    async with sessions() as db:
        ada = await users.create_user(db, user.UserCreateDTO(name="Ada", email=f"{uuid4().hex}@example.com"))
        run = await goals.create_goal(db, goal.GoalCreateDTO(user_id=ada.id, title="Run", category="health", timeline="8 weeks"))
        structure = goal.GoalStructureCreateDTO(
            goal=goal.GoalCreateDTO(user_id=ada.id, title="Read"),
            milestones=[
                goal.MilestoneStructureDTO(
                    week_number=1, title="One", tasks=[goal.TaskStructureDTO(title="Page 1", state=enums.TaskState.DRIFTED)]
                )
            ],
        )
        full = await goals.create_goal_with_structure(db, structure)
        assert isinstance(full, goal.GoalFullDTO)
        assert (full.tasks[0].state, full.tasks[0].status) == ("drifted", "rescheduled")
        assert await goals.get_with_structure(db, full.id) == full

        dto = task.TaskCreateDTO(user_id=ada.id, goal_id=run.id, title="Jog", start_time=NOON, end_time=NOON + HOUR)
        jog = await tasks.create_task(db, dto)
        assert await tasks.get_task(db, jog.id) == jog
        assert (await tasks.update_task(db, jog.id, task.TaskUpdateDTO(state=enums.TaskState.MISSED))).status == "missed"
        assert (await tasks.list_tasks(db, state=enums.TaskState.MISSED, goal_id=run.id)).items[0].end_time == NOON + HOUR
        window = {"start_time": NOON, "end_time": NOON + HOUR}
        assert [each.id for each in await tasks.get_tasks_by_user_and_timerange(db, user_id=ada.id, **window)] == [jog.id]
        assert await tasks.bulk_update_state(db, task_ids=[jog.id], new_state=enums.TaskState.COMPLETED) == 1
        statistics = await tasks.get_task_statistics(db, user_id=ada.id, start_date=NOON - 999 * DAY, end_date=NOON + 999 * DAY)
        assert (statistics.by_state["completed"], statistics.by_status["done"]) == (1, 1)

        said = [{"role": "user", "content": "Hello"}]
        thread = await threads.create_conversation(
            db, conversation.ConversationCreateDTO(user_id=ada.id, goal_id=run.id, messages=said)
        )
        assert await threads.get_conversation(db, thread.id) == thread
        assert (thread.messages, thread.langgraph_thread_id) == (said, f"legacy-{thread.id}")
    assert {(method, path) for contract, method, path in called if contract == "1.0"} == {
        ("POST", "/goals/with-structure"),
        ("POST", "/tasks/"),
        ("PATCH", "/tasks/{task_id}"),
        ("GET", "/tasks/"),
        ("GET", "/tasks/by-timerange"),
        ("POST", "/tasks/bulk-update-state"),
        ("POST", "/conversations/"),
    }


async def test_lists_can_be_paged_by_number_or_cursor(sessions: SessionFactory) -> None:
    goals = dao_registry.get_goal_dao()
    async with sessions() as db:
        ada = await dao_registry.get_user_dao().create(db, user.UserCreateDTO(email=f"{uuid4().hex}@example.com"))
        made = [await goals.create(db, goal.GoalCreateDTO(user_id=ada.id, title=str(number))) for number in range(3)]
        first = await goals.get_all(db, 0, 2, user_id=ada.id)
        by_number = await goals.get_all(db, skip=2, limit=2, user_id=ada.id)
        assert isinstance(first.next_cursor, str)
        by_cursor = await goals.get_all(db, limit=2, after=first.next_cursor, user_id=ada.id)
    assert {each.id for each in first.items + by_number.items} == {each.id for each in made}
    assert by_cursor.items == by_number.items
    assert (first.total, first.has_next, by_number.has_next) == (3, True, False)


def test_every_operation_has_a_method_of_its_name() -> None:
    for operation in CONTRACTS[DEFAULT_CONTRACT].operations:
        dao = getattr(dao_registry, f"get_{singular(operation.resource.replace('-', '_'))}_dao")()
        assert callable(getattr(dao, operation.name))
