"""The guides' examples of the REST API, unmodified, against the running service."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import httpx
import pytest

from tests.conftest import create, make_goal_data, make_task_data, make_user_data
from tests.guides.blocks import FOLDER, VERSIONS, block

EXAMPLES = {
    "http_client": dict.fromkeys(VERSIONS, "Basic HTTP Client Setup"),
    "goal_planner": {"1.0": "Example: Complete Goal Planner Flow", "1.2": "Example: Goal Planner Flow"},
    "scheduler": dict.fromkeys(VERSIONS, "Example: Scheduler Service Flow"),
    "observer": dict.fromkeys(VERSIONS, "Example: Observer Service Flow"),
}
"""The headings of the Python examples, by name and guide."""
ADDRESSES_OF_THE_GUIDES = ["jane@example.com", "test@example.com"]
THREAD_OF_THE_GUIDES = "thread-abc123"
Row = dict[str, Any]
Call = tuple[str, list[Any], dict[str, Any]]
"""Function, arguments, named arguments."""


@pytest.fixture(autouse=True)
async def _no_example_has_run(database: "asyncpg.Connection[asyncpg.Record]") -> AsyncIterator[None]:
    """Delete the users and the conversation that all examples create."""

    async def forget() -> None:
        await database.execute("delete from public.users where lower(email) = any ($1::text[])", ADDRESSES_OF_THE_GUIDES)
        await database.execute("delete from public.conversations where langgraph_thread_id = $1", THREAD_OF_THE_GUIDES)

    await forget()
    yield
    await forget()


@pytest.fixture(params=VERSIONS)
def version(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def caller(version: str, client_1_2: httpx.AsyncClient, client_1_0: httpx.AsyncClient) -> httpx.AsyncClient:
    return client_1_0 if version == "1.0" else client_1_2


# The Python examples --------------------------------------------------------------------------------------------------


DRIVER = """
import asyncio, json, runpy, sys

example, calls = runpy.run_path(sys.argv[1]), json.loads(sys.argv[2])
answers = [asyncio.run(eval(function, example)(*arguments, **options)) for function, arguments, options in calls]
print(json.dumps(answers), end="")
"""


@pytest.fixture
def run_example(version: str, service_url: str, tmp_path: Path) -> Any:
    """A function that runs an example in a new Python process, calls its functions, and returns the output and the results."""

    def run(name: str, *calls: Call) -> tuple[str, list[Any]]:
        example, driver = tmp_path / f"{name}.py", tmp_path / "driver.py"
        example.write_text(block(version, EXAMPLES[name][version]))
        driver.write_text(DRIVER)
        script = [driver, example, json.dumps(calls)] if calls else [example]
        address = urlsplit(service_url)
        environment = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(FOLDER / "host_name"),
            "PYTHONIOENCODING": "utf-8",
            "FLUX_EXAMPLE_ADDRESS": f"{address.hostname}:{address.port}",
        }
        ended = subprocess.run(
            [sys.executable, "-W", "error", *script], env=environment, capture_output=True, text=True, timeout=60, check=False
        )
        assert (ended.returncode, ended.stderr) == (0, "")
        if not calls:
            return ended.stdout, []
        output, _, answers = ended.stdout.rpartition("\n")
        return output, json.loads(answers)

    return run


async def _row(caller: httpx.AsyncClient, resource: str, row_id: str) -> Row:
    response = await caller.get(f"/api/v1/{resource}/{row_id}")
    assert response.status_code == 200, response.text
    row: Row = response.json()
    return row


async def test_the_http_client_of_the_guide_works(version: str, run_example: Any, caller: httpx.AsyncClient) -> None:
    data = make_user_data(name="Jane Doe")
    row = await create(caller, "users", make_user_data(name="John Doe"))
    path = f"/api/v1/users/{row['id']}"

    _, (made, read, deleted) = run_example(
        "http_client",
        ("DaoClient()._request", ["POST", "/api/v1/users/"], {"json": data}),
        ("DaoClient()._request", ["GET", path], {}),
        ("DaoClient()._request", ["DELETE", path], {}),
    )

    assert made["email"] == data["email"]
    assert read == row
    assert deleted == {}
    assert (await caller.get(path)).status_code == 404


async def test_the_goal_planners_example_runs(version: str, run_example: Any, caller: httpx.AsyncClient) -> None:
    output, _ = run_example("goal_planner")

    created = dict(re.findall(r"Created (\w+): (\S+)", output))
    user, goal = await _row(caller, "users", created["user"]), await _row(caller, "goals", f"{created['goal']}/full")
    assert user["email"] == "jane@example.com"
    assert (goal["title"], goal["user_id"], goal["status"]) == ("Run a half marathon", user["id"], "active")
    if version == "1.0":
        assert "  Milestones: 2\n  Tasks: 3" in output
        assert user["preferences"] == {"timezone": "America/New_York"}
        assert (goal["category"], goal["timeline"]) == ("health", "8 weeks")
        assert [task["title"] for task in goal["tasks"]] == ["Run 3km", "Stretch routine (15 min)", "Run 5km"]
        assert [task["priority"] for task in goal["tasks"]] == ["standard", "standard", "important"]
        assert {task["is_recurring"] for task in goal["tasks"]} == {True}
    else:
        assert [task["id"] for task in goal["tasks"]] == [created["task"]]
        assert (goal["class_tags"], goal["target_weeks"]) == (["health"], 8)


@pytest.fixture
async def planned(version: str, caller: httpx.AsyncClient, client_1_2: httpx.AsyncClient) -> dict[str, Row]:
    """A user with a past task, one later today, and one for tomorrow."""
    user = await create(client_1_2, "users", make_user_data())
    goal = await create(client_1_2, "goals", make_goal_data(user["id"]))
    today = datetime.now(UTC).replace(hour=0, minute=0, second=1, microsecond=0)
    moments = {"over": today, "ahead": today + timedelta(hours=23, minutes=59, seconds=57), "tomorrow": today + timedelta(days=1)}
    times = {
        name: {"start_time": moment.isoformat(), "end_time": moment.isoformat()}
        if version == "1.0"
        else {"scheduled_at": moment.isoformat()}
        for name, moment in moments.items()
    }
    tasks = {name: await create(caller, "tasks", make_task_data(user["id"], goal["id"], **times[name])) for name in times}
    return {"user": user, **tasks}


async def test_the_schedulers_example_runs(
    version: str, run_example: Any, caller: httpx.AsyncClient, planned: dict[str, Row]
) -> None:
    output, (answer,) = run_example("scheduler", ("scheduler_daily_sync", [planned["user"]["id"]], {}))

    word, over, before = ("drifted", "drifted", "scheduled") if version == "1.0" else ("missed", "missed", "pending")
    assert answer == {"tasks_checked": 2, word: 1}
    assert output == f"Found 2 tasks for today\nMarked 1 tasks as {word}"
    status = "state" if version == "1.0" else "status"
    left = {name: (await _row(caller, "tasks", planned[name]["id"]))[status] for name in ("over", "ahead", "tomorrow")}
    assert left == {"over": over, "ahead": before, "tomorrow": before}


@pytest.mark.parametrize("version", ["1.0"], indirect=True)
async def test_the_schedulers_example_links_a_calendar_event(version: str, run_example: Any, planned: dict[str, Row]) -> None:
    _, (task,) = run_example("scheduler", ("link_calendar_event", [planned["ahead"]["id"], "google-event-1"], {}))

    assert task == {**planned["ahead"], "calendar_event_id": "google-event-1", "updated_at": task["updated_at"]}


async def test_the_observers_example_runs(
    version: str, run_example: Any, caller: httpx.AsyncClient, planned: dict[str, Row]
) -> None:
    status, done = ("state", "completed") if version == "1.0" else ("status", "done")
    changed = await caller.patch(f"/api/v1/tasks/{planned['over']['id']}", json={status: done})
    assert changed.status_code == 200

    output, (statistics,) = run_example("observer", ("analyze_user_patterns", [planned["user"]["id"]], {"days": 7}))

    assert statistics["user_id"] == planned["user"]["id"]
    assert (statistics["total_tasks"], statistics["completion_rate"]) == (3, 0.3333)
    assert statistics[f"by_{status}"][done] == 1
    assert "Completion rate: 33.3%" in output
    assert "Low completion rate detected" in output


# The requests and answers of the API reference ------------------------------------------------------------------------


def _with_ids(example: Any, ids: dict[str, str]) -> Any:
    """The example with real ids in place of "uuid"."""
    if not isinstance(example, dict):
        return example
    return {name: ids[name] if value == "uuid" else _with_ids(value, ids) for name, value in example.items()}


@pytest.mark.parametrize(
    ("version", "heading", "word", "path"),
    [
        ("1.2", "User Endpoints", "", "users/"),
        ("1.2", "Goal Endpoints", "", "goals/"),
        ("1.2", "Task Endpoints", "title", "tasks/"),
        ("1.2", "Conversation Endpoints", "", "conversations/"),
        ("1.0", "User Endpoints", "", "users/"),
        ("1.0", "Goal Endpoints", "", "goals/with-structure"),
    ],
    indirect=["version"],
)
async def test_a_request_of_the_reference_is_accepted_and_stored(
    version: str,
    heading: str,
    word: str,
    path: str,
    caller: httpx.AsyncClient,
    client_1_2: httpx.AsyncClient,
    planned: dict[str, Row],
) -> None:
    ids = {"user_id": planned["user"]["id"], "goal_id": planned["over"]["goal_id"]}
    sent = _with_ids(json.loads(block(version, heading, "json", word)), ids)

    response = await caller.post(f"/api/v1/{path}", json=sent)

    assert response.status_code == 201, response.text
    row = response.json()
    expected = sent.get("goal", sent)
    times = {each for each in expected if each.endswith("_at")}
    assert {each: row[each] for each in expected if each not in times} == {
        each: value for each, value in expected.items() if each not in times
    }
    assert all(datetime.fromisoformat(row[each]) == datetime.fromisoformat(expected[each]) for each in times)


async def test_the_bulk_update_of_the_reference_is_accepted(
    version: str, caller: httpx.AsyncClient, planned: dict[str, Row]
) -> None:
    sent = json.loads(block(version, "Task Endpoints", "json", "task_ids")) | {
        "task_ids": [planned["over"]["id"], planned["ahead"]["id"]]
    }

    response = await caller.post("/api/v1/tasks/bulk-update-state", json=sent)

    assert response.json() == {"updated_count": 2}


async def test_statistics_have_the_shape_of_the_reference(version: str, caller: httpx.AsyncClient, planned: dict[str, Row]) -> None:
    dates = {"start_date": "2020-01-01T00:00:00Z", "end_date": "2100-01-01T00:00:00Z"}
    example = json.loads(block(version, "Task Endpoints", "json", "total_tasks"))

    statistics = (await caller.get("/api/v1/tasks/statistics", params={"user_id": planned["user"]["id"], **dates})).json()

    assert statistics.keys() == example.keys()
    counts = next(name for name in example if name.startswith("by_"))
    assert statistics[counts].keys() == example[counts].keys()


# The command lines ----------------------------------------------------------------------------------------------------


def _curl_lines(version: str) -> list[str]:
    headings = ("Testing with Docker", "Checking Service Health")
    scripts = (block(version, heading, "bash").replace("\\\n", " ") for heading in headings)
    return [line for script in scripts for line in script.splitlines() if line.startswith("curl ")]


@pytest.mark.parametrize(
    ("version", "line"), [(version, line) for version in VERSIONS for line in _curl_lines(version)], indirect=["version"]
)
@pytest.mark.skipif(not shutil.which("curl"), reason="there is no curl")
def test_a_curl_line_of_the_guide_works(version: str, line: str, service_url: str, tmp_path: Path) -> None:
    address = urlsplit(service_url)
    # curl's settings file, so that the line stays unmodified: the address of localhost:8000, and an exit code for errors.
    settings = f'connect-to = "localhost:8000:{address.hostname}:{address.port}"\nfail-with-body\nsilent\nshow-error\n'
    (tmp_path / ".curlrc").write_text(settings)

    ended = subprocess.run(
        ["/bin/sh", "-c", line],
        env={"PATH": os.environ["PATH"], "CURL_HOME": str(tmp_path), "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert ended.returncode == 0, ended.stdout + ended.stderr
    answer = json.loads(ended.stdout)
    if "/users/" in line:
        assert answer["email"] == "test@example.com"
    else:
        assert answer["status"] == ("ok" if "/health" in line else "ready")


def test_the_curl_lines_are_found() -> None:
    assert [len(_curl_lines(version)) for version in VERSIONS] == [4, 4]
