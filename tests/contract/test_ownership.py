"""Ownership: rows are deleted with their owner and refer only to rows of the same user."""

from uuid import uuid4

import httpx
import pytest

from tests.answers import refused
from tests.conftest import Clients, create, make_goal_data, make_task_data, make_user_data
from tests.contract.kinds import World
from tests.contract.resources import GOALS_1_2, TASKS_1_2, Resource


async def test_deleting_a_user_deletes_what_belongs_to_it(client_1_2: httpx.AsyncClient) -> None:
    user = await create(client_1_2, "users", make_user_data())
    owner = {"user_id": user["id"]}
    goal = await create(client_1_2, "goals", make_goal_data(user["id"]))
    child = await create(client_1_2, "goals", make_goal_data(user["id"], parent_goal_id=goal["id"]))
    milestone = await create(client_1_2, "milestones", {"goal_id": goal["id"], "week_number": 1, "title": "Week"})
    task = await create(client_1_2, "tasks", make_task_data(user["id"], goal["id"], milestone_id=milestone["id"]))
    thread = {"langgraph_thread_id": uuid4().hex, "context_type": "goal", "goal_id": goal["id"]}
    conversation = await create(client_1_2, "conversations", owner | thread)
    linked = await client_1_2.patch(
        f"/api/v1/conversations/{conversation['id']}/voice",
        json={"linked_goal_id": goal["id"], "linked_task_id": task["id"]},
    )
    assert linked.status_code == 200
    message = {"conversation_id": conversation["id"], "role": "user", "content": "Hello"}
    rows = {
        "users": [user],
        "goals": [goal, child],
        "milestones": [milestone],
        "tasks": [task, await create(client_1_2, "tasks", make_task_data(user["id"]))],
        "conversations": [conversation],
        "messages": [await create(client_1_2, "messages", message)],
        "patterns": [await create(client_1_2, "patterns", owner)],
        "notification-log": [await create(client_1_2, "notification-log", {"task_id": task["id"], "channel": "push"})],
    }
    assert (await client_1_2.put(f"/api/v1/demo-flags/{user['id']}", json={})).status_code == 200

    assert (await client_1_2.delete(f"/api/v1/users/{user['id']}")).status_code == 204

    refused(await client_1_2.get(f"/api/v1/demo-flags/{user['id']}"), 404)
    for resource, gone in rows.items():
        for row in gone:
            refused(await client_1_2.get(f"/api/v1/{resource}/{row['id']}"), 404)
    for resource in ("goals", "tasks", "conversations", "patterns"):
        assert (await client_1_2.get(f"/api/v1/{resource}/", params=owner)).json()["total"] == 0


async def test_deleting_a_goal_deletes_what_belongs_to_it_and_nothing_else(client_1_2: httpx.AsyncClient) -> None:
    user = await create(client_1_2, "users", make_user_data())
    goal = await create(client_1_2, "goals", make_goal_data(user["id"]))
    milestone = await create(client_1_2, "milestones", {"goal_id": goal["id"], "week_number": 1, "title": "Week"})
    task = await create(client_1_2, "tasks", make_task_data(user["id"], goal["id"], milestone_id=milestone["id"]))
    other = await create(client_1_2, "tasks", make_task_data(user["id"]))
    pattern = await create(client_1_2, "patterns", {"user_id": user["id"]})

    assert (await client_1_2.delete(f"/api/v1/goals/{goal['id']}")).status_code == 204

    for resource, row in (("milestones", milestone), ("tasks", task)):
        refused(await client_1_2.get(f"/api/v1/{resource}/{row['id']}"), 404)
    for resource, row in (("users", user), ("tasks", other), ("patterns", pattern)):
        assert (await client_1_2.get(f"/api/v1/{resource}/{row['id']}")).json() == row


async def test_deleting_a_milestone_keeps_its_tasks(client_1_2: httpx.AsyncClient, world: World) -> None:
    milestone = await create(client_1_2, "milestones", {"goal_id": world["goal"], "week_number": 9, "title": "Week"})
    task = await create(client_1_2, "tasks", make_task_data(world["user"], world["goal"], milestone_id=milestone["id"]))

    assert (await client_1_2.delete(f"/api/v1/milestones/{milestone['id']}")).status_code == 204

    left = (await client_1_2.get(f"/api/v1/tasks/{task['id']}")).json()
    assert left["milestone_id"] is None
    assert left["goal_id"] == world["goal"]


@pytest.mark.parametrize(
    ("resource", "data", "field"),
    [
        (TASKS_1_2, {"goal_id": "strangers_goal"}, "goal_id"),
        (TASKS_1_2, {"goal_id": "goal", "milestone_id": "strangers_milestone"}, "milestone_id"),
        (TASKS_1_2, {"milestone_id": "milestone"}, "milestone_id"),
        (GOALS_1_2, {"parent_goal_id": "strangers_goal"}, "parent_goal_id"),
    ],
    ids=["another user's goal", "another user's milestone", "a milestone without its goal", "another user's parent goal"],
)
async def test_a_row_refers_only_to_rows_of_its_user(
    resource: Resource, data: dict[str, str], field: str, client_1_2: httpx.AsyncClient, world: World
) -> None:
    names = {name: world[row] for name, row in data.items()}

    refused(await client_1_2.post(resource.path, json=resource.minimal(world) | names), 422, field)

    before = await create(client_1_2, resource.name, resource.minimal(world))
    refused(await client_1_2.patch(f"{resource.path}{before['id']}", json=names), 422, field)
    assert (await client_1_2.get(f"{resource.path}{before['id']}")).json() == before


@pytest.mark.parametrize("tasks", [0, 1], ids=["an empty milestone", "one with a task"])
@pytest.mark.parametrize("contract", ["1.2", "1.0"])
async def test_a_milestone_moves_only_to_a_goal_of_its_user(contract: str, tasks: int, clients: Clients, world: World) -> None:
    milestone = await create(clients["1.2"], "milestones", {"goal_id": world["goal"], "week_number": 9, "title": "Week"})
    for _ in range(tasks):
        await create(clients["1.2"], "tasks", make_task_data(world["user"], world["goal"], milestone_id=milestone["id"]))
    path = f"/api/v1/milestones/{milestone['id']}"

    body = refused(await clients[contract].patch(path, json={"goal_id": world["strangers_goal"]}), 422, "goal_id")
    assert body["detail"] == "goal_id names no goal of this user."
    refused(await clients[contract].patch(path, json={"goal_id": str(uuid4())}), 422, "goal_id")

    assert (await clients[contract].patch(path, json={"goal_id": world["other_goal"]})).json()["goal_id"] == world["other_goal"]


async def test_a_goal_cannot_be_its_own_parent(client_1_2: httpx.AsyncClient, world: World) -> None:
    goal = await create(client_1_2, "goals", make_goal_data(world["user"]))

    refused(await client_1_2.patch(f"/api/v1/goals/{goal['id']}", json={"parent_goal_id": goal["id"]}), 422, "parent_goal_id")
