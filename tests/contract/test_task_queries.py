"""Tasks by time range, and their statistics, in both contracts."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import httpx
import pytest

from tests.answers import refused
from tests.conftest import Clients, create, make_task_data, make_user_data
from tests.contract.kinds import Instant
from tests.contract.resources import TASK_STATUSES
from tests.contract.task_words import TASKS, Row, TaskWords, both_contracts, make_task
from tests.locks import Database

MIDNIGHT = datetime(2026, 3, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


@both_contracts
async def test_a_time_range_includes_both_ends_and_is_ordered_by_time(
    words: TaskWords, clients: Clients, owner: dict[str, str]
) -> None:
    caller = clients[words.contract]
    start, end = MIDNIGHT, MIDNIGHT + timedelta(days=1)
    moments = [end, start - MICROSECOND, start + timedelta(hours=9), start, end + MICROSECOND, None]
    made = [await make_task(caller, owner, **{words.start: moment and moment.isoformat()}) for moment in moments]

    response = await caller.get(
        f"{TASKS}by-timerange",
        params={"user_id": owner["user_id"], words.range_start: start.isoformat(), words.range_end: end.isoformat()},
    )

    assert response.status_code == 200
    assert response.json() == [made[3], made[2], made[0]]
    assert {frozenset(task) for task in response.json()} == {words.shown}


@both_contracts
async def test_a_time_range_can_be_a_single_moment(words: TaskWords, clients: Clients, owner: dict[str, str]) -> None:
    caller = clients[words.contract]
    task = await make_task(caller, owner, **{words.start: MIDNIGHT.isoformat()})

    response = await caller.get(
        f"{TASKS}by-timerange",
        params={
            "user_id": owner["user_id"],
            words.range_start: "2026-03-01T00:00:00Z",
            words.range_end: "2026-02-28T19:00:00-05:00",
        },
    )

    assert response.json() == [task]


@both_contracts
async def test_a_time_range_returns_the_tasks_of_one_user(
    words: TaskWords, clients: Clients, owner: dict[str, str], client_1_2: httpx.AsyncClient
) -> None:
    stranger = await create(client_1_2, "users", make_user_data())
    await create(client_1_2, "tasks", make_task_data(stranger["id"], scheduled_at=MIDNIGHT.isoformat()))

    response = await clients[words.contract].get(
        f"{TASKS}by-timerange",
        params={"user_id": owner["user_id"], words.range_start: "2000-01-01T00:00:00Z", words.range_end: "2100-01-01T00:00:00Z"},
    )

    assert response.json() == []


@both_contracts
async def test_all_of_2500_tasks_in_a_time_range_are_returned(
    words: TaskWords, clients: Clients, owner: dict[str, str], database: Database
) -> None:
    await database.execute(
        """
        insert into public.tasks (user_id, goal_id, title, scheduled_at)
        select $1, $2, 'Task ' || nth, $3::timestamptz + (nth * 7919 % 2500) * interval '1 minute' from generate_series(1, 2500) nth
        """,
        UUID(owner["user_id"]),
        UUID(owner["goal_id"]),
        MIDNIGHT,
    )

    response = await clients[words.contract].get(
        f"{TASKS}by-timerange",
        params={"user_id": owner["user_id"], words.range_start: MIDNIGHT.isoformat(), words.range_end: "2026-04-01T00:00:00Z"},
    )

    tasks = response.json()
    times = [datetime.fromisoformat(task[words.start]) for task in tasks]
    assert times == [MIDNIGHT + timedelta(minutes=nth) for nth in range(2500)]
    assert len({task["id"] for task in tasks}) == 2500
    statistics = await clients[words.contract].get(f"{TASKS}statistics", params=_dates(owner["user_id"], *_long_ago_and_ahead()))
    assert statistics.json()["total_tasks"] == 2500


@pytest.mark.one_gateway
@both_contracts
@pytest.mark.parametrize("path", ["by-timerange", "statistics"])
async def test_a_range_that_ends_before_it_starts_is_400(
    path: str, words: TaskWords, clients: Clients, owner: dict[str, str]
) -> None:
    names = ("start_date", "end_date") if path == "statistics" else (words.range_start, words.range_end)
    times = dict(zip(names, (MIDNIGHT.isoformat(), (MIDNIGHT - MICROSECOND).isoformat()), strict=True))

    refused(await clients[words.contract].get(f"{TASKS}{path}", params={"user_id": owner["user_id"], **times}), 400)


@pytest.mark.one_gateway
@both_contracts
@pytest.mark.parametrize("path", ["by-timerange", "statistics"])
async def test_a_range_requires_a_user_and_two_times_with_an_offset(
    path: str, words: TaskWords, clients: Clients, owner: dict[str, str]
) -> None:
    caller = clients[words.contract]
    start, end = ("start_date", "end_date") if path == "statistics" else (words.range_start, words.range_end)
    complete = {"user_id": owner["user_id"], start: "2026-03-01T00:00:00Z", end: "2026-03-02T00:00:00Z"}
    assert (await caller.get(f"{TASKS}{path}", params=complete)).status_code == 200

    refused(await caller.get(f"{TASKS}{path}"), 422, "user_id", start, end)
    for name in complete:
        refused(await caller.get(f"{TASKS}{path}", params={**complete, name: ""}), 422, name)
        missing = {each: value for each, value in complete.items() if each != name}
        refused(await caller.get(f"{TASKS}{path}", params=missing), 422, name)
    for name in (start, end):
        for value in Instant().refused:
            refused(await caller.get(f"{TASKS}{path}", params={**complete, name: str(value)}), 422, name)
    refused(await caller.get(f"{TASKS}{path}", params={**complete, "user_id": "nobody"}), 422, "user_id")


def _long_ago_and_ahead() -> tuple[str, str]:
    return "2000-01-01T00:00:00Z", "2100-01-01T00:00:00Z"


def _dates(user_id: str, start: str, end: str) -> dict[str, str]:
    return {"user_id": user_id, "start_date": start, "end_date": end}


async def _statistics(caller: httpx.AsyncClient, owner: dict[str, str], *dates: str) -> Row:
    response = await caller.get(f"{TASKS}statistics", params=_dates(owner["user_id"], *(dates or _long_ago_and_ahead())))
    assert response.status_code == 200, response.text
    statistics: Row = response.json()
    return statistics


@both_contracts
async def test_statistics_without_tasks_are_empty(words: TaskWords, clients: Clients, owner: dict[str, str]) -> None:
    statistics = await _statistics(clients[words.contract], owner)

    assert statistics == {"user_id": owner["user_id"], "total_tasks": 0, words.by_status: {}, "completion_rate": 0.0}


@both_contracts
async def test_statistics_list_every_status_even_with_zero_tasks(words: TaskWords, clients: Clients, owner: dict[str, str]) -> None:
    caller = clients[words.contract]
    for _ in range(2):
        await make_task(caller, owner, **{words.status: words.done})
    await make_task(caller, owner)

    statistics = await _statistics(caller, owner)

    assert statistics == {
        "user_id": owner["user_id"],
        "total_tasks": 3,
        words.by_status: {**dict.fromkeys(words.statuses, 0), words.statuses[0]: 1, words.done: 2},
        "completion_rate": 0.6667,
    }


@pytest.mark.parametrize(
    ("counts", "rate"),
    [
        ({"pending": 1}, 0.0),
        ({"done": 3}, 1.0),
        ({"done": 1, "pending": 2}, 0.3333),
        ({"done": 25, "pending": 10, "missed": 5, "rescheduled": 2}, 0.5952),
        ({"done": 1, "cancelled": 5}, 0.1667),
        ({"done": 1, "missed": 159}, 0.0063),
        ({"done": 1, "missed": 6, "cancelled": 1}, 0.125),
    ],
    ids=str,
)
async def test_the_completion_rate_has_four_decimals(
    counts: dict[str, int], rate: float, clients: Clients, owner: dict[str, str], database: Database
) -> None:
    statuses = [status for status, count in counts.items() for _ in range(count)]
    await database.execute(
        "insert into public.tasks (user_id, goal_id, title, status) select $1, $2, 'Run', unnest($3::text[])",
        UUID(owner["user_id"]),
        UUID(owner["goal_id"]),
        statuses,
    )

    statistics = await _statistics(clients["1.2"], owner)
    older = await _statistics(clients["1.0"], owner)

    assert statistics["by_status"] == {status: counts.get(status, 0) for status in TASK_STATUSES}
    assert older["by_state"] == {
        "scheduled": counts.get("pending", 0),
        "drifted": counts.get("rescheduled", 0),
        "completed": counts.get("done", 0),
        "missed": counts.get("missed", 0) + counts.get("cancelled", 0),
    }
    assert statistics["completion_rate"] == older["completion_rate"] == rate
    assert statistics["total_tasks"] == older["total_tasks"] == len(statuses)


@both_contracts
async def test_statistics_count_tasks_created_within_a_range_that_includes_both_ends(
    words: TaskWords, clients: Clients, owner: dict[str, str], database: Database
) -> None:
    caller = clients[words.contract]
    end = MIDNIGHT + timedelta(days=30)
    for created_at in (MIDNIGHT - MICROSECOND, MIDNIGHT, end, end + MICROSECOND):
        task = await make_task(caller, owner, **{words.start: "2020-01-01T00:00:00Z"})
        await database.execute("update public.tasks set created_at = $2 where id = $1", UUID(task["id"]), created_at)

    assert (await _statistics(caller, owner, MIDNIGHT.isoformat(), end.isoformat()))["total_tasks"] == 2
    assert (await _statistics(caller, owner, MIDNIGHT.isoformat(), MIDNIGHT.isoformat()))["total_tasks"] == 1


@pytest.mark.one_gateway
async def test_a_range_is_complete_up_to_20_000_tasks_and_beyond_that_422_asks_for_a_narrower_one(
    clients: Clients, owner: dict[str, str], database: Database
) -> None:
    tasks = """
        insert into public.tasks (user_id, title, scheduled_at)
        select $1, 'Task', timestamptz '2026-01-01T00:00:00Z' + minute * interval '1 minute'
        from generate_series(0, 20000) as minute
    """
    await database.execute(tasks, owner["user_id"])
    for contract, (start, end) in {"1.2": ("start_at", "end_at"), "1.0": ("start_time", "end_time")}.items():
        ends = {start: "2026-01-01T00:00:00Z", end: "2026-12-31T00:00:00Z"}
        asked = {"user_id": owner["user_id"], **ends}
        refusal = refused(await clients[contract].get(f"{TASKS}by-timerange", params=asked), 422)
        assert "narrower range" in refusal["detail"]

        answer = await clients[contract].get(f"{TASKS}by-timerange", params=asked | {start: "2026-01-01T00:01:00Z"})
        assert len(answer.json()) == 20_000
