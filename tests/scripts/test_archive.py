"""scripts/archive moves finished tasks; export, deletion and totals stay right whenever it is interrupted."""

import json
import os
import subprocess
from collections.abc import Mapping
from typing import Any
from uuid import UUID

import httpx
import pytest

from local_stack import LocalStack
from local_stack.project import ROOT
from tests.locks import Database

TASKS = 300
KINDS = ("tasks", "notification_log", "dispatches")
FILL = (
    f"insert into public.tasks (user_id, title, status) select $1, 'Old', 'done' from generate_series(1, {TASKS})",
    "insert into public.notification_log (task_id, channel) select id, 'push' from public.tasks where user_id = $1",
    """
    insert into public.dispatches (user_id, task_id, channel, dedupe_key, due_at, outcome)
    select user_id, id, 'push', 'a', now(), 'sent' from public.tasks where user_id = $1
    """,
)


def _command(stack: LocalStack, name: str, *options: str) -> "subprocess.Popen[str]":
    environment = os.environ | {"DATABASE_URL": stack.database_url}
    return subprocess.Popen(
        [ROOT / "scripts" / name, *options], env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def _run(stack: LocalStack, name: str, *options: str) -> str:
    with _command(stack, name, *options) as running:
        output, _ = running.communicate(timeout=60)
    assert running.returncode == 0, output
    return output


async def _places(database: Database, user: UUID) -> Mapping[str, int]:
    """How many of the user's tasks are in each schema, and how many rows there are of each kind in both."""
    query = "select count(*) from {0}.tasks where user_id = $1"
    places = {schema: await database.fetchval(query.format(schema), user) for schema in ("public", "archive")}
    for kind in KINDS[1:]:
        both = "union all".join(
            f"(select kept.id from {schema}.{kind} as kept join {schema}.tasks on task_id = tasks.id where tasks.user_id = $1)"
            for schema in ("public", "archive")
        )
        places[kind] = await database.fetchval(f"select count(*) from ({both}) as kept", user)
    return places


async def _total(client: httpx.AsyncClient, database: Database) -> bool:
    """Whether the total of the list of all tasks is exact."""
    page = (await client.get("/api/v1/tasks/", params={"limit": 1})).json()
    return bool(page["total"] == await database.fetchval("select count(*) from public.tasks"))


@pytest.mark.one_gateway
async def test_a_task_is_in_one_place_when_the_archive_is_killed_and_export_and_deletion_know_both(
    client_1_2: httpx.AsyncClient, user: dict[str, Any], database: Database, holder: Database, stack: LocalStack
) -> None:
    key = UUID(user["id"])
    export = f"/api/v1/users/{key}/export"
    for statement in FILL:
        await database.execute(statement, key)
    await database.execute("set session_replication_role = replica")  # else the update would be the last change
    await database.execute("update public.tasks set updated_at = '2001-01-01Z' where user_id = $1", key)
    await database.execute("set session_replication_role = origin")
    before = (await client_1_2.get(export)).json()

    with _command(stack, "archive", "2002-01-01", "--batch", "1") as running:
        while not await database.fetchval("select count(*) from archive.tasks where user_id = $1", key):
            assert running.poll() is None
        running.kill()
    places = await _places(database, key)
    assert 0 < places["archive"] < TASKS
    assert places["public"] + places["archive"] == places["notification_log"] == places["dispatches"] == TASKS
    assert await _total(client_1_2, database)

    await holder.fetch("select from public.tasks where user_id = $1 order by id desc limit 1 for update", key)
    _run(stack, "archive", "2002-01-01")
    assert (await _places(database, key))["public"] == 1, "a task that another transaction holds is left out"
    await holder.execute("rollback; begin")
    assert _run(stack, "archive", "2002-01-01").endswith("archived 1 tasks\n")
    assert (await _places(database, key))["archive"] == TASKS
    assert await _total(client_1_2, database)

    after = (await client_1_2.get(export)).json()
    assert after == before
    assert json.loads(_run(stack, "export", str(key))) == after
    statistics = await client_1_2.get("/api/v1/tasks/statistics/daily", params={"user_id": str(key), "days": 1})
    assert statistics.json()[0]["total_tasks"] == 0

    assert "nothing is left" in _run(stack, "delete-user", str(key), "--batch", "100")
    assert [await database.fetchval(f"select count(*) from archive.{kind}") for kind in KINDS] == [0, 0, 0]
