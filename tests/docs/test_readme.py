"""The README's examples do what it says, against the running service. Only the addresses are changed."""

import re
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import httpx
import pytest

from local_stack import LocalStack
from tests.conftest import create, make_goal_data, make_task_data, make_user_data
from tests.in_process.sessions import direct_environment

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
ADDRESSES = ["jane@example.com", "ada@example.com", "grace@example.com", "linus@example.com"]


BENCHMARK = (ROOT / "docs" / "benchmark.md").read_text()


def _block(language: str, word: str) -> str:
    """The one block in this language with this word in it."""
    blocks = re.findall(rf"^```{language}\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
    (found,) = [block for block in blocks if word in block]
    return str(found)


@pytest.fixture(autouse=True)
async def _no_example_has_run(database: "asyncpg.Connection[asyncpg.Record]") -> AsyncIterator[None]:
    forget = "delete from public.users where email = any ($1::text[])"
    await database.execute(forget, ADDRESSES)
    yield
    await database.execute(forget, ADDRESSES)


def _run(source: str, environment: dict[str, str] | None = None) -> str:
    """Run Python in a process of its own, which must end well; what it printed."""
    done = subprocess.run(
        [sys.executable, "-c", source], env=environment or {}, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_lines_for_curl(service_url: str) -> None:
    lines = _block("bash", "curl -X POST").replace("http://localhost:8000", service_url)

    done = subprocess.run(["bash", "-ec", lines], capture_output=True, text=True, timeout=60, check=True)

    assert '"email":"jane@example.com"' in done.stdout
    assert re.search(r'"page_size" ?: ?10\b', done.stdout)


async def test_a_front_ends_call(stack: LocalStack, service_url: str, client_1_2: httpx.AsyncClient) -> None:
    users = [await create(client_1_2, "users", make_user_data()) for _ in range(2)]
    for user in users:
        goal = await create(client_1_2, "goals", make_goal_data(user["id"], title=f"Of {user['id']}"))
        await create(client_1_2, "tasks", make_task_data(user["id"], goal["id"]))
    source = _block("python", "create_client").replace("http://127.0.0.1:54321", stack.api_url)
    known = f"anon_key = {stack.anon_key!r}\nuser_token = {stack.mint(users[0]['id'])!r}\n"

    printed = _run(f"{known}{source}\nprint(goals)")

    assert printed.strip() == str([{"title": f"Of {users[0]['id']}", "tasks": [{"title": "Run 3 km", "status": "pending"}]}])


async def test_the_in_process_example(stack: LocalStack, client_1_2: httpx.AsyncClient) -> None:
    source = _block("python", "AsyncSessionLocal")

    assert _run(source, dict(direct_environment(stack))) == ""
    assert "email" in _run(source, dict(direct_environment(stack)))

    (user,) = [user for user in (await client_1_2.get("/api/v1/users/")).json()["items"] if user["email"] == "ada@example.com"]
    goals = (await client_1_2.get("/api/v1/goals/", params={"user_id": user["id"]})).json()["items"]
    assert [goal["title"] for goal in goals] == ["Learn Spanish"]


async def test_the_client_of_1_2(service_url: str) -> None:
    source = _block("python", "import FluxClient\n").replace("http://localhost:8000", service_url)

    assert _run(source).startswith("Run 3 km 20")
    assert "email" in _run(source)


async def test_the_client_of_1_0(service_url: str) -> None:
    source = _block("python", "import FluxClient_1_0").replace("http://localhost:8000", service_url)

    assert _run(source) == "['Two hundred words']\n"


def test_its_numbers_are_the_benchmarks() -> None:
    section = README.partition("## How fast it is")[2].partition("\n## ")[0]
    largest = BENCHMARK.partition("## 1,000,000 tasks")[2].partition("Ratios")[0]

    rows = [line for line in section.splitlines() if line.startswith("|")]
    assert len(rows) > 5
    for row in rows:
        assert row in largest
    assert re.search(r"on \d{4}-\d\d-\d\d", section)[0] in BENCHMARK  # type: ignore[index] # it is there


def test_its_diagram_is_the_databases() -> None:
    drawn = (ROOT / "docs" / "entities.md").read_text()

    references = [line for line in drawn.splitlines() if "--" in line and " : " in line]
    assert references
    assert _block("mermaid", "erDiagram").splitlines() == ["erDiagram", *references]


def test_what_it_points_to_is_there() -> None:
    targets = re.findall(r"\]\((?!https?:)([^)#]+)", README)

    assert targets
    assert [target for target in targets if not (ROOT / target).exists()] == []
