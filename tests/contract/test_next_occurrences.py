"""Finishing a task with its next occurrence, and moving a task."""

from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.answers import refused
from tests.conftest import create, make_task_data
from tests.contract.test_dispatches import post

TASKS = "/api/v1/tasks/"
Row = dict[str, Any]
FIRST, SECOND, THIRD = (f"2027-03-0{day}T08:00:00+00:00" for day in (1, 2, 3))
NEXT = {"scheduled_at": SECOND, "occurrence_at": SECOND}


@pytest.fixture
async def task(client_1_2: httpx.AsyncClient, user: Row) -> Row:
    recurring: Row = {"scheduled_at": FIRST, "is_recurring": True, "recurrence_rule": "FREQ=DAILY", "calendar_event_id": "cal-1"}
    return await create(client_1_2, "tasks", make_task_data(user["id"], class_tags=["health"], **recurring))


async def test_finishing_a_task_begins_its_next_occurrence_once(client_1_2: httpx.AsyncClient, task: Row) -> None:
    finished = await post(client_1_2, f"{TASKS}{task['id']}/finish", {"new_status": "done", "next": NEXT | {"title": "Again"}})

    done, following = finished["task"], finished["next"]
    assert (done["status"], done["series_id"], done["occurrence_at"]) == ("done", task["id"], None)
    assert done["completed_at"] is not None
    assert (following["title"], following["status"], following["series_id"]) == ("Again", "pending", task["id"])
    assert (following["scheduled_at"], following["canonical_scheduled_at"]) == (SECOND.replace("+00:00", "+00:00"), SECOND)
    repeated = ("user_id", "is_recurring", "recurrence_rule", "class_tags", "duration_minutes")
    assert {name: following[name] for name in repeated} == {name: task[name] for name in repeated}
    assert following["calendar_event_id"] is None
    undone = {"new_status": "missed", "expected_status": "done", "next": NEXT}
    assert (await post(client_1_2, f"{TASKS}{task['id']}/finish", undone))["next"] == following


async def test_a_task_that_is_not_as_expected_stays_as_it_is(client_1_2: httpx.AsyncClient, task: Row) -> None:
    path = f"{TASKS}{task['id']}"
    for verb, wrong, told in (
        ("finish", {"new_status": "done", "expected_status": "rescheduled"}, "The task is pending."),
        ("finish", {"new_status": "done", "expected_scheduled_at": SECOND}, "The task has another scheduled_at."),
        ("move", {"scheduled_at": THIRD, "expected_scheduled_at": SECOND}, "The task has another scheduled_at."),
        ("move", {"scheduled_at": THIRD, "expected_scheduled_at": None}, "The task has another scheduled_at."),
    ):
        assert refused(await client_1_2.post(f"{path}/{verb}", json=wrong), 409)["detail"] == told
    assert (await client_1_2.get(path)).json() == task
    refused(await client_1_2.post(f"{TASKS}{uuid4()}/finish", json={"new_status": "done"}), 404)


@pytest.mark.one_gateway
async def test_what_a_next_occurrence_cannot_have_is_named(client_1_2: httpx.AsyncClient, task: Row) -> None:
    path, body = f"{TASKS}{task['id']}/finish", {"new_status": "done"}

    refused(await client_1_2.post(path, json=body | {"next": {}}), 422, "next.scheduled_at", "next.occurrence_at")
    refused(await client_1_2.post(path, json=body | {"next": NEXT | {"status": "done"}}), 422, "next.status")
    refused(await client_1_2.post(path, json=body | {"task_id": task["id"]}), 422, "task_id")
    refused(await client_1_2.post(path, json=body | {"next": NEXT | {"goal_id": str(uuid4())}}), 422, "next.goal_id")
    endless = NEXT | {"scheduled_at": "9999-12-31T23:59:00Z", "duration_minutes": 60}
    refused(await client_1_2.post(path, json=body | {"next": endless}), 422, "next.duration_minutes")
    refused(await client_1_2.post(f"{TASKS}{task['id']}/move", json={"scheduled_at": THIRD}), 422, "expected_scheduled_at")


async def test_a_task_that_is_moved_is_yet_to_be_reminded_of(client_1_2: httpx.AsyncClient, task: Row) -> None:
    sent = dict.fromkeys(("reminder_sent_at", "whatsapp_sent_at", "call_sent_at"), FIRST)
    assert (await client_1_2.patch(f"{TASKS}{task['id']}", json=sent)).status_code == 200

    moved = await post(client_1_2, f"{TASKS}{task['id']}/move", {"scheduled_at": THIRD, "expected_scheduled_at": FIRST})

    assert moved["scheduled_at"] == THIRD
    assert {name: moved[name] for name in sent} == dict.fromkeys(sent)
