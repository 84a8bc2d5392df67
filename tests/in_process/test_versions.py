"""Nothing is overwritten: a change in process can be tied to the version that was read."""

import asyncio
from typing import Any

import pytest

from dao_service.core.database import SessionFactory
from dao_service.dao.dao_registry import get_demo_flags_dao, get_task_dao
from dao_service.errors import NotFoundError, PreconditionFailedError
from dao_service.schemas.enums import TaskState
from dao_service.schemas.task import TaskUpdateDTO
from tests.in_process.sessions import add_task, in_a_session


@pytest.mark.parametrize("change", [TaskUpdateDTO(title="Swim"), TaskUpdateDTO(state=TaskState.MISSED)], ids=["1.2", "1.0"])
async def test_one_of_several_changes_of_one_version_is_kept(sessions: SessionFactory, change: TaskUpdateDTO) -> None:
    task = await add_task(sessions)
    tasks = get_task_dao()

    def update(db: Any) -> Any:
        return tasks.update(db, task.id, change, if_match=task.updated_at)

    outcomes: list[Any] = await asyncio.gather(*(in_a_session(sessions, update) for _ in range(3)), return_exceptions=True)
    [changed] = [each for each in outcomes if not isinstance(each, PreconditionFailedError)]

    assert changed == await in_a_session(sessions, lambda db: tasks.get_by_id(db, task.id))
    with pytest.raises(PreconditionFailedError):
        await in_a_session(sessions, lambda db: tasks.delete(db, task.id, if_match=task.updated_at))
    with pytest.raises(NotFoundError):
        await in_a_session(sessions, lambda db: get_demo_flags_dao().put(db, task.user_id, if_match=task.updated_at))
    await in_a_session(sessions, lambda db: tasks.delete(db, task.id, if_match=changed.updated_at))
