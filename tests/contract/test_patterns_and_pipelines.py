"""Patterns under a key, goals that are worked through one by one, and all that is kept of a user."""

from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.answers import refused
from tests.conftest import create, make_goal_data, make_task_data
from tests.contract.pages import list_page
from tests.contract.test_dispatches import plan, post

BY_KEY = "/api/v1/patterns/by-key"
Row = dict[str, Any]


async def test_a_pattern_is_kept_under_its_key(client_1_2: httpx.AsyncClient, user: Row) -> None:
    key = {"user_id": user["id"], "pattern_type": "time_of_day", "pattern_key": "runs"}

    async def put(**fields: Any) -> Row:
        response = await client_1_2.put(BY_KEY, json=key | fields)
        assert response.status_code == 200, response.text
        row: Row = response.json()
        return row

    first = await put(description="Runs early", confidence=0.5)
    second = await put(confidence=0.75)
    third = await put(description=None)

    assert second == first | {"confidence": 0.75, "updated_at": second["updated_at"]}
    assert third == second | {"description": None, "updated_at": third["updated_at"]}
    assert (await list_page(client_1_2, "/api/v1/patterns/", user_id=user["id"]))["items"] == [third]
    refused(await client_1_2.post("/api/v1/patterns/", json=key), 409, "pattern_key")


@pytest.mark.one_gateway
async def test_a_pattern_needs_its_whole_key(client_1_2: httpx.AsyncClient, user: Row) -> None:
    refused(await client_1_2.put(BY_KEY, json={"pattern_key": ""}), 422, "user_id", "pattern_type", "pattern_key")
    nobody = {"user_id": str(uuid4()), "pattern_type": "x", "pattern_key": "x"}
    refused(await client_1_2.put(BY_KEY, json=nobody), 422, "user_id")


async def test_a_pipeline_advances_by_its_order(client_1_2: httpx.AsyncClient, user: Row) -> None:
    parent = await create(client_1_2, "goals", make_goal_data(user["id"]))

    async def goal(**fields: Any) -> Row:
        return await create(client_1_2, "goals", make_goal_data(user["id"], parent_goal_id=parent["id"], **fields))

    active, third = await goal(), await goal(status="pipeline")
    second = await goal(status="pipeline", pipeline_order=2)
    first = await goal(status="pipeline", pipeline_order=1)

    advanced = [(await client_1_2.post(f"/api/v1/goals/{each['id']}/advance")).json() for each in (active, first, second, third)]

    assert [each["completed"]["id"] for each in advanced] == [each["id"] for each in (active, first, second, third)]
    assert [each["activated"] and each["activated"]["id"] for each in advanced] == [first["id"], second["id"], third["id"], None]
    assert all(each["completed"]["completed_at"] for each in advanced)
    assert advanced[0]["activated"]["activated_at"] is not None
    again = await client_1_2.post(f"/api/v1/goals/{active['id']}/advance", json={"expected_status": "active"})
    assert refused(again, 409)["detail"] == "The goal is completed."
    refused(await client_1_2.post(f"/api/v1/goals/{uuid4()}/advance"), 404)


async def test_an_export_has_all_that_is_kept_of_a_user(client_1_2: httpx.AsyncClient, user: Row, goal: Row) -> None:
    task = await create(client_1_2, "tasks", make_task_data(user["id"], goal["id"]))
    milestone = await create(client_1_2, "milestones", {"goal_id": goal["id"], "week_number": 1, "title": "Week"})
    conversation = await create(client_1_2, "conversations", {"user_id": user["id"], "langgraph_thread_id": uuid4().hex})
    messages = await post(
        client_1_2, f"/api/v1/conversations/{conversation['id']}/messages", {"messages": [{"role": "user", "content": "x"}]}, 201
    )
    pattern = await create(client_1_2, "patterns", {"user_id": user["id"]})
    entry = await create(client_1_2, "notification-log", {"task_id": task["id"], "channel": "push"})
    await post(client_1_2, "/api/v1/dispatches/", {"dispatches": [plan(task, due_at="2099-01-01T00:00:00Z")]}, 201)

    response = await client_1_2.get(f"/api/v1/users/{user['id']}/export")

    exported = response.json()
    assert response.status_code == 200, response.text
    assert [dispatch["task_id"] for dispatch in exported.pop("dispatches")] == [task["id"]]
    [kept] = exported.pop("conversations")
    assert kept["last_message_at"] == messages[0]["created_at"]
    assert exported == {
        "user": user,
        "auth_user_id": None,
        "demo_flags": None,
        "goals": [goal],
        "milestones": [milestone],
        "tasks": [task],
        "messages": messages,
        "patterns": [pattern],
        "notification_log": [entry],
    }
    refused(await client_1_2.get(f"/api/v1/users/{uuid4()}/export"), 404)
    refused(await client_1_2.get(f"/api/v1/users/{user['id']}/export", params={"x": "1"}), 422, "x")
