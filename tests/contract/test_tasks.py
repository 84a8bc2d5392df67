"""What tasks have beyond plain operations, in both contracts: time ranges, statistics, bulk updates, the rules of completion."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from tests.conftest import create, make_goal_data, make_task_data, make_user_data
from tests.contract.answers import names_field, refused
from tests.contract.conftest import Callers
from tests.contract.kinds import Instant, World
from tests.contract.resources import TASK_STATES, TASK_STATUSES, TASKS_1_0, TASKS_1_2
from tests.locks import Database

TASKS = "/api/v1/tasks/"
MIDNIGHT = datetime(2026, 3, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
Row = dict[str, Any]


@dataclass(frozen=True)
class TaskWords:
    """A contract's words for the same things."""

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


@pytest.fixture
async def owner(client: httpx.AsyncClient) -> dict[str, str]:
    """A new user with a goal, as fields of a task."""
    user = await create(client, "users", make_user_data())
    goal = await create(client, "goals", make_goal_data(user["id"]))
    return {"user_id": user["id"], "goal_id": goal["id"]}


async def _make(caller: httpx.AsyncClient, owner: dict[str, str], **fields: Any) -> Row:
    return await create(caller, "tasks", {**owner, "title": "Run 3 km", **fields})


# Time ranges ----------------------------------------------------------------------------------------------------------


@both_contracts
async def test_a_time_range_holds_both_of_its_ends_in_order_of_time(
    words: TaskWords, callers: Callers, owner: dict[str, str]
) -> None:
    caller = callers[words.contract]
    start, end = MIDNIGHT, MIDNIGHT + timedelta(days=1)
    moments = [end, start - MICROSECOND, start + timedelta(hours=9), start, end + MICROSECOND, None]
    made = [await _make(caller, owner, **{words.start: moment and moment.isoformat()}) for moment in moments]

    response = await caller.get(
        f"{TASKS}by-timerange",
        params={"user_id": owner["user_id"], words.range_start: start.isoformat(), words.range_end: end.isoformat()},
    )

    assert response.status_code == 200
    assert response.json() == [made[3], made[2], made[0]]
    assert {frozenset(task) for task in response.json()} == {words.shown}


@both_contracts
async def test_a_time_range_may_be_one_moment(words: TaskWords, callers: Callers, owner: dict[str, str]) -> None:
    caller = callers[words.contract]
    task = await _make(caller, owner, **{words.start: MIDNIGHT.isoformat()})

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
async def test_a_time_range_is_of_one_user(
    words: TaskWords, callers: Callers, owner: dict[str, str], client: httpx.AsyncClient
) -> None:
    stranger = await create(client, "users", make_user_data())
    await create(client, "tasks", make_task_data(stranger["id"], scheduled_at=MIDNIGHT.isoformat()))

    response = await callers[words.contract].get(
        f"{TASKS}by-timerange",
        params={"user_id": owner["user_id"], words.range_start: "2000-01-01T00:00:00Z", words.range_end: "2100-01-01T00:00:00Z"},
    )

    assert response.json() == []


@both_contracts
async def test_2500_tasks_of_one_time_range_all_come_back(
    words: TaskWords, callers: Callers, owner: dict[str, str], database: Database
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

    response = await callers[words.contract].get(
        f"{TASKS}by-timerange",
        params={"user_id": owner["user_id"], words.range_start: MIDNIGHT.isoformat(), words.range_end: "2026-04-01T00:00:00Z"},
    )

    tasks = response.json()
    times = [datetime.fromisoformat(task[words.start]) for task in tasks]
    assert times == [MIDNIGHT + timedelta(minutes=nth) for nth in range(2500)]
    assert len({task["id"] for task in tasks}) == 2500
    statistics = await callers[words.contract].get(f"{TASKS}statistics", params=_dates(owner["user_id"], *_long_ago_and_ahead()))
    assert statistics.json()["total_tasks"] == 2500


@both_contracts
@pytest.mark.parametrize("path", ["by-timerange", "statistics"])
async def test_a_range_that_ends_before_it_starts_is_400(
    path: str, words: TaskWords, callers: Callers, owner: dict[str, str]
) -> None:
    names = ("start_date", "end_date") if path == "statistics" else (words.range_start, words.range_end)
    times = dict(zip(names, (MIDNIGHT.isoformat(), (MIDNIGHT - MICROSECOND).isoformat()), strict=True))

    refused(await callers[words.contract].get(f"{TASKS}{path}", params={"user_id": owner["user_id"], **times}), 400)


@both_contracts
@pytest.mark.parametrize("path", ["by-timerange", "statistics"])
async def test_a_range_needs_a_user_and_both_ends_with_an_offset(
    path: str, words: TaskWords, callers: Callers, owner: dict[str, str]
) -> None:
    caller = callers[words.contract]
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


# Statistics -----------------------------------------------------------------------------------------------------------


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
async def test_statistics_of_no_tasks_are_empty(words: TaskWords, callers: Callers, owner: dict[str, str]) -> None:
    statistics = await _statistics(callers[words.contract], owner)

    assert statistics == {"user_id": owner["user_id"], "total_tasks": 0, words.by_status: {}, "completion_rate": 0.0}


@both_contracts
async def test_statistics_count_every_status_zeros_included(words: TaskWords, callers: Callers, owner: dict[str, str]) -> None:
    caller = callers[words.contract]
    for _ in range(2):
        await _make(caller, owner, **{words.status: words.done})
    await _make(caller, owner)

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
    counts: dict[str, int], rate: float, callers: Callers, owner: dict[str, str], database: Database
) -> None:
    statuses = [status for status, count in counts.items() for _ in range(count)]
    await database.execute(
        "insert into public.tasks (user_id, goal_id, title, status) select $1, $2, 'Run', unnest($3::text[])",
        UUID(owner["user_id"]),
        UUID(owner["goal_id"]),
        statuses,
    )

    statistics = await _statistics(callers["1.2"], owner)
    older = await _statistics(callers["1.0"], owner)

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
async def test_statistics_are_over_tasks_created_from_start_to_end_both_included(
    words: TaskWords, callers: Callers, owner: dict[str, str], database: Database
) -> None:
    caller = callers[words.contract]
    end = MIDNIGHT + timedelta(days=30)
    for created_at in (MIDNIGHT - MICROSECOND, MIDNIGHT, end, end + MICROSECOND):
        task = await _make(caller, owner, **{words.start: "2020-01-01T00:00:00Z"})
        await database.execute("update public.tasks set created_at = $2 where id = $1", UUID(task["id"]), created_at)

    assert (await _statistics(caller, owner, MIDNIGHT.isoformat(), end.isoformat()))["total_tasks"] == 2
    assert (await _statistics(caller, owner, MIDNIGHT.isoformat(), MIDNIGHT.isoformat()))["total_tasks"] == 1


# Bulk updates ---------------------------------------------------------------------------------------------------------


async def _bulk(caller: httpx.AsyncClient, ids: list[str], words: TaskWords, status: str) -> httpx.Response:
    return await caller.post(f"{TASKS}bulk-update-state", json={"task_ids": ids, words.new_status: status})


@pytest.mark.parametrize(
    ("words", "status"),
    [(words, status) for words in (WORDS_1_0, WORDS_1_2) for status in words.statuses],
    ids=str,
)
async def test_a_bulk_update_sets_the_status_of_each_task(
    words: TaskWords, status: str, callers: Callers, owner: dict[str, str]
) -> None:
    caller = callers[words.contract]
    made = [await _make(caller, owner) for _ in range(3)]
    untouched = await _make(caller, owner)

    response = await _bulk(caller, [task["id"] for task in made], words, status)

    assert response.status_code == 200
    assert response.json() == {"updated_count": 3}
    for task in made:
        assert (await caller.get(f"{TASKS}{task['id']}")).json()[words.status] == status
    assert (await caller.get(f"{TASKS}{untouched['id']}")).json() == untouched


@both_contracts
async def test_unknown_and_repeated_ids_of_a_bulk_update_do_not_count(
    words: TaskWords, callers: Callers, owner: dict[str, str]
) -> None:
    caller = callers[words.contract]
    first, second = (await _make(caller, owner))["id"], (await _make(caller, owner))["id"]

    mixed = await _bulk(caller, [first, str(uuid4()), first, second, first.upper(), str(uuid4())], words, "missed")
    unknown = await _bulk(caller, [str(uuid4()), str(uuid4())], words, "missed")

    assert mixed.json() == {"updated_count": 2}
    assert (unknown.status_code, unknown.json()) == (200, {"updated_count": 0})


@both_contracts
async def test_a_bulk_update_takes_up_to_100_ids(words: TaskWords, callers: Callers, owner: dict[str, str]) -> None:
    caller = callers[words.contract]
    task = (await _make(caller, owner))["id"]
    others = [str(uuid4()) for _ in range(99)]

    assert (await _bulk(caller, [task, *others], words, "missed")).json() == {"updated_count": 1}

    for ids in ([], [task, *others, str(uuid4())], [task] * 101):
        refused(await _bulk(caller, ids, words, words.done), 422, "task_ids")
    assert (await caller.get(f"{TASKS}{task}")).json()[words.status] == "missed"


@both_contracts
async def test_a_bulk_update_names_what_is_wrong(words: TaskWords, callers: Callers, owner: dict[str, str]) -> None:
    caller = callers[words.contract]
    task = (await _make(caller, owner))["id"]
    path = f"{TASKS}bulk-update-state"
    other = {"1.0": WORDS_1_2, "1.2": WORDS_1_0}[words.contract]

    refused(await _bulk(caller, [task, "x", task, "y"], words, "missed"), 422, "task_ids[1]", "task_ids[3]")
    refused(await _bulk(caller, [task], words, other.statuses[0]), 422, words.new_status)
    refused(await _bulk(caller, [task], words, ""), 422, words.new_status)
    refused(await _bulk(caller, [task], other, "missed"), 422, other.new_status, words.new_status)
    refused(await caller.post(path, json={}), 422, "task_ids", words.new_status)
    refused(await caller.post(path, json={"task_ids": None, words.new_status: None}), 422, "task_ids", words.new_status)
    response = await caller.post(path, json={"task_ids": task, words.new_status: "missed"})
    refused(response, 422, "task_ids")
    assert (await caller.get(f"{TASKS}{task}")).json()[words.status] == words.statuses[0]


@both_contracts
async def test_a_bulk_update_keeps_the_rules_of_completion(words: TaskWords, callers: Callers, owner: dict[str, str]) -> None:
    caller = callers[words.contract]
    ids = [(await _make(caller, owner))["id"] for _ in range(2)]

    await _bulk(caller, ids, words, words.done)
    completed = [(await callers["1.2"].get(f"{TASKS}{task}")).json()["completed_at"] for task in ids]
    await _bulk(caller, ids, words, "missed")
    left = [(await callers["1.2"].get(f"{TASKS}{task}")).json()["completed_at"] for task in ids]

    assert all(completed)
    assert left == [None, None]


# Completion -----------------------------------------------------------------------------------------------------------


async def _change(client: httpx.AsyncClient, task: Row, **fields: Any) -> Row:
    response = await client.patch(f"{TASKS}{task['id']}", json=fields)
    assert response.status_code == 200, response.text
    row: Row = response.json()
    return row


@pytest.mark.parametrize("status", [status for status in TASK_STATUSES if status != "done"])
async def test_a_task_that_becomes_done_gets_its_time_and_loses_it_when_it_leaves_done(
    status: str, client: httpx.AsyncClient, owner: dict[str, str]
) -> None:
    task = await _make(client, owner, status=status)
    assert task["completed_at"] is None

    done = await _change(client, task, status="done")
    left = await _change(client, task, status=status)

    assert done["created_at"] < done["completed_at"] <= done["updated_at"]
    assert left["completed_at"] is None


async def test_a_task_that_is_done_from_the_start_has_its_time(client: httpx.AsyncClient, owner: dict[str, str]) -> None:
    given = "2026-02-01T10:00:00.000001+00:00"

    without = await _make(client, owner, status="done")
    with_null = await _make(client, owner, status="done", completed_at=None)
    with_time = await _make(client, owner, status="done", completed_at=given)

    assert without["completed_at"] is not None
    assert with_null["completed_at"] is not None
    assert with_time["completed_at"] == given


async def test_the_callers_time_of_completion_stands(client: httpx.AsyncClient, owner: dict[str, str]) -> None:
    task = await _make(client, owner)
    given = "2026-02-01T10:00:00+00:00"

    done = await _change(client, task, status="done", completed_at=given)
    again = await _change(client, task, status="done")
    retitled = await _change(client, task, title="Run 5 km")
    corrected = await _change(client, task, completed_at="2026-02-02T10:00:00+00:00")

    assert done["completed_at"] == again["completed_at"] == retitled["completed_at"] == given
    assert corrected["completed_at"] == "2026-02-02T10:00:00+00:00"


@pytest.mark.parametrize("status", [status for status in TASK_STATUSES if status != "done"])
async def test_only_a_task_that_is_done_has_a_time_of_completion(
    status: str, client: httpx.AsyncClient, owner: dict[str, str]
) -> None:
    time = {"completed_at": "2026-02-01T10:00:00Z"}
    task = await _make(client, owner, status=status)

    refused(await client.post(TASKS, json={**owner, "title": "Run", "status": status, **time}), 422, "completed_at")
    refused(await client.patch(f"{TASKS}{task['id']}", json=time), 422, "completed_at")
    refused(await client.patch(f"{TASKS}{task['id']}", json={"status": status, **time}), 422, "completed_at")


async def test_a_time_of_completion_is_not_dropped_silently_when_a_task_leaves_done(
    client: httpx.AsyncClient, owner: dict[str, str]
) -> None:
    task = await _make(client, owner, status="done")
    change = {"status": "pending", "completed_at": "2026-02-01T10:00:00Z"}

    refused(await client.patch(f"{TASKS}{task['id']}", json=change), 422, "completed_at")

    assert (await client.get(f"{TASKS}{task['id']}")).json() == task


async def test_a_task_completed_in_1_0_has_its_time_in_1_2(callers: Callers, owner: dict[str, str]) -> None:
    task = await _make(callers["1.0"], owner)

    await callers["1.0"].patch(f"{TASKS}{task['id']}", json={"state": "completed"})
    done = (await callers["1.2"].get(f"{TASKS}{task['id']}")).json()
    await callers["1.0"].patch(f"{TASKS}{task['id']}", json={"state": "drifted"})
    left = (await callers["1.2"].get(f"{TASKS}{task['id']}")).json()

    assert (done["status"], done["completed_at"] is None) == ("done", False)
    assert (left["status"], left["completed_at"]) == ("rescheduled", None)


# The calendar ---------------------------------------------------------------------------------------------------------


@both_contracts
async def test_a_task_is_linked_to_its_calendar_event(words: TaskWords, callers: Callers, owner: dict[str, str]) -> None:
    caller = callers[words.contract]
    task = await _make(caller, owner)
    path = f"{TASKS}{task['id']}/calendar-event"

    linked = await caller.patch(path, json={"calendar_event_id": "event-1"})
    again = await caller.patch(path, json={"calendar_event_id": "event-2"})
    unlinked = await caller.patch(path, json={"calendar_event_id": None})

    for response, event in ((linked, "event-1"), (again, "event-2"), (unlinked, None)):
        assert response.status_code == 200
        assert response.json() == {**task, "calendar_event_id": event, "updated_at": response.json()["updated_at"]}
    assert (await caller.get(f"{TASKS}{task['id']}")).json() == unlinked.json()
    unchanged = await caller.patch(path, json={})
    assert (unchanged.status_code, unchanged.json()) == (200, unlinked.json())


@both_contracts
async def test_a_calendar_event_id_has_1_to_255_characters(words: TaskWords, callers: Callers, owner: dict[str, str]) -> None:
    caller = callers[words.contract]
    task = await _make(caller, owner)
    path = f"{TASKS}{task['id']}/calendar-event"

    for event in ("e", "x" * 255, "𝄞" * 255):
        assert (await caller.patch(path, json={"calendar_event_id": event})).json()["calendar_event_id"] == event
    for wrong in ("", "x" * 256, 5, "a\0b"):
        response = await caller.patch(path, json={"calendar_event_id": wrong})
        refused(response, 422)
        assert names_field(response, "calendar_event_id")
    for body in ({"calendar_event_id": "e", "title": "x"}, {"calendar_event_id": "e", "task_id": str(uuid4())}):
        refused(await caller.patch(path, json=body), 422, *(body.keys() - {"calendar_event_id"}))


@both_contracts
async def test_a_change_of_no_calendar_event_answers_the_task_as_it_is(
    words: TaskWords, callers: Callers, owner: dict[str, str]
) -> None:
    caller = callers[words.contract]
    task = await _make(caller, owner, calendar_event_id="event-1")

    response = await caller.patch(f"{TASKS}{task['id']}/calendar-event", json={})

    assert response.status_code == 200
    assert response.json() == task


# The schedule ---------------------------------------------------------------------------------------------------------


async def test_a_duration_that_ends_after_the_end_of_the_calendar_is_refused(client: httpx.AsyncClient, world: World) -> None:
    data = make_task_data(world["user"], scheduled_at="9999-12-31T23:59:00Z", duration_minutes=2**31 - 1)

    refused(await client.post(TASKS, json=data), 422)


async def test_moving_a_task_keeps_its_duration(client: httpx.AsyncClient, owner: dict[str, str]) -> None:
    task = await _make(client, owner, scheduled_at="2026-03-01T09:00:00Z", duration_minutes=45)

    moved = await _change(client, task, scheduled_at="2026-03-02T10:00:00+00:00")

    assert moved["duration_minutes"] == 45
    assert moved["scheduled_end_at"] == "2026-03-02T10:45:00+00:00"
