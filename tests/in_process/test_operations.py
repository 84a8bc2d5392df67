"""Every operation of both contracts can be called from Python, and returns DTOs."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from dao_service.contracts import CONTRACTS, Contract
from dao_service.core.database import SessionFactory
from dao_service.dao import dao_registry
from dao_service.errors import NotFoundError
from dao_service.gateway.protocol import Gateway
from dao_service.in_process import calls, dao
from dao_service.operations import Operation
from dao_service.schemas import conversation, demo_flags, goal, message, milestone, notification_log, pattern, task, user
from dao_service.schemas.enums import ContextType, GoalStatus, MessageRole, NotificationChannel, TaskStatus
from dao_service.schemas.pagination import PaginatedResponse
from dao_service.services.dao_conversation_service import DaoConversationService
from dao_service.services.dao_demo_flags_service import DaoDemoFlagsService
from dao_service.services.dao_goal_service import DaoGoalService
from dao_service.services.dao_message_service import DaoMessageService
from dao_service.services.dao_milestone_service import DaoMilestoneService
from dao_service.services.dao_notification_log_service import DaoNotificationLogService
from dao_service.services.dao_pattern_service import DaoPatternService
from dao_service.services.dao_task_service import DaoTaskService
from dao_service.services.dao_user_service import DaoUserService
from dao_service.v1_0.dao import dao_registry as dao_registry_1_0
from dao_service.v1_0.schemas import conversation as conversation_1_0
from dao_service.v1_0.schemas import demo_flags as demo_flags_1_0
from dao_service.v1_0.schemas import enums as enums_1_0
from dao_service.v1_0.schemas import goal as goal_1_0
from dao_service.v1_0.schemas import milestone as milestone_1_0
from dao_service.v1_0.schemas import pagination as pagination_1_0
from dao_service.v1_0.schemas import task as task_1_0
from dao_service.v1_0.schemas import user as user_1_0
from dao_service.v1_0.services.dao_conversation_service import DaoConversationService as DaoConversationService1_0
from dao_service.v1_0.services.dao_demo_flags_service import DaoDemoFlagsService as DaoDemoFlagsService1_0
from dao_service.v1_0.services.dao_goal_service import DaoGoalService as DaoGoalService1_0
from dao_service.v1_0.services.dao_milestone_service import DaoMilestoneService as DaoMilestoneService1_0
from dao_service.v1_0.services.dao_task_service import DaoTaskService as DaoTaskService1_0
from dao_service.v1_0.services.dao_user_service import DaoUserService as DaoUserService1_0

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def called(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Names of the operations that were called."""
    names: set[str] = set()

    async def call(gateway: Gateway, operation: Operation, **values: Any) -> Any:
        names.add(operation.name)
        return await calls.call(gateway, operation, **values)

    monkeypatch.setattr(dao, "call", call)
    return names


def operations(contract: Contract) -> set[str]:
    return {operation.name for operation in contract.operations}


async def test_every_operation_of_contract_1_2_is_available(sessions: SessionFactory, called: set[str]) -> None:
    users, goals, tasks, milestones = DaoUserService(), DaoGoalService(), DaoTaskService(), DaoMilestoneService()
    async with sessions() as db:
        ada = await users.create_user(db, user.UserCreateDTO(email=f"{uuid4().hex}@example.com"))
        assert isinstance(ada, user.UserDTO)
        assert await users.get_user(db, ada.id) == ada
        assert isinstance(await users.list_users(db, skip=0, limit=1), PaginatedResponse)
        assert (await users.update_user(db, ada.id, user.UserUpdateDTO(onboarded=True))).onboarded

        run = await goals.create_goal(db, goal.GoalCreateDTO(user_id=ada.id, title="Run", class_tags=["health"]))
        assert await goals.get_goal(db, run.id) == run
        assert (await goals.update_goal(db, run.id, goal.GoalUpdateDTO(status=GoalStatus.PIPELINE))).status == "pipeline"
        assert [each.id for each in (await goals.list_goals(db, user_id=ada.id, status="pipeline")).items] == [run.id]
        structure = goal.GoalStructureCreateDTO(
            goal=goal.GoalCreateDTO(user_id=ada.id, title="Read"),
            milestones=[goal.MilestoneStructureDTO(week_number=1, title="One", tasks=[goal.TaskStructureDTO(title="Page 1")])],
        )
        full = await goals.create_goal_with_structure(db, structure)
        assert isinstance(full, goal.GoalFullDTO)
        assert await goals.get_goal_full(db, full.id) == full
        assert full.tasks[0].milestone_id == full.milestones[0].id

        week = await milestones.create_milestone(db, milestone.MilestoneCreateDTO(goal_id=run.id, week_number=2, title="Two"))
        assert await milestones.get_milestone(db, week.id) == week
        assert (await milestones.update_milestone(db, week.id, milestone.MilestoneUpdateDTO(title="2"))).title == "2"
        assert (await milestones.list_milestones(db, goal_id=run.id)).total == 1

        jog = await tasks.create_task(db, task.TaskCreateDTO(user_id=ada.id, goal_id=run.id, title="Jog", scheduled_at=NOON))
        assert await tasks.get_task(db, jog.id) == jog
        assert (await tasks.update_task(db, jog.id, task.TaskUpdateDTO(duration_minutes=30))).duration_minutes == 30
        assert (await tasks.set_calendar_event(db, jog.id, "event")).calendar_event_id == "event"
        assert (await tasks.set_calendar_event(db, jog.id, None)).calendar_event_id is None
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
        assert await messages.list_by_conversation(db, conversation_id=thread.id) == []
        ended = conversation.ConversationVoiceUpdateDTO(extracted_intent="run", duration_seconds=5, linked_goal_id=run.id)
        assert (await threads.close_voice_session(db, thread.id, ended)).linked_goal_id == run.id
        assert (await threads.get_conversation(db, thread.id)).duration_seconds == 5
        changes = conversation.ConversationUpdateDTO(voice_session_id="s")
        assert (await threads.update_conversation(db, thread.id, changes)).voice_session_id == "s"
        assert (await threads.list_conversations(db, user_id=ada.id)).total == 1

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
        assert (await log.list_notification_logs(db, task_id=jog.id, channel=NotificationChannel.PUSH)).total == 1
        fast = await flags.put_demo_flags(db, demo_flags.DemoFlagsCreateDTO(user_id=ada.id, escalation_speed=10))
        assert await flags.get_demo_flags(db, ada.id) == fast
        assert (await flags.put(db, demo_flags.DemoFlagsCreateDTO(user_id=ada.id))).escalation_speed == 1

        await log.delete_notification_log(db, sent.id)
        await habits.delete_pattern(db, habit.id)
        await tasks.delete_task(db, jog.id)
        await milestones.delete_milestone(db, week.id)
        await goals.delete_goal(db, run.id)
        await users.delete_user(db, ada.id)
        for get in (users.get_user, flags.get):
            with pytest.raises(NotFoundError):
                await get(db, ada.id)
    assert called == operations(CONTRACTS["1.2"])


async def test_every_operation_of_contract_1_0_is_available(sessions: SessionFactory, called: set[str]) -> None:
    users, goals, tasks, milestones = DaoUserService1_0(), DaoGoalService1_0(), DaoTaskService1_0(), DaoMilestoneService1_0()
    async with sessions() as db:
        ada = await users.create_user(db, user_1_0.UserCreateDTO(name="Ada", email=f"{uuid4().hex}@example.com"))
        assert isinstance(ada, user_1_0.UserDTO)
        assert await users.get_user(db, ada.id) == ada
        assert isinstance(await users.list_users(db, limit=1), pagination_1_0.PaginatedResponse)
        assert (await users.update_user(db, ada.id, user_1_0.UserUpdateDTO(demo_mode=True))).demo_mode

        run = await goals.create_goal(db, goal_1_0.GoalCreateDTO(user_id=ada.id, title="Run", category="health"))
        assert await goals.get_goal(db, run.id) == run
        assert (await goals.update_goal(db, run.id, goal_1_0.GoalUpdateDTO(timeline="8 weeks"))).timeline == "8 weeks"
        assert (await goals.list_goals(db, user_id=ada.id)).total == 1
        structure = goal_1_0.GoalStructureCreateDTO(
            goal=goal_1_0.GoalCreateDTO(user_id=ada.id, title="Read"),
            milestones=[
                goal_1_0.MilestoneStructureDTO(week_number=1, title="One", tasks=[goal_1_0.TaskStructureDTO(title="Page 1")])
            ],
        )
        full = await goals.create_goal_with_structure(db, structure)
        assert isinstance(full, goal_1_0.GoalFullDTO)
        assert await goals.get_full(db, full.id) == full

        week = await milestones.create_milestone(db, milestone_1_0.MilestoneCreateDTO(goal_id=run.id, week_number=2, title="Two"))
        assert await milestones.get_milestone(db, week.id) == week
        assert (await milestones.update_milestone(db, week.id, milestone_1_0.MilestoneUpdateDTO(title="2"))).title == "2"
        assert (await milestones.list_milestones(db, goal_id=run.id)).total == 1

        jog = await tasks.create_task(
            db, task_1_0.TaskCreateDTO(user_id=ada.id, goal_id=run.id, title="Jog", start_time=NOON, end_time=NOON + HOUR)
        )
        assert await tasks.get_task(db, jog.id) == jog
        assert (await tasks.update_task(db, jog.id, task_1_0.TaskUpdateDTO(is_recurring=True))).is_recurring
        assert (await tasks.set_calendar_event(db, jog.id, "event")).calendar_event_id == "event"
        assert (await tasks.list_tasks(db, state="scheduled", goal_id=run.id)).total == 1
        window = {"start_time": NOON, "end_time": NOON + HOUR}
        assert [each.id for each in await tasks.get_tasks_by_user_and_timerange(db, user_id=ada.id, **window)] == [jog.id]
        assert await tasks.bulk_update_state(db, task_ids=[jog.id], new_state=enums_1_0.TaskState.COMPLETED) == 1
        statistics = await tasks.get_task_statistics(db, user_id=ada.id, start_date=NOON - 999 * DAY, end_date=NOON + 999 * DAY)
        assert isinstance(statistics, task_1_0.TaskStatisticsDTO)
        assert statistics.by_state["completed"] == 1

        threads, flags = DaoConversationService1_0(), DaoDemoFlagsService1_0()
        said = [{"role": "user", "content": "Hello"}]
        thread = await threads.create_conversation(
            db, conversation_1_0.ConversationCreateDTO(user_id=ada.id, goal_id=run.id, messages=said)
        )
        assert await threads.get_conversation(db, thread.id) == thread
        closed = conversation_1_0.ConversationUpdateDTO(status="closed")
        assert (await threads.update_conversation(db, thread.id, closed)).status == "closed"
        assert (await threads.list_conversations(db, goal_id=run.id)).items[0].messages == said
        fast = await flags.put_demo_flags(db, demo_flags_1_0.DemoFlagsCreateDTO(user_id=ada.id, escalation_speed=10))
        assert await flags.get_demo_flags(db, ada.id) == fast

        await tasks.delete_task(db, jog.id)
        await milestones.delete_milestone(db, week.id)
        await goals.delete_goal(db, run.id)
        await users.delete_user(db, ada.id)
    assert called == operations(CONTRACTS["1.0"])


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


def test_every_resource_has_a_dao_in_the_registry_of_its_contract() -> None:
    for contract, registry in ((CONTRACTS["1.2"], dao_registry), (CONTRACTS["1.0"], dao_registry_1_0)):
        made = {value().resource for name, value in vars(registry).items() if name.startswith("get_")}
        assert made == {operation.resource.replace("-", "_") for operation in contract.operations}
