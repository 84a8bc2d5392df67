"""Values that the adapter rewrites because Postgres reads them differently, in bodies and queries."""

from typing import Any
from urllib.parse import quote

import httpx
import pytest

from tests.answers import refused
from tests.conftest import JSON, Clients, create, make_goal_data, make_task_data

TASKS = "/api/v1/tasks/"
FINE = "2026-03-01T10:00:00.1234567Z"


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        (FINE, "2026-03-01T10:00:00.123456+00:00"),
        ("2026-04-01T23:59:59.9999999Z", "2026-04-01T23:59:59.999999+00:00"),
        ("9999-12-31T23:59:59.9999999Z", "9999-12-31T23:59:59.999999+00:00"),
        ("2026-03-01T10:00:00\u221205:00", "2026-03-01T15:00:00+00:00"),
        ("2026-03-01_10:00:00Z", "2026-03-01T10:00:00+00:00"),
    ],
)
async def test_a_time_is_stored_and_found_to_the_microsecond(
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


_START, _LAST = "0001-01-01T00:00:00Z", "9999-12-31T23:59:59.5Z"


@pytest.mark.parametrize(
    ("contract", "task", "field"),
    [
        ("1.2", {"scheduled_at": _LAST, "duration_minutes": 1}, "duration_minutes"),
        ("1.2", {"scheduled_at": _LAST, "duration_minutes": 2**31 - 1}, "duration_minutes"),
        ("1.2", {"completed_at": _LAST}, "completed_at"),
        ("1.0", {"start_time": _START, "end_time": _LAST}, "end_time"),
        ("1.0", {"start_time": _LAST, "end_time": _START}, "end_time"),
    ],
)
async def test_what_the_database_alone_refuses_has_its_field_everywhere(
    contract: str, task: dict[str, Any], field: str, user: dict[str, Any], goal: dict[str, Any], clients: Clients
) -> None:
    client = clients[contract]
    good = await create(client, "tasks", make_task_data(user["id"], goal["id"]))
    weeks = [{"week_number": 1, "title": "Week", "tasks": [{"title": "Run"}]} for _ in range(3)]
    weeks[2]["tasks"] = [{"title": "Run"}, {"title": "Run", **task}, {"title": "Run", **task}]

    refused(await client.post(TASKS, json=make_task_data(user["id"], goal["id"]) | task), 422, field)
    refused(await client.patch(f"{TASKS}{good['id']}", json=task), 422, field)
    structure = {"goal": make_goal_data(user["id"]), "milestones": weeks}
    refused(await client.post("/api/v1/goals/with-structure", json=structure), 422, f"milestones[2].tasks[1].{field}")


async def test_a_start_that_moves_the_end_past_the_last_year_is_named_in_each_contracts_words(
    goal: dict[str, Any], clients: Clients
) -> None:
    task = await create(clients["1.2"], "tasks", make_task_data(goal["user_id"], goal["id"], duration_minutes=30))

    refused(await clients["1.2"].patch(f"{TASKS}{task['id']}", json={"scheduled_at": _LAST}), 422, "duration_minutes")
    refused(await clients["1.0"].patch(f"{TASKS}{task['id']}", json={"start_time": _LAST}), 422, "start_time")


@pytest.mark.one_gateway
@pytest.mark.parametrize("number", ["1e400", "-1e400", "1e-400", "1" + "0" * 309, "0." + "0" * 350 + "1", "1e9999999999999999999"])
async def test_a_number_that_no_double_holds_is_refused_at_its_place_with_all_other_problems(
    number: str, user: dict[str, Any], client_1_2: httpx.AsyncClient
) -> None:
    goal = f'{{"user_id": "{user["id"]}", "title": "", "plan_json": {{"fine": 1e308, "weeks": [1, {number}]}}}}'

    refused(await client_1_2.post("/api/v1/goals/", content=goal, headers=JSON), 422, "title", "plan_json.weeks[1]")
    structure = f'{{"goal": {goal}}}'
    response = await client_1_2.post("/api/v1/goals/with-structure", content=structure, headers=JSON)
    refused(response, 422, "goal.title", "goal.plan_json.weeks[1]")
    pattern = f'{{"user_id": "{user["id"]}", "confidence": {number}, "pattern_type": 5}}'
    refused(await client_1_2.post("/api/v1/patterns/", content=pattern, headers=JSON), 422, "confidence", "pattern_type")


async def test_json_that_only_postgres_finds_too_large_is_refused_with_its_field_in_a_structure(
    user: dict[str, Any], client_1_2: httpx.AsyncClient
) -> None:
    plan = f'{{"user_id": "{user["id"]}", "title": "Run", "plan_json": {{"many": [{", ".join(["1e308"] * 1000)}]}}}}'

    response = await client_1_2.post("/api/v1/goals/with-structure", content=f'{{"goal": {plan}}}', headers=JSON)
    refused(response, 422, "goal.plan_json")
    refused(await client_1_2.post("/api/v1/goals/", content=plan, headers=JSON), 422)


@pytest.mark.parametrize(("sent", "kept"), [("1.0000000000000001", 1.0), ("0.12345678901234567890", 0.12345678901234568), ("1", 1)])
async def test_a_number_is_stored_as_the_nearest_double(
    sent: str, kept: float, user: dict[str, Any], client_1_2: httpx.AsyncClient
) -> None:
    body = f'{{"user_id": "{user["id"]}", "confidence": {sent}}}'
    pattern = await client_1_2.post("/api/v1/patterns/", content=body, headers={"Content-Type": "application/json"})

    assert pattern.status_code == 201, pattern.text
    assert pattern.json()["confidence"] == kept


async def test_every_form_of_an_id_and_a_time_that_pydantic_reads_is_accepted(
    user: dict[str, Any], client_1_0: httpx.AsyncClient, client_1_2: httpx.AsyncClient
) -> None:
    number = user["id"].replace("-", "")
    for form in (user["id"].upper(), number, f"{{{user['id']}}}", f"urn:uuid:{user['id']}"):
        for time in (
            "2026-03-01T10:00Z",
            "2026-03-01t10:00:00z",
            "2026-03-01 10:00:00.1+0000",
            "2026-03-01T10:00:00.123456789-00:00",
        ):
            task = await create(client_1_2, "tasks", make_task_data(form, scheduled_at=time))
            assert (task["user_id"], task["scheduled_at"][:16]) == (user["id"], "2026-03-01T10:00")
    flags = {"virtual_now": FINE, "escalation_speed": 1.00000000000000001}
    for client in (client_1_0, client_1_2):
        put = await client.put(f"/api/v1/demo-flags/{user['id']}", json=flags)
        assert put.json()["virtual_now"] == "2026-03-01T10:00:00.123456+00:00", put.text
