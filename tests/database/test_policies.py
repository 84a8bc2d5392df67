"""Each policy is needed, and none is wider than it has to be.

Without a policy its owner loses access; with a wider one others gain access. Both are tested in transactions that are rolled
back, in a database of their own.
"""

from collections.abc import AsyncIterator
from dataclasses import astuple, dataclass
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from local_stack import LocalStack
from tests.locks import Database
from tests.owners import SCHEDULED_AT, Owner, make_owner


@dataclass(frozen=True)
class Policy:
    """A policy, a statement that only the owner can run, and the same statement on rows of another user.

    `needed` and `refused` may contain the owner's ids as {goal}, {task} and so on. The caller of `refused` owns nothing, so it
    reaches a row only if the policy is too wide.
    """

    table: str
    command: str
    name: str
    needed: str
    refused: str

    def __str__(self) -> str:
        return f"{self.table}: {self.name}"


def _read(table: str, name: str) -> Policy:
    return Policy(table, "SELECT", name, f"select from public.{table}", f"select from public.{table}")


def _create(table: str, name: str, columns: str, values: str) -> Policy:
    insert = f"insert into public.{table} ({columns}) values ({values})"
    return Policy(table, "INSERT", name, insert, insert)


def _change(table: str, name: str, column: str) -> Policy:
    # Reads no condition and no column, so that the policy for select does not apply.
    update = f"update public.{table} set {column} = default"
    return Policy(table, "UPDATE", name, update, update)


def _delete(table: str, name: str) -> Policy:
    return Policy(table, "DELETE", name, f"delete from public.{table}", f"delete from public.{table}")


POLICIES = [
    _read("users", "Users read themselves"),
    _change("users", "Users change themselves", "name"),
    _delete("users", "Users delete themselves"),
    _read("demo_flags", "Owners read their demo flags"),
    _create("demo_flags", "Owners create their demo flags", "user_id", "'{unflagged}'"),
    _change("demo_flags", "Owners change their demo flags", "virtual_now"),
    _delete("demo_flags", "Owners delete their demo flags"),
    _read("goals", "Owners read their goals"),
    _create("goals", "Owners create their goals", "user_id, title", "'{user}', 'x'"),
    _change("goals", "Owners change their goals", "category"),
    _delete("goals", "Owners delete their goals"),
    _read("milestones", "Owners read their goals' milestones"),
    _create("milestones", "Owners create their goals' milestones", "goal_id, week_number, title", "'{goal}', 1, 'x'"),
    _change("milestones", "Owners change their goals' milestones", "status"),
    _delete("milestones", "Owners delete their goals' milestones"),
    _read("tasks", "Owners read their tasks"),
    _create("tasks", "Owners create their tasks", "user_id, title", "'{user}', 'x'"),
    _change("tasks", "Owners change their tasks", "description"),
    _delete("tasks", "Owners delete their tasks"),
    _read("conversations", "Owners read their conversations"),
    _create(
        "conversations",
        "Owners create their conversations",
        "user_id, langgraph_thread_id, context_type",
        "'{user}', '{user}:new', 'goal'",
    ),
    _change("conversations", "Owners change their conversations", "status"),
    _delete("conversations", "Owners delete their conversations"),
    _read("messages", "Owners read their conversations' messages"),
    _create(
        "messages",
        "Owners create their conversations' messages",
        "conversation_id, role, content",
        "'{conversation}', 'user', 'x'",
    ),
    _delete("messages", "Owners delete their conversations' messages"),
    _read("patterns", "Owners read their patterns"),
    _create("patterns", "Owners create their patterns", "user_id", "'{user}'"),
    _change("patterns", "Owners change their patterns", "description"),
    _delete("patterns", "Owners delete their patterns"),
    _read("notification_log", "Owners read their tasks' notifications"),
    _read("dispatches", "Owners read their dispatches"),
]
every_policy = pytest.mark.parametrize("policy", POLICIES, ids=str)


@pytest.fixture(scope="module")
async def superuser(migrated: LocalStack) -> AsyncIterator[Database]:
    connection = await asyncpg.connect(migrated.database_url)
    yield connection
    await connection.close()


@pytest.fixture(scope="module")
async def owner(superuser: Database) -> Owner:
    return await make_owner(superuser)


@pytest.fixture(scope="module")
async def names(superuser: Database, owner: Owner) -> dict[str, str]:
    """The names in statements: the owner's ids, and a user without demo flags."""
    unflagged = await make_owner(superuser)
    await superuser.execute("delete from public.demo_flags where user_id = $1", unflagged.user)
    fields = dict(zip(Owner.__dataclass_fields__, astuple(owner), strict=True))
    return fields | {"unflagged": unflagged.user}


def _claims(user_id: str) -> str:
    return f'{{"sub": "{user_id}", "email": "{user_id}@example.com"}}'


async def rows_touched(connection: Database, user_id: str, statement: str, *, after: str = "") -> int:
    """The number of rows that a user's statement reads or writes, 0 if it is refused. Everything is rolled back.

    after: what a superuser changes first.
    """
    transaction = connection.transaction()
    await transaction.start()
    try:
        if after:
            await connection.execute(after)
        await connection.execute("select set_config('request.jwt.claims', $1, true)", _claims(user_id))
        await connection.execute("set local role authenticated")
        return int((await connection.execute(statement)).split()[-1])
    except asyncpg.InsufficientPrivilegeError:
        return 0
    finally:
        await transaction.rollback()


def _caller(policy: Policy, names: dict[str, str]) -> str:
    return names["unflagged"] if "{unflagged}" in policy.needed else names["user"]


async def test_every_policy_is_tested_here(superuser: Database) -> None:
    found = await superuser.fetch("select tablename, cmd, policyname from pg_policies where schemaname in ('public', 'v1_0')")

    assert {(policy.table, policy.command, policy.name) for policy in POLICIES} == {tuple(row.values()) for row in found}


@every_policy
async def test_without_the_policy_the_owner_is_refused(policy: Policy, superuser: Database, names: dict[str, str]) -> None:
    needed, caller = policy.needed.format(**names), _caller(policy, names)

    assert await rows_touched(superuser, caller, needed) == 1
    dropped = f'drop policy "{policy.name}" on public.{policy.table}'
    assert await rows_touched(superuser, caller, needed, after=dropped) == 0


@every_policy
async def test_a_wider_policy_would_let_others_in(policy: Policy, superuser: Database, names: dict[str, str]) -> None:
    refused, mallory = policy.refused.format(**names), str(uuid4())
    clauses = {"SELECT": "using (true)", "DELETE": "using (true)", "INSERT": "with check (true)"}
    clause = clauses.get(policy.command, "using (true) with check (true)")

    assert await rows_touched(superuser, mallory, refused) == 0
    widened = f'alter policy "{policy.name}" on public.{policy.table} {clause}'
    assert await rows_touched(superuser, mallory, refused, after=widened) >= 1


WIDER_CHECKS = {
    "take the thread of another user": (
        "Owners create their conversations",
        "conversations",
        "insert into public.conversations (user_id, langgraph_thread_id, context_type) values ('{user}', '{unflagged}:1', 'goal')",
        "user_id = (select private.signed_in_user())",
    ),
    "take the thread that an agent gives to 1.0": (
        "Owners create their conversations",
        "conversations",
        (
            "insert into public.conversations (user_id, langgraph_thread_id, context_type)"
            " values ('{user}', 'legacy-{unflagged}', 'goal')"
        ),
        "user_id = (select private.signed_in_user())",
    ),
    "speak as the assistant": (
        "Owners create their conversations' messages",
        "messages",
        "insert into public.messages (conversation_id, role, content) values ('{conversation}', 'assistant', 'x')",
        (
            "exists (select from public.conversations where conversations.id = messages.conversation_id"
            " and conversations.user_id = (select private.signed_in_user()))"
        ),
    ),
}


@pytest.mark.parametrize(("policy", "table", "write", "check"), WIDER_CHECKS.values(), ids=WIDER_CHECKS)
async def test_a_wider_check_would_let_users(
    policy: str, table: str, write: str, check: str, superuser: Database, names: dict[str, str]
) -> None:
    write = write.format(**names)

    assert await rows_touched(superuser, names["user"], write) == 0
    widened = f'alter policy "{policy}" on public.{table} with check ({check})'
    assert await rows_touched(superuser, names["user"], write, after=widened) == 1


async def test_a_wider_check_would_let_milestones_move_to_others(superuser: Database, owner: Owner, names: dict[str, str]) -> None:
    """Only a milestone can be moved to another owner, by its goal: in all other tables the owner cannot be changed."""
    other = await make_owner(superuser)
    await superuser.execute("update public.tasks set milestone_id = null where id = $1", owner.task)
    # Naming the row would apply the policy for select too, to the row before and after the change.
    move = f"update public.milestones set goal_id = '{other.goal}'"

    assert await rows_touched(superuser, owner.user, move) == 0
    widened = """alter policy "Owners change their goals' milestones" on public.milestones with check (true)"""
    assert await rows_touched(superuser, owner.user, move, after=widened) == 1


VIEWS = ["public.goals_full"] + [
    f"v1_0.{name}" for name in ("users", "demo_flags", "goals", "goals_full", "milestones", "tasks", "conversations")
]


async def test_every_view_is_tested_here(superuser: Database) -> None:
    found = await superuser.fetch(
        "select schemaname || '.' || viewname as name from pg_views where schemaname in ('public', 'v1_0')"
    )

    assert {row["name"] for row in found} == set(VIEWS)


# It reads other views, which still read as the caller.
@pytest.mark.parametrize("view", [view for view in VIEWS if view != "v1_0.goals_full"])
async def test_a_view_that_reads_as_its_owner_would_let_others_in(view: str, superuser: Database, owner: Owner) -> None:
    mallory = str(uuid4())

    assert await rows_touched(superuser, mallory, f"select from {view}") == 0
    assert await rows_touched(superuser, owner.user, f"select from {view}") == 1
    definer = f"alter view {view} set (security_invoker = false)"
    assert await rows_touched(superuser, mallory, f"select from {view}", after=definer) >= 1


TABLES = sorted({policy.table for policy in POLICIES})


@pytest.mark.parametrize("table", TABLES)
async def test_a_table_without_row_level_security_would_let_others_in(table: str, superuser: Database, owner: Owner) -> None:
    mallory = str(uuid4())

    off = f"alter table public.{table} disable row level security"

    assert await rows_touched(superuser, mallory, f"select from public.{table}") == 0
    assert await rows_touched(superuser, mallory, f"select from public.{table}", after=off) >= 1


@dataclass(frozen=True)
class Function:
    """A function, and a query that would return the owner's rows, or true, if it ran as its owner."""

    signature: str
    call: str

    def __str__(self) -> str:
        return self.signature.split("(")[0]


FUNCTIONS = [
    Function(
        "public.get_tasks_by_timerange(uuid, public.instant, public.instant)",
        "select from unnest(public.get_tasks_by_timerange('{user}', '2000-01-01Z', '2100-01-01Z'))",
    ),
    Function(
        "v1_0.get_tasks_by_timerange(uuid, public.instant, public.instant)",
        "select from unnest(v1_0.get_tasks_by_timerange('{user}', '2000-01-01Z', '2100-01-01Z'))",
    ),
    Function(
        "public.get_task_statistics(uuid, public.instant, public.instant)",
        "select from public.get_task_statistics('{user}', '2000-01-01Z', '2100-01-01Z') where total_tasks > 0",
    ),
    Function(
        "v1_0.get_task_statistics(uuid, public.instant, public.instant)",
        "select from v1_0.get_task_statistics('{user}', '2000-01-01Z', '2100-01-01Z') where total_tasks > 0",
    ),
    Function(
        "public.bulk_update_task_status(public.uuid_batch, public.task_status)",
        "select from public.bulk_update_task_status(array['{task}'::uuid], 'missed') where updated_count > 0",
    ),
    Function(
        "v1_0.bulk_update_task_state(public.uuid_batch, v1_0.task_state)",
        "select from v1_0.bulk_update_task_state(array['{task}'::uuid], 'missed') where updated_count > 0",
    ),
    Function(
        "public.parent(public.goals)",
        """select from public.parent(jsonb_populate_record(null::public.goals, '{{"parent_goal_id": "{goal}"}}'))""",
    ),
    Function(
        "public.parent_goal_id(public.goals)",
        """select from public.parent_goal_id(jsonb_populate_record(null::public.goals, '{{"parent_goal_id": "{goal}"}}'))""",
    ),
    Function("public.list_messages(uuid, public.batch_limit, uuid)", "select from unnest(public.list_messages('{conversation}'))"),
    Function(
        "public.append_messages(uuid, jsonb, public.title)",
        """select from public.append_messages('{conversation}', '[{{"role": "user", "content": "x"}}]')""",
    ),
    Function(
        "public.finish_task(uuid, public.task_status, public.task_status, public.instant, jsonb)",
        "select from public.finish_task('{task}', 'missed', 'done')",
    ),
    Function(
        "public.move_task(uuid, public.instant, public.instant, public.instant)",
        f"select from public.move_task('{{task}}', '2026-03-03Z', '{SCHEDULED_AT}')",
    ),
    Function(
        "public.put_pattern(jsonb)",
        """select from public.put_pattern('{{"user_id": "{user}", "pattern_type": "time", "pattern_key": "x"}}')""",
    ),
    Function("public.advance_goal(uuid, public.goal_status)", "select from public.advance_goal('{goal}')"),
    Function(
        "public.get_weekly_statistics(uuid, public.week_count, public.instant, text)",
        f"select from unnest(public.get_weekly_statistics('{{user}}', 1, '{SCHEDULED_AT}')) where total_tasks > 0",
    ),
    Function(
        "public.get_daily_statistics(uuid, public.day_count, public.instant, text)",
        f"select from unnest(public.get_daily_statistics('{{user}}', 1, '{SCHEDULED_AT}')) where total_tasks > 0",
    ),
    Function(
        "public.get_streak(uuid, public.instant, text)",
        f"select from public.get_streak('{{user}}', '{SCHEDULED_AT}') where longest > 0",
    ),
    Function(
        "public.get_statistics_by_tag(uuid, public.instant, public.instant, text)",
        "select from unnest(public.get_statistics_by_tag('{user}', '2000-01-01Z', '2100-01-01Z'))",
    ),
    Function("public.get_goal_progress(uuid, public.instant, text)", "select from public.get_goal_progress('{goal}')"),
    Function(
        "public.put_demo_flags(uuid, public.instant, public.nonnegative_number)",
        "select from public.put_demo_flags('{user}')",
    ),
    Function(
        "v1_0.put_demo_flags(uuid, public.instant, public.nonnegative_number)",
        "select from v1_0.put_demo_flags('{user}')",
    ),
    Function("public.set_calendar_event(uuid, public.label)", "select from public.set_calendar_event('{task}', 'x')"),
    Function("v1_0.set_calendar_event(uuid, public.label)", "select from v1_0.set_calendar_event('{task}', 'x')"),
    Function(
        "public.close_voice_session(uuid, public.row_fields)",
        "select from public.close_voice_session('{conversation}', '{{}}')",
    ),
    Function(
        "public.create_goal_with_structure(public.row_fields, public.row_list)",
        """select from public.create_goal_with_structure('{{"user_id": "{user}", "title": "x"}}')""",
    ),
    Function(
        "v1_0.create_goal_with_structure(public.row_fields, public.row_list)",
        """select from v1_0.create_goal_with_structure('{{"user_id": "{user}", "title": "x"}}')""",
    ),
]


_FOR_THE_CALLER_ALONE = "public.ensure_user()"
"""It takes no argument, so there is nobody else whose row it could make."""


async def test_every_function_granted_to_users_is_tested_here(superuser: Database) -> None:
    found = await superuser.fetch(
        "select pg_proc.oid from pg_proc inner join pg_namespace on pronamespace = pg_namespace.oid"
        " where nspname in ('public', 'v1_0') and has_function_privilege('authenticated', pg_proc.oid, 'execute')"
    )
    signatures = [function.signature for function in FUNCTIONS] + [_FOR_THE_CALLER_ALONE]
    tried = [await superuser.fetchval("select $1::text::regprocedure::oid", signature) for signature in signatures]

    assert sorted(tried) == sorted(row["oid"] for row in found)


async def _touches(superuser: Database, user_id: str, statement: str, after: str = "") -> bool:
    try:
        return await rows_touched(superuser, user_id, statement, after=after) > 0
    except asyncpg.PostgresError as error:
        if error.sqlstate != "PT404":
            raise
        return False


@pytest.mark.parametrize("function", FUNCTIONS, ids=str)
async def test_a_function_that_runs_as_its_owner_would_let_others_in(
    function: Function, superuser: Database, names: dict[str, Any]
) -> None:
    call, mallory = function.call.format(**names), str(uuid4())

    assert not await _touches(superuser, mallory, call)
    assert await _touches(superuser, names["user"], call)
    assert await _touches(superuser, mallory, call, f"alter function {function.signature} security definer")
