"""The services: one transaction per operation, no business logic."""

from datetime import datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, HTTPException

from .dao import GoalDao, TaskDao
from .database import Session
from .models import Goal, Milestone, Task
from .schemas import (
    TASK_STATUSES,
    BulkUpdate,
    BulkUpdateResult,
    GoalFullRead,
    GoalStructureCreate,
    MilestoneRead,
    Page,
    TaskCreate,
    TaskRead,
    TaskStatistics,
    TaskUpdate,
    TaskWeek,
)


class TaskService:
    """Operations on tasks."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._tasks = TaskDao(session)

    async def get(self, task_id: UUID) -> Task:
        task = await self._tasks.get(task_id)
        if task is None:
            raise HTTPException(404, "There is no row with this id.")
        return task

    async def list_page(self, filters: dict[str, Any], skip: int, limit: int) -> Page[TaskRead]:
        tasks, total = await self._tasks.list_page(filters, skip, limit)
        return Page[TaskRead](
            items=[TaskRead.model_validate(task) for task in tasks],
            total=total,
            page=skip // limit + 1,
            page_size=limit,
            has_next=skip + limit < total,
            has_prev=skip > 0,
        )

    async def create(self, data: TaskCreate) -> Task:
        task = await self._tasks.add(Task(**data.model_dump(exclude_unset=True)))
        await self._session.commit()
        return task

    async def update(self, task_id: UUID, data: TaskUpdate) -> Task:
        task = await self.get(task_id)
        for name, value in data.model_dump(exclude_unset=True).items():
            setattr(task, name, value)
        await self._session.commit()
        return task

    async def by_timerange(self, user_id: UUID, start_at: datetime, end_at: datetime) -> list[Task]:
        return list(await self._tasks.by_timerange(user_id, start_at, end_at))

    async def statistics(self, user_id: UUID, start_date: datetime, end_date: datetime) -> TaskStatistics:
        counted = await self._tasks.count_by_status(user_id, start_date, end_date)
        total = sum(counted.values())
        return TaskStatistics(
            user_id=user_id,
            total_tasks=total,
            by_status={status: counted.get(status, 0) for status in TASK_STATUSES} if total else {},
            completion_rate=round(counted.get("done", 0) / total, 4) if total else 0.0,
        )

    async def weekly_statistics(self, user_id: UUID, weeks: int, until: datetime) -> list[TaskWeek]:
        zone, monday = await self._tasks.zone_and_monday(user_id, until)
        week = timedelta(weeks=1)
        counted = await self._tasks.count_by_week(user_id, monday - (weeks - 1) * week, monday + week, zone)
        found = []
        for first in (monday.date() - number * week for number in range(weeks)):
            by_status: dict[str, int] = {status: counted.get((first, status), 0) for status in TASK_STATUSES}
            total = sum(by_status.values())
            rate = round(by_status["done"] / total, 4) if total else 0.0
            found.append(TaskWeek(week=first, total_tasks=total, by_status=by_status, completion_rate=rate))
        return found

    async def bulk_update(self, data: BulkUpdate) -> BulkUpdateResult:
        updated = await self._tasks.set_status(data.task_ids, data.new_status)
        await self._session.commit()
        return BulkUpdateResult(updated_count=updated)


class GoalService:
    """Operations on goals."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._goals = GoalDao(session)

    async def create_with_structure(self, data: GoalStructureCreate) -> GoalFullRead:
        user_id = data.goal.user_id
        goal = Goal(
            **data.goal.model_dump(exclude_unset=True),
            milestones=[
                Milestone(
                    **milestone.model_dump(exclude={"tasks"}, exclude_unset=True),
                    tasks=[Task(user_id=user_id, **task.model_dump(exclude_unset=True)) for task in milestone.tasks],
                )
                for milestone in data.milestones
            ],
        )
        await self._goals.add(goal)
        await self._session.commit()
        values = {name: getattr(goal, name) for name in GoalFullRead.model_fields if name not in ("milestones", "tasks")}
        return GoalFullRead(
            **values,
            milestones=[MilestoneRead.model_validate(milestone) for milestone in goal.milestones],
            tasks=[TaskRead.model_validate(task) for milestone in goal.milestones for task in milestone.tasks],
        )


Tasks = Annotated[TaskService, Depends()]
Goals = Annotated[GoalService, Depends()]
