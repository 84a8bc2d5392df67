"""The rules of a task's completion, calendar event and schedule."""

from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.answers import named_fields, refused
from tests.conftest import Clients, make_task_data
from tests.contract.kinds import World
from tests.contract.resources import TASK_STATUSES
from tests.contract.task_words import TASKS, Row, TaskWords, both_contracts, make_task


async def _change(client: httpx.AsyncClient, task: Row, **fields: Any) -> Row:
    response = await client.patch(f"{TASKS}{task['id']}", json=fields)
    assert response.status_code == 200, response.text
    row: Row = response.json()
    return row


@pytest.mark.parametrize("status", [status for status in TASK_STATUSES if status != "done"])
async def test_completed_at_is_set_when_a_task_becomes_done_and_cleared_when_it_leaves_done(
    status: str, client_1_2: httpx.AsyncClient, owner: dict[str, str]
) -> None:
    task = await make_task(client_1_2, owner, status=status)
    assert task["completed_at"] is None

    done = await _change(client_1_2, task, status="done")
    left = await _change(client_1_2, task, status=status)

    assert done["created_at"] < done["completed_at"] <= done["updated_at"]
    assert left["completed_at"] is None


async def test_a_task_created_as_done_has_completed_at(client_1_2: httpx.AsyncClient, owner: dict[str, str]) -> None:
    given = "2026-02-01T10:00:00.000001+00:00"

    without = await make_task(client_1_2, owner, status="done")
    with_null = await make_task(client_1_2, owner, status="done", completed_at=None)
    with_time = await make_task(client_1_2, owner, status="done", completed_at=given)

    assert without["completed_at"] is not None
    assert with_null["completed_at"] is not None
    assert with_time["completed_at"] == given


async def test_completed_at_of_the_caller_is_kept(client_1_2: httpx.AsyncClient, owner: dict[str, str]) -> None:
    task = await make_task(client_1_2, owner)
    given = "2026-02-01T10:00:00+00:00"

    done = await _change(client_1_2, task, status="done", completed_at=given)
    again = await _change(client_1_2, task, status="done")
    retitled = await _change(client_1_2, task, title="Run 5 km")
    corrected = await _change(client_1_2, task, completed_at="2026-02-02T10:00:00+00:00")

    assert done["completed_at"] == again["completed_at"] == retitled["completed_at"] == given
    assert corrected["completed_at"] == "2026-02-02T10:00:00+00:00"


@pytest.mark.parametrize("status", [status for status in TASK_STATUSES if status != "done"])
async def test_completed_at_is_refused_for_a_task_that_is_not_done(
    status: str, client_1_2: httpx.AsyncClient, owner: dict[str, str]
) -> None:
    time = {"completed_at": "2026-02-01T10:00:00Z"}
    task = await make_task(client_1_2, owner, status=status)

    refused(await client_1_2.post(TASKS, json={**owner, "title": "Run", "status": status, **time}), 422, "completed_at")
    refused(await client_1_2.patch(f"{TASKS}{task['id']}", json=time), 422, "completed_at")
    refused(await client_1_2.patch(f"{TASKS}{task['id']}", json={"status": status, **time}), 422, "completed_at")


async def test_completed_at_is_refused_for_a_task_that_leaves_done(client_1_2: httpx.AsyncClient, owner: dict[str, str]) -> None:
    task = await make_task(client_1_2, owner, status="done")
    change = {"status": "pending", "completed_at": "2026-02-01T10:00:00Z"}

    refused(await client_1_2.patch(f"{TASKS}{task['id']}", json=change), 422, "completed_at")

    assert (await client_1_2.get(f"{TASKS}{task['id']}")).json() == task


async def test_a_task_completed_through_1_0_has_completed_at_in_1_2(clients: Clients, owner: dict[str, str]) -> None:
    task = await make_task(clients["1.0"], owner)

    await clients["1.0"].patch(f"{TASKS}{task['id']}", json={"state": "completed"})
    done = (await clients["1.2"].get(f"{TASKS}{task['id']}")).json()
    await clients["1.0"].patch(f"{TASKS}{task['id']}", json={"state": "drifted"})
    left = (await clients["1.2"].get(f"{TASKS}{task['id']}")).json()

    assert (done["status"], done["completed_at"] is None) == ("done", False)
    assert (left["status"], left["completed_at"]) == ("rescheduled", None)


@both_contracts
async def test_a_task_is_linked_to_its_calendar_event(words: TaskWords, clients: Clients, owner: dict[str, str]) -> None:
    caller = clients[words.contract]
    task = await make_task(caller, owner)
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


@pytest.mark.one_gateway
@both_contracts
async def test_a_calendar_event_id_has_1_to_255_characters(words: TaskWords, clients: Clients, owner: dict[str, str]) -> None:
    caller = clients[words.contract]
    task = await make_task(caller, owner)
    path = f"{TASKS}{task['id']}/calendar-event"

    for event in ("e", "x" * 255, "𝄞" * 255):
        assert (await caller.patch(path, json={"calendar_event_id": event})).json()["calendar_event_id"] == event
    for wrong in ("", "x" * 256, 5, "a\0b"):
        response = await caller.patch(path, json={"calendar_event_id": wrong})
        refused(response, 422)
        assert named_fields(response) == {"calendar_event_id"}
    for body in ({"calendar_event_id": "e", "title": "x"}, {"calendar_event_id": "e", "task_id": str(uuid4())}):
        refused(await caller.patch(path, json=body), 422, *(body.keys() - {"calendar_event_id"}))


@both_contracts
async def test_an_empty_calendar_event_change_returns_the_task_unchanged(
    words: TaskWords, clients: Clients, owner: dict[str, str]
) -> None:
    caller = clients[words.contract]
    task = await make_task(caller, owner, calendar_event_id="event-1")

    response = await caller.patch(f"{TASKS}{task['id']}/calendar-event", json={})

    assert response.status_code == 200
    assert response.json() == task


async def test_a_duration_that_ends_after_the_year_9999_is_refused(client_1_2: httpx.AsyncClient, world: World) -> None:
    data = make_task_data(world["user"], scheduled_at="9999-12-31T23:59:00Z", duration_minutes=2**31 - 1)

    refused(await client_1_2.post(TASKS, json=data), 422)


async def test_moving_a_task_keeps_its_duration(client_1_2: httpx.AsyncClient, owner: dict[str, str]) -> None:
    task = await make_task(client_1_2, owner, scheduled_at="2026-03-01T09:00:00Z", duration_minutes=45)

    moved = await _change(client_1_2, task, scheduled_at="2026-03-02T10:00:00+00:00")

    assert moved["duration_minutes"] == 45
    assert moved["scheduled_end_at"] == "2026-03-02T10:45:00+00:00"
