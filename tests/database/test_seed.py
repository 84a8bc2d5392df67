"""seed.sql: what scripts/dev and `supabase db push --include-seed` load into an empty database."""

from collections.abc import Iterator
from typing import Any

import pytest

from local_stack import LocalStack, migrations
from local_stack.database import fetch_rows

TABLES = (
    "users",
    "goals",
    "milestones",
    "tasks",
    "conversations",
    "messages",
    "patterns",
    "notification_log",
    "dispatches",
    "demo_flags",
)


@pytest.fixture(scope="module")
def seeded() -> Iterator[LocalStack]:
    with LocalStack(seed=True).database_first() as stack:
        yield stack


def rows_of(stack: LocalStack, table: str) -> list[dict[str, Any]]:
    return fetch_rows(stack.database_url, f"select * from public.{table} as t order by t::text")


def words_of(stack: LocalStack, domain: str) -> set[str]:
    """The values that an enumerated domain allows."""
    found = fetch_rows(
        stack.database_url,
        "select (regexp_matches(pg_get_constraintdef(oid), '''([^'']+)''::text', 'g'))[1] as word"
        " from pg_constraint where contypid = $1::text::regtype",
        domain,
    )
    return {row["word"] for row in found}


@pytest.mark.parametrize("table", TABLES)
def test_the_seed_fills_every_table(seeded: LocalStack, table: str) -> None:
    assert rows_of(seeded, table)


def test_the_seed_has_three_users_with_unroutable_addresses(seeded: LocalStack) -> None:
    addresses = {user["email"] for user in rows_of(seeded, "users")}

    assert len(addresses) == 3
    assert all(address.endswith("@example.com") for address in addresses)


def test_the_seed_takes_no_address_of_the_guides_examples(seeded: LocalStack) -> None:
    addresses = {user["email"] for user in rows_of(seeded, "users")}

    assert addresses.isdisjoint({f"{name}@example.com" for name in ("jane", "test", "direct", "uow")})


@pytest.mark.parametrize(
    ("table", "column", "domain"),
    [
        ("goals", "status", "public.goal_status"),
        ("tasks", "status", "public.task_status"),
        ("tasks", "priority", "public.task_priority"),
        ("tasks", "trigger_type", "public.trigger_type"),
        ("messages", "role", "public.message_role"),
        ("notification_log", "channel", "public.notification_channel"),
    ],
)
def test_every_enumerated_value_occurs_in_the_seed(seeded: LocalStack, table: str, column: str, domain: str) -> None:
    words = words_of(seeded, domain)

    assert words
    assert {row[column] for row in rows_of(seeded, table)} == words


def test_tasks_are_scheduled_around_the_time_of_loading(seeded: LocalStack) -> None:
    [counts] = fetch_rows(
        seeded.database_url,
        "select count(*) filter (where scheduled_at between now() - interval '2 days' and now()) as before,"
        " count(*) filter (where scheduled_at between now() and now() + interval '2 days') as after from public.tasks",
    )

    assert counts["before"] >= 2
    assert counts["after"] >= 2


def test_the_seed_has_a_finished_week_a_streak_and_a_pipeline_of_three_goals(seeded: LocalStack) -> None:
    maya = "'11111111-1111-4111-8111-111111111111'"
    [found] = fetch_rows(
        seeded.database_url,
        f"select (public.get_streak({maya})).current as streak,"
        f" (select min((by_status ->> 'done')::int) from unnest(public.get_daily_statistics({maya}, 14, now() - interval '1 day')))"
        " as least_done,"
        f" array(select pipeline_order from public.goals where user_id = {maya} and status = 'pipeline' order by 1) as pipeline",
    )

    assert found["streak"] >= 14
    assert found["least_done"] >= 1
    assert found["pipeline"] == [1, 2, 3]
    assert all(row["pattern_key"] for row in rows_of(seeded, "patterns"))
    assert [row["title"] for row in rows_of(seeded, "conversations") if row["title"]] == ["The long run and the rain"]


def test_the_seeded_voice_conversation_is_closed(seeded: LocalStack) -> None:
    [voice] = [row for row in rows_of(seeded, "conversations") if row["context_type"] == "voice"]
    messages = [row for row in rows_of(seeded, "messages") if row["conversation_id"] == voice["id"]]

    assert voice["ended_at"]
    assert voice["linked_task_id"]
    assert voice["linked_goal_id"]
    assert voice["last_message_at"] == max(message["created_at"] for message in messages)
    assert {message["role"] for message in messages} >= {"user", "assistant"}


def test_loading_the_seed_twice_changes_nothing(seeded: LocalStack) -> None:
    before = {table: rows_of(seeded, table) for table in TABLES}

    assert seeded.seed() is False
    assert {table: rows_of(seeded, table) for table in TABLES} == before


@pytest.mark.integration
def test_the_supabase_cli_loads_the_seed_with_the_migrations() -> None:
    with LocalStack(migrate=False).database_first() as stack:
        remote = f"--remote={stack.database_url}?sslmode=disable"
        migrations.supabase_cli("db", "push", "--yes", "--include-seed", remote, check="db push")

        assert len(rows_of(stack, "users")) == 3
