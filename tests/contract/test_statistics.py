"""Statistics by scheduled_at, in the user's own days and weeks."""

from collections.abc import Iterable
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.answers import refused
from tests.conftest import create, make_goal_data, make_task_data, make_user_data

STATISTICS = "/api/v1/tasks/statistics"
NONE = dict.fromkeys(("pending", "done", "missed", "rescheduled", "cancelled"), 0)
Row = dict[str, Any]


async def user_in(client: httpx.AsyncClient, zone: str, done_at: Iterable[str], **fields: Any) -> str:
    """A user in a time zone, with a task done at each of these times."""
    user = str((await create(client, "users", make_user_data(profile={"timezone": zone})))["id"])
    for time in done_at:
        await create(client, "tasks", make_task_data(user, status="done", scheduled_at=time, **fields))
    return user


async def ask(client: httpx.AsyncClient, path: str, **params: Any) -> Any:
    response = await client.get(path, params=params)
    assert response.status_code == 200, response.text
    return response.json()


@pytest.mark.parametrize(
    ("zone", "done_at", "until", "days"),
    [
        # Two evenings of one week in New York are two weeks in UTC.
        ("America/New_York", ["2026-03-02T02:00:00Z", "2026-03-01T15:00:00Z"], "2026-03-02T03:00:00Z", {"2026-03-01": 2}),
        # Summer time begins: the day has 23 hours.
        (
            "Europe/Berlin",
            ["2026-03-28T22:59:59Z", "2026-03-28T23:00:00Z", "2026-03-29T21:59:59Z", "2026-03-29T22:00:00Z"],
            "2026-03-30T12:00:00Z",
            {"2026-03-30": 1, "2026-03-29": 2, "2026-03-28": 1},
        ),
        (
            "Asia/Kolkata",
            ["2026-03-01T18:29:59Z", "2026-03-01T18:30:00Z"],
            "2026-03-02T00:00:00Z",
            {"2026-03-02": 1, "2026-03-01": 1},
        ),
        (
            "Australia/Lord_Howe",
            ["2026-04-04T12:59:59Z", "2026-04-04T13:00:00Z", "2026-04-05T13:29:59Z"],
            "2026-04-05T13:00:00Z",
            {"2026-04-05": 2, "2026-04-04": 1},
        ),
        # The clock goes back over midnight: the day before has the hour twice.
        (
            "America/Havana",
            ["2026-11-01T03:59:59Z", "2026-11-01T04:00:00Z"],
            "2026-11-01T12:00:00Z",
            {"2026-11-01": 1, "2026-10-31": 1},
        ),
    ],
)
async def test_days_are_the_users_own(zone: str, done_at: list[str], until: str, days: Row, client_1_2: httpx.AsyncClient) -> None:
    user = await user_in(client_1_2, zone, done_at)

    found = await ask(client_1_2, f"{STATISTICS}/daily", user_id=user, days=len(days), until=until)

    assert {each["day"]: each["total_tasks"] for each in found} == days
    elsewhere = await ask(client_1_2, f"{STATISTICS}/daily", user_id=user, days=9, until=until, time_zone="UTC")
    assert sum(each["total_tasks"] for each in elsewhere) == len(done_at)


async def test_weeks_begin_on_monday_and_empty_ones_are_there(client_1_2: httpx.AsyncClient) -> None:
    user = await user_in(client_1_2, "America/New_York", ["2026-03-02T04:59:59Z", "2026-03-16T04:00:00Z"])
    await create(client_1_2, "tasks", make_task_data(user, status="missed", scheduled_at="2026-03-02T04:00:00Z"))

    weeks = await ask(client_1_2, f"{STATISTICS}/weekly", user_id=user, weeks=4, until="2026-03-16T05:00:00Z")

    empty = {"total_tasks": 0, "by_status": NONE, "completion_rate": 0.0}
    assert weeks == [
        {"week": "2026-03-16", "total_tasks": 1, "by_status": NONE | {"done": 1}, "completion_rate": 1.0},
        {"week": "2026-03-09"} | empty,
        {"week": "2026-03-02"} | empty,
        {"week": "2026-02-23", "total_tasks": 2, "by_status": NONE | {"done": 1, "missed": 1}, "completion_rate": 0.5},
    ]
    assert len(await ask(client_1_2, f"{STATISTICS}/weekly", user_id=user)) == 12
    assert len(await ask(client_1_2, f"{STATISTICS}/daily", user_id=user)) == 90


async def test_a_streak_reaches_today_or_yesterday(client_1_2: httpx.AsyncClient) -> None:
    days = [f"2026-03-{day:02}T10:00:00Z" for day in (1, 2, 3, 4, 6, 7)]
    user = await user_in(client_1_2, "Asia/Kolkata", days)

    streaks = [
        await ask(client_1_2, f"{STATISTICS}/streak", user_id=user, until=f"2026-03-{day:02}T10:00:00Z") for day in (7, 8, 9)
    ]

    assert [(each["current"], each["longest"]) for each in streaks] == [(2, 4), (2, 4), (0, 4)]
    nobody = await ask(client_1_2, f"{STATISTICS}/streak", user_id=str(uuid4()))
    assert nobody == {"current": 0, "longest": 0}


async def test_tags_are_those_of_the_task_and_of_its_goal(client_1_2: httpx.AsyncClient) -> None:
    user = await user_in(client_1_2, "UTC", ["2026-03-01T10:00:00Z"], class_tags=["health"])
    goal = await create(client_1_2, "goals", make_goal_data(user, class_tags=["health", "running"]))
    both = make_task_data(user, goal["id"], class_tags=["health"], scheduled_at="2026-03-01T11:00:00Z")
    await create(client_1_2, "tasks", both)
    span = {"start_at": "2026-03-01T00:00:00Z", "end_at": "2026-03-01T23:00:00Z"}

    tags = await ask(client_1_2, f"{STATISTICS}/by-tag", user_id=user, **span)

    assert [(each["tag"], each["total_tasks"], each["completion_rate"]) for each in tags] == [
        ("health", 2, 0.5),
        ("running", 1, 0.0),
    ]
    reversed_span = {"user_id": user, "start_at": span["end_at"], "end_at": span["start_at"]}
    refused(await client_1_2.get(f"{STATISTICS}/by-tag", params=reversed_span), 400)


async def test_the_progress_of_a_goal_is_in_all_and_by_week(client_1_2: httpx.AsyncClient, user: Row, goal: Row) -> None:
    for status, time in (("done", "2026-03-02T10:00:00Z"), ("pending", "2026-03-17T10:00:00Z"), ("pending", None)):
        await create(client_1_2, "tasks", make_task_data(user["id"], goal["id"], status=status, scheduled_at=time))
    path = f"/api/v1/goals/{goal['id']}/progress"

    progress = await ask(client_1_2, path, until="2026-03-18T00:00:00Z")

    assert (progress["total_tasks"], progress["by_status"], progress["completion_rate"]) == (
        3,
        NONE | {"done": 1, "pending": 2},
        0.3333,
    )
    assert [(each["week"], each["total_tasks"]) for each in progress["by_week"]] == [
        ("2026-03-16", 1),
        ("2026-03-09", 0),
        ("2026-03-02", 1),
    ]
    refused(await client_1_2.get(f"/api/v1/goals/{uuid4()}/progress"), 404)


@pytest.mark.one_gateway
@pytest.mark.parametrize(
    ("path", "params", "field"),
    [
        ("weekly", {"weeks": "0"}, "weeks"),
        ("weekly", {"weeks": "105"}, "weeks"),
        ("daily", {"days": "401"}, "days"),
        ("daily", {"until": "yesterday"}, "until"),
        ("streak", {"time_zone": "Mars/Olympus"}, "time_zone"),
        ("weekly", {"time_zone": "Foo5"}, "time_zone"),
    ],
)
async def test_parameters_that_statistics_cannot_take_are_named(
    path: str, params: Row, field: str, client_1_2: httpx.AsyncClient, user: Row
) -> None:
    refused(await client_1_2.get(f"{STATISTICS}/{path}", params={"user_id": user["id"]} | params), 422, field)


@pytest.mark.one_gateway
async def test_a_user_has_a_time_zone_from_the_start(client_1_2: httpx.AsyncClient, client_1_0: httpx.AsyncClient) -> None:
    berlin, mars = {"timezone": "Europe/Berlin"}, {"timezone": "Mars/Olympus"}
    for sent, zone in (
        ({}, "UTC"),
        ({"profile": berlin}, "Europe/Berlin"),
        ({"profile": mars, "preferences": berlin}, "Europe/Berlin"),
        ({"profile": mars, "preferences": {"timezone": 5}}, "UTC"),
        ({"profile": berlin, "timezone": "Asia/Tokyo"}, "Asia/Tokyo"),
    ):
        assert (await create(client_1_2, "users", make_user_data(**sent)))["timezone"] == zone
    older = await create(client_1_0, "users", make_user_data(name="Ada", preferences=berlin))
    assert (await client_1_2.get(f"/api/v1/users/{older['id']}")).json()["timezone"] == "Europe/Berlin"
    refused(await client_1_2.post("/api/v1/users/", json=make_user_data(timezone="Mars/Olympus")), 422, "timezone")
