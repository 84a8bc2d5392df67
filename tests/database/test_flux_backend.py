"""supabase/optional/flux_backend.sql, and the statements of an SQL caller that speaks asyncpg as the database's owner."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from local_stack import LocalStack
from local_stack.project import ROOT
from tests.locks import Database
from tests.owners import Owner, make_owner

SQL = (ROOT / "supabase" / "optional" / "flux_backend.sql").read_text()
NOW = datetime(2027, 3, 1, 8, tzinfo=UTC)


@pytest.fixture(scope="module")
async def backend(migrated: LocalStack) -> AsyncIterator[Database]:
    """A connection of the database's owner, after the file has been applied."""
    connection = await asyncpg.connect(migrated.database_url)
    await connection.execute(SQL)
    yield connection
    await connection.close()


@pytest.fixture(scope="module")
async def owner(backend: Database) -> Owner:
    owner = await make_owner(backend)
    await backend.execute("update public.goals set class_tags = '{health}' where id = $1", owner.goal)
    return owner


async def as_user(connection: Database, user: str, statement: str) -> list[tuple[Any, ...]]:
    transaction = connection.transaction()
    await transaction.start()
    try:
        await connection.execute("select set_config('request.jwt.claims', $1, true)", json.dumps({"sub": user}))
        await connection.execute("set local role authenticated")
        return [tuple(row) for row in await connection.fetch(statement)]
    finally:
        await transaction.rollback()


async def test_applying_the_file_again_changes_nothing(backend: Database, owner: Owner) -> None:
    await backend.execute("insert into public.dispatch_log (task_id, channel) values ($1, 'auto_miss')", owner.task)

    await backend.execute(SQL)

    [row] = await backend.fetch("select channel, status, dispatched_at, error from public.dispatch_log")
    assert tuple(row) == ("auto_miss", "pending", None, None)


async def test_each_view_shows_users_their_own_rows(backend: Database, owner: Owner) -> None:
    await make_owner(backend)
    views = {
        "select week, completed, total, completion_pct::float from public.user_weekly_stats": (datetime(2026, 3, 2), 1, 1, 100.0),  # noqa: DTZ001
        "select category, missed_count, total_count from public.missed_by_category": ("health", 0, 1),
        "select day, completed_count, total_count from public.activity_heatmap": (datetime(2026, 3, 2).date(), 1, 1),  # noqa: DTZ001
    }

    assert [await as_user(backend, owner.user, view) for view in views] == [[row] for row in views.values()]
    assert [await as_user(backend, str(uuid4()), view) for view in views] == [[], [], []]
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await as_user(backend, owner.user, "select from public.dispatch_log")


async def test_the_statements_of_an_sql_caller_work(backend: Database, owner: Owner) -> None:
    user = await backend.fetchval("insert into public.users (email) values ($1) returning id", f"{uuid4()}@example.com")
    channels = json.dumps({"channels": ["push"]})
    kept = await backend.fetchval(
        "update public.users set notification_preferences = notification_preferences || $1 where id = $2"
        " returning notification_preferences",
        channels,
        user,
    )
    assert json.loads(kept) == {"channels": ["push"]}
    conversation = await backend.fetchval(
        "insert into public.conversations (user_id, langgraph_thread_id) values ($1, $2) returning id", user, uuid4().hex
    )
    task = await backend.fetchval(
        "insert into public.tasks (user_id, title, escalation_policy, class_tags, conversation_id, canonical_scheduled_at,"
        " series_id, occurrence_at) values ($1, 'Run', 'aggressive', $2, $3, $4, $5, $4) returning id",
        *(user, ["health"], conversation, NOW, uuid4()),
    )
    moved = await backend.fetchrow(
        "update public.tasks set scheduled_at = $1, canonical_scheduled_at = $1 where id = $2"
        " returning scheduled_at, canonical_scheduled_at",
        *(NOW, task),
    )
    assert moved is not None
    assert tuple(moved) == (NOW, NOW)
    pipeline = (
        "insert into public.goals (user_id, title, status, pipeline_order) values ($1, 'x', 'pipeline', 1)"
        " on conflict (user_id, pipeline_order) where status in ('pipeline', 'active') do nothing"
    )
    assert [await backend.execute(pipeline, user) for _ in range(2)] == ["INSERT 0 1", "INSERT 0 0"]
    claim = "update public.tasks set reminder_sent_at = now() where id = $1 and reminder_sent_at is null returning id"
    assert [await backend.fetchval(claim, task) for _ in range(2)] == [task, None]


@pytest.mark.parametrize(
    ("index", "due"),
    [
        ("tasks_pending_by_time", "status = 'pending' and reminder_sent_at is null and scheduled_at <= $1"),
        ("tasks_pending_reminded", "status = 'pending' and whatsapp_sent_at is null and reminder_sent_at <= $1"),
        ("tasks_pending_messaged", "status = 'pending' and call_sent_at is null and whatsapp_sent_at <= $1"),
    ],
)
async def test_due_tasks_of_all_users_are_found_by_index(index: str, due: str, backend: Database, owner: Owner) -> None:
    async with backend.transaction():
        await backend.execute(
            "insert into public.tasks (user_id, title, status, scheduled_at, reminder_sent_at, whatsapp_sent_at)"
            " select $1, 'x', case when nth % 10 = 0 then 'pending' else 'done' end, $2::timestamptz + nth * interval '1 minute',"
            " case when nth % 20 = 0 then $2::timestamptz + nth * interval '1 minute' end,"
            " case when nth % 40 = 0 then $2::timestamptz + nth * interval '1 minute' end from generate_series(1, 10000) as nth",
            *(owner.user, NOW),
        )
        await backend.execute("analyze public.tasks")

        plan = await backend.fetch(f"explain select id from public.tasks where {due}", NOW + timedelta(hours=1))

    assert index in "\n".join(row[0] for row in plan)
