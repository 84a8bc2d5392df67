"""The names that the two contracts have for the same fields of a task."""

from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from tests.conftest import create
from tests.contract.resources import TASK_STATES, TASK_STATUSES, TASKS_1_0, TASKS_1_2

TASKS = "/api/v1/tasks/"
Row = dict[str, Any]


@dataclass(frozen=True)
class TaskWords:
    """The names of one contract."""

    contract: str
    start: str
    range_start: str
    range_end: str
    status: str
    statuses: tuple[str, ...]
    done: str
    by_status: str
    new_status: str
    shown: frozenset[str]

    def __str__(self) -> str:
        return self.contract


WORDS_1_2 = TaskWords(
    "1.2", "scheduled_at", "start_at", "end_at", "status", TASK_STATUSES, "done", "by_status", "new_status", TASKS_1_2.shown
)
WORDS_1_0 = TaskWords(
    "1.0", "start_time", "start_time", "end_time", "state", TASK_STATES, "completed", "by_state", "new_state", TASKS_1_0.shown
)
both_contracts = pytest.mark.parametrize("words", [WORDS_1_0, WORDS_1_2], ids=str)


async def make_task(caller: httpx.AsyncClient, owner: dict[str, str], **fields: Any) -> Row:
    """Create a task of an owner and return it."""
    return await create(caller, "tasks", {**owner, "title": "Run 3 km", **fields})
