"""The routers."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import AwareDatetime

from .schemas import (
    BulkUpdate,
    BulkUpdateResult,
    GoalFullRead,
    GoalStructureCreate,
    Page,
    TaskCreate,
    TaskRead,
    TaskStatistics,
    TaskStatus,
    TaskUpdate,
    TaskWeek,
)
from .services import Goals, Tasks

tasks = APIRouter(prefix="/tasks", tags=["tasks"])
goals = APIRouter(prefix="/goals", tags=["goals"])


@tasks.get("/", response_model=Page[TaskRead])
async def list_tasks(
    service: Tasks,
    user_id: UUID | None = None,
    goal_id: UUID | None = None,
    status: TaskStatus | None = None,
    skip: Annotated[int, Query(ge=0)] = 0,
    limit: Annotated[int, Query(ge=1, le=100)] = 100,
) -> Any:
    given = {"user_id": user_id, "goal_id": goal_id, "status": status}
    return await service.list_page({name: value for name, value in given.items() if value is not None}, skip, limit)


@tasks.get("/by-timerange", response_model=list[TaskRead])
async def tasks_by_timerange(service: Tasks, user_id: UUID, start_at: AwareDatetime, end_at: AwareDatetime) -> Any:
    return await service.by_timerange(user_id, start_at, end_at)


@tasks.get("/statistics", response_model=TaskStatistics)
async def task_statistics(service: Tasks, user_id: UUID, start_date: AwareDatetime, end_date: AwareDatetime) -> Any:
    return await service.statistics(user_id, start_date, end_date)


@tasks.get("/statistics/weekly", response_model=list[TaskWeek])
async def weekly_statistics(
    service: Tasks, user_id: UUID, until: AwareDatetime, weeks: Annotated[int, Query(ge=1, le=104)] = 12
) -> Any:
    return await service.weekly_statistics(user_id, weeks, until)


@tasks.post("/bulk-update-state", response_model=BulkUpdateResult)
async def bulk_update_state(service: Tasks, data: BulkUpdate) -> Any:
    return await service.bulk_update(data)


@tasks.get("/{task_id}", response_model=TaskRead)
async def get_task(service: Tasks, task_id: UUID) -> Any:
    return await service.get(task_id)


@tasks.post("/", response_model=TaskRead, status_code=201)
async def create_task(service: Tasks, data: TaskCreate) -> Any:
    return await service.create(data)


@tasks.patch("/{task_id}", response_model=TaskRead)
async def update_task(service: Tasks, task_id: UUID, data: TaskUpdate) -> Any:
    return await service.update(task_id, data)


@goals.post("/with-structure", response_model=GoalFullRead, status_code=201)
async def create_goal_with_structure(service: Goals, data: GoalStructureCreate) -> Any:
    return await service.create_with_structure(data)
