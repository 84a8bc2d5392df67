"""`dao_service.client`: the calls for notifiers, chat, patterns, pipelines, statistics and export, each against the service."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from dao_service.client import FluxClient
from dao_service.errors import ConflictError, InvalidError
from dao_service.generated.contract_1_2 import (
    AppendMessagesMessage,
    ConversationCreate,
    DispatchPlan,
    FinishTaskNext,
    GoalCreate,
    Task,
    TaskCreate,
    UserCreate,
)
from dao_service.generated.vocabulary import (
    DispatchOutcome,
    GoalStatus,
    MessageRole,
    NotificationChannel,
    ReportedOutcome,
    ResponseResult,
    TaskStatus,
)
from tests.locks import Database
from tests.owners import sign_up

MONDAY = datetime(2026, 3, 2, 9, tzinfo=UTC)
WEEK = timedelta(weeks=1)


@pytest.fixture
async def flux(service_url: str) -> AsyncIterator[FluxClient]:
    async with FluxClient(service_url) as client:
        yield client


@pytest.fixture
async def user_id(flux: FluxClient) -> UUID:
    """A new user."""
    return (await flux.users.create(UserCreate(email=f"{uuid4().hex}@example.com"))).id


@pytest.fixture
async def task(flux: FluxClient, user_id: UUID) -> Task:
    goal = await flux.goals.create(GoalCreate(user_id=user_id, title="Run", class_tags=["health"]))
    return await flux.tasks.create(TaskCreate(user_id=user_id, goal_id=goal.id, title="Run 3 km", scheduled_at=MONDAY))


async def test_a_delivery_from_plan_to_answer(flux: FluxClient, task: Task, database: Database) -> None:
    await database.execute("update public.dispatches set outcome = 'cancelled' where outcome is null")
    plans = [
        DispatchPlan(task_id=task.id, channel=NotificationChannel.PUSH, dedupe_key=key, due_at=MONDAY)
        for key in ("first", "second")
    ]

    scheduled = await flux.dispatches.schedule_dispatches(dispatches=plans)
    [claimed] = await flux.dispatches.claim_dispatches(worker="w", limit=1)
    extended = await flux.dispatches.extend_dispatch(claimed.id, attempt=1, lease_seconds=600)
    started = await flux.dispatches.start_dispatch(claimed.id, attempt=1)
    sent = await flux.dispatches.finish_dispatch(
        claimed.id, attempt=1, outcome=ReportedOutcome.SENT, external_id=f"push {claimed.id}"
    )
    cancelled = await flux.dispatches.cancel_dispatches(task_id=task.id)
    answered = await flux.notification_log.record_response(
        channel=NotificationChannel.PUSH,
        external_id=f"push {claimed.id}",
        response_id=str(claimed.id),
        response="Done",
        new_status=TaskStatus.DONE,
    )

    assert (scheduled.scheduled_count, claimed.task.title, claimed.user.id) == (2, "Run 3 km", task.user_id)
    assert extended.lease_until is not None
    assert claimed.lease_until is not None
    assert extended.lease_until > claimed.lease_until
    assert (started.started_at is not None, sent.outcome, cancelled.cancelled_count) == (True, DispatchOutcome.SENT, 1)
    assert (answered.result, answered.task_status) == (ResponseResult.RECORDED, TaskStatus.DONE)
    with pytest.raises(ConflictError):
        await flux.dispatches.start_dispatch(claimed.id, attempt=1)


async def test_a_task_is_moved_finished_and_counted(flux: FluxClient, task: Task) -> None:
    user = task.user_id
    moved = await flux.tasks.move_task(task.id, scheduled_at=MONDAY + WEEK, expected_scheduled_at=MONDAY)
    finished = await flux.tasks.finish_task(
        task.id,
        new_status=TaskStatus.DONE,
        next=FinishTaskNext(scheduled_at=MONDAY + 2 * WEEK, occurrence_at=MONDAY + 2 * WEEK),
    )
    until = MONDAY + WEEK
    [week] = await flux.tasks.get_weekly_statistics(user_id=user, weeks=1, until=until)
    [day] = await flux.tasks.get_daily_statistics(user_id=user, days=1, until=until)
    streak = await flux.tasks.get_streak(user_id=user, until=until)
    [tag] = await flux.tasks.get_statistics_by_tag(user_id=user, start_at=MONDAY, end_at=MONDAY + 3 * WEEK)
    assert task.goal_id is not None
    progress = await flux.goals.get_progress(task.goal_id, until=until)

    assert (moved.scheduled_at, finished.task.status) == (MONDAY + WEEK, TaskStatus.DONE)
    assert finished.next is not None
    assert (finished.next.series_id, finished.next.status) == (task.id, TaskStatus.PENDING)
    assert (week.total_tasks, week.by_status["done"], day.completion_rate) == (1, 1, 1.0)
    assert (streak.current, streak.longest) == (1, 1)
    assert (tag.tag, tag.total_tasks) == ("health", 2)
    assert (progress.total_tasks, [each.total_tasks for each in progress.by_week]) == (2, [1])
    with pytest.raises(ConflictError):
        await flux.tasks.move_task(task.id, scheduled_at=MONDAY, expected_scheduled_at=MONDAY)


async def test_chat_patterns_and_pipelines(flux: FluxClient, task: Task) -> None:
    user = task.user_id
    conversation = await flux.conversations.create(ConversationCreate(user_id=user, langgraph_thread_id=uuid4().hex))
    messages = [AppendMessagesMessage(role=MessageRole.USER, content=text) for text in ("Hello", "Are you there?")]
    appended = await flux.conversations.append_messages(conversation.id, messages=messages, title_if_empty="Hello")
    newest = await flux.messages.list_messages(conversation_id=conversation.id, limit=1)
    page = await flux.conversations.page(user_id=user, order="last_message")
    put = [
        await flux.patterns.put(user_id=user, pattern_type="time", pattern_key="runs", confidence=confidence)
        for confidence in (0.5, 0.75)
    ]
    waiting = await flux.goals.create(GoalCreate(user_id=user, title="Swim", status=GoalStatus.PIPELINE))
    assert task.goal_id is not None
    advanced = await flux.goals.advance_goal(task.goal_id)

    assert [message.content for message in appended] == ["Hello", "Are you there?"]
    assert newest == appended[1:]
    assert [each.title for each in page.items] == ["Hello"]
    assert (put[0].id, put[1].confidence) == (put[1].id, 0.75)
    assert advanced.activated is not None
    assert (advanced.completed.id, advanced.activated.id) == (task.goal_id, waiting.id)
    with pytest.raises(InvalidError):
        await flux.conversations.append_messages(conversation.id, messages=[])


async def test_a_user_is_exported_and_given_a_sign_in(flux: FluxClient, task: Task, database: Database) -> None:
    account = uuid4()
    await sign_up(database, str(account))

    linked = await flux.users.link_sign_in(task.user_id, auth_user_id=account)
    export = await flux.users.export_user(task.user_id)

    assert export.auth_user_id == account
    assert (linked.id, linked.email) == (task.user_id, f"{account}@example.com")
    assert (export.user, [each.id for each in export.tasks], len(export.goals)) == (linked, [task.id], 1)
