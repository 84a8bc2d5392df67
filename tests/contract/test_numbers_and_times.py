"""Numbers and times at the limits of JSON, ISO 8601 and Postgres."""

import json
from typing import Any

import httpx
import pytest

from tests.conftest import JSON, make_goal_data, make_task_data


async def test_a_whole_number_may_be_written_with_a_fraction_of_zero(client_1_2: httpx.AsyncClient, user: dict[str, Any]) -> None:
    body = json.dumps(make_goal_data(user["id"], target_weeks=6.0, pipeline_order=10.0, plan_json={"km": 3.0}))
    goal = (await client_1_2.post("/api/v1/goals/", content=body.replace("10.0", "1e1"), headers=JSON)).json()
    structure = {
        "goal": make_goal_data(user["id"]),
        "milestones": [{"week_number": 1.0, "title": "Run", "tasks": [{"title": "Run", "duration_minutes": 20.0}]}],
    }
    full = (await client_1_2.post("/api/v1/goals/with-structure", json=structure)).json()

    assert (goal["target_weeks"], goal["pipeline_order"], goal["plan_json"]) == (6, 10, {"km": 3.0})
    assert (full["milestones"][0]["week_number"], full["tasks"][0]["duration_minutes"]) == (1, 20)


async def test_a_number_of_many_digits_is_kept_beside_a_whole_number_with_a_fraction(
    client_1_2: httpx.AsyncClient, user: dict[str, Any]
) -> None:
    goal = '{"user_id": "%s", "title": "%s", "target_weeks": 6.0, "plan_json": {"big": 12345678901234567890.123456789}}'

    created = await client_1_2.post("/api/v1/goals/", content=goal % (user["id"], "Run"), headers=JSON)
    refusal = await client_1_2.post("/api/v1/goals/", content=goal % (user["id"], ""), headers=JSON)

    assert created.json()["target_weeks"] == 6
    assert "12345678901234567890.123456789" in created.text
    assert [problem["field"] for problem in refusal.json()["errors"]] == ["title"]


@pytest.mark.one_gateway
@pytest.mark.parametrize("weeks", ["6.5", "0.0", "1e20", '"6"'])
async def test_a_number_that_is_not_whole_or_outside_its_range_is_refused(
    weeks: str, client_1_2: httpx.AsyncClient, user: dict[str, Any]
) -> None:
    body = json.dumps(make_goal_data(user["id"], target_weeks=12345)).replace("12345", weeks)
    response = await client_1_2.post("/api/v1/goals/", content=body, headers=JSON)

    assert response.status_code == 422
    assert [problem["field"] for problem in response.json()["errors"]] == ["target_weeks"]


async def test_the_widest_offsets_are_accepted(client_1_2: httpx.AsyncClient, user: dict[str, Any]) -> None:
    for sent, stored in (("+15:59", "2026-01-01T08:01:00+00:00"), ("-15:59", "2026-01-02T15:59:00+00:00")):
        data = make_task_data(user["id"], scheduled_at=f"2026-01-02T00:00:00{sent}")
        assert (await client_1_2.post("/api/v1/tasks/", json=data)).json()["scheduled_at"] == stored


@pytest.mark.one_gateway
@pytest.mark.parametrize(
    ("sent", "said"),
    [
        ("2026-01-01T00:00:00+16:00", "Input should have an offset of at most 15:59"),
        ("2026-01-01T00:00:00-23:59", "Input should have an offset of at most 15:59"),
        ("9999-12-31T23:59:59-01:00", "Input should lie between the years 1 and 9999, in UTC"),
        ("0001-01-01T00:00:00+01:00", "Input should lie between the years 1 and 9999, in UTC"),
    ],
)
async def test_a_time_that_postgres_cannot_read_is_refused_by_field(
    sent: str, said: str, client_1_2: httpx.AsyncClient, user: dict[str, Any]
) -> None:
    response = await client_1_2.post("/api/v1/tasks/", json=make_task_data(user["id"], scheduled_at=sent))
    asked = await client_1_2.get(
        "/api/v1/tasks/by-timerange", params={"user_id": user["id"], "start_at": sent, "end_at": "2026-01-01T00:00:00Z"}
    )

    assert (response.status_code, response.json()["errors"]) == (422, [{"field": "scheduled_at", "message": said}])
    assert (asked.status_code, asked.json()["errors"]) == (422, [{"field": "start_at", "message": said}])


# A few bytes each in JSON, and thousands of digits as Postgres prints them.
BOMBS = ["1e131071", "-1e131071", "1e-16383", "0e-16383", "1e309", "1e-400", "-1e1000000", "0e999999999", f"1e{10**20}"]
NO_DOUBLE = "A number is larger, or closer to 0, than a double can hold."


@pytest.mark.one_gateway
@pytest.mark.parametrize("number", BOMBS)
async def test_a_number_that_no_double_can_hold_is_refused_inside_free_json(
    number: str, client_1_2: httpx.AsyncClient, user: dict[str, Any]
) -> None:
    profile = await client_1_2.patch(f"/api/v1/users/{user['id']}", content=f'{{"profile": {{"a": [{number}]}}}}', headers=JSON)
    body = json.dumps(make_goal_data(user["id"], plan_json={"a": 12345})).replace("12345", number)
    goal = await client_1_2.post("/api/v1/goals/", content=body, headers=JSON)

    for refused, field in ((profile, "profile.a[0]"), (goal, "plan_json.a")):
        assert (refused.status_code, refused.json()["detail"]) == (422, f"{field}: {NO_DOUBLE}")
        assert refused.json()["errors"] == [{"field": field, "message": NO_DOUBLE}]


@pytest.mark.one_gateway
@pytest.mark.parametrize("number", ["1e-16383", "0e-16383", "1e-400"])
async def test_a_number_with_thousands_of_decimals_is_refused(
    number: str, client_1_2: httpx.AsyncClient, user: dict[str, Any]
) -> None:
    flags = await client_1_2.put(f"/api/v1/demo-flags/{user['id']}", content=f'{{"escalation_speed": {number}}}', headers=JSON)

    assert (flags.status_code, flags.json()["detail"]) == (422, f"escalation_speed: {NO_DOUBLE}")


@pytest.mark.one_gateway
@pytest.mark.parametrize(("number", "status"), [("1e-16383", 422), ("1e-400", 422), ("0e-16383", 422), ("1.0000000000000001", 201)])
async def test_a_confidence_is_a_double(number: str, status: int, client_1_2: httpx.AsyncClient, user: dict[str, Any]) -> None:
    body = f'{{"user_id": "{user["id"]}", "confidence": {number}}}'

    assert (await client_1_2.post("/api/v1/patterns/", content=body, headers=JSON)).status_code == status


async def test_every_double_is_kept(client_1_2: httpx.AsyncClient, user: dict[str, Any]) -> None:
    numbers = [1.7976931348623157e308, -1.7976931348623157e308, 5e-324, 2.2250738585072014e-308, 0.1, 0]
    changed = await client_1_2.patch(f"/api/v1/users/{user['id']}", json={"profile": {"numbers": numbers}})
    flags = await client_1_2.put(f"/api/v1/demo-flags/{user['id']}", json={"escalation_speed": numbers[0]})
    pattern = await client_1_2.post("/api/v1/patterns/", json={"user_id": user["id"], "confidence": 5e-324})

    assert [float(number) for number in changed.json()["profile"]["numbers"]] == numbers
    assert float(flags.json()["escalation_speed"]) == numbers[0]
    assert pattern.json()["confidence"] == 5e-324
