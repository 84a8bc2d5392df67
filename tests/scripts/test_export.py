"""scripts/export, and where the REST API refers to it: answers of more than 20,000 rows."""

import json
import os
import re
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from local_stack import LocalStack
from local_stack.project import ROOT
from tests.answers import refused
from tests.conftest import create, make_goal_data, make_task_data
from tests.locks import Database

Row = dict[str, Any]
MOST = 20_000


def _export(stack: LocalStack, user: str) -> tuple[int, bytes, int]:
    """Exit code, output, and the most memory that it used, in KiB."""
    command = [sys.executable, str(ROOT / "scripts" / "export"), user]
    environment = {**os.environ, "DATABASE_URL": stack.database_url}
    output, used = b"", 0
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as running:
        assert running.stdout
        while piece := running.stdout.read(1 << 20):
            output += piece
            with suppress(OSError):  # it may have ended
                status = Path(f"/proc/{running.pid}/status").read_text()
                used = max([used, *map(int, re.findall(r"VmHWM:\s+(\d+) kB", status))])
    return running.returncode, output, used


@pytest.mark.one_gateway
async def test_the_command_writes_what_the_endpoint_answers(stack: LocalStack, client_1_2: httpx.AsyncClient, user: Row) -> None:
    goal = await create(client_1_2, "goals", make_goal_data(user["id"]))
    task = await create(client_1_2, "tasks", make_task_data(user["id"], goal["id"]))
    await create(client_1_2, "milestones", {"goal_id": goal["id"], "week_number": 1, "title": "Week"})
    conversation = await create(client_1_2, "conversations", {"user_id": user["id"], "langgraph_thread_id": uuid4().hex})
    for content in "ab":
        await create(client_1_2, "messages", {"conversation_id": conversation["id"], "role": "user", "content": content})
    await create(client_1_2, "patterns", {"user_id": user["id"]})
    await create(client_1_2, "notification-log", {"task_id": task["id"], "channel": "push"})
    await client_1_2.put(f"/api/v1/demo-flags/{user['id']}", json={})
    answered = (await client_1_2.get(f"/api/v1/users/{user['id']}/export")).json()

    code, output, _ = _export(stack, user["id"])

    assert code == 0, output
    assert json.loads(output) == answered
    assert _export(stack, str(uuid4()))[:2] == (1, b"error: there is no user with this id\n")


@pytest.mark.one_gateway
async def test_more_than_20_000_rows_are_422_and_the_command_writes_them_in_bounded_memory(
    stack: LocalStack, client_1_2: httpx.AsyncClient, user: Row, database: Database
) -> None:
    thread = await create(client_1_2, "conversations", {"user_id": user["id"], "langgraph_thread_id": uuid4().hex})
    messages = {"conversation_id": thread["id"]}
    await database.execute("set session_replication_role = replica")  # else each message changes its conversation
    await database.execute(
        "insert into public.messages (conversation_id, role, content)"
        " select $1, 'user', repeat('x', 4000) from generate_series(1, $2::int)",
        *(UUID(thread["id"]), MOST + 1),
    )
    await database.execute("set session_replication_role = origin")
    await database.execute(
        "insert into public.tasks (user_id, title, scheduled_at) select $1, 'x', '2027-03-01Z' from generate_series(1, $2::int)",
        *(UUID(user["id"]), MOST + 1),
    )
    span = {"user_id": user["id"], "start_at": "2027-03-01T00:00:00Z", "end_at": "2027-03-02T00:00:00Z"}

    listed = refused(await client_1_2.get("/api/v1/messages/", params=messages), 422, "limit")
    ranged = refused(await client_1_2.get("/api/v1/tasks/by-timerange", params=span), 422, "end_at")
    exported = refused(await client_1_2.get(f"/api/v1/users/{user['id']}/export"), 422)
    code, output, used = _export(stack, user["id"])

    assert "limit and before" in listed["detail"]
    assert "narrower range" in ranged["detail"]
    assert "scripts/export" in exported["detail"]
    assert (code, output.count(b'"role":"user"'), output.count(b'"status":"pending"')) == (0, MOST + 1, MOST + 1)
    assert len(output) > 90_000_000
    assert 0 < used < 90_000
