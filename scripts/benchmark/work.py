"""What the contenders do: each work is a list of requests, sent in turn."""

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import cycle, islice
from typing import Any, TypeVar

from .dataset import (
    BETWEEN_TASKS,
    CREATED_FROM,
    CREATED_UNTIL,
    SCHEDULED_FROM,
    TASKS_OF_A_USER,
    TASKS_OF_THE_HEAVY_USER,
    Dataset,
)
from .dialects import WEEKS, Ask, Dialect
from .traffic import Request

DEEP_PAGE = 5_000
_SEED = 20261121
_BLOCK = 50
Chosen = TypeVar("Chosen")


@dataclass(frozen=True)
class Asked:
    """The ingredients of a list of requests."""

    dataset: Dataset
    dialect: Dialect
    ask: Ask

    def dice(self) -> random.Random:
        """The same random numbers for every contender."""
        return random.Random(_SEED)  # noqa: S311 - chooses rows


@dataclass(frozen=True)
class Work:
    """One kind of requests to measure."""

    name: str
    title: str
    requests: Callable[[Asked], list[Request]]


def deep_page_of(dataset: Dataset) -> int:
    """Page 5,000, or the middle of a shorter list."""
    return min(DEEP_PAGE, dataset.pages // 2)


def _some_tasks(asked: Asked, users: range, count: int) -> list[str]:
    dice, dataset = asked.dice(), asked.dataset
    return [dataset.task(dice.choice(users), dice.randrange(TASKS_OF_A_USER)) for _ in range(count)]


def _some_users(asked: Asked, users: range, count: int) -> list[int]:
    dice = asked.dice()
    return [dice.choice(users) for _ in range(count)]


def _get(asked: Asked) -> list[Request]:
    return [asked.dialect.get_task(task) for task in _some_tasks(asked, asked.dataset.read_users, 2000)]


def _list(asked: Asked) -> list[Request]:
    return [asked.dialect.list_tasks()]


def _list_of_user(asked: Asked) -> list[Request]:
    users = _some_users(asked, asked.dataset.read_users, 1000)
    return [asked.dialect.list_tasks_of(asked.dataset.user(user)) for user in users]


def _deep_page(asked: Asked) -> list[Request]:
    return [asked.dialect.deep_page(deep_page_of(asked.dataset), asked.ask)]


def _time_range(rows: int) -> Callable[[Asked], list[Request]]:
    def requests(asked: Asked) -> list[Request]:
        dice, dataset = asked.dice(), asked.dataset
        windows = [dataset.window(dice.randrange(TASKS_OF_THE_HEAVY_USER - rows), rows) for _ in range(500)]
        return [asked.dialect.time_range(dataset.heavy_user, start, end) for start, end in windows]

    return requests


def _statistics(asked: Asked) -> list[Request]:
    period = CREATED_FROM.isoformat(), CREATED_UNTIL.isoformat()
    users = _some_users(asked, asked.dataset.read_users, 1000)
    return [asked.dialect.statistics(asked.dataset.user(user), *period) for user in users]


def _weekly(asked: Asked) -> list[Request]:
    dice, dataset = asked.dice(), asked.dataset
    first, days = timedelta(weeks=WEEKS), (BETWEEN_TASKS * TASKS_OF_THE_HEAVY_USER).days
    ends = (SCHEDULED_FROM + timedelta(days=dice.randrange(first.days, days)) for _ in range(100))
    return [asked.dialect.weekly_statistics(dataset.heavy_user, end.isoformat()) for end in ends]


def _messages(asked: Asked) -> list[Request]:
    return [asked.dialect.newest_messages(asked.dataset.long_conversation)]


def _conversations(asked: Asked) -> list[Request]:
    return [asked.dialect.conversations_of(asked.dataset.heavy_user)]


def _new_task(dataset: Dataset, user: int, number: int) -> dict[str, Any]:
    start, _ = dataset.window(number % 1000, 1)
    return {
        "user_id": dataset.user(user),
        "goal_id": dataset.goal(user),
        "title": f"Run {number % 9 + 3} km",
        "status": "pending",
        "trigger_type": "time",
        "scheduled_at": start,
        "duration_minutes": 30,
    }


def _create(asked: Asked) -> list[Request]:
    users = _some_users(asked, asked.dataset.written_users, 1000)
    return [asked.dialect.create_task(_new_task(asked.dataset, user, number)) for number, user in enumerate(users)]


_CHANGES: tuple[tuple[dict[str, Any], dict[str, Any]], ...] = (
    ({"status": "done"}, {"status": "pending"}),
    ({"status": "missed", "title": "Run 5 km"}, {"status": "pending", "title": "Walk 5 km"}),
    ({"duration_minutes": 45}, {"duration_minutes": 60}),
)


def _to_and_fro(rows: Sequence[Chosen], request: Callable[[Chosen, int], Request]) -> list[Request]:
    """Changes a block of rows one way, and then back. So each request changes what it names, however often all are sent.

    A service may write nothing for a change to the value that is there, as SQLAlchemy does.
    """
    blocks = (rows[first : first + _BLOCK] for first in range(0, len(rows), _BLOCK))
    return [request(row, way) for block in blocks for way in (0, 1) for row in block]


def _patch(asked: Asked) -> list[Request]:
    tasks = list(dict.fromkeys(_some_tasks(asked, asked.dataset.written_users, 1000)))
    changes = dict(zip(tasks, cycle(_CHANGES), strict=False))
    return _to_and_fro(tasks, lambda task, way: asked.dialect.patch_task(task, changes[task][way]))


def _bulk(asked: Asked) -> list[Request]:
    # One user after the other, so that concurrent calls don't wait for each other's rows.
    users = list(islice(asked.dataset.written_users, 100))
    statuses = ("missed", "pending")
    return _to_and_fro(users, lambda user, way: asked.dialect.bulk_update(list(asked.dataset.tasks_of(user)), statuses[way]))


def _structure(asked: Asked) -> list[Request]:
    dataset = asked.dataset
    return [
        asked.dialect.create_structure(
            {
                "goal": {
                    "user_id": dataset.user(user),
                    "title": "Run a half marathon",
                    "class_tags": ["health"],
                    "target_weeks": 10,
                },
                "milestones": [
                    {
                        "week_number": week,
                        "title": f"Week {week}",
                        "tasks": [
                            {
                                "title": f"Run {week}.{day} km",
                                "scheduled_at": dataset.window(week * 7 + day, 1)[0],
                                "duration_minutes": 30,
                            }
                            for day in range(5)
                        ],
                    }
                    for week in range(1, 11)
                ],
            }
        )
        for user in _some_users(asked, dataset.written_users, 100)
    ]


_DAY: Mapping[str, int] = {
    "get": 40,
    "list-of-user": 15,
    "time-range-50": 15,
    "statistics": 8,
    "patch": 12,
    "create": 8,
    "bulk": 2,
}
"""Percent of an agent's day."""


def _day(asked: Asked) -> list[Request]:
    kinds = asked.dice().choices(list(_DAY), list(_DAY.values()), k=2000)
    sources = {name: cycle(WORK[name].requests(asked)) for name in _DAY}
    return [next(sources[kind]) for kind in kinds]


# Writes come last, so that the answers of reads are compared on unchanged rows.
WORK: Mapping[str, Work] = {
    work.name: work
    for work in (
        Work("get", "get a task", _get),
        Work("list", "list 100 tasks", _list),
        Work("list-of-user", "list one user's tasks", _list_of_user),
        Work("deep-page", "a deep page of the list", _deep_page),
        Work("time-range-50", "time range, 50 rows", _time_range(50)),
        Work("time-range-1000", "time range, 1,000 rows", _time_range(1000)),
        Work("statistics", "statistics", _statistics),
        Work("weekly", "weekly statistics", _weekly),
        Work("messages", "newest 50 messages", _messages),
        Work("conversations", "conversations by message", _conversations),
        Work("patch", "patch a task", _patch),
        Work("bulk", "bulk update of 100", _bulk),
        Work("create", "create a task", _create),
        Work("structure", "goal with 50 tasks", _structure),
        Work("day", "an agent's day", _day),
    )
}
