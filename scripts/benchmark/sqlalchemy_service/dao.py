"""The queries."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CursorResult, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from .models import Goal, Task, User


class TaskDao:
    """Queries on tasks."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def get(self, task_id: UUID) -> Task | None:
        return await self._session.get(Task, task_id)

    async def list_page(self, filters: dict[str, Any], skip: int, limit: int) -> tuple[Sequence[Task], int]:
        """One page, newest first, and the total."""
        conditions = [getattr(Task, name) == value for name, value in filters.items()]
        page = select(Task).where(*conditions).order_by(Task.created_at.desc(), Task.id.desc()).offset(skip).limit(limit)
        tasks = (await self._session.scalars(page)).all()
        total = await self._session.scalar(select(func.count()).select_from(Task).where(*conditions))
        return tasks, total or 0

    async def by_timerange(self, user_id: UUID, start_at: datetime, end_at: datetime) -> Sequence[Task]:
        query = (
            select(Task)
            .where(Task.user_id == user_id, Task.scheduled_at.between(start_at, end_at))
            .order_by(Task.scheduled_at, Task.id)
        )
        return (await self._session.scalars(query)).all()

    async def count_by_status(self, user_id: UUID, start_date: datetime, end_date: datetime) -> dict[str, int]:
        query = (
            select(Task.status, func.count())
            .where(Task.user_id == user_id, Task.created_at.between(start_date, end_date))
            .group_by(Task.status)
        )
        return {status: count for status, count in await self._session.execute(query)}  # noqa: C416 (rows are not tuples to mypy)

    async def zone_and_monday(self, user_id: UUID, moment: datetime) -> tuple[str, datetime]:
        """The user's time zone, and when the week of that moment begins on the user's clock."""
        monday = func.date_trunc("week", func.timezone(User.timezone, moment))
        zone, at = (await self._session.execute(select(User.timezone, monday).where(User.id == user_id))).one()
        return zone, at

    async def count_by_week(self, user_id: UUID, start: datetime, end: datetime, zone: str) -> dict[tuple[date, str], int]:
        """Counts by week and status, from one moment of the user's clock to another."""
        week = func.date_trunc("week", func.timezone(zone, Task.scheduled_at)).label("week")
        query = (
            select(week, Task.status, func.count())
            .where(Task.user_id == user_id, Task.scheduled_at >= func.timezone(zone, start))
            .where(Task.scheduled_at < func.timezone(zone, end))
            .group_by("week", Task.status)
        )
        return {(at.date(), status): count for at, status, count in await self._session.execute(query)}

    async def add(self, task: Task) -> Task:
        self._session.add(task)
        await self._session.flush()
        return task

    async def set_status(self, task_ids: Sequence[UUID], status: str) -> int:
        """The number of rows updated."""
        statement = update(Task).where(Task.id.in_(task_ids)).values(status=status)
        result = await self._session.execute(statement, execution_options={"synchronize_session": False})
        assert isinstance(result, CursorResult)
        return result.rowcount


class GoalDao:
    """Queries on goals."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def add(self, goal: Goal) -> Goal:
        self._session.add(goal)
        await self._session.flush()
        return goal
