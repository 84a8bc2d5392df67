"""A goal in one piece: `/full` and `/with-structure`, in both contracts."""

from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.answers import refused
from tests.conftest import Clients, create, make_goal_data, make_task_data, make_user_data
from tests.contract.kinds import World, is_same
from tests.contract.resources import (
    GOALS_1_0,
    GOALS_1_2,
    MILESTONES_1_0,
    MILESTONES_1_2,
    TASKS_1_0,
    TASKS_1_2,
    Resource,
)

UNKNOWN = "00000000-0000-4000-8000-000000000000"
WITH_STRUCTURE = "/api/v1/goals/with-structure"
RESOURCES = {"1.0": (GOALS_1_0, MILESTONES_1_0, TASKS_1_0), "1.2": (GOALS_1_2, MILESTONES_1_2, TASKS_1_2)}
PLACED = {"user_id", "goal_id", "milestone_id", "conversation_id"}
Row = dict[str, Any]
both_contracts = pytest.mark.parametrize("contract", RESOURCES)


@pytest.fixture
async def user_id(client_1_2: httpx.AsyncClient) -> str:
    return str((await create(client_1_2, "users", make_user_data()))["id"])


def _structure(user_id: str, *milestones: list[Row]) -> Row:
    """A structure of a goal with one milestone per list of tasks."""
    return {
        "goal": {"user_id": user_id, "title": "Run a half marathon"},
        "milestones": [
            {"week_number": nth + 1, "title": f"Week {nth + 1}", "tasks": tasks} for nth, tasks in enumerate(milestones)
        ],
    }


async def _create(caller: httpx.AsyncClient, structure: Row) -> Row:
    response = await caller.post(WITH_STRUCTURE, json=structure)
    assert response.status_code == 201, response.text
    goal: Row = response.json()
    return goal


async def _counts(client: httpx.AsyncClient, user_id: str) -> tuple[int, int]:
    """The numbers of goals and tasks of the user."""
    goals, tasks = [
        (await client.get(f"/api/v1/{name}/", params={"user_id": user_id})).json()["total"] for name in ("goals", "tasks")
    ]
    return goals, tasks


def _differing(resource: Resource, sent: Row, row: Row) -> list[str]:
    return [name for name in sent if not is_same(resource.field(name).kind, sent[name], row[name])]


@both_contracts
async def test_creating_a_structure_returns_the_shape_of_full(contract: str, clients: Clients, user_id: str) -> None:
    caller = clients[contract]
    structure = _structure(user_id, [{"title": "Run 3 km"}, {"title": "Stretch"}], [], [{"title": "Run 5 km"}])

    goal = await _create(caller, structure)

    assert (await caller.get(f"/api/v1/goals/{goal['id']}/full")).json() == goal
    milestones, tasks = goal["milestones"], goal["tasks"]
    assert [milestone["week_number"] for milestone in milestones] == [1, 2, 3]
    assert [task["title"] for task in tasks] == ["Run 3 km", "Stretch", "Run 5 km"]
    assert [task["milestone_id"] for task in tasks] == [milestones[nth]["id"] for nth in (0, 0, 2)]
    assert {task["user_id"] for task in tasks} == {user_id}
    assert {row["goal_id"] for row in (*milestones, *tasks)} == {goal["id"]}


@both_contracts
async def test_full_shows_a_goal_and_its_rows_as_their_own_endpoints_do(contract: str, clients: Clients, user_id: str) -> None:
    caller = clients[contract]
    created = await _create(caller, _structure(user_id, [{"title": "Run 3 km"}], [{"title": "Run 5 km"}]))

    full = (await caller.get(f"/api/v1/goals/{created['id']}/full")).json()

    for name in ("milestones", "tasks"):
        for row in full.pop(name):
            assert (await caller.get(f"/api/v1/{name}/{row['id']}")).json() == row
    assert (await caller.get(f"/api/v1/goals/{created['id']}")).json() == full


@both_contracts
async def test_every_field_of_a_structure_is_kept(contract: str, clients: Clients, world: World) -> None:
    goals, milestones, tasks = RESOURCES[contract]
    goal, milestone, task = (
        {name: value for name, value in resource.complete(world).items() if resource is goals or name not in PLACED}
        for resource in (goals, milestones, tasks)
    )

    created = await _create(clients[contract], {"goal": goal, "milestones": [{**milestone, "tasks": [task]}]})

    assert created.keys() == goals.shown | {"milestones", "tasks"}
    assert _differing(goals, goal, created) == []
    assert created["milestones"][0].keys() == milestones.shown
    assert _differing(milestones, milestone, created["milestones"][0]) == []
    assert created["tasks"][0].keys() == tasks.shown
    assert _differing(tasks, task, created["tasks"][0]) == []


@both_contracts
async def test_a_field_that_a_structure_leaves_out_has_its_default(contract: str, clients: Clients, world: World) -> None:
    goals, _, tasks = RESOURCES[contract]
    only_goal = await _create(clients[contract], {"goal": goals.minimal(world)})
    no_tasks = await _create(clients[contract], {"goal": goals.minimal(world), "milestones": [{"week_number": 1, "title": "Week"}]})
    # The other task has every field: none of them may leak into this one.
    complete, another = ({name: value for name, value in tasks.complete(world).items() if name not in PLACED} for _ in range(2))
    mixed = await _create(clients[contract], _structure(world["user"], [complete, {"title": "Run"}, another]))
    weeks = [{"week_number": 1, "title": "Week"}, {"week_number": 2, "title": "Week", "status": "open"}]
    two_milestones = await _create(clients[contract], {"goal": goals.minimal(world), "milestones": weeks})

    assert only_goal["milestones"] == only_goal["tasks"] == no_tasks["tasks"] == []
    assert no_tasks["milestones"][0]["status"] == "pending"
    assert [milestone["status"] for milestone in two_milestones["milestones"]] == ["pending", "open"]
    defaults = {field.name: field.default for field in tasks.fields if not field.required and field.name not in PLACED}
    assert {name: mixed["tasks"][1][name] for name in defaults} == defaults
    assert {field.name: only_goal[field.name] for field in goals.fields if not field.required} == {
        field.name: field.default for field in goals.fields if not field.required
    }


@both_contracts
async def test_a_year_of_20_tasks_a_week_is_created_in_one_call(contract: str, clients: Clients, user_id: str) -> None:
    caller = clients[contract]
    weeks = [[{"title": f"Week {week} task {nth}"} for nth in range(20)] for week in range(1, 53)]

    goal = await _create(caller, _structure(user_id, *weeks))

    assert [milestone["week_number"] for milestone in goal["milestones"]] == list(range(1, 53))
    assert [task["title"] for task in goal["tasks"]] == [task["title"] for week in weeks for task in week]
    week_of = {milestone["id"]: milestone["week_number"] for milestone in goal["milestones"]}
    assert {task["title"].split()[1] == str(week_of[task["milestone_id"]]) for task in goal["tasks"]} == {True}
    assert await _counts(clients["1.2"], user_id) == (1, 1040)
    assert (await caller.get(f"/api/v1/goals/{goal['id']}/full")).json() == goal


def _bad_task(contract: str) -> tuple[Row, str]:
    """A task that only the database refuses, and the field that the error names."""
    if contract == "1.0":
        return {"title": "Run", "start_time": "2026-03-01T10:00:00Z", "end_time": "2026-03-01T09:00:00Z"}, "end_time"
    return {"title": "Run", "status": "pending", "completed_at": "2026-03-01T10:00:00Z"}, "completed_at"


@both_contracts
async def test_a_bad_task_in_the_third_milestone_leaves_nothing_behind(contract: str, clients: Clients, user_id: str) -> None:
    task, field = _bad_task(contract)
    good = [{"title": "Run"}, {"title": "Stretch"}]

    response = await clients[contract].post(WITH_STRUCTURE, json=_structure(user_id, good, good, [good[0], task, task], good))

    refused(response, 422, f"milestones[2].tasks[1].{field}")
    assert await _counts(clients["1.2"], user_id) == (0, 0)


@pytest.mark.one_gateway
@both_contracts
async def test_a_validation_error_in_a_structure_leaves_nothing_behind(contract: str, clients: Clients, user_id: str) -> None:
    structure = _structure(user_id, [{"title": "Run"}], [], [{"title": ""}])

    refused(await clients[contract].post(WITH_STRUCTURE, json=structure), 422, "milestones[2].tasks[0].title")

    assert await _counts(clients["1.2"], user_id) == (0, 0)


@pytest.mark.one_gateway
@both_contracts
@pytest.mark.parametrize(
    ("path", "value", "problem"),
    [
        (("goal", "title"), "x" * 501, "goal.title"),
        (("goal", "status"), "pending", "goal.status"),
        (("goal", "no_such"), 1, "goal.no_such"),
        (("goal",), {}, "goal.user_id goal.title"),
        (("goal",), None, "goal"),
        (("milestones",), None, "milestones"),
        (("milestones",), {}, "milestones"),
        (("milestones", 0), None, "milestones[0]"),
        (("milestones", 0, "week_number"), 0, "milestones[0].week_number"),
        (("milestones", 0, "goal_id"), UNKNOWN, "milestones[0].goal_id"),
        (("milestones", 0, "tasks"), {}, "milestones[0].tasks"),
        (("milestones", 0, "tasks", 0, "user_id"), UNKNOWN, "milestones[0].tasks[0].user_id"),
        (("milestones", 0, "tasks", 0, "title"), "a\0b", "milestones[0].tasks[0].title"),
        (("milestones", 0, "tasks", 0, "trigger_type"), "on", "milestones[0].tasks[0].trigger_type"),
        (("tasks",), [], "tasks"),
        (("title",), "Run", "title"),
    ],
    ids=str,
)
async def test_an_error_in_a_structure_names_its_place(
    path: tuple[str | int, ...], value: Any, problem: str, contract: str, clients: Clients, user_id: str
) -> None:
    structure = _structure(user_id, [{"title": "Run"}])
    place: Any = structure
    for part in path[:-1]:
        place = place[part]
    place[path[-1]] = value

    refused(await clients[contract].post(WITH_STRUCTURE, json=structure), 422, *problem.split())

    assert await _counts(clients["1.2"], user_id) == (0, 0)


@both_contracts
async def test_a_structure_for_a_user_who_does_not_exist_is_refused(contract: str, clients: Clients) -> None:
    refused(await clients[contract].post(WITH_STRUCTURE, json=_structure(str(uuid4()), [{"title": "Run"}])), 422, "goal.user_id")


async def test_a_structure_cannot_refer_to_rows_of_another_user(client_1_2: httpx.AsyncClient, world: World, user_id: str) -> None:
    structure = _structure(user_id, [{"title": "Run"}])
    structure["goal"]["parent_goal_id"] = world["goal"]

    refused(await client_1_2.post(WITH_STRUCTURE, json=structure), 422, "goal.parent_goal_id")

    assert await _counts(client_1_2, user_id) == (0, 0)


async def test_a_structure_can_be_part_of_another_goal(client_1_2: httpx.AsyncClient, user_id: str) -> None:
    parent = await create(client_1_2, "goals", make_goal_data(user_id))
    structure = _structure(user_id, [{"title": "Run"}])
    structure["goal"]["parent_goal_id"] = parent["id"]

    assert (await _create(client_1_2, structure))["parent_goal_id"] == parent["id"]


@both_contracts
async def test_full_has_milestones_by_week_and_tasks_without_a_milestone_too(
    contract: str, clients: Clients, client_1_2: httpx.AsyncClient, user_id: str
) -> None:
    goal = await create(client_1_2, "goals", make_goal_data(user_id))
    for week in (3, 1, 2, 1):
        await create(client_1_2, "milestones", {"goal_id": goal["id"], "week_number": week, "title": f"Week {week}"})
    await create(client_1_2, "tasks", make_task_data(user_id, goal["id"], title="Alone"))
    await create(client_1_2, "tasks", make_task_data(user_id, title="Elsewhere"))

    full = (await clients[contract].get(f"/api/v1/goals/{goal['id']}/full")).json()

    assert [milestone["week_number"] for milestone in full["milestones"]] == [1, 1, 2, 3]
    assert [task["title"] for task in full["tasks"]] == ["Alone"]


@both_contracts
async def test_full_of_a_goal_without_rows_has_empty_lists(contract: str, clients: Clients, world: World) -> None:
    goal = await create(clients["1.2"], "goals", make_goal_data(world["user"]))

    full = (await clients[contract].get(f"/api/v1/goals/{goal['id']}/full")).json()

    assert (full["milestones"], full["tasks"]) == ([], [])


async def test_moving_a_milestone_moves_its_tasks(client_1_2: httpx.AsyncClient, user_id: str) -> None:
    goal = await _create(client_1_2, _structure(user_id, [{"title": "Run"}]))
    other = await create(client_1_2, "goals", make_goal_data(user_id))

    moved = await client_1_2.patch(f"/api/v1/milestones/{goal['milestones'][0]['id']}", json={"goal_id": other["id"]})

    assert moved.status_code == 200, moved.text
    assert (await client_1_2.get(f"/api/v1/goals/{goal['id']}/full")).json()["tasks"] == []
    full = (await client_1_2.get(f"/api/v1/goals/{other['id']}/full")).json()
    assert [task["id"] for task in full["tasks"]] == [goal["tasks"][0]["id"]]


async def test_a_milestone_with_tasks_does_not_move_to_another_users_goal(
    client_1_2: httpx.AsyncClient, user_id: str, world: World
) -> None:
    goal = await _create(client_1_2, _structure(user_id, [{"title": "Run"}]))

    response = await client_1_2.patch(f"/api/v1/milestones/{goal['milestones'][0]['id']}", json={"goal_id": world["goal"]})

    refused(response, 422)
    assert (await client_1_2.get(f"/api/v1/goals/{goal['id']}/full")).json() == goal
