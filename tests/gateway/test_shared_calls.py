"""Concurrent requests share calls to the database, and each gets its own response."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from tests.answers import refused
from tests.conftest import Clients, create, make_goal_data, make_task_data, make_user_data
from tests.contract.kinds import World
from tests.locks import Database, wait_for_waiters

TASKS = "/api/v1/tasks/"
MANY = 60
both_contracts = pytest.mark.parametrize("contract", ["1.0", "1.2"])


async def _transactions(database: Database, ids: list[str]) -> int:
    """The number of transactions that wrote the current versions of these tasks."""
    query = "select count(distinct xmin::text) from public.tasks where id = any($1)"
    return int(await database.fetchval(query, [UUID(key) for key in ids]))


async def _tasks(caller: httpx.AsyncClient, world: World, count: int) -> list[str]:
    """Ids of new tasks."""
    data = make_task_data(world["user"], world["goal"])
    return [task["id"] for task in await asyncio.gather(*(create(caller, "tasks", data) for _ in range(count)))]


TITLES = [
    'Line\nbreak, \n {"id":"',
    f'"}}, \n {{"id":"{uuid4()}","title":"another',
    "quotes \" and '",
    "back\\slash",
    "[]",
    "null",
    "Läufe 🏃",
]


@both_contracts
async def test_concurrent_reads_each_return_their_own_row(contract: str, clients: Clients, world: World) -> None:
    caller = clients[contract]
    rows = [
        await create(caller, "tasks", make_task_data(world["user"], world["goal"], title=title))
        for title in TITLES
        for _ in range(3)
    ]
    missing = [str(uuid4()) for _ in range(10)]
    asked = [*(row["id"] for row in rows), *missing, *(row["id"] for row in rows)]

    answers = await asyncio.gather(*(caller.get(f"{TASKS}{key}") for key in asked))

    by_id = {row["id"]: row for row in rows}
    for key, answer in zip(asked, answers, strict=True):
        if key in by_id:
            assert answer.status_code == 200, answer.text
            assert answer.json() == by_id[key]
        else:
            refused(answer, 404)


SHAPES: list[dict[str, Any]] = [{}, {"priority": "important"}, {"is_recurring": True, "calendar_event_id": "event-1"}]


@both_contracts
async def test_concurrent_creations_each_return_their_own_row(
    contract: str, clients: Clients, world: World, database: Database, holder: Database
) -> None:
    caller = clients[contract]
    goal = await create(caller, "goals", make_goal_data(world["user"]))
    await holder.execute("delete from public.goals where id = $1", UUID(goal["id"]))
    waiting = asyncio.create_task(caller.post(TASKS, json=make_task_data(world["user"], goal["id"])))
    await wait_for_waiters(database, 1)
    sent = [
        make_task_data(world["user"], world["goal"], title=f"{nth} {TITLES[nth % len(TITLES)]}", **SHAPES[nth % len(SHAPES)])
        for nth in range(MANY)
    ]

    rows = await asyncio.gather(*(create(caller, "tasks", data) for data in sent))

    await holder.execute("rollback")
    assert (await waiting).status_code == 201
    for data, row in zip(sent, rows, strict=True):
        assert data.items() <= row.items()
        assert (await caller.get(f"{TASKS}{row['id']}")).json() == row
    assert await _transactions(database, [row["id"] for row in rows]) < MANY


@both_contracts
async def test_a_refused_row_does_not_affect_other_callers(contract: str, clients: Clients, world: World) -> None:
    caller = clients[contract]
    good = make_task_data(world["user"], world["goal"])
    bad = {
        "a user that is not there": good | {"user_id": str(uuid4())},
        "another user's goal": good | {"goal_id": world["strangers_goal"]},
        "a character that text cannot hold": good | {"title": "a\0b"},
    }
    sent = [good, *bad.values()] * 10

    answers = await asyncio.gather(*(caller.post(TASKS, json=data) for data in sent))

    for data, answer in zip(sent, answers, strict=True):
        if data is good:
            assert answer.status_code == 201, answer.text
        else:
            refused(answer, 422)


async def test_one_of_two_conflicting_rows_is_created(client_1_2: httpx.AsyncClient) -> None:
    sent = [make_user_data() for _ in range(10)]

    answers = await asyncio.gather(*(client_1_2.post("/api/v1/users/", json=data) for data in [*sent, *sent]))

    statuses: dict[str, list[int]] = {}
    for data, answer in zip([*sent, *sent], answers, strict=True):
        statuses.setdefault(data["email"], []).append(answer.status_code)
    assert [sorted(found) for found in statuses.values()] == [[201, 409]] * len(sent)


@both_contracts
async def test_concurrent_changes_each_return_their_own_row(
    contract: str, clients: Clients, world: World, database: Database, holder: Database
) -> None:
    caller = clients[contract]
    held, *ids = await _tasks(caller, world, MANY + 1)
    await holder.execute("update public.tasks set title = 'Held' where id = $1", UUID(held))
    waiting = asyncio.create_task(caller.patch(f"{TASKS}{held}", json={"title": "Changed"}))
    await wait_for_waiters(database, 1)
    changes: list[dict[str, Any]] = [{"title": f"Changed {nth}"} | SHAPES[nth % len(SHAPES)] for nth in range(MANY)]

    answers = await asyncio.gather(
        *(caller.patch(f"{TASKS}{key}", json=change) for key, change in zip(ids, changes, strict=True)),
        *(caller.patch(f"{TASKS}{uuid4()}", json={"title": "Missing"}) for _ in range(5)),
    )

    await holder.execute("rollback")
    assert (await waiting).status_code == 200
    for key, change, answer in zip(ids, changes, answers, strict=False):
        assert answer.status_code == 200, answer.text
        assert change.items() <= answer.json().items()
        assert (await caller.get(f"{TASKS}{key}")).json() == answer.json()
    for answer in answers[MANY:]:
        refused(answer, 404)
    assert await _transactions(database, ids) < MANY


@both_contracts
async def test_a_refused_change_does_not_affect_other_callers(contract: str, clients: Clients, world: World) -> None:
    caller = clients[contract]
    ids = await _tasks(caller, world, 20)
    changes = [{"goal_id": world["strangers_goal"] if nth % 4 == 0 else world["other_goal"]} for nth in range(20)]

    answers = await asyncio.gather(*(caller.patch(f"{TASKS}{key}", json=each) for key, each in zip(ids, changes, strict=True)))

    for change, answer in zip(changes, answers, strict=True):
        if change["goal_id"] == world["strangers_goal"]:
            refused(answer, 422, "goal_id")
        else:
            assert answer.status_code == 200, answer.text
            assert answer.json()["goal_id"] == world["other_goal"]


async def test_concurrent_changes_of_one_row_are_made_one_at_a_time(client_1_2: httpx.AsyncClient, world: World) -> None:
    (key,) = await _tasks(client_1_2, world, 1)
    titles = [f"Title {nth}" for nth in range(20)]

    answers = await asyncio.gather(*(client_1_2.patch(f"{TASKS}{key}", json={"title": title}) for title in titles))

    assert [answer.json()["title"] for answer in answers] == titles
    last = max((answer.json() for answer in answers), key=lambda row: str(row["updated_at"]))
    assert (await client_1_2.get(f"{TASKS}{key}")).json() == last


async def test_a_request_that_waits_for_a_lock_does_not_delay_others(
    client_1_2: httpx.AsyncClient, world: World, database: Database, holder: Database
) -> None:
    ids = await _tasks(client_1_2, world, 21)
    await holder.execute("update public.tasks set title = 'Held' where id = $1", UUID(ids[10]))

    changes = [asyncio.create_task(client_1_2.patch(f"{TASKS}{key}", json={"status": "missed"})) for key in ids]
    held = changes.pop(10)
    async with asyncio.timeout(3):
        answers = await asyncio.gather(*changes)
    await wait_for_waiters(database, 1)
    assert not held.done()
    await holder.execute("commit")

    assert [answer.json()["status"] for answer in answers] == ["missed"] * 20
    row = (await held).json()
    assert (row["title"], row["status"]) == ("Held", "missed")


async def test_a_creation_that_waits_for_a_lock_does_not_delay_others(
    client_1_2: httpx.AsyncClient, world: World, database: Database, holder: Database
) -> None:
    goal = await create(client_1_2, "goals", make_goal_data(world["user"]))
    await holder.execute("delete from public.goals where id = $1", UUID(goal["id"]))

    waiting = asyncio.create_task(client_1_2.post(TASKS, json=make_task_data(world["user"], goal["id"])))
    others = [client_1_2.post(TASKS, json=make_task_data(world["user"], world["goal"])) for _ in range(20)]
    async with asyncio.timeout(3):
        answers = await asyncio.gather(*others)
    await wait_for_waiters(database, 1)
    assert not waiting.done()
    await holder.execute("rollback")

    assert [answer.status_code for answer in answers] == [201] * 20
    assert (await waiting).status_code == 201


async def test_a_large_body_is_sent_in_a_call_of_its_own(client_1_2: httpx.AsyncClient, world: World, database: Database) -> None:
    data = make_task_data(world["user"], description="x" * 20_000)

    rows = await asyncio.gather(*(create(client_1_2, "tasks", data) for _ in range(10)))

    assert await _transactions(database, [row["id"] for row in rows]) == len(rows)
