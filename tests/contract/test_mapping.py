"""Users, goals, milestones and conversations written through one contract and read through the other."""

from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.answers import refused
from tests.conftest import Clients, create, make_goal_data, make_task_data, make_user_data
from tests.contract.kinds import World
from tests.contract.resources import (
    CONVERSATIONS_1_0,
    CONVERSATIONS_1_2,
    GOALS_1_0,
    GOALS_1_2,
    MILESTONES_1_0,
    TASKS_1_0,
    TASKS_1_2,
    USERS_1_0,
    USERS_1_2,
    Resource,
)
from tests.contract.rows import Row, change_row, read_row

TASKS = "/api/v1/tasks/"


def _task(world: World, **fields: Any) -> Row:
    return make_task_data(world["user"], world["goal"], **fields)


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
async def test_both_contracts_show_the_same_value_of_every_common_field(
    written: Resource, read: Resource, clients: Clients, world: World
) -> None:
    row = await create(clients[written.contract], written.name, written.complete(world))

    crossed = await read_row(clients[read.contract], read.name, row)

    assert crossed.keys() == read.shown
    translated = {"trigger_type"} if read.name == "tasks" else set()
    for name in written.shown & read.shown - translated:
        assert crossed[name] == row[name], name


async def test_milestones_are_the_same_in_both(clients: Clients, world: World) -> None:
    row = await create(clients["1.0"], "milestones", MILESTONES_1_0.complete(world))

    assert await read_row(clients["1.2"], "milestones", row) == row


@pytest.mark.parametrize("resource", [USERS_1_2, GOALS_1_2, TASKS_1_2, CONVERSATIONS_1_2], ids=str)
async def test_1_0_refuses_fields_that_only_1_2_has(resource: Resource, client_1_0: httpx.AsyncClient, world: World) -> None:
    its_own = {"users": USERS_1_0, "goals": GOALS_1_0, "tasks": TASKS_1_0, "conversations": CONVERSATIONS_1_0}[resource.name]
    row = await create(client_1_0, its_own.name, its_own.minimal(world))
    for name in sorted(resource.shown - its_own.shown):
        refused(await client_1_0.post(its_own.path, json=its_own.minimal(world) | {name: None}), 422, name)
        refused(await client_1_0.patch(f"{its_own.path}{row['id']}", json={name: None}), 422, name)


@pytest.mark.parametrize("name", ["state", "start_time", "end_time"])
async def test_1_2_refuses_fields_that_only_1_0_has(name: str, client_1_2: httpx.AsyncClient, world: World) -> None:
    task = await create(client_1_2, "tasks", _task(world))

    refused(await client_1_2.post(TASKS, json=_task(world, **{name: None})), 422, name)
    refused(await client_1_2.patch(f"{TASKS}{task['id']}", json={name: None}), 422, name)


async def test_1_0_shows_a_user_of_1_2_without_a_name(client_1_0: httpx.AsyncClient, client_1_2: httpx.AsyncClient) -> None:
    user = await create(client_1_2, "users", make_user_data(onboarded=True, profile={"a": 1}))

    read = await read_row(client_1_0, "users", user)

    assert read.keys() == USERS_1_0.shown
    assert (read["name"], read["preferences"], read["demo_mode"]) == (None, {}, False)


async def test_a_change_through_1_0_leaves_fields_that_only_1_2_has(
    client_1_0: httpx.AsyncClient, client_1_2: httpx.AsyncClient
) -> None:
    user = await create(
        client_1_2, "users", make_user_data(onboarded=True, profile={"a": 1}, notification_preferences={"push": True})
    )
    goal = await create(
        client_1_2, "goals", make_goal_data(user["id"], class_tags=["health"], target_weeks=8, plan_json={"weeks": []})
    )

    await change_row(client_1_0, "users", user, name="Jane Doe", preferences={"theme": "dark"}, demo_mode=True)
    await change_row(client_1_0, "goals", goal, category="health", timeline="8 weeks", status="completed")

    read = await read_row(client_1_2, "users", user)
    assert read == {
        **user,
        "name": "Jane Doe",
        "preferences": {"theme": "dark"},
        "demo_mode": True,
        "updated_at": read["updated_at"],
    }
    read = await read_row(client_1_2, "goals", goal)
    assert read == {
        **goal,
        "category": "health",
        "timeline": "8 weeks",
        "status": "completed",
        "updated_at": read["updated_at"],
    }


async def test_a_user_and_a_goal_of_1_0_have_the_defaults_of_1_2(
    client_1_0: httpx.AsyncClient, client_1_2: httpx.AsyncClient, world: World
) -> None:
    user = await read_row(client_1_2, "users", await create(client_1_0, "users", USERS_1_0.minimal(world)))
    goal = await read_row(client_1_2, "goals", await create(client_1_0, "goals", GOALS_1_0.minimal(world)))

    assert (user["onboarded"], user["profile"], user["notification_preferences"]) == (False, {}, {})
    assert (goal["target_weeks"], goal["class_tags"], goal["plan_json"]) == (6, None, None)


async def test_a_conversation_of_1_0_is_a_legacy_thread_in_1_2(
    client_1_0: httpx.AsyncClient, client_1_2: httpx.AsyncClient, world: World
) -> None:
    said = [{"role": "user", "content": "Hello"}, {"role": "assistant", "content": "Hi", "at": 5}]
    conversation = await create(
        client_1_0, "conversations", {"user_id": world["user"], "goal_id": world["goal"], "messages": said, "status": "closed"}
    )

    read = await read_row(client_1_2, "conversations", conversation)

    assert read["langgraph_thread_id"] == f"legacy-{conversation['id']}"
    assert read["context_type"] == "goal"
    assert (read["goal_id"], read["messages"], read["status"]) == (world["goal"], said, "closed")
    assert (await client_1_2.get("/api/v1/messages/", params={"conversation_id": conversation["id"]})).json() == []


async def test_1_0_shows_a_conversation_of_1_2_without_a_goal(
    client_1_0: httpx.AsyncClient, client_1_2: httpx.AsyncClient, world: World
) -> None:
    data = {"user_id": world["user"], "langgraph_thread_id": uuid4().hex, "context_type": "voice"}
    conversation = await create(client_1_2, "conversations", data)
    await create(client_1_2, "messages", {"conversation_id": conversation["id"], "role": "user", "content": "Hello"})

    read = await read_row(client_1_0, "conversations", conversation)
    changed = await change_row(
        client_1_0, "conversations", conversation, status="closed", goal_id=world["goal"], messages=[{"a": 1}]
    )

    assert read.keys() == CONVERSATIONS_1_0.shown
    assert (read["goal_id"], read["messages"], read["status"]) == (None, [], "open")
    assert (changed["goal_id"], changed["messages"], changed["status"]) == (world["goal"], [{"a": 1}], "closed")
    assert (await read_row(client_1_2, "conversations", conversation))["langgraph_thread_id"] == data["langgraph_thread_id"]


@pytest.mark.parametrize(
    ("resource", "missing"),
    [(USERS_1_0, "name"), (TASKS_1_0, "goal_id"), (CONVERSATIONS_1_0, "goal_id"), (MILESTONES_1_0, "week_number")],
    ids=str,
)
async def test_1_0_requires_what_1_2_does_not(
    resource: Resource, missing: str, client_1_0: httpx.AsyncClient, world: World
) -> None:
    data = resource.minimal(world)
    del data[missing]

    refused(await client_1_0.post(resource.path, json=data), 422, missing)
    refused(await client_1_0.post(resource.path, json=data | {missing: None}), 422, missing)


@pytest.mark.parametrize("resource", [USERS_1_0, GOALS_1_0, MILESTONES_1_0, TASKS_1_0], ids=str)
async def test_a_row_deleted_through_1_0_is_gone_from_1_2(
    resource: Resource, client_1_0: httpx.AsyncClient, client_1_2: httpx.AsyncClient, world: World
) -> None:
    row = await create(client_1_0, resource.name, resource.complete(world))

    assert (await client_1_0.delete(f"{resource.path}{row['id']}")).status_code == 204

    refused(await client_1_2.get(f"{resource.path}{row['id']}"), 404)
