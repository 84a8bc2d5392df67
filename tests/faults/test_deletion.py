"""Deleting a user with more rows than one statement can delete in its time."""

import asyncio
import os
import subprocess
from uuid import uuid4

import httpx
import pytest

from local_stack import LocalStack
from local_stack.project import ROOT
from tests.conftest import create, make_user_data
from tests.locks import Database

pytestmark = pytest.mark.faults
# $1 is the user. Each kind of row that is deleted in batches.
ROWS = """
with goal as (insert into public.goals (user_id, title) select $1::uuid, 'Goal' from generate_series(1, 20) returning id),
task as (insert into public.tasks (user_id, title) select $1::uuid, 'Task' from generate_series(1, 300) returning id),
conversation as (
  insert into public.conversations (user_id, langgraph_thread_id, context_type)
  select $1::uuid, $1::text || ':' || number, 'goal' from generate_series(1, 20) as number returning id
)
select from goal, task, conversation
"""
CHILDREN = (
    "insert into public.milestones (goal_id, week_number, title) select id, 1, 'Week' from public.goals where user_id = $1",
    "insert into public.notification_log (task_id, channel) select id, 'push' from public.tasks where user_id = $1",
    "insert into public.messages (conversation_id, role, content) select id, 'user', 'x' from conversations where user_id = $1",
    """
    insert into public.dispatches (user_id, task_id, channel, dedupe_key, due_at)
    select user_id, id, 'push', 'a', now() from public.tasks where user_id = $1
    """,
    "insert into public.patterns (user_id) values ($1)",
)
KINDS = ("goals", "tasks", "conversations", "milestones", "notification_log", "messages", "dispatches", "patterns", "users")


async def _fill(database: Database, user: str) -> None:
    for statement in (ROWS, *CHILDREN):
        await database.execute(statement, user)


async def _counts(database: Database) -> dict[str, int]:
    return {kind: await database.fetchval(f"select count(*) from public.{kind}") for kind in KINDS}


def _delete_user(stack: LocalStack, user: str, *options: str) -> str:
    """The last line that the command writes."""
    done = subprocess.run(
        [ROOT / "scripts" / "delete-user", user, *options],
        env=os.environ | {"DATABASE_URL": stack.database_url},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.splitlines()[-1]


@pytest.mark.one_gateway
async def test_a_user_is_deleted_in_batches_that_may_be_interrupted(
    client_1_2: httpx.AsyncClient, database: Database, stack: LocalStack
) -> None:
    before = await _counts(database)
    user = (await create(client_1_2, "users", make_user_data()))["id"]
    await _fill(database, user)
    rows = sum((await _counts(database)).values()) - sum(before.values())

    first = [await database.fetchval("select private.delete_rows_of_user($1, 100)", user) for _ in range(2)]
    assert first == [20, 100]  # All messages, a part of the notifications.
    assert (await client_1_2.get(f"/api/v1/users/{user}")).status_code == 200
    said = await asyncio.to_thread(_delete_user, stack, user, "--batch", "100")

    assert said == f"deleted {rows - sum(first)} rows: nothing is left of this user"
    assert await _counts(database) == before
    assert (await client_1_2.get(f"/api/v1/users/{user}")).status_code == 404


def test_deleting_a_user_who_does_not_exist_says_so(stack: LocalStack) -> None:
    assert _delete_user(stack, str(uuid4())) == "there is no such user"
