"""Users reach their own rows and nothing else: through PostgREST, on every table, view and function of both contracts."""

import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any, TypeAlias
from uuid import uuid4

import httpx
import jwt
import pytest
from postgrest import AsyncPostgrestClient
from postgrest.exceptions import APIError
from postgrest.types import CountMethod
from supabase import AsyncClient

from local_stack import LocalStack
from tests.locks import Database
from tests.owners import SCHEDULED_AT, Owner, client_with, make_owner, rows_of, signed_in

NO_RIGHT = "42501"  # both no grant and no policy
NO_SUCH_ROW = "23503"

Row: TypeAlias = dict[str, Any]


@dataclass(frozen=True)
class Relation:
    """A table or view that PostgREST exposes, and how to attack it.

    own: the key of the owner's row. new: what would create a row of the owner's. change: a harmless change, if users change rows.
    deleted: whether users delete rows.
    """

    schema: str
    name: str
    own: Callable[[Owner], str]
    new: Callable[[Owner], Row] | None = None
    change: Row | None = None
    key: str = "id"
    deleted: bool = True

    def __str__(self) -> str:
        return f"{self.schema}.{self.name}"


def _thread(owner: Owner) -> Row:
    return {"user_id": owner.user, "langgraph_thread_id": f"{owner.user}:{uuid4()}", "context_type": "goal"}


def _someone(owner: Owner) -> Row:
    # Not the owner's id, which is taken, but an id of nobody.
    return {"id": str(uuid4()), "email": f"{uuid4()}@example.com", "name": "Someone"}


RELATIONS = [
    Relation("public", "users", lambda o: o.user, _someone, {"name": "Mallory"}),
    Relation("public", "demo_flags", lambda o: o.user, lambda o: {"user_id": o.user}, {"escalation_speed": 9}, "user_id"),
    Relation("public", "goals", lambda o: o.goal, lambda o: {"user_id": o.user, "title": "x"}, {"title": "y"}),
    Relation("public", "goals_full", lambda o: o.goal, deleted=False),
    Relation(
        "public",
        "milestones",
        lambda o: o.milestone,
        lambda o: {"goal_id": o.goal, "week_number": 2, "title": "x"},
        {"title": "y"},
    ),
    Relation("public", "tasks", lambda o: o.task, lambda o: {"user_id": o.user, "title": "x"}, {"status": "missed"}),
    Relation("public", "conversations", lambda o: o.conversation, _thread, {"status": "closed"}),
    Relation(
        "public",
        "messages",
        lambda o: o.message,
        lambda o: {"conversation_id": o.conversation, "role": "user", "content": "x"},
    ),
    Relation("public", "patterns", lambda o: o.pattern, lambda o: {"user_id": o.user}, {"description": "y"}),
    Relation(
        "public",
        "notification_log",
        lambda o: o.notification,
        lambda o: {"task_id": o.task, "channel": "push"},
        deleted=False,
    ),
    Relation("public", "dispatches", lambda o: o.dispatch, deleted=False),
    Relation("v1_0", "users", lambda o: o.user, _someone, {"name": "Mallory"}),
    Relation("v1_0", "demo_flags", lambda o: o.user, lambda o: {"user_id": o.user}, {"escalation_speed": 9}, "user_id"),
    Relation("v1_0", "goals", lambda o: o.goal, lambda o: {"user_id": o.user, "title": "x"}, {"title": "y"}),
    Relation("v1_0", "goals_full", lambda o: o.goal, deleted=False),
    Relation(
        "v1_0",
        "milestones",
        lambda o: o.milestone,
        lambda o: {"goal_id": o.goal, "week_number": 2, "title": "x"},
        {"title": "y"},
    ),
    Relation(
        "v1_0",
        "tasks",
        lambda o: o.task,
        lambda o: {"user_id": o.user, "goal_id": o.goal, "title": "x"},
        {"state": "missed"},
    ),
    Relation(
        "v1_0",
        "conversations",
        lambda o: o.conversation,
        lambda o: {"user_id": o.user, "goal_id": o.goal},
        {"status": "closed"},
    ),
]
every_relation = pytest.mark.parametrize("relation", RELATIONS, ids=str)


@dataclass
class Caller:
    """A signed-in user with rows, and their client."""

    rows: Owner
    client: AsyncClient

    def schema(self, schema: str) -> AsyncPostgrestClient:
        return self.client.schema(schema)

    async def read(self, relation: Relation, key: str | None = None) -> list[Row]:
        query = self.schema(relation.schema).from_(relation.name).select("*")
        return rows_in(await (query.eq(relation.key, key) if key else query).execute())

    async def call(self, schema: str, function: str, arguments: Row) -> Any:
        return (await self.schema(schema).rpc(function, arguments).execute()).data


def rows_in(response: Any) -> list[Row]:
    rows: list[Row] = response.data
    return rows


@pytest.fixture
async def ada(stack: LocalStack, database: Database) -> AsyncIterator[Caller]:
    rows = await make_owner(database)
    async with signed_in(stack, rows.user) as client:
        yield Caller(rows, client)


@pytest.fixture
async def grace(stack: LocalStack, database: Database) -> AsyncIterator[Caller]:
    rows = await make_owner(database)
    async with signed_in(stack, rows.user) as client:
        yield Caller(rows, client)


async def exposed(database: Database, catalog: str) -> set[str]:
    found = await database.fetch(catalog)
    return {row["name"] for row in found}


# Tables and views ----------------------------------------------------------------------------------------------------


async def test_every_exposed_relation_is_tested_here(database: Database) -> None:
    relations = await exposed(
        database,
        "select nspname || '.' || relname as name from pg_class inner join pg_namespace on relnamespace = pg_namespace.oid"
        " where nspname in ('public', 'v1_0') and relkind in ('r', 'v', 'm', 'p', 'f')",
    )

    assert {str(relation) for relation in RELATIONS} == relations


@every_relation
async def test_users_see_their_own_rows_and_no_others(relation: Relation, ada: Caller, grace: Caller) -> None:
    for caller in (ada, grace):
        rows = await caller.read(relation)

        assert [row[relation.key] for row in rows] == [relation.own(caller.rows)]


@every_relation
async def test_a_row_of_another_user_is_not_found_by_its_key(relation: Relation, ada: Caller, grace: Caller) -> None:
    assert await ada.read(relation, relation.own(grace.rows)) == []
    assert await grace.read(relation, relation.own(grace.rows))


@every_relation
async def test_a_count_includes_own_rows_only(relation: Relation, ada: Caller, grace: Caller) -> None:
    table = ada.schema(relation.schema).from_(relation.name)

    assert (await table.select("*", count=CountMethod.exact, head=True).execute()).count == 1


@every_relation
async def test_no_row_is_created_for_another_user(relation: Relation, ada: Caller, grace: Caller, database: Database) -> None:
    before = await rows_of(database, grace.rows)
    table = ada.schema(relation.schema).from_(relation.name)
    new = relation.new(grace.rows) if relation.new else {"user_id": grace.rows.user}

    with pytest.raises(APIError) as refused:
        await table.insert(new).execute()
    with pytest.raises(APIError) as refused_upsert:
        await table.upsert(new | {relation.key: relation.own(grace.rows)}).execute()

    # Nobody can write to a view that only reads: Postgres reports that first.
    codes = {NO_RIGHT} if relation.new else {NO_RIGHT, "55000"}
    assert refused.value.code in codes
    assert refused_upsert.value.code in codes | {"42P10"}
    assert await rows_of(database, grace.rows) == before


@every_relation
async def test_a_row_of_another_user_is_not_changed(relation: Relation, ada: Caller, grace: Caller, database: Database) -> None:
    before = await rows_of(database, grace.rows)
    table = ada.schema(relation.schema).from_(relation.name)

    if relation.change:
        named = await table.update(relation.change).eq(relation.key, relation.own(grace.rows)).execute()
        unnamed = await table.update(relation.change).neq(relation.key, str(uuid4())).execute()

        assert named.data == []
        assert [row[relation.key] for row in rows_in(unnamed)] == [relation.own(ada.rows)]
    else:
        with pytest.raises(APIError) as refused:
            await table.update({"id": str(uuid4())}).eq(relation.key, relation.own(grace.rows)).execute()
        assert refused.value.code in {NO_RIGHT, "55000"}
    assert await rows_of(database, grace.rows) == before


@every_relation
async def test_a_row_of_another_user_is_not_deleted(relation: Relation, ada: Caller, grace: Caller, database: Database) -> None:
    before = await rows_of(database, grace.rows)
    table = ada.schema(relation.schema).from_(relation.name)

    if relation.deleted:
        named = await table.delete().eq(relation.key, relation.own(grace.rows)).execute()
        unnamed = await table.delete().neq(relation.key, str(uuid4())).execute()

        assert named.data == []
        assert [row[relation.key] for row in rows_in(unnamed)] == [relation.own(ada.rows)]
    else:
        with pytest.raises(APIError) as refused:
            await table.delete().eq(relation.key, relation.own(grace.rows)).execute()
        assert refused.value.code in {NO_RIGHT, "55000"}
    assert await rows_of(database, grace.rows) == before


# Moving rows, and naming the rows of others --------------------------------------------------------------------------

Move: TypeAlias = tuple[str, str, Callable[[Owner], str], Callable[[Owner], Row], str]

MOVES: list[Move] = [
    ("public", "users", lambda o: o.user, lambda o: {"id": o.user}, NO_RIGHT),
    ("public", "goals", lambda o: o.goal, lambda o: {"user_id": o.user}, NO_RIGHT),
    ("public", "goals", lambda o: o.goal, lambda o: {"parent_goal_id": o.goal}, NO_SUCH_ROW),
    ("public", "milestones", lambda o: o.milestone, lambda o: {"goal_id": o.goal}, NO_RIGHT),
    ("public", "tasks", lambda o: o.task, lambda o: {"user_id": o.user}, NO_RIGHT),
    ("public", "tasks", lambda o: o.task, lambda o: {"goal_id": o.goal, "milestone_id": None}, NO_SUCH_ROW),
    ("public", "tasks", lambda o: o.task, lambda o: {"milestone_id": o.milestone}, NO_SUCH_ROW),
    ("public", "tasks", lambda o: o.task, lambda o: {"goal_id": o.goal, "milestone_id": o.milestone}, NO_SUCH_ROW),
    ("public", "tasks", lambda o: o.task, lambda o: {"conversation_id": o.conversation}, NO_SUCH_ROW),
    ("public", "conversations", lambda o: o.conversation, lambda o: {"user_id": o.user}, NO_RIGHT),
    ("public", "conversations", lambda o: o.conversation, lambda o: {"goal_id": o.goal}, NO_SUCH_ROW),
    ("public", "conversations", lambda o: o.conversation, lambda o: {"linked_goal_id": o.goal}, NO_SUCH_ROW),
    ("public", "conversations", lambda o: o.conversation, lambda o: {"linked_task_id": o.task}, NO_SUCH_ROW),
    ("public", "messages", lambda o: o.message, lambda o: {"conversation_id": o.conversation}, NO_RIGHT),
    ("public", "patterns", lambda o: o.pattern, lambda o: {"user_id": o.user}, NO_RIGHT),
    ("public", "notification_log", lambda o: o.notification, lambda o: {"task_id": o.task}, NO_RIGHT),
    ("public", "demo_flags", lambda o: o.user, lambda o: {"user_id": o.user}, NO_RIGHT),
    ("v1_0", "users", lambda o: o.user, lambda o: {"id": o.user}, NO_RIGHT),
    ("v1_0", "goals", lambda o: o.goal, lambda o: {"user_id": o.user}, NO_RIGHT),
    ("v1_0", "milestones", lambda o: o.milestone, lambda o: {"goal_id": o.goal}, NO_RIGHT),
    ("v1_0", "tasks", lambda o: o.task, lambda o: {"user_id": o.user}, NO_RIGHT),
    ("v1_0", "tasks", lambda o: o.task, lambda o: {"goal_id": o.goal, "milestone_id": None}, NO_SUCH_ROW),
    ("v1_0", "tasks", lambda o: o.task, lambda o: {"milestone_id": o.milestone}, NO_SUCH_ROW),
    ("v1_0", "conversations", lambda o: o.conversation, lambda o: {"user_id": o.user}, NO_RIGHT),
    ("v1_0", "conversations", lambda o: o.conversation, lambda o: {"goal_id": o.goal}, NO_SUCH_ROW),
    ("v1_0", "demo_flags", lambda o: o.user, lambda o: {"user_id": o.user}, NO_RIGHT),
]


def _move_id(move: Move) -> str:
    schema, relation, _, change, _ = move
    return f"{schema}.{relation} by {', '.join(change(Owner()))}"


@pytest.mark.parametrize("move", MOVES, ids=_move_id)
async def test_a_row_cannot_be_moved_to_another_user(move: Move, ada: Caller, grace: Caller, database: Database) -> None:
    schema, relation, own, change, code = move
    before = [await rows_of(database, caller.rows) for caller in (ada, grace)]
    key = "user_id" if relation == "demo_flags" else "id"
    table = ada.schema(schema).from_(relation)

    with pytest.raises(APIError) as refused:
        await table.update(change(grace.rows)).eq(key, own(ada.rows)).execute()

    assert refused.value.code == code
    assert [await rows_of(database, caller.rows) for caller in (ada, grace)] == before


@pytest.mark.parametrize("move", [move for move in MOVES if move[1] != "users"], ids=_move_id)
async def test_a_row_of_another_user_looks_like_one_that_does_not_exist(move: Move, ada: Caller, grace: Caller) -> None:
    schema, relation, own, change, _ = move
    key = "user_id" if relation == "demo_flags" else "id"
    answers = []

    for named in (grace.rows, Owner()):
        with pytest.raises(APIError) as refused:
            await ada.schema(schema).from_(relation).update(change(named)).eq(key, own(ada.rows)).execute()
        answer = json.dumps(refused.value.json())
        for field in ("user", "goal", "milestone", "task", "conversation"):
            answer = answer.replace(getattr(named, field), f"<{field}>")
        answers.append(answer)

    assert answers[0] == answers[1]


async def test_a_new_row_cannot_refer_to_rows_of_another_user(ada: Caller, grace: Caller, database: Database) -> None:
    before = await rows_of(database, grace.rows)
    mine, theirs = ada.rows, grace.rows
    attempts: list[tuple[str, str, Row]] = [
        ("public", "goals", {"user_id": mine.user, "title": "x", "parent_goal_id": theirs.goal}),
        ("public", "tasks", {"user_id": mine.user, "title": "x", "goal_id": theirs.goal}),
        ("public", "tasks", {"user_id": mine.user, "title": "x", "goal_id": mine.goal, "milestone_id": theirs.milestone}),
        ("public", "tasks", {"user_id": mine.user, "title": "x", "conversation_id": theirs.conversation}),
        ("public", "conversations", _thread(mine) | {"goal_id": theirs.goal}),
        ("v1_0", "tasks", {"user_id": mine.user, "title": "x", "goal_id": theirs.goal}),
        ("v1_0", "conversations", {"user_id": mine.user, "goal_id": theirs.goal}),
    ]

    for schema, relation, row in attempts:
        with pytest.raises(APIError) as refused:
            await ada.schema(schema).from_(relation).insert(row).execute()
        assert refused.value.code == NO_SUCH_ROW
    assert await rows_of(database, grace.rows) == before


# Embedding -----------------------------------------------------------------------------------------------------------

EMBEDDINGS = [
    (
        "public",
        "users",
        "*, demo_flags(*), patterns(*), goals(*, milestones(*), tasks(*, notification_log(*))), conversations(*, messages(*))",
    ),
    ("public", "goals", "*, users(*), milestones(*, tasks(*)), conversations!conversations_goal_id_fkey(*, messages(*))"),
    ("public", "notification_log", "*, tasks(*, goals(*), users(*, patterns(*)), milestones(*, goals(*)))"),
    ("public", "messages", "*, conversations(*, users(*, goals(*), tasks(*)))"),
    ("public", "milestones", "*, goals!inner(*, users!inner(*, tasks(*)))"),
    ("v1_0", "users", "*, goals(*, milestones(*), tasks(*)), conversations(*), demo_flags(*)"),
    ("v1_0", "tasks", "*, users(*, goals(*)), goals(*, milestones(*))"),
]


@pytest.mark.parametrize(("schema", "relation", "columns"), EMBEDDINGS, ids=[f"{s}.{r}" for s, r, _ in EMBEDDINGS])
async def test_embedding_returns_own_rows_only(schema: str, relation: str, columns: str, ada: Caller, grace: Caller) -> None:
    rows = rows_in(await ada.schema(schema).from_(relation).select(columns).execute())

    answer = json.dumps(rows)
    assert len(rows) == 1
    assert {each for each in ada.rows.ids if each in answer} >= {ada.rows.user, ada.rows.goal}
    assert {each for each in grace.rows.ids if each in answer} == set()


async def test_a_filter_on_an_embedded_row_finds_nothing_of_another_user(ada: Caller, grace: Caller) -> None:
    goals = ada.client.table("goals")

    mine = await goals.select("*, tasks!inner(*)").eq("tasks.id", ada.rows.task).execute()
    theirs = await ada.client.table("goals").select("*, tasks!inner(*)").eq("tasks.id", grace.rows.task).execute()

    assert len(mine.data) == 1
    assert theirs.data == []


# Functions -----------------------------------------------------------------------------------------------------------

WHENEVER = ("2000-01-01T00:00:00Z", "2100-01-01T00:00:00Z")


@dataclass(frozen=True)
class Call:
    """A call of a function on the rows of `Owner`, and what it answers to someone else: a value, or a refusal's code."""

    schema: str
    function: str
    arguments: Callable[[Owner], Row]
    answer: Callable[[Owner], Any]
    refusal: str | None = None

    def __str__(self) -> str:
        return f"{self.schema}.{self.function}"


def _no_tasks(word: str) -> Callable[[Owner], Row]:
    return lambda o: {"user_id": o.user, "total_tasks": 0, word: {}, "completion_rate": 0}


def _range(start: str, end: str) -> Callable[[Owner], Row]:
    return lambda o: {"user_id": o.user, start: WHENEVER[0], end: WHENEVER[1]}


def _nothing(_: Owner) -> Any:
    return []


def _new_task(o: Owner) -> Row:
    return {"id": str(uuid4()), "user_id": o.user, "goal_id": o.goal, "title": "x"}


def _shared_statistics(o: Owner) -> Row:
    entry = {"call_id": "1", "user_id": o.user, "start_date": "2020-01-01T00:00:00Z", "end_date": "2040-01-01T00:00:00Z"}
    return {"called": "public.get_task_statistics", "entries": [entry]}


def _renamed_task(o: Owner) -> Row:
    return {"id": o.task, "title": "x"}


_NOT_FOR_OWNERS = {
    "list_page",
    "select_each",
    "insert_each",
    "update_each",
    "call_each",
    "schedule_dispatches",
    "claim_dispatches",
    "start_dispatch",
    "finish_dispatch",
    "extend_dispatch",
    "cancel_dispatches",
    "record_response",
    "get_dispatch_backlog",
    "check_access",
    "get_wal_position",
    "export_user",
    "write_if_match",
    "link_sign_in",
    "ensure_user",
    "perform_once",
}
"""The functions that only services call, and the one that needs an account: see tests/data_api/test_sign_up.py."""


def _plan(o: Owner) -> Row:
    return {"dispatches": [{"task_id": o.task, "channel": "push", "dedupe_key": "x", "due_at": WHENEVER[0]}]}


def _attempt(o: Owner) -> Row:
    return {"dispatch_id": o.dispatch, "attempt": 1}


def _answer_to_notification(o: Owner) -> Row:
    return {"channel": "push", "external_id": "x", "response_id": o.notification, "response": "x"}


def _pattern(o: Owner) -> Row:
    return {"pattern": {"user_id": o.user, "pattern_type": "time", "pattern_key": "mornings", "confidence": 1}}


def _period(word: str) -> Callable[[Owner], Row]:
    return lambda o: {"user_id": o.user, word: 1, "until": SCHEDULED_AT}


def _period_without_tasks(word: str) -> Callable[[Owner], list[Row]]:
    by_status = dict.fromkeys(("pending", "done", "missed", "rescheduled", "cancelled"), 0)
    return lambda _: [{word: SCHEDULED_AT[:10], "total_tasks": 0, "by_status": by_status, "completion_rate": 0}]


def _write_under_a_key(o: Owner) -> Row:
    row = {"caller": "x", "key": str(uuid4()), "digest": "x"}
    return row | {"operation": "insert public.tasks", "arguments": _new_task(o)}


def _conditional_write(o: Owner) -> Row:
    row = {"resource": "public.tasks", "row_id": o.task, "versions": None}
    return row | {"operation": "update public.tasks", "arguments": {"title": "x"}}


_STRUCTURE: list[Row] = [{"week_number": 1, "title": "x", "tasks": [{"title": "x"}]}]

CALLS = [
    Call("public", "get_tasks_by_timerange", _range("start_at", "end_at"), _nothing),
    Call("public", "get_task_statistics", _range("start_date", "end_date"), _no_tasks("by_status")),
    Call(
        "public",
        "bulk_update_task_status",
        lambda o: {"task_ids": [o.task], "new_status": "missed"},
        lambda _: {"updated_count": 0},
    ),
    Call("public", "set_calendar_event", lambda o: {"task_id": o.task, "calendar_event_id": "x"}, _nothing, "PT404"),
    Call("public", "list_messages", lambda o: {"conversation_id": o.conversation}, _nothing),
    Call(
        "public",
        "close_voice_session",
        lambda o: {"conversation_id": o.conversation, "session": {"duration_seconds": 1}},
        _nothing,
        "PT404",
    ),
    Call("public", "put_demo_flags", lambda o: {"user_id": o.user, "escalation_speed": 7}, _nothing, NO_RIGHT),
    Call(
        "public",
        "finish_task",
        lambda o: {"task_id": o.task, "new_status": "missed", "expected_status": "done"},
        _nothing,
        "PT404",
    ),
    Call(
        "public",
        "move_task",
        lambda o: {"task_id": o.task, "scheduled_at": WHENEVER[0], "expected_scheduled_at": SCHEDULED_AT},
        _nothing,
        "PT404",
    ),
    Call(
        "public",
        "append_messages",
        lambda o: {"conversation_id": o.conversation, "messages": [{"role": "user", "content": "x"}]},
        _nothing,
        "PT404",
    ),
    Call("public", "put_pattern", _pattern, _nothing, NO_RIGHT),
    Call("public", "advance_goal", lambda o: {"goal_id": o.goal}, _nothing, "PT404"),
    Call("public", "get_weekly_statistics", _period("weeks"), _period_without_tasks("week")),
    Call("public", "get_daily_statistics", _period("days"), _period_without_tasks("day")),
    Call("public", "get_streak", lambda o: {"user_id": o.user, "until": SCHEDULED_AT}, lambda _: {"current": 0, "longest": 0}),
    Call("public", "get_statistics_by_tag", _range("start_at", "end_at"), _nothing),
    Call("public", "get_goal_progress", lambda o: {"goal_id": o.goal}, _nothing, "PT404"),
    Call("public", "schedule_dispatches", _plan, _nothing, NO_RIGHT),
    Call("public", "claim_dispatches", lambda o: {"worker": "x"}, _nothing, NO_RIGHT),
    Call("public", "start_dispatch", _attempt, _nothing, NO_RIGHT),
    Call("public", "finish_dispatch", lambda o: _attempt(o) | {"outcome": "sent"}, _nothing, NO_RIGHT),
    Call("public", "extend_dispatch", lambda o: _attempt(o) | {"lease_seconds": 9}, _nothing, NO_RIGHT),
    Call("public", "cancel_dispatches", lambda o: {"task_id": o.task}, _nothing, NO_RIGHT),
    Call("public", "record_response", _answer_to_notification, _nothing, NO_RIGHT),
    Call("public", "get_dispatch_backlog", lambda _: {}, _nothing, NO_RIGHT),
    Call("public", "check_access", lambda _: {}, _nothing, NO_RIGHT),
    Call("public", "get_wal_position", lambda _: {}, _nothing, NO_RIGHT),
    Call("public", "export_user", lambda o: {"user_id": o.user}, _nothing, NO_RIGHT),
    Call(
        "public",
        "create_goal_with_structure",
        lambda o: {"goal": {"user_id": o.user, "title": "x"}, "milestones": _STRUCTURE},
        _nothing,
        NO_RIGHT,
    ),
    Call("public", "list_page", lambda o: {"resource": "public.tasks", "filters": {"user_id": o.user}}, _nothing, NO_RIGHT),
    Call("public", "select_each", lambda o: {"resource": "public.tasks", "keys": [o.task]}, _nothing, NO_RIGHT),
    Call("public", "insert_each", lambda o: {"resource": "public.tasks", "entries": [_new_task(o)]}, _nothing, NO_RIGHT),
    Call("public", "update_each", lambda o: {"resource": "public.tasks", "entries": [_renamed_task(o)]}, _nothing, NO_RIGHT),
    Call("public", "call_each", _shared_statistics, _nothing, NO_RIGHT),
    Call("public", "perform_once", _write_under_a_key, _nothing, NO_RIGHT),
    Call("public", "write_if_match", _conditional_write, _nothing, NO_RIGHT),
    Call("public", "link_sign_in", lambda o: {"user_id": o.user, "auth_user_id": str(uuid4())}, _nothing, NO_RIGHT),
    Call("public", "ensure_user", lambda _: {}, _nothing, "PT404"),
    Call("v1_0", "get_tasks_by_timerange", _range("start_time", "end_time"), _nothing),
    Call("v1_0", "get_task_statistics", _range("start_date", "end_date"), _no_tasks("by_state")),
    Call(
        "v1_0",
        "bulk_update_task_state",
        lambda o: {"task_ids": [o.task], "new_state": "missed"},
        lambda _: {"updated_count": 0},
    ),
    Call("v1_0", "set_calendar_event", lambda o: {"task_id": o.task, "calendar_event_id": "x"}, _nothing, "PT404"),
    Call("v1_0", "put_demo_flags", lambda o: {"user_id": o.user, "escalation_speed": 7}, _nothing, NO_RIGHT),
    Call(
        "v1_0",
        "create_goal_with_structure",
        lambda o: {"goal": {"user_id": o.user, "title": "x"}, "milestones": _STRUCTURE},
        _nothing,
        NO_RIGHT,
    ),
]
every_call = pytest.mark.parametrize("call", CALLS, ids=str)


async def test_every_exposed_function_is_tested_here(database: Database) -> None:
    functions = await exposed(
        database,
        "select nspname || '.' || proname as name from pg_proc inner join pg_namespace on pronamespace = pg_namespace.oid"
        " where nspname in ('public', 'v1_0') and prokind = 'f' and (pronargs = 0 or proargnames is not null)",
    )

    assert {str(call) for call in CALLS} == functions


@every_call
async def test_a_function_does_nothing_to_the_rows_of_another_user(
    call: Call, ada: Caller, grace: Caller, database: Database
) -> None:
    before = await rows_of(database, grace.rows)

    if call.refusal:
        with pytest.raises(APIError) as refused:
            await ada.call(call.schema, call.function, call.arguments(grace.rows))
        assert refused.value.code == call.refusal
    else:
        answer = await ada.call(call.schema, call.function, call.arguments(grace.rows))
        assert answer == call.answer(grace.rows)
    assert await rows_of(database, grace.rows) == before


@pytest.mark.parametrize("call", [call for call in CALLS if call.function not in _NOT_FOR_OWNERS], ids=str)
async def test_a_function_works_for_the_owner_of_the_rows(call: Call, grace: Caller) -> None:
    answer = await grace.call(call.schema, call.function, call.arguments(grace.rows))

    assert answer != call.answer(grace.rows)


async def test_a_bulk_update_changes_the_callers_tasks_among_others(ada: Caller, grace: Caller, database: Database) -> None:
    before = await rows_of(database, grace.rows)

    both = {"task_ids": [ada.rows.task, grace.rows.task], "new_status": "done"}

    assert await ada.call("public", "bulk_update_task_status", both) == {"updated_count": 1}
    assert await rows_of(database, grace.rows) == before


@pytest.mark.parametrize("link", ["linked_goal_id", "linked_task_id"])
async def test_a_voice_session_cannot_link_to_rows_of_another_user(link: str, ada: Caller, grace: Caller) -> None:
    theirs = grace.rows.goal if link == "linked_goal_id" else grace.rows.task

    with pytest.raises(APIError) as refused:
        await ada.call("public", "close_voice_session", {"conversation_id": ada.rows.conversation, "session": {link: theirs}})

    assert refused.value.code == NO_SUCH_ROW


@pytest.mark.parametrize("schema", ["public", "v1_0"])
@pytest.mark.parametrize("field", ["user_id", "goal_id", "milestone_id"])
async def test_a_task_of_a_structure_cannot_name_another_owner(
    schema: str, field: str, ada: Caller, grace: Caller, database: Database
) -> None:
    before = await rows_of(database, grace.rows)
    named = {"user_id": grace.rows.user, "goal_id": grace.rows.goal, "milestone_id": grace.rows.milestone}
    milestone = {"week_number": 1, "title": "x", "tasks": [{"title": "x", field: named[field]}]}

    with pytest.raises(APIError) as refused:
        await ada.call(
            schema,
            "create_goal_with_structure",
            {"goal": {"user_id": ada.rows.user, "title": "x"}, "milestones": [milestone]},
        )

    assert (refused.value.code, refused.value.details) == ("PT422", f"at milestones[0].tasks[0].{field}")
    assert await rows_of(database, grace.rows) == before


# Without a user ------------------------------------------------------------------------------------------------------


@pytest.fixture(params=["without a token", "under the public key"])
async def stranger(stack: LocalStack, request: pytest.FixtureRequest) -> AsyncIterator[httpx.AsyncClient]:
    headers = {"apikey": stack.anon_key}
    if request.param == "under the public key":
        headers["Authorization"] = f"Bearer {stack.anon_key}"
    async with httpx.AsyncClient(base_url=f"{stack.api_url}/rest/v1", headers=headers, timeout=30, verify=False) as client:
        yield client


@every_relation
async def test_anonymous_callers_read_no_relation(
    relation: Relation, stranger: httpx.AsyncClient, grace: Caller, database: Database
) -> None:
    before = await rows_of(database, grace.rows)
    headers = {"Accept-Profile": relation.schema, "Content-Profile": relation.schema}
    path, one = f"/{relation.name}", {relation.key: f"eq.{relation.own(grace.rows)}"}
    body = relation.new(grace.rows) if relation.new else {"user_id": grace.rows.user}

    answers = [
        await stranger.get(path, headers=headers),
        await stranger.head(path, headers=headers),
        await stranger.post(path, json=body, headers=headers),
        await stranger.patch(path, params=one, json=relation.change or {relation.key: str(uuid4())}, headers=headers),
        await stranger.delete(path, params=one, headers=headers),
    ]

    assert {answer.status_code for answer in answers} <= {401, 404}
    assert answers[0].status_code == 401
    assert await rows_of(database, grace.rows) == before


@every_call
async def test_anonymous_callers_can_call_no_function(
    call: Call, stranger: httpx.AsyncClient, grace: Caller, database: Database
) -> None:
    before = await rows_of(database, grace.rows)
    headers = {"Content-Profile": call.schema}

    answer = await stranger.post(f"/rpc/{call.function}", json=call.arguments(grace.rows), headers=headers)

    assert answer.status_code == 401
    assert await rows_of(database, grace.rows) == before


async def test_the_openapi_document_for_anonymous_callers_lists_no_path(stranger: httpx.AsyncClient) -> None:
    for schema in ("public", "v1_0"):
        document = (await stranger.get("/", headers={"Accept-Profile": schema})).json()

        assert set(document["paths"]) <= {"/"}


# Tokens --------------------------------------------------------------------------------------------------------------


async def _status_with(stack: LocalStack, token: str) -> int:
    headers = {"apikey": stack.anon_key, "Authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(base_url=f"{stack.api_url}/rest/v1", headers=headers, verify=False) as client:
        return (await client.get("/goals")).status_code


async def test_a_token_of_a_user_is_accepted(stack: LocalStack, grace: Caller) -> None:
    assert await _status_with(stack, stack.mint(grace.rows.user)) == 200


async def test_a_token_signed_with_another_secret_is_401(stack: LocalStack, grace: Caller) -> None:
    claims = jwt.decode(stack.mint(grace.rows.user), options={"verify_signature": False})

    assert await _status_with(stack, jwt.encode(claims, "another secret of at least 32 characters")) == 401


async def test_a_modified_token_is_401(stack: LocalStack, ada: Caller, grace: Caller) -> None:
    header, _, signature = stack.mint(ada.rows.user).split(".")
    _, claims, _ = stack.mint(grace.rows.user).split(".")

    assert await _status_with(stack, f"{header}.{claims}.{signature}") == 401


async def test_a_token_without_a_signature_is_401(stack: LocalStack, grace: Caller) -> None:
    claims = jwt.decode(stack.mint(grace.rows.user), options={"verify_signature": False})

    assert await _status_with(stack, jwt.encode(claims, "", algorithm="none")) == 401


async def test_an_expired_token_is_401(stack: LocalStack, grace: Caller) -> None:
    assert await _status_with(stack, stack.mint(grace.rows.user, seconds=-3600)) == 401


async def test_a_token_for_a_role_of_the_database_is_refused(stack: LocalStack, grace: Caller) -> None:
    assert await _status_with(stack, stack.mint(grace.rows.user, role="postgres")) in {401, 403}


@pytest.mark.parametrize("relation", RELATIONS, ids=str)
async def test_a_token_without_a_user_sees_nothing(stack: LocalStack, relation: Relation, grace: Caller) -> None:
    token = jwt.encode({"role": "authenticated"}, stack.jwt_secret)

    async with client_with(stack, token) as client:
        response = await client.schema(relation.schema).from_(relation.name).select("*").execute()

    assert response.data == []
