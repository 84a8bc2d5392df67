"""What a DAO offers for the rows of any resource. Each method is one operation of the contract, by its name.

`db` is a session, or any other gateway, where each call stands for itself. Ids are UUIDs or their text. All methods raise the
errors of `dao_service.errors`, with the `detail`, `errors` and `status` of the REST door: `InvalidError` for values that the
contract does not have, `NotFoundError` for an id that names no row, `ConflictError` for a unique value that is taken.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar, Generic, TypeVar, cast

from dao_service.bindings import Input, Row, RowT
from dao_service.gateway.protocol import Gateway
from dao_service.generated.contract_1_2 import Page
from dao_service.in_process.calls import Key, Values, call
from dao_service.operations import Operation

CreateT = TypeVar("CreateT", bound=Input)
UpdateT = TypeVar("UpdateT", bound=Input)


class Rows(Generic[RowT]):
    """The resource, and one row of it."""

    operations: ClassVar[Mapping[str, Operation]]
    """The contract's, by name."""
    resource: ClassVar[str]
    """Its relation's name."""
    noun: ClassVar[str]
    """One row, in the names of operations."""

    async def _call(
        self, db: Gateway, name: str, *, key: Key | None = None, query: Values | None = None, body: Values | None = None
    ) -> Any:
        return await call(db, self.operations[name], key=key, query=query, body=body)

    async def get_by_id(self, db: Gateway, key: Key) -> RowT:
        """The row with this id."""
        row: RowT = await self._call(db, f"get_{self.noun}", key=key)
        return row


class Listed(Rows[RowT]):
    """Lists."""

    async def get_all(
        self, db: Gateway, /, skip: int = 0, limit: int = 100, *, after: str | None = None, **filters: Any
    ) -> Page[RowT]:
        """A page of at most 100 rows, newest first. `filters` are columns and their values; `after` is a page's `next_cursor`."""
        # A cursor says where the page starts, so "skip" goes with it only where a caller insists, and is refused.
        start = {"skip": skip} if skip or after is None else {}
        query = {**filters, **start, "limit": limit, "after": after}
        page: Page[RowT] = await self._call(db, f"list_{self.resource}", query=query)
        return page


class Created(Rows[RowT], Generic[RowT, CreateT]):
    """Creates."""

    async def create(self, db: Gateway, dto: CreateT) -> RowT:
        """The new row, as it was stored."""
        row: RowT = await self._call(db, f"create_{self.noun}", body=dto)
        return row


class Updated(Rows[RowT], Generic[RowT, UpdateT]):
    """Updates."""

    async def update(self, db: Gateway, key: Key, dto: UpdateT) -> RowT:
        """Changes the fields that the DTO was given and no other; the row as it is now."""
        row: RowT = await self._call(db, f"update_{self.noun}", key=key, body=dto)
        return row


class Deleted(Rows[RowT]):
    """Deletes."""

    async def delete(self, db: Gateway, key: Key) -> None:
        """Deletes the row, and what belongs to it."""
        await self._call(db, f"delete_{self.noun}", key=key)


class Dao(Listed[RowT], Created[RowT, CreateT], Updated[RowT, UpdateT], Deleted[RowT], Generic[RowT, CreateT, UpdateT]):
    """All of it, which is what most resources have."""


FullT = TypeVar("FullT", bound=Row)
StructureT = TypeVar("StructureT", bound=Input)
StatisticsT = TypeVar("StatisticsT", bound=Row)


class Users(Dao[RowT, CreateT, UpdateT]):
    """Users. Deleting one deletes what belongs to it."""

    resource = "users"
    noun = "user"
    create_user = Created[RowT, CreateT].create
    get_user = Rows[RowT].get_by_id
    list_users = Listed[RowT].get_all
    update_user = Updated[RowT, UpdateT].update
    delete_user = Deleted[RowT].delete


class Goals(Dao[RowT, CreateT, UpdateT], Generic[RowT, CreateT, UpdateT, FullT, StructureT]):
    """Goals. Deleting one deletes what belongs to it."""

    resource = "goals"
    noun = "goal"
    create_goal = Created[RowT, CreateT].create
    get_goal = Rows[RowT].get_by_id
    list_goals = Listed[RowT].get_all
    update_goal = Updated[RowT, UpdateT].update
    delete_goal = Deleted[RowT].delete

    async def get_full(self, db: Gateway, key: Key) -> FullT:
        """The goal with its milestones and tasks."""
        goal: FullT = await self._call(db, "get_goal_with_structure", key=key)
        return goal

    async def create_goal_with_structure(self, db: Gateway, dto: StructureT) -> FullT:
        """Creates the goal, its milestones and their tasks: all or nothing."""
        goal: FullT = await self._call(db, "create_goal_with_structure", body=dto)
        return goal

    get_goal_full = get_full


class Milestones(Dao[RowT, CreateT, UpdateT]):
    """The weekly steps of goals."""

    resource = "milestones"
    noun = "milestone"
    create_milestone = Created[RowT, CreateT].create
    get_milestone = Rows[RowT].get_by_id
    list_milestones = Listed[RowT].get_all
    update_milestone = Updated[RowT, UpdateT].update
    delete_milestone = Deleted[RowT].delete


class Tasks(Dao[RowT, CreateT, UpdateT], Generic[RowT, CreateT, UpdateT, StatisticsT]):
    """Tasks. What takes a time range or a status has words of its own in each contract."""

    resource = "tasks"
    noun = "task"
    create_task = Created[RowT, CreateT].create
    get_task = Rows[RowT].get_by_id
    list_tasks = Listed[RowT].get_all
    update_task = Updated[RowT, UpdateT].update
    delete_task = Deleted[RowT].delete

    async def get_task_statistics(self, db: Gateway, user_id: Key, start_date: datetime, end_date: datetime) -> StatisticsT:
        """Counts the user's tasks that were created in [start_date, end_date]."""
        query = {"user_id": user_id, "start_date": start_date, "end_date": end_date}
        statistics: StatisticsT = await self._call(db, "get_task_statistics", query=query)
        return statistics

    async def set_calendar_event(self, db: Gateway, key: Key, calendar_event_id: str | None) -> RowT:
        """Links the task to an event in the user's calendar; None unlinks it."""
        task: RowT = await self._call(db, "set_calendar_event", key=key, body={"calendar_event_id": calendar_event_id})
        return task

    async def _in_timerange(self, db: Gateway, **query: Any) -> list[RowT]:
        tasks: list[RowT] = await self._call(db, "get_tasks_by_timerange", query=query)
        return tasks

    async def _bulk_update(self, db: Gateway, operation: str, task_ids: Sequence[Key], **change: Any) -> int:
        if not task_ids:
            return 0
        updated: Any = await self._call(db, operation, body={"task_ids": task_ids, **change})
        count: int = updated.updated_count
        return count


class Conversations(Listed[RowT], Created[RowT, CreateT], Updated[RowT, UpdateT], Generic[RowT, CreateT, UpdateT]):
    """Threads between a user and the agents."""

    resource = "conversations"
    noun = "conversation"
    create_conversation = Created[RowT, CreateT].create
    get_conversation = Rows[RowT].get_by_id
    list_conversations = Listed[RowT].get_all
    update_conversation = Updated[RowT, UpdateT].update


class Messages(Created[RowT, CreateT], Deleted[RowT], Generic[RowT, CreateT]):
    """What was said in conversations."""

    resource = "messages"
    noun = "message"
    create_message = Created[RowT, CreateT].create
    get_message = Rows[RowT].get_by_id
    delete_message = Deleted[RowT].delete

    async def list_by_conversation(self, db: Gateway, conversation_id: Key) -> list[RowT]:
        """All messages of the conversation, oldest first."""
        messages: list[RowT] = await self._call(db, "list_messages", query={"conversation_id": conversation_id})
        return messages

    list_messages = list_by_conversation


class Patterns(Dao[RowT, CreateT, UpdateT]):
    """What was noticed of users' behaviour."""

    resource = "patterns"
    noun = "pattern"
    create_pattern = Created[RowT, CreateT].create
    get_pattern = Rows[RowT].get_by_id
    list_patterns = Listed[RowT].get_all
    update_pattern = Updated[RowT, UpdateT].update
    delete_pattern = Deleted[RowT].delete


class NotificationLog(Dao[RowT, CreateT, UpdateT]):
    """Which notifications went out for tasks."""

    resource = "notification_log"
    noun = "notification_log"
    create_notification_log = Created[RowT, CreateT].create
    get_notification_log = Rows[RowT].get_by_id
    list_notification_logs = Listed[RowT].get_all
    update_notification_log = Updated[RowT, UpdateT].update
    delete_notification_log = Deleted[RowT].delete


class DemoFlags(Rows[RowT], Generic[RowT, CreateT]):
    """Simulation settings, at most one row a user. Its id is the user's."""

    resource = "demo_flags"
    noun = "demo_flags"

    async def get(self, db: Gateway, user_id: Key) -> RowT:
        """The user's settings."""
        return await self.get_by_id(db, user_id)

    async def put(self, db: Gateway, dto: CreateT) -> RowT:
        """Creates or replaces the settings of the DTO's user."""
        user_id: Key = cast("Any", dto).user_id
        flags: RowT = await self._call(db, "put_demo_flags", key=user_id, body=dto)
        return flags

    get_demo_flags = get
    put_demo_flags = put
