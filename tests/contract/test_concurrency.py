"""Clients who write at the same time."""

import asyncio
from typing import Any
from uuid import UUID

import httpx
import pytest

from tests.answers import refused
from tests.conftest import Clients, create, make_goal_data, make_task_data, make_user_data
from tests.contract.kinds import World
from tests.contract.resources import CONVERSATIONS_1_2, USERS_1_0, USERS_1_2, Resource
from tests.locks import Database, wait_for_waiters

TASKS = "/api/v1/tasks/"
WRITERS = 8


def _statuses(responses: list[httpx.Response]) -> list[int]:
    return sorted(response.status_code for response in responses)


@pytest.mark.parametrize("resource", [USERS_1_0, USERS_1_2], ids=str)
async def test_one_of_several_concurrent_writers_gets_an_email(resource: Resource, clients: Clients, world: World) -> None:
    for _ in range(3):
        data = resource.minimal(world)
        racing = [data | {"email": (data["email"].upper, data["email"].lower)[nth % 2]()} for nth in range(WRITERS)]

        responses = await asyncio.gather(*(clients[resource.contract].post(resource.path, json=each) for each in racing))

        assert _statuses(responses) == [201] + [409] * (WRITERS - 1)
        for response in responses:
            if response.status_code == 409:
                refused(response, 409, "email")


@pytest.mark.parametrize("first_gives_up", [False, True], ids=["the first stays", "the first gives up"])
async def test_a_second_writer_of_an_email_waits_for_the_first(
    first_gives_up: bool, client_1_2: httpx.AsyncClient, database: Database, holder: Database
) -> None:
    data = make_user_data()
    await holder.execute("insert into public.users (email) values ($1)", data["email"].upper())

    second = asyncio.create_task(client_1_2.post("/api/v1/users/", json=data))
    await wait_for_waiters(database, 1)
    assert not second.done()
    await holder.execute("rollback" if first_gives_up else "commit")

    if first_gives_up:
        assert (await second).status_code == 201
    else:
        refused(await second, 409, "email")


async def test_one_of_several_concurrent_writers_gets_a_thread(client_1_2: httpx.AsyncClient, world: World) -> None:
    data = CONVERSATIONS_1_2.minimal(world)

    responses = await asyncio.gather(*(client_1_2.post(CONVERSATIONS_1_2.path, json=data) for _ in range(WRITERS)))

    assert _statuses(responses) == [201] + [409] * (WRITERS - 1)


async def test_bulk_updates_of_the_same_tasks_in_opposite_orders_end_without_a_deadlock(
    client_1_2: httpx.AsyncClient, service_url: str
) -> None:
    user = await create(client_1_2, "users", make_user_data())
    made = await asyncio.gather(*(create(client_1_2, "tasks", make_task_data(user["id"])) for _ in range(100)))
    ids = [task["id"] for task in made]
    words = ["pending", "done", "missed", "rescheduled", "cancelled", "pending", "done", "missed"]

    async def write(nth: int) -> list[httpx.Response]:
        ordered = ids if nth % 2 else ids[::-1]
        async with httpx.AsyncClient(base_url=service_url, timeout=30) as caller:
            return [
                await caller.post(f"{TASKS}bulk-update-state", json={"task_ids": ordered, "new_status": words[nth]})
                for _ in range(5)
            ]

    written = await asyncio.gather(*(write(nth) for nth in range(WRITERS)))

    answers = [(response.status_code, response.json()) for responses in written for response in responses]
    assert answers == [(200, {"updated_count": 100})] * (WRITERS * 5)
    # Each was one transaction, so the last one decides the status of all.
    page = (await client_1_2.get(TASKS, params={"user_id": user["id"]})).json()
    assert len({task["status"] for task in page["items"]}) == 1


async def test_overlapping_bulk_updates_count_the_tasks_that_they_found(client_1_2: httpx.AsyncClient) -> None:
    user = await create(client_1_2, "users", make_user_data())
    ids = [(await create(client_1_2, "tasks", make_task_data(user["id"])))["id"] for _ in range(24)]
    parts = [ids[nth : nth + 10][:: -1 if nth % 2 else 1] for nth in range(WRITERS)]

    responses = await asyncio.gather(
        *(client_1_2.post(f"{TASKS}bulk-update-state", json={"task_ids": part, "new_status": "missed"}) for part in parts)
    )

    assert [response.json() for response in responses] == [{"updated_count": 10}] * WRITERS


async def test_a_bulk_update_waits_for_a_writer_and_then_counts_its_task(
    client_1_2: httpx.AsyncClient, world: World, database: Database, holder: Database
) -> None:
    ids = [(await create(client_1_2, "tasks", make_task_data(world["user"])))["id"] for _ in range(3)]
    await holder.execute("update public.tasks set title = 'Held' where id = $1", UUID(ids[1]))

    bulk = asyncio.create_task(client_1_2.post(f"{TASKS}bulk-update-state", json={"task_ids": ids, "new_status": "done"}))
    await wait_for_waiters(database, 1)
    others = [(await client_1_2.get(f"{TASKS}{task}")).json()["status"] for task in ids]
    await holder.execute("commit")

    assert others == ["pending"] * 3
    assert (await bulk).json() == {"updated_count": 3}
    held = (await client_1_2.get(f"{TASKS}{ids[1]}")).json()
    assert (held["title"], held["status"]) == ("Held", "done")


OF_BOTH = [{"title": "Changed"}, {"priority": "important"}, {"is_recurring": True}, {"calendar_event_id": "event-1"}]


@pytest.mark.parametrize(
    ("contract", "changes"),
    [
        ("1.2", [*OF_BOTH, {"description": "Slowly"}, {"duration_minutes": 5}, {"status": "missed"}]),
        ("1.0", [*OF_BOTH, {"start_time": "2026-03-01T09:00:00+00:00"}, {"trigger_type": "on_leaving_home"}, {"state": "missed"}]),
    ],
    ids=["1.2", "1.0"],
)
async def test_concurrent_changes_of_different_fields_are_all_kept(
    contract: str, changes: list[dict[str, Any]], clients: Clients, world: World
) -> None:
    caller = clients[contract]
    task = await create(caller, "tasks", make_task_data(world["user"], world["goal"]))
    path = f"{TASKS}{task['id']}"

    responses = await asyncio.gather(*(caller.patch(path, json=change) for change in changes))

    assert _statuses(responses) == [200] * len(changes)
    left = (await caller.get(path)).json()
    for change in changes:
        assert change.items() <= left.items()


async def test_a_change_to_a_row_that_is_being_deleted_is_404(
    client_1_2: httpx.AsyncClient, world: World, database: Database, holder: Database
) -> None:
    task = await create(client_1_2, "tasks", make_task_data(world["user"]))
    await holder.execute("delete from public.tasks where id = $1", UUID(task["id"]))

    change = asyncio.create_task(client_1_2.patch(f"{TASKS}{task['id']}", json={"title": "Changed"}))
    await wait_for_waiters(database, 1)
    await holder.execute("commit")

    refused(await change, 404)


async def test_a_task_cannot_be_added_to_a_goal_that_is_being_deleted(
    client_1_2: httpx.AsyncClient, world: World, database: Database, holder: Database
) -> None:
    goal = await create(client_1_2, "goals", make_goal_data(world["user"]))
    await holder.execute("delete from public.goals where id = $1", UUID(goal["id"]))

    adding = asyncio.create_task(client_1_2.post(TASKS, json=make_task_data(world["user"], goal["id"])))
    await wait_for_waiters(database, 1)
    await holder.execute("commit")

    refused(await adding, 422, "goal_id")


@pytest.mark.parametrize("contract", ["1.0", "1.2"])
async def test_structures_created_at_once_are_each_complete(contract: str, clients: Clients) -> None:
    user = await create(clients["1.2"], "users", make_user_data())
    structure = {
        "goal": {"user_id": user["id"], "title": "Run"},
        "milestones": [
            {"week_number": week, "title": f"Week {week}", "tasks": [{"title": f"Run {nth}"} for nth in range(5)]}
            for week in range(1, 5)
        ],
    }

    responses = await asyncio.gather(
        *(clients[contract].post("/api/v1/goals/with-structure", json=structure) for _ in range(WRITERS))
    )

    assert _statuses(responses) == [201] * WRITERS
    assert [(len(goal["milestones"]), len(goal["tasks"])) for goal in (each.json() for each in responses)] == [(4, 20)] * WRITERS
    assert (await clients[contract].get(TASKS, params={"user_id": user["id"]})).json()["total"] == 20 * WRITERS
