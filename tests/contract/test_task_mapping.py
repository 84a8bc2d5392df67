"""Tasks written through one contract and read through the other: CONTRACT.md's mapping table, field by field."""

import asyncio
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest

from tests.answers import refused
from tests.conftest import create, make_goal_data, make_task_data, make_user_data
from tests.contract.kinds import World
from tests.contract.resources import (
    TASK_STATUSES,
)
from tests.contract.rows import Row, change_row, read_row
from tests.locks import Database, wait_for_waiters

STATUS_OF_STATE = {"scheduled": "pending", "drifted": "rescheduled", "completed": "done", "missed": "missed"}
STATE_OF_STATUS = {status: state for state, status in STATUS_OF_STATE.items()} | {"cancelled": "missed"}
TRIGGERS = {"time": "time", "on_leaving_home": "location"}
TASKS = "/api/v1/tasks/"
START = "2026-03-01T09:00:00+00:00"


def _task(world: World, **fields: Any) -> Row:
    return make_task_data(world["user"], world["goal"], **fields)


@pytest.mark.parametrize(("state", "status"), STATUS_OF_STATE.items())
async def test_a_state_of_1_0_is_a_status_of_1_2(
    state: str, status: str, client_1_0: httpx.AsyncClient, client_1_2: httpx.AsyncClient, world: World
) -> None:
    created = await create(client_1_0, "tasks", _task(world, state=state))
    changed = await change_row(client_1_0, "tasks", await create(client_1_0, "tasks", _task(world)), state=state)

    for task in (created, changed):
        assert task["state"] == state
        assert (await read_row(client_1_2, "tasks", task))["status"] == status


@pytest.mark.parametrize("status", TASK_STATUSES)
async def test_a_status_of_1_2_is_a_state_of_1_0(
    status: str, client_1_0: httpx.AsyncClient, client_1_2: httpx.AsyncClient, world: World
) -> None:
    created = await create(client_1_2, "tasks", _task(world, status=status))
    changed = await change_row(client_1_2, "tasks", await create(client_1_2, "tasks", _task(world)), status=status)

    for task in (created, changed):
        assert (await read_row(client_1_0, "tasks", task))["state"] == STATE_OF_STATUS[status]


async def test_a_cancelled_task_stays_cancelled_when_1_0_changes_another_field(
    client_1_0: httpx.AsyncClient, client_1_2: httpx.AsyncClient, world: World
) -> None:
    task = await create(client_1_2, "tasks", _task(world, status="cancelled", trigger_type="location"))

    changed = await change_row(client_1_0, "tasks", task, title="Run 5 km", priority="important")

    assert (changed["state"], changed["title"]) == ("missed", "Run 5 km")
    assert (await read_row(client_1_2, "tasks", task))["status"] == "cancelled"


@pytest.mark.parametrize(("old", "new"), TRIGGERS.items())
async def test_what_makes_a_task_due_has_a_word_in_each_contract(
    old: str, new: str, client_1_0: httpx.AsyncClient, client_1_2: httpx.AsyncClient, world: World
) -> None:
    from_old = await create(client_1_0, "tasks", _task(world, trigger_type=old))
    from_new = await create(client_1_2, "tasks", _task(world, trigger_type=new))
    other_old = next(each for each in TRIGGERS if each != old)
    changed = await change_row(
        client_1_0, "tasks", await create(client_1_0, "tasks", _task(world, trigger_type=other_old)), trigger_type=old
    )

    assert (await read_row(client_1_2, "tasks", from_old))["trigger_type"] == new
    assert (await read_row(client_1_0, "tasks", from_new))["trigger_type"] == old
    assert (await read_row(client_1_2, "tasks", changed))["trigger_type"] == new


async def test_a_change_through_1_0_keeps_the_location_of_a_task(
    client_1_0: httpx.AsyncClient, client_1_2: httpx.AsyncClient, world: World
) -> None:
    fields = {"trigger_type": "location", "location_trigger": "home", "description": "Slowly", "recurrence_rule": "FREQ=DAILY"}
    task = await create(client_1_2, "tasks", _task(world, **fields))

    await change_row(client_1_0, "tasks", task, title="Run 5 km", state="drifted")

    read = await read_row(client_1_2, "tasks", task)
    assert {name: read[name] for name in fields} == fields
    assert (read["title"], read["status"]) == ("Run 5 km", "rescheduled")


@pytest.mark.parametrize(
    ("end", "minutes"),
    [
        ("2026-03-01T09:00:00+00:00", 1),
        ("2026-03-01T09:00:00.000001+00:00", 1),
        ("2026-03-01T09:01:00+00:00", 1),
        ("2026-03-01T09:01:00.000001+00:00", 2),
        ("2026-03-01T09:29:59.999999+00:00", 30),
        ("2026-03-01T09:30:00+00:00", 30),
        ("2026-03-01T09:30:00.123456+00:00", 31),
        ("2026-03-01T15:00:00+05:30", 30),
        ("2026-03-02T09:00:00+00:00", 1440),
        ("2027-03-01T09:00:00+00:00", 525600),
    ],
)
async def test_the_end_of_a_task_is_kept_exactly_and_sets_its_duration(
    end: str, minutes: int, client_1_0: httpx.AsyncClient, client_1_2: httpx.AsyncClient, world: World
) -> None:
    created = await create(client_1_0, "tasks", _task(world, start_time=START, end_time=end))
    changed = await change_row(client_1_0, "tasks", await create(client_1_0, "tasks", _task(world, start_time=START)), end_time=end)
    both = await change_row(client_1_0, "tasks", await create(client_1_0, "tasks", _task(world)), start_time=START, end_time=end)

    for task in (created, changed, both):
        assert datetime.fromisoformat(task["end_time"]) == datetime.fromisoformat(end)
        assert (await read_row(client_1_0, "tasks", task))["end_time"] == task["end_time"]
        read = await read_row(client_1_2, "tasks", task)
        assert (read["scheduled_at"], read["duration_minutes"]) == (START, minutes)


@pytest.mark.parametrize("minutes", [1, 30, 1440, 10_000_000])
async def test_a_duration_set_through_1_2_sets_the_end(
    minutes: int, client_1_0: httpx.AsyncClient, client_1_2: httpx.AsyncClient, world: World
) -> None:
    created = await create(client_1_2, "tasks", _task(world, scheduled_at=START, duration_minutes=minutes))
    task = await create(client_1_0, "tasks", _task(world, start_time=START, end_time="2026-03-01T09:59:59.999999Z"))
    changed = await change_row(client_1_2, "tasks", task, duration_minutes=minutes)

    for each in (created, changed):
        end = datetime.fromisoformat((await read_row(client_1_0, "tasks", each))["end_time"])
        assert end - datetime.fromisoformat(START) == timedelta(minutes=minutes)
        assert (await read_row(client_1_2, "tasks", each))["duration_minutes"] == minutes


async def test_a_duration_cleared_through_1_2_clears_the_end(
    client_1_0: httpx.AsyncClient, client_1_2: httpx.AsyncClient, world: World
) -> None:
    task = await create(client_1_0, "tasks", _task(world, start_time=START, end_time="2026-03-01T09:30:00Z"))

    await change_row(client_1_2, "tasks", task, duration_minutes=None)

    assert (await read_row(client_1_0, "tasks", task))["end_time"] is None


async def test_an_end_cleared_through_1_0_clears_the_duration(
    client_1_0: httpx.AsyncClient, client_1_2: httpx.AsyncClient, world: World
) -> None:
    task = await create(client_1_2, "tasks", _task(world, scheduled_at=START, duration_minutes=30))

    await change_row(client_1_0, "tasks", task, end_time=None)

    read = await read_row(client_1_2, "tasks", task)
    assert (read["scheduled_at"], read["duration_minutes"]) == (START, None)


async def test_a_task_without_a_duration_has_no_end(
    client_1_0: httpx.AsyncClient, client_1_2: httpx.AsyncClient, world: World
) -> None:
    only_start = await create(client_1_2, "tasks", _task(world, scheduled_at=START))
    only_duration = await create(client_1_2, "tasks", _task(world, duration_minutes=30))

    for task in (only_start, only_duration):
        assert (await read_row(client_1_0, "tasks", task))["end_time"] is None


@pytest.mark.parametrize(
    "change",
    [
        {"title": "Run 5 km"},
        {"status": "rescheduled"},
        {"description": "Slowly"},
        {"is_recurring": True},
        {"status": "done"},
        {"scheduled_at": START},
        {"scheduled_at": START, "duration_minutes": 30},
    ],
    ids=str,
)
async def test_an_end_survives_changes_of_other_fields(
    change: Row, client_1_0: httpx.AsyncClient, client_1_2: httpx.AsyncClient, world: World
) -> None:
    end = "2026-03-01T09:29:59.999999+00:00"
    task = await create(client_1_0, "tasks", _task(world, start_time=START, end_time=end))

    await change_row(client_1_2, "tasks", task, **change)
    await client_1_2.post(f"{TASKS}bulk-update-state", json={"task_ids": [task["id"]], "new_status": "missed"})
    await change_row(client_1_0, "tasks", task, title="Run 7 km")

    assert (await read_row(client_1_0, "tasks", task))["end_time"] == end


async def test_moving_the_start_through_1_2_moves_the_end(
    client_1_0: httpx.AsyncClient, client_1_2: httpx.AsyncClient, world: World
) -> None:
    task = await create(client_1_0, "tasks", _task(world, start_time=START, end_time="2026-03-01T09:29:59.999999+00:00"))

    await change_row(client_1_2, "tasks", task, scheduled_at="2026-03-02T10:00:00.000001Z")

    assert (await read_row(client_1_0, "tasks", task))["end_time"] == "2026-03-02T10:30:00+00:00"
    assert (await read_row(client_1_2, "tasks", task))["duration_minutes"] == 30


async def test_moving_the_start_through_1_0_keeps_the_end(
    client_1_0: httpx.AsyncClient, client_1_2: httpx.AsyncClient, world: World
) -> None:
    end = "2026-03-01T10:00:00.000001+00:00"
    task = await create(client_1_0, "tasks", _task(world, start_time=START, end_time=end))

    moved = await change_row(client_1_0, "tasks", task, start_time="2026-03-01T09:50:00Z")

    assert moved["end_time"] == end
    assert (await read_row(client_1_2, "tasks", task))["duration_minutes"] == 11


@pytest.mark.parametrize(
    ("existing", "change"),
    [
        ({}, {"end_time": START}),
        ({}, {"start_time": START, "end_time": "2026-03-01T08:59:59.999999Z"}),
        ({"start_time": START}, {"end_time": "2026-03-01T08:59:59.999999Z"}),
        ({"start_time": START, "end_time": START}, {"start_time": "2026-03-01T09:00:00.000001Z"}),
        ({"start_time": START, "end_time": START}, {"start_time": None}),
    ],
    ids=str,
)
async def test_an_end_before_the_start_or_without_it_is_refused(
    existing: Row, change: Row, client_1_0: httpx.AsyncClient, world: World
) -> None:
    task = await create(client_1_0, "tasks", _task(world, **existing))

    if not existing:
        refused(await client_1_0.post(TASKS, json=_task(world, **change)), 422, "end_time")
    refused(await client_1_0.patch(f"{TASKS}{task['id']}", json=change), 422, "end_time")

    assert await read_row(client_1_0, "tasks", task) == task


async def test_a_start_cleared_through_1_2_clears_the_end_and_keeps_the_duration(
    client_1_0: httpx.AsyncClient, client_1_2: httpx.AsyncClient, world: World
) -> None:
    task = await create(client_1_2, "tasks", _task(world, scheduled_at=START, duration_minutes=30))

    cleared = await change_row(client_1_2, "tasks", task, scheduled_at=None)

    assert cleared["duration_minutes"] == 30
    read = await read_row(client_1_0, "tasks", task)
    assert (read["start_time"], read["end_time"]) == (None, None)


async def test_a_time_range_finds_tasks_written_through_the_other_contract(
    client_1_0: httpx.AsyncClient, client_1_2: httpx.AsyncClient
) -> None:
    user = await create(client_1_2, "users", make_user_data())
    goal = await create(client_1_2, "goals", make_goal_data(user["id"]))
    old = await create(client_1_0, "tasks", make_task_data(user["id"], goal["id"], start_time=START))
    new = await create(client_1_2, "tasks", make_task_data(user["id"], scheduled_at="2026-03-01T10:00:00Z"))
    start, end = "2026-03-01T00:00:00Z", "2026-03-02T00:00:00Z"

    by_old = await client_1_0.get(f"{TASKS}by-timerange", params={"user_id": user["id"], "start_time": start, "end_time": end})
    by_new = await client_1_2.get(f"{TASKS}by-timerange", params={"user_id": user["id"], "start_at": start, "end_at": end})

    assert [task["id"] for task in by_old.json()] == [task["id"] for task in by_new.json()] == [old["id"], new["id"]]
    assert by_old.json() == [old, await read_row(client_1_0, "tasks", new)]
    assert by_new.json() == [await read_row(client_1_2, "tasks", old), new]


async def test_1_0_shows_a_task_of_1_2_without_a_goal(
    client_1_0: httpx.AsyncClient, client_1_2: httpx.AsyncClient, world: World
) -> None:
    task = await create(client_1_2, "tasks", make_task_data(world["user"]))

    assert (await read_row(client_1_0, "tasks", task))["goal_id"] is None
    assert (await change_row(client_1_0, "tasks", task, title="Run 5 km"))["title"] == "Run 5 km"


async def test_a_change_through_1_0_keeps_a_concurrent_change_of_another_caller(
    client_1_0: httpx.AsyncClient, world: World, database: Database, holder: Database
) -> None:
    task = await create(client_1_0, "tasks", _task(world))
    await holder.execute("update public.tasks set priority = 'important' where id = $1", UUID(task["id"]))

    changing = asyncio.create_task(change_row(client_1_0, "tasks", task, title="Run 5 km"))
    await wait_for_waiters(database, 1)
    await holder.execute("commit")

    changed = await changing
    assert (changed["title"], changed["priority"]) == ("Run 5 km", "important")
