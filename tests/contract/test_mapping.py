"""Rows cross between the contracts: CONTRACT.md's mapping table, field by field, both ways."""

import asyncio
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from tests.conftest import create, make_goal_data, make_task_data, make_user_data
from tests.contract.answers import refused
from tests.contract.conftest import Callers
from tests.contract.kinds import World
from tests.contract.resources import (
    CONVERSATIONS_1_0,
    CONVERSATIONS_1_2,
    GOALS_1_0,
    GOALS_1_2,
    MILESTONES_1_0,
    TASK_STATUSES,
    TASKS_1_0,
    TASKS_1_2,
    USERS_1_0,
    USERS_1_2,
    Resource,
)
from tests.locks import Database, wait_for_waiters

STATUS_OF_STATE = {"scheduled": "pending", "drifted": "rescheduled", "completed": "done", "missed": "missed"}
STATE_OF_STATUS = {status: state for state, status in STATUS_OF_STATE.items()} | {"cancelled": "missed"}
TRIGGERS = {"time": "time", "on_leaving_home": "location"}
TASKS = "/api/v1/tasks/"
START = "2026-03-01T09:00:00+00:00"
Row = dict[str, Any]


async def _read(caller: httpx.AsyncClient, resource: str, row: Row) -> Row:
    response = await caller.get(f"/api/v1/{resource}/{row['id']}")
    assert response.status_code == 200, response.text
    answer: Row = response.json()
    return answer


async def _change(caller: httpx.AsyncClient, resource: str, row: Row, **fields: Any) -> Row:
    response = await caller.patch(f"/api/v1/{resource}/{row['id']}", json=fields)
    assert response.status_code == 200, response.text
    answer: Row = response.json()
    return answer


@pytest.fixture
def older(callers: Callers) -> httpx.AsyncClient:
    """A caller of 1.0."""
    return callers["1.0"]


@pytest.fixture
def newer(callers: Callers) -> httpx.AsyncClient:
    """A caller of 1.2."""
    return callers["1.2"]


def _task(world: World, **fields: Any) -> Row:
    return make_task_data(world["user"], world["goal"], **fields)


# What each contract shows ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (USERS_1_0, USERS_1_2),
        (USERS_1_2, USERS_1_0),
        (GOALS_1_0, GOALS_1_2),
        (GOALS_1_2, GOALS_1_0),
        (TASKS_1_0, TASKS_1_2),
        (TASKS_1_2, TASKS_1_0),
        (CONVERSATIONS_1_0, CONVERSATIONS_1_2),
        (CONVERSATIONS_1_2, CONVERSATIONS_1_0),
    ],
    ids=lambda resource: str(resource),
)
async def test_a_row_crosses_with_every_field_that_both_contracts_have(
    written: Resource, read: Resource, callers: Callers, world: World
) -> None:
    row = await create(callers[written.contract], written.name, written.complete(world))

    crossed = await _read(callers[read.contract], read.name, row)

    assert crossed.keys() == read.shown
    translated = {"trigger_type"} if read.name == "tasks" else set()
    for name in written.shown & read.shown - translated:
        assert crossed[name] == row[name], name


async def test_milestones_are_the_same_in_both(callers: Callers, world: World) -> None:
    row = await create(callers["1.0"], "milestones", MILESTONES_1_0.complete(world))

    assert await _read(callers["1.2"], "milestones", row) == row


@pytest.mark.parametrize("resource", [USERS_1_2, GOALS_1_2, TASKS_1_2, CONVERSATIONS_1_2], ids=str)
async def test_1_0_refuses_the_fields_that_are_only_1_2s(resource: Resource, older: httpx.AsyncClient, world: World) -> None:
    its_own = {"users": USERS_1_0, "goals": GOALS_1_0, "tasks": TASKS_1_0, "conversations": CONVERSATIONS_1_0}[resource.name]
    row = await create(older, its_own.name, its_own.minimal(world))
    for name in sorted(resource.shown - its_own.shown):
        refused(await older.post(its_own.path, json=its_own.minimal(world) | {name: None}), 422, name)
        refused(await older.patch(f"{its_own.path}{row['id']}", json={name: None}), 422, name)


@pytest.mark.parametrize("name", ["state", "start_time", "end_time"])
async def test_1_2_refuses_the_words_that_are_only_1_0s(name: str, newer: httpx.AsyncClient, world: World) -> None:
    task = await create(newer, "tasks", _task(world))

    refused(await newer.post(TASKS, json=_task(world, **{name: None})), 422, name)
    refused(await newer.patch(f"{TASKS}{task['id']}", json={name: None}), 422, name)


# Tasks ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("state", "status"), STATUS_OF_STATE.items())
async def test_a_state_of_1_0_is_a_status_of_1_2(
    state: str, status: str, older: httpx.AsyncClient, newer: httpx.AsyncClient, world: World
) -> None:
    created = await create(older, "tasks", _task(world, state=state))
    changed = await _change(older, "tasks", await create(older, "tasks", _task(world)), state=state)

    for task in (created, changed):
        assert task["state"] == state
        assert (await _read(newer, "tasks", task))["status"] == status


@pytest.mark.parametrize("status", TASK_STATUSES)
async def test_a_status_of_1_2_is_a_state_of_1_0(
    status: str, older: httpx.AsyncClient, newer: httpx.AsyncClient, world: World
) -> None:
    created = await create(newer, "tasks", _task(world, status=status))
    changed = await _change(newer, "tasks", await create(newer, "tasks", _task(world)), status=status)

    for task in (created, changed):
        assert (await _read(older, "tasks", task))["state"] == STATE_OF_STATUS[status]


async def test_a_cancelled_task_stays_cancelled_when_1_0_changes_something_else(
    older: httpx.AsyncClient, newer: httpx.AsyncClient, world: World
) -> None:
    task = await create(newer, "tasks", _task(world, status="cancelled", trigger_type="location"))

    changed = await _change(older, "tasks", task, title="Run 5 km", priority="important")

    assert (changed["state"], changed["title"]) == ("missed", "Run 5 km")
    assert (await _read(newer, "tasks", task))["status"] == "cancelled"


@pytest.mark.parametrize(("old", "new"), TRIGGERS.items())
async def test_what_makes_a_task_due_has_a_word_in_each_contract(
    old: str, new: str, older: httpx.AsyncClient, newer: httpx.AsyncClient, world: World
) -> None:
    from_old = await create(older, "tasks", _task(world, trigger_type=old))
    from_new = await create(newer, "tasks", _task(world, trigger_type=new))
    other_old = next(each for each in TRIGGERS if each != old)
    changed = await _change(older, "tasks", await create(older, "tasks", _task(world, trigger_type=other_old)), trigger_type=old)

    assert (await _read(newer, "tasks", from_old))["trigger_type"] == new
    assert (await _read(older, "tasks", from_new))["trigger_type"] == old
    assert (await _read(newer, "tasks", changed))["trigger_type"] == new


async def test_1_0_leaves_the_place_of_a_task_alone(older: httpx.AsyncClient, newer: httpx.AsyncClient, world: World) -> None:
    fields = {"trigger_type": "location", "location_trigger": "home", "description": "Slowly", "recurrence_rule": "FREQ=DAILY"}
    task = await create(newer, "tasks", _task(world, **fields))

    await _change(older, "tasks", task, title="Run 5 km", state="drifted")

    read = await _read(newer, "tasks", task)
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
    end: str, minutes: int, older: httpx.AsyncClient, newer: httpx.AsyncClient, world: World
) -> None:
    created = await create(older, "tasks", _task(world, start_time=START, end_time=end))
    changed = await _change(older, "tasks", await create(older, "tasks", _task(world, start_time=START)), end_time=end)
    both = await _change(older, "tasks", await create(older, "tasks", _task(world)), start_time=START, end_time=end)

    for task in (created, changed, both):
        assert datetime.fromisoformat(task["end_time"]) == datetime.fromisoformat(end)
        assert (await _read(older, "tasks", task))["end_time"] == task["end_time"]
        read = await _read(newer, "tasks", task)
        assert (read["scheduled_at"], read["duration_minutes"]) == (START, minutes)


@pytest.mark.parametrize("minutes", [1, 30, 1440, 10_000_000])
async def test_a_duration_set_through_1_2_sets_the_end(
    minutes: int, older: httpx.AsyncClient, newer: httpx.AsyncClient, world: World
) -> None:
    created = await create(newer, "tasks", _task(world, scheduled_at=START, duration_minutes=minutes))
    task = await create(older, "tasks", _task(world, start_time=START, end_time="2026-03-01T09:59:59.999999Z"))
    changed = await _change(newer, "tasks", task, duration_minutes=minutes)

    for each in (created, changed):
        end = datetime.fromisoformat((await _read(older, "tasks", each))["end_time"])
        assert end - datetime.fromisoformat(START) == timedelta(minutes=minutes)
        assert (await _read(newer, "tasks", each))["duration_minutes"] == minutes


async def test_a_duration_cleared_through_1_2_clears_the_end(
    older: httpx.AsyncClient, newer: httpx.AsyncClient, world: World
) -> None:
    task = await create(older, "tasks", _task(world, start_time=START, end_time="2026-03-01T09:30:00Z"))

    await _change(newer, "tasks", task, duration_minutes=None)

    assert (await _read(older, "tasks", task))["end_time"] is None


async def test_an_end_cleared_through_1_0_clears_the_duration(
    older: httpx.AsyncClient, newer: httpx.AsyncClient, world: World
) -> None:
    task = await create(newer, "tasks", _task(world, scheduled_at=START, duration_minutes=30))

    await _change(older, "tasks", task, end_time=None)

    read = await _read(newer, "tasks", task)
    assert (read["scheduled_at"], read["duration_minutes"]) == (START, None)


async def test_a_task_without_a_duration_has_no_end(older: httpx.AsyncClient, newer: httpx.AsyncClient, world: World) -> None:
    only_start = await create(newer, "tasks", _task(world, scheduled_at=START))
    only_duration = await create(newer, "tasks", _task(world, duration_minutes=30))

    for task in (only_start, only_duration):
        assert (await _read(older, "tasks", task))["end_time"] is None


@pytest.mark.parametrize(
    "change",
    [{"title": "Run 5 km"}, {"status": "rescheduled"}, {"description": "Slowly"}, {"is_recurring": True}, {"status": "done"}],
    ids=str,
)
async def test_an_end_survives_changes_of_other_fields(
    change: Row, older: httpx.AsyncClient, newer: httpx.AsyncClient, world: World
) -> None:
    end = "2026-03-01T09:29:59.999999+00:00"
    task = await create(older, "tasks", _task(world, start_time=START, end_time=end))

    await _change(newer, "tasks", task, **change)
    await newer.post(f"{TASKS}bulk-update-state", json={"task_ids": [task["id"]], "new_status": "missed"})
    await _change(older, "tasks", task, title="Run 7 km")

    assert (await _read(older, "tasks", task))["end_time"] == end


async def test_moving_the_start_through_1_0_keeps_the_end(older: httpx.AsyncClient, newer: httpx.AsyncClient, world: World) -> None:
    end = "2026-03-01T10:00:00.000001+00:00"
    task = await create(older, "tasks", _task(world, start_time=START, end_time=end))

    moved = await _change(older, "tasks", task, start_time="2026-03-01T09:50:00Z")

    assert moved["end_time"] == end
    assert (await _read(newer, "tasks", task))["duration_minutes"] == 11


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
    existing: Row, change: Row, older: httpx.AsyncClient, world: World
) -> None:
    task = await create(older, "tasks", _task(world, **existing))

    if not existing:
        refused(await older.post(TASKS, json=_task(world, **change)), 422, "end_time")
    refused(await older.patch(f"{TASKS}{task['id']}", json=change), 422, "end_time")

    assert await _read(older, "tasks", task) == task


async def test_a_start_cleared_through_1_2_clears_the_end_and_keeps_the_duration(
    older: httpx.AsyncClient, newer: httpx.AsyncClient, world: World
) -> None:
    task = await create(newer, "tasks", _task(world, scheduled_at=START, duration_minutes=30))

    cleared = await _change(newer, "tasks", task, scheduled_at=None)

    assert cleared["duration_minutes"] == 30
    read = await _read(older, "tasks", task)
    assert (read["start_time"], read["end_time"]) == (None, None)


async def test_a_time_range_of_either_contract_finds_the_others_tasks(older: httpx.AsyncClient, newer: httpx.AsyncClient) -> None:
    user = await create(newer, "users", make_user_data())
    goal = await create(newer, "goals", make_goal_data(user["id"]))
    old = await create(older, "tasks", make_task_data(user["id"], goal["id"], start_time=START))
    new = await create(newer, "tasks", make_task_data(user["id"], scheduled_at="2026-03-01T10:00:00Z"))
    start, end = "2026-03-01T00:00:00Z", "2026-03-02T00:00:00Z"

    by_old = await older.get(f"{TASKS}by-timerange", params={"user_id": user["id"], "start_time": start, "end_time": end})
    by_new = await newer.get(f"{TASKS}by-timerange", params={"user_id": user["id"], "start_at": start, "end_at": end})

    assert [task["id"] for task in by_old.json()] == [task["id"] for task in by_new.json()] == [old["id"], new["id"]]
    assert by_old.json() == [old, await _read(older, "tasks", new)]
    assert by_new.json() == [await _read(newer, "tasks", old), new]


async def test_a_task_of_1_2_without_a_goal_is_seen_in_1_0(
    older: httpx.AsyncClient, newer: httpx.AsyncClient, world: World
) -> None:
    task = await create(newer, "tasks", make_task_data(world["user"]))

    assert (await _read(older, "tasks", task))["goal_id"] is None
    assert (await _change(older, "tasks", task, title="Run 5 km"))["title"] == "Run 5 km"


async def test_a_change_by_1_0_keeps_what_another_caller_changes_meanwhile(
    older: httpx.AsyncClient, world: World, database: Database, holder: Database
) -> None:
    task = await create(older, "tasks", _task(world))
    await holder.execute("update public.tasks set priority = 'important' where id = $1", UUID(task["id"]))

    changing = asyncio.create_task(_change(older, "tasks", task, title="Run 5 km"))
    await wait_for_waiters(database, 1)
    await holder.execute("commit")

    changed = await changing
    assert (changed["title"], changed["priority"]) == ("Run 5 km", "important")


# Users, goals, conversations ------------------------------------------------------------------------------------------


async def test_a_user_of_1_2_without_a_name_is_seen_in_1_0(older: httpx.AsyncClient, newer: httpx.AsyncClient) -> None:
    user = await create(newer, "users", make_user_data(onboarded=True, profile={"a": 1}))

    read = await _read(older, "users", user)

    assert read.keys() == USERS_1_0.shown
    assert (read["name"], read["preferences"], read["demo_mode"]) == (None, {}, False)


async def test_a_change_by_1_0_leaves_what_only_1_2_has(older: httpx.AsyncClient, newer: httpx.AsyncClient) -> None:
    user = await create(newer, "users", make_user_data(onboarded=True, profile={"a": 1}, notification_preferences={"push": True}))
    goal = await create(newer, "goals", make_goal_data(user["id"], class_tags=["health"], target_weeks=8, plan_json={"weeks": []}))

    await _change(older, "users", user, name="Jane Doe", preferences={"theme": "dark"}, demo_mode=True)
    await _change(older, "goals", goal, category="health", timeline="8 weeks", status="completed")

    read = await _read(newer, "users", user)
    assert read == {
        **user,
        "name": "Jane Doe",
        "preferences": {"theme": "dark"},
        "demo_mode": True,
        "updated_at": read["updated_at"],
    }
    read = await _read(newer, "goals", goal)
    assert read == {
        **goal,
        "category": "health",
        "timeline": "8 weeks",
        "status": "completed",
        "updated_at": read["updated_at"],
    }


async def test_a_user_and_a_goal_of_1_0_have_1_2s_defaults(
    older: httpx.AsyncClient, newer: httpx.AsyncClient, world: World
) -> None:
    user = await _read(newer, "users", await create(older, "users", USERS_1_0.minimal(world)))
    goal = await _read(newer, "goals", await create(older, "goals", GOALS_1_0.minimal(world)))

    assert (user["onboarded"], user["profile"], user["notification_preferences"]) == (False, None, None)
    assert (goal["target_weeks"], goal["class_tags"], goal["plan_json"]) == (6, None, None)


async def test_a_conversation_of_1_0_is_a_legacy_thread_in_1_2(
    older: httpx.AsyncClient, newer: httpx.AsyncClient, world: World
) -> None:
    said = [{"role": "user", "content": "Hello"}, {"role": "assistant", "content": "Hi", "at": 5}]
    conversation = await create(
        older, "conversations", {"user_id": world["user"], "goal_id": world["goal"], "messages": said, "status": "closed"}
    )

    read = await _read(newer, "conversations", conversation)

    assert read["langgraph_thread_id"] == f"legacy-{conversation['id']}"
    assert read["context_type"] == "goal"
    assert (read["goal_id"], read["messages"], read["status"]) == (world["goal"], said, "closed")
    assert (await newer.get("/api/v1/messages/", params={"conversation_id": conversation["id"]})).json() == []


async def test_a_conversation_of_1_2_is_seen_in_1_0_without_a_goal(
    older: httpx.AsyncClient, newer: httpx.AsyncClient, world: World
) -> None:
    data = {"user_id": world["user"], "langgraph_thread_id": uuid4().hex, "context_type": "voice"}
    conversation = await create(newer, "conversations", data)
    await create(newer, "messages", {"conversation_id": conversation["id"], "role": "user", "content": "Hello"})

    read = await _read(older, "conversations", conversation)
    changed = await _change(older, "conversations", conversation, status="closed", goal_id=world["goal"], messages=[{"a": 1}])

    assert read.keys() == CONVERSATIONS_1_0.shown
    assert (read["goal_id"], read["messages"], read["status"]) == (None, [], "open")
    assert (changed["goal_id"], changed["messages"], changed["status"]) == (world["goal"], [{"a": 1}], "closed")
    assert (await _read(newer, "conversations", conversation))["langgraph_thread_id"] == data["langgraph_thread_id"]


@pytest.mark.parametrize(
    ("resource", "missing"),
    [(USERS_1_0, "name"), (TASKS_1_0, "goal_id"), (CONVERSATIONS_1_0, "goal_id"), (MILESTONES_1_0, "week_number")],
    ids=str,
)
async def test_1_0_requires_what_1_2_does_not(resource: Resource, missing: str, older: httpx.AsyncClient, world: World) -> None:
    data = resource.minimal(world)
    del data[missing]

    refused(await older.post(resource.path, json=data), 422, missing)
    refused(await older.post(resource.path, json=data | {missing: None}), 422, missing)


@pytest.mark.parametrize("resource", [USERS_1_0, GOALS_1_0, MILESTONES_1_0, TASKS_1_0], ids=str)
async def test_a_row_deleted_through_1_0_is_gone_from_1_2(
    resource: Resource, older: httpx.AsyncClient, newer: httpx.AsyncClient, world: World
) -> None:
    row = await create(older, resource.name, resource.complete(world))

    assert (await older.delete(f"{resource.path}{row['id']}")).status_code == 204

    refused(await newer.get(f"{resource.path}{row['id']}"), 404)
