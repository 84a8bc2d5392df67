"""Values that the adapter rewrites because Postgres reads them differently, in bodies and queries."""

from typing import Any
from urllib.parse import quote

import httpx
import pytest

from tests.answers import refused
from tests.conftest import create, make_goal_data, make_task_data

TASKS = "/api/v1/tasks/"
FINE = "2026-03-01T10:00:00.1234567Z"


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        (FINE, "2026-03-01T10:00:00.123456+00:00"),
        ("2026-04-01T23:59:59.9999999Z", "2026-04-01T23:59:59.999999+00:00"),
        ("9999-12-31T23:59:59.9999999Z", "9999-12-31T23:59:59.999999+00:00"),
        ("2026-03-01T10:00:00\u221205:00", "2026-03-01T15:00:00+00:00"),
    ],
)
async def test_a_point_in_time_is_cut_to_the_microsecond(
    sent: str, kept: str, user: dict[str, Any], client_1_2: httpx.AsyncClient
) -> None:
    task = await create(client_1_2, "tasks", make_task_data(user["id"], scheduled_at=sent))
    assert task["scheduled_at"] == kept

    found = await client_1_2.get(f"{TASKS}by-timerange?user_id={user['id']}&start_at={quote(sent)}&end_at={quote(sent)}")
    assert [each["id"] for each in found.json()] == [task["id"]], found.text
    changed = await client_1_2.patch(f"{TASKS}{task['id']}", json={"scheduled_at": sent, "title": "Moved"})
    assert changed.json()["scheduled_at"] == kept


async def test_a_point_in_time_inside_a_structure_is_cut_to_the_microsecond(
    user: dict[str, Any], client_1_2: httpx.AsyncClient, client_1_0: httpx.AsyncClient
) -> None:
    for client, word in ((client_1_2, "scheduled_at"), (client_1_0, "start_time")):
        milestone = {"week_number": 1, "title": "First", "tasks": [{"title": "Run", word: FINE}]}
        goal = await client.post(
            "/api/v1/goals/with-structure", json={"goal": make_goal_data(user["id"]), "milestones": [milestone]}
        )
        assert goal.status_code == 201, goal.text
        assert goal.json()["tasks"][0][word] == "2026-03-01T10:00:00.123456+00:00"


async def test_an_id_may_be_written_as_a_urn(user: dict[str, Any], client_1_2: httpx.AsyncClient) -> None:
    task = await create(client_1_2, "tasks", make_task_data(f"urn:uuid:{user['id']}"))
    assert task["user_id"] == user["id"]

    updated = await client_1_2.post(
        f"{TASKS}bulk-update-state", json={"task_ids": [f"urn:uuid:{task['id']}"], "new_status": "done"}
    )
    assert updated.json() == {"updated_count": 1}


async def test_rewriting_a_value_leaves_free_json_unchanged(user: dict[str, Any], client_1_2: httpx.AsyncClient) -> None:
    plan = {"when": FINE, "id": f"urn:uuid:{user['id']}", "share": 0.1234567891, "big": 12345678901234567890}
    goal = await create(client_1_2, "goals", make_goal_data(user["id"], plan_json=plan, activated_at=FINE))

    assert goal["plan_json"] == plan
    assert goal["activated_at"] == "2026-03-01T10:00:00.123456+00:00"


async def test_a_problem_in_another_field_is_listed_too(user: dict[str, Any], client_1_2: httpx.AsyncClient) -> None:
    body = make_task_data(f"urn:uuid:{user['id']}", title="", scheduled_at=FINE, duration_minutes=0)
    refused(await client_1_2.post(TASKS, json=body), 422, "title", "duration_minutes")
