"""Deliveries of notifications: planned, claimed, started, finished, answered."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.answers import refused
from tests.conftest import create, make_task_data
from tests.contract.pages import list_page

DISPATCHES = "/api/v1/dispatches/"
TASKS = "/api/v1/tasks/"
RESPONSES = "/api/v1/notification-log/responses"
Row = dict[str, Any]


def moment(**delta: float) -> str:
    return (datetime.now(UTC) + timedelta(**delta)).isoformat()


async def post(client: httpx.AsyncClient, path: str, body: Row | None = None, status: int = 200) -> Any:
    response = await client.post(path, json=body) if body is not None else await client.post(path)
    assert response.status_code == status, response.text
    return response.json()


def plan(task: Row, **fields: Any) -> Row:
    return {"task_id": task["id"], "channel": "push", "dedupe_key": "reminder", "due_at": moment(seconds=-1)} | fields


@pytest.fixture
async def task(client_1_2: httpx.AsyncClient, user: Row) -> Row:
    return await create(client_1_2, "tasks", make_task_data(user["id"], scheduled_at=moment(hours=1)))


async def claim_of(client: httpx.AsyncClient, task: Row, **fields: Any) -> Row | None:
    """The task's delivery, if a worker gets it. Deliveries of other tests are claimed too, and left to them."""
    claimed = await post(client, f"{DISPATCHES}claim", {"worker": "w", "limit": 100} | fields)
    return next((each for each in claimed if each["task_id"] == task["id"]), None)


async def claim(client: httpx.AsyncClient, task: Row, **fields: Any) -> Row:
    await post(client, DISPATCHES, {"dispatches": [plan(task)]}, 201)
    claimed = await claim_of(client, task, **fields)
    assert claimed is not None
    return claimed


async def on(client: httpx.AsyncClient, dispatch: Row, verb: str, **fields: Any) -> Row:
    found: Row = await post(client, f"{DISPATCHES}{dispatch['id']}/{verb}", {"attempt": dispatch["attempt"]} | fields)
    return found


async def test_a_delivery_is_planned_once_by_its_key(client_1_2: httpx.AsyncClient, task: Row) -> None:
    plans = {"dispatches": [plan(task), plan(task, channel="call", dedupe_key="call")]}

    assert await post(client_1_2, DISPATCHES, plans, 201) == {"scheduled_count": 2}
    assert await post(client_1_2, DISPATCHES, plans, 201) == {"scheduled_count": 0}

    page = await list_page(client_1_2, DISPATCHES, task_id=task["id"], outcome="none,sent")
    assert page["total"] == 2
    assert {row["task_scheduled_at"] for row in page["items"]} == {task["scheduled_at"]}
    assert (await list_page(client_1_2, DISPATCHES, task_id=task["id"], outcome="sent"))["total"] == 0
    assert (await client_1_2.get(f"{DISPATCHES}{page['items'][0]['id']}")).json() == page["items"][0]


@pytest.mark.one_gateway
async def test_a_plan_that_is_wrong_names_its_place(client_1_2: httpx.AsyncClient, task: Row) -> None:
    unknown = plan({"id": str(uuid4())})

    refused(await client_1_2.post(DISPATCHES, json={"dispatches": [plan(task), unknown]}), 422, "dispatches[1].task_id")
    refused(await client_1_2.post(DISPATCHES, json={"dispatches": []}), 422, "dispatches")
    refused(await client_1_2.post(DISPATCHES, json={"dispatches": [plan(task)] * 101}), 422, "dispatches")
    wrong = plan(task, channel="fax") | {"no_such": 1}
    refused(await client_1_2.post(DISPATCHES, json={"dispatches": [wrong]}), 422, "dispatches[0].channel", "dispatches[0].no_such")
    refused(await client_1_2.get(DISPATCHES, params={"outcome": "nothing"}), 422, "outcome")
    refused(await client_1_2.patch(f"{DISPATCHES}{uuid4()}", json={}), 405)


async def test_a_claim_has_all_that_a_worker_needs_and_holds_while_its_lease_does(
    client_1_2: httpx.AsyncClient, task: Row, user: Row
) -> None:
    claimed = await claim(client_1_2, task)

    assert (claimed["attempt"], claimed["claimed_by"], claimed["outcome"]) == (1, "w", None)
    assert {name: claimed["task"][name] for name in claimed["task"]} == {name: task[name] for name in claimed["task"]}
    assert {name: claimed["user"][name] for name in claimed["user"]} == {name: user[name] for name in claimed["user"]}
    assert await claim_of(client_1_2, task) is None
    extended = await on(client_1_2, claimed, "extend", lease_seconds=600)
    assert extended["lease_until"] > claimed["lease_until"]


async def test_a_delivery_that_was_sent_is_in_the_log_and_on_the_task(client_1_2: httpx.AsyncClient, task: Row) -> None:
    claimed = await claim(client_1_2, task)
    assert (await on(client_1_2, claimed, "start"))["started_at"]

    sent = await on(client_1_2, claimed, "finish", outcome="sent", external_id=f"e-{task['id']}")

    assert (sent["outcome"], await on(client_1_2, claimed, "finish", outcome="sent")) == ("sent", sent)
    [entry] = (await list_page(client_1_2, "/api/v1/notification-log/", task_id=task["id"]))["items"]
    assert (entry["channel"], entry["external_id"]) == ("push", f"e-{task['id']}")
    assert (await client_1_2.get(f"{TASKS}{task['id']}")).json()["reminder_sent_at"] == entry["sent_at"] == sent["finished_at"]
    refused(await client_1_2.post(f"{DISPATCHES}{claimed['id']}/finish", json={"attempt": 1, "outcome": "failed"}), 409)


async def test_a_failed_delivery_is_due_again_at_retry_at(client_1_2: httpx.AsyncClient, task: Row) -> None:
    claimed = await claim(client_1_2, task)
    await on(client_1_2, claimed, "start")

    again = await on(client_1_2, claimed, "finish", outcome="failed", error="busy", retry_at=moment(seconds=-1))

    assert (again["outcome"], again["error"], again["started_at"]) == (None, "busy", None)
    second = await claim_of(client_1_2, task)
    assert second is not None
    assert second["attempt"] == 2
    late = await client_1_2.post(f"{DISPATCHES}{claimed['id']}/finish", json={"attempt": 1, "outcome": "sent"})
    refused(late, 409)
    assert late.json()["detail"] == "Another attempt at this dispatch has begun."


async def test_start_refuses_what_is_void(client_1_2: httpx.AsyncClient, user: Row) -> None:
    """Of three tasks, one is finished after the claim, one is moved, one is left alone."""
    made = [await create(client_1_2, "tasks", make_task_data(user["id"], scheduled_at=moment(hours=1))) for _ in range(3)]
    done, moved, left = [await claim(client_1_2, task, lease_seconds=600) for task in made]
    await post(client_1_2, f"{TASKS}{made[0]['id']}/finish", {"new_status": "done"})
    move = {"scheduled_at": moment(hours=9), "expected_scheduled_at": made[1]["scheduled_at"]}
    await post(client_1_2, f"{TASKS}{made[1]['id']}/move", move)

    statuses = [
        (await client_1_2.post(f"{DISPATCHES}{each['id']}/start", json={"attempt": 1})).status_code for each in (done, moved, left)
    ]

    assert statuses == [409, 409, 200]
    refused(await client_1_2.post(f"{DISPATCHES}{uuid4()}/start", json={"attempt": 1}), 404)
    assert await post(client_1_2, f"{DISPATCHES}cancel", {"task_id": made[0]["id"]}) == {"cancelled_count": 1}
    assert await post(client_1_2, f"{DISPATCHES}cancel", {"task_id": made[2]["id"]}) == {"cancelled_count": 0}


async def test_an_answer_counts_once_and_changes_the_task_while_it_is_pending(client_1_2: httpx.AsyncClient, task: Row) -> None:
    claimed, external = await claim(client_1_2, task), uuid4().hex
    await on(client_1_2, claimed, "finish", outcome="sent", external_id=external)
    answer = {"channel": "push", "external_id": external, "response_id": uuid4().hex, "response": "Done!", "new_status": "done"}

    recorded = await post(client_1_2, RESPONSES, answer)
    repeated = await post(client_1_2, RESPONSES, answer)
    another = await post(client_1_2, RESPONSES, answer | {"response_id": uuid4().hex})
    unknown = await post(client_1_2, RESPONSES, answer | {"response_id": uuid4().hex, "external_id": uuid4().hex})

    assert recorded == {"result": "recorded", "task_id": task["id"], "task_status": "done"}
    assert (repeated["result"], another["result"]) == ("repeated", "answered")
    assert unknown == {"result": "unknown", "task_id": None, "task_status": None}


async def test_1_0_has_no_dispatches(client_1_0: httpx.AsyncClient) -> None:
    refused(await client_1_0.get(DISPATCHES), 404)
