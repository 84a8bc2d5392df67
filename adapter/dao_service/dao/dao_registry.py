"""The DAOs of contract 1.2. A DAO holds nothing, so its class is its factory."""

from collections.abc import Sequence
from datetime import datetime

from dao_service.contracts import CONTRACTS
from dao_service.gateway.protocol import Gateway
from dao_service.generated import contract_1_2 as v1_2
from dao_service.generated.vocabulary import TaskStatus
from dao_service.in_process import dao as resources
from dao_service.in_process.calls import Key

_OPERATIONS = {operation.name: operation for operation in CONTRACTS["1.2"].operations}


class UserDao(resources.Users[v1_2.User, v1_2.UserCreate, v1_2.UserUpdate]):
    operations = _OPERATIONS


class GoalDao(resources.Goals[v1_2.Goal, v1_2.GoalCreate, v1_2.GoalUpdate, v1_2.GoalFull, v1_2.GoalStructureCreate]):
    operations = _OPERATIONS


class MilestoneDao(resources.Milestones[v1_2.Milestone, v1_2.MilestoneCreate, v1_2.MilestoneUpdate]):
    operations = _OPERATIONS


class TaskDao(resources.Tasks[v1_2.Task, v1_2.TaskCreate, v1_2.TaskUpdate, v1_2.TaskStatistics]):
    operations = _OPERATIONS

    async def get_tasks_by_user_and_timerange(
        self, db: Gateway, user_id: Key, start_at: datetime, end_at: datetime
    ) -> list[v1_2.Task]:
        """All of the user's tasks with `scheduled_at` in [start_at, end_at], in its order."""
        return await self._in_timerange(db, user_id=user_id, start_at=start_at, end_at=end_at)

    async def bulk_update_state(self, db: Gateway, task_ids: Sequence[Key], new_status: TaskStatus | str) -> int:
        """Sets the status of up to 100 tasks; how many it found. A repeated id counts once."""
        return await self._bulk_update(db, "bulk_update_task_status", task_ids, new_status=new_status)


class ConversationDao(resources.Conversations[v1_2.Conversation, v1_2.ConversationCreate, v1_2.ConversationUpdate]):
    operations = _OPERATIONS

    async def close_voice_session(self, db: Gateway, key: Key, dto: v1_2.ConversationFunctionUpdate) -> v1_2.Conversation:
        """Writes what the conversation's voice session came to."""
        conversation: v1_2.Conversation = await self._call(db, "close_voice_session", key=key, body=dto)
        return conversation


class MessageDao(resources.Messages[v1_2.Message, v1_2.MessageCreate]):
    operations = _OPERATIONS


class PatternDao(resources.Patterns[v1_2.Pattern, v1_2.PatternCreate, v1_2.PatternUpdate]):
    operations = _OPERATIONS


class NotificationLogDao(resources.NotificationLog[v1_2.NotificationLog, v1_2.NotificationLogCreate, v1_2.NotificationLogUpdate]):
    operations = _OPERATIONS


class DemoFlagsDao(resources.DemoFlags[v1_2.DemoFlags, v1_2.DemoFlagsCreate]):
    operations = _OPERATIONS


get_user_dao = UserDao
get_goal_dao = GoalDao
get_milestone_dao = MilestoneDao
get_task_dao = TaskDao
get_conversation_dao = ConversationDao
get_message_dao = MessageDao
get_pattern_dao = PatternDao
get_notification_log_dao = NotificationLogDao
get_demo_flags_dao = DemoFlagsDao
