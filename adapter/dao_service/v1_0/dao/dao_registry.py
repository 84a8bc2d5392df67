"""The DAOs of contract 1.0. A DAO holds nothing, so its class is its factory."""

from collections.abc import Sequence
from datetime import datetime

from dao_service.contracts import CONTRACTS
from dao_service.gateway.protocol import Gateway
from dao_service.generated import contract_1_0 as v1_0
from dao_service.in_process import dao as resources
from dao_service.in_process.calls import Key

_OPERATIONS = {operation.name: operation for operation in CONTRACTS["1.0"].operations}


class UserDao(resources.Users[v1_0.User, v1_0.UserCreate, v1_0.UserUpdate]):
    operations = _OPERATIONS


class GoalDao(resources.Goals[v1_0.Goal, v1_0.GoalCreate, v1_0.GoalUpdate, v1_0.GoalFull, v1_0.GoalStructureCreate]):
    operations = _OPERATIONS


class MilestoneDao(resources.Milestones[v1_0.Milestone, v1_0.MilestoneCreate, v1_0.MilestoneUpdate]):
    operations = _OPERATIONS


class TaskDao(resources.Tasks[v1_0.Task, v1_0.TaskCreate, v1_0.TaskUpdate, v1_0.TaskStatistics]):
    operations = _OPERATIONS

    async def get_tasks_by_user_and_timerange(
        self, db: Gateway, user_id: Key, start_time: datetime, end_time: datetime
    ) -> list[v1_0.Task]:
        """All of the user's tasks with `start_time` in [start_time, end_time], in its order."""
        return await self._in_timerange(db, user_id=user_id, start_time=start_time, end_time=end_time)

    async def bulk_update_state(self, db: Gateway, task_ids: Sequence[Key], new_state: v1_0.TaskState | str) -> int:
        """Sets the state of up to 100 tasks; how many it found. A repeated id counts once."""
        return await self._bulk_update(db, "bulk_update_task_state", task_ids, new_state=new_state)


class ConversationDao(resources.Conversations[v1_0.Conversation, v1_0.ConversationCreate, v1_0.ConversationUpdate]):
    operations = _OPERATIONS


class DemoFlagsDao(resources.DemoFlags[v1_0.DemoFlags, v1_0.DemoFlagsCreate]):
    operations = _OPERATIONS


get_user_dao = UserDao
get_goal_dao = GoalDao
get_milestone_dao = MilestoneDao
get_task_dao = TaskDao
get_conversation_dao = ConversationDao
get_demo_flags_dao = DemoFlagsDao
