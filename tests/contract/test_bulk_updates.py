"""Bulk updates of tasks, in both contracts."""

from uuid import uuid4

import httpx
import pytest

from tests.answers import refused
from tests.conftest import Clients
from tests.contract.task_words import TASKS, WORDS_1_0, WORDS_1_2, TaskWords, both_contracts, make_task


async def _bulk(caller: httpx.AsyncClient, ids: list[str], words: TaskWords, status: str) -> httpx.Response:
    return await caller.post(f"{TASKS}bulk-update-state", json={"task_ids": ids, words.new_status: status})


@pytest.mark.parametrize(
    ("words", "status"),
    [(words, status) for words in (WORDS_1_0, WORDS_1_2) for status in words.statuses],
    ids=str,
)
async def test_a_bulk_update_sets_the_status_of_each_task(
    words: TaskWords, status: str, clients: Clients, owner: dict[str, str]
) -> None:
    caller = clients[words.contract]
    made = [await make_task(caller, owner) for _ in range(3)]
    untouched = await make_task(caller, owner)

    response = await _bulk(caller, [task["id"] for task in made], words, status)

    assert response.status_code == 200
    assert response.json() == {"updated_count": 3}
    for task in made:
        assert (await caller.get(f"{TASKS}{task['id']}")).json()[words.status] == status
    assert (await caller.get(f"{TASKS}{untouched['id']}")).json() == untouched


@both_contracts
async def test_unknown_and_repeated_ids_of_a_bulk_update_do_not_count(
    words: TaskWords, clients: Clients, owner: dict[str, str]
) -> None:
    caller = clients[words.contract]
    first, second = (await make_task(caller, owner))["id"], (await make_task(caller, owner))["id"]

    mixed = await _bulk(caller, [first, str(uuid4()), first, second, first.upper(), str(uuid4())], words, "missed")
    unknown = await _bulk(caller, [str(uuid4()), str(uuid4())], words, "missed")

    assert mixed.json() == {"updated_count": 2}
    assert (unknown.status_code, unknown.json()) == (200, {"updated_count": 0})


@both_contracts
async def test_a_bulk_update_takes_up_to_10000_ids(words: TaskWords, clients: Clients, owner: dict[str, str]) -> None:
    caller = clients[words.contract]
    task = (await make_task(caller, owner))["id"]
    others = [str(uuid4()) for _ in range(9999)]

    assert (await _bulk(caller, [task, *others], words, "missed")).json() == {"updated_count": 1}

    for ids in ([], [task, *others, str(uuid4())], [task] * 10_001):
        refused(await _bulk(caller, ids, words, words.done), 422, "task_ids")
    assert (await caller.get(f"{TASKS}{task}")).json()[words.status] == "missed"


@pytest.mark.one_gateway
@both_contracts
async def test_a_wrong_bulk_update_is_refused_by_field(words: TaskWords, clients: Clients, owner: dict[str, str]) -> None:
    caller = clients[words.contract]
    task = (await make_task(caller, owner))["id"]
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
async def test_a_bulk_update_keeps_the_rules_of_completion(words: TaskWords, clients: Clients, owner: dict[str, str]) -> None:
    caller = clients[words.contract]
    ids = [(await make_task(caller, owner))["id"] for _ in range(2)]

    await _bulk(caller, ids, words, words.done)
    completed = [(await clients["1.2"].get(f"{TASKS}{task}")).json()["completed_at"] for task in ids]
    await _bulk(caller, ids, words, "missed")
    left = [(await clients["1.2"].get(f"{TASKS}{task}")).json()["completed_at"] for task in ids]

    assert all(completed)
    assert left == [None, None]
