"""Writers who meet in the database: each race is brought about by a transaction that holds what the other one needs."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from itertools import pairwise
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
from postgrest.exceptions import APIError

from local_stack import LocalStack
from local_stack.database import execute_script
from tests.locks import Database
from tests.owners import Owner, answer, client_with, make_owner, signed_in

WRITERS = 8


@pytest.fixture(scope="module")
async def connections(stack: LocalStack) -> AsyncIterator[list[Database]]:
    opened = [await asyncpg.connect(stack.database_url) for _ in range(WRITERS)]
    yield opened
    for connection in opened:
        await connection.close()


@pytest.fixture
def first(connections: list[Database]) -> Database:
    """Who holds what `second` needs."""
    return connections[0]


@pytest.fixture
def second(connections: list[Database]) -> Database:
    return connections[1]


@pytest.fixture
async def owner(database: Database) -> Owner:
    return await make_owner(database)


async def wait_until_blocked(watcher: Database, waiter: Database, holder: Database) -> None:
    """Until `waiter` waits for a lock of `holder`. `watcher` is in no transaction."""
    async with asyncio.timeout(10):
        while not await watcher.fetchval("select $1 = any(pg_blocking_pids($2))", holder.get_server_pid(), waiter.get_server_pid()):
            pass


@asynccontextmanager
async def meanwhile(
    watcher: Database, holder: Database, waiter: Database, wait_for: Callable[[], Awaitable[Any]]
) -> AsyncIterator["asyncio.Future[Any]"]:
    """Inside, `wait_for` waits for the transaction that `holder` has open; leaving, that one commits and the other ends."""
    waiting = asyncio.ensure_future(wait_for())
    try:
        await wait_until_blocked(watcher, waiter, holder)
        assert not waiting.done()
        yield waiting
    finally:
        if holder.is_in_transaction():
            await holder.execute("commit")
        await asyncio.wait([waiting], timeout=10)


async def race(database: Database, first: Database, second: Database, held: str, waits: str) -> Any:
    """`held` is written and not yet committed when `waits` begins; what came of the second, be it an error."""
    await first.execute("begin")
    await first.execute(held)
    async with meanwhile(database, first, second, lambda: second.execute(waits)) as outcome:
        pass
    return outcome.exception() or outcome.result()


# Bulk updates --------------------------------------------------------------------------------------------------------


async def _make_tasks(database: Database, owner: Owner, count: int) -> list[UUID]:
    made = await database.fetch(
        "insert into public.tasks (user_id, title) select $1, 'x' from generate_series(1, $2::int) returning id",
        owner.user,
        count,
    )
    return sorted(row["id"] for row in made)


async def test_bulk_updates_in_opposite_orders_end_without_a_deadlock(
    connections: list[Database], database: Database, owner: Owner
) -> None:
    ids = await _make_tasks(database, owner, 100)
    words = ["pending", "done", "missed", "rescheduled", "cancelled", "pending", "done", "missed"]

    async def write(nth: int) -> None:
        for turn in range(15):
            ordered = ids[::-1] if (nth + turn) % 2 else ids
            updated = await connections[nth].fetchval(
                "select updated_count from public.bulk_update_task_status($1, $2)", ordered, words[nth]
            )
            assert updated == len(ids)

    await asyncio.gather(*(write(nth) for nth in range(WRITERS)))

    left = await database.fetch("select distinct status from public.tasks where id = any($1)", ids)
    assert len(left) == 1


@pytest.mark.parametrize("call", ["public.bulk_update_task_status", "v1_0.bulk_update_task_state"])
async def test_a_bulk_update_that_waits_for_a_task_holds_no_later_one(
    call: str, first: Database, second: Database, connections: list[Database], database: Database, owner: Owner
) -> None:
    low, high = await _make_tasks(database, owner, 2)
    await first.execute("begin")
    await first.execute("update public.tasks set title = 'held' where id = $1", low)

    def bulk() -> Awaitable[Any]:
        return second.fetchval(f"select updated_count from {call}($1, 'missed')", [high, low])

    async with meanwhile(database, first, second, bulk) as outcome:
        # Raises where someone holds it.
        await connections[2].fetch("select from public.tasks where id = $1 for update nowait", high)

    assert outcome.result() == 2
    titles = await database.fetch("select title, status from public.tasks where id = $1", low)
    assert [tuple(row) for row in titles] == [("held", "missed")]


async def test_a_task_that_goes_during_a_bulk_update_does_not_count(
    first: Database, second: Database, database: Database, owner: Owner
) -> None:
    gone, stays = await _make_tasks(database, owner, 2)
    await first.execute("begin")
    await first.execute("delete from public.tasks where id = $1", gone)

    def bulk() -> Awaitable[Any]:
        return second.fetchval("select updated_count from public.bulk_update_task_status($1, 'done')", [gone, stays])

    async with meanwhile(database, first, second, bulk) as outcome:
        pass

    assert outcome.result() == 1


# Lost updates --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("held", "waits", "left"),
    [
        pytest.param(
            "update public.tasks set description = 'of 1.2'",
            "update v1_0.tasks set title = 'of 1.0'",
            {"description": "of 1.2", "title": "of 1.0"},
            id="1.2 a field that 1.0 lacks, 1.0 the title",
        ),
        pytest.param(
            "update public.tasks set title = 'of 1.2'",
            "update v1_0.tasks set priority = 'important'",
            {"title": "of 1.2", "priority": "important"},
            id="1.2 the title, 1.0 the priority",
        ),
        pytest.param(
            "update public.tasks set status = 'done', completed_at = '2030-01-01Z'",
            "update v1_0.tasks set title = 'of 1.0'",
            {"status": "done", "completed_at": "2030-01-01T00:00:00+00:00", "title": "of 1.0"},
            id="1.2 the status, 1.0 the title",
        ),
        pytest.param(
            "update public.tasks set status = 'cancelled'",
            "update v1_0.tasks set calendar_event_id = 'cal-1'",
            {"status": "cancelled", "calendar_event_id": "cal-1"},
            id="1.2 a status that 1.0 lacks, 1.0 the event",
        ),
        pytest.param(
            "update v1_0.tasks set title = 'of 1.0'",
            "update public.tasks set status = 'missed'",
            {"title": "of 1.0", "status": "missed"},
            id="1.0 the title, 1.2 the status",
        ),
        pytest.param(
            "update v1_0.tasks set state = 'completed'",
            "update v1_0.tasks set title = 'of 1.0'",
            {"status": "done", "title": "of 1.0"},
            id="1.0 the state, 1.0 the title",
        ),
        pytest.param(
            "update public.tasks set scheduled_at = '2030-01-01T12:00Z'",
            "update v1_0.tasks set end_time = '2030-01-01T13:00:00.5Z'",
            {
                "scheduled_at": "2030-01-01T12:00:00+00:00",
                "scheduled_end_at": "2030-01-01T13:00:00.5+00:00",
                "duration_minutes": 61,
            },
            id="1.2 the start, 1.0 the end",
        ),
        pytest.param(
            "update v1_0.tasks set start_time = '2030-01-01T12:00Z', end_time = '2030-01-01T13:00:00.5Z'",
            "update public.tasks set title = 'of 1.2'",
            {"title": "of 1.2", "scheduled_end_at": "2030-01-01T13:00:00.5+00:00", "duration_minutes": 61},
            id="1.0 the end, 1.2 the title",
        ),
        pytest.param(
            "update v1_0.tasks set start_time = '2030-01-01T12:00Z', end_time = '2030-01-01T13:00:00.5Z'",
            "update v1_0.tasks set title = 'of 1.0'",
            {"title": "of 1.0", "scheduled_end_at": "2030-01-01T13:00:00.5+00:00", "duration_minutes": 61},
            id="1.0 the end, 1.0 the title",
        ),
        pytest.param(
            "select public.set_calendar_event('{task}', 'cal-1') from public.tasks",
            "select v1_0.set_calendar_event('{task}', 'cal-2') from public.tasks",
            {"calendar_event_id": "cal-2"},
            id="both the event",
        ),
    ],
)
async def test_two_changes_of_one_task_both_stay(
    held: str, waits: str, left: dict[str, Any], first: Database, second: Database, database: Database, owner: Owner
) -> None:
    of_task = f" where id = '{owner.task}'"

    outcome = await race(database, first, second, held.format(task=owner.task) + of_task, waits.format(task=owner.task) + of_task)

    assert outcome in {"UPDATE 1", "SELECT 1"}
    columns = ", ".join(f"'{column}', {column}" for column in left)
    found = await database.fetchval(
        f"select jsonb_build_object({columns}) = $1::jsonb from public.tasks where id = $2", json.dumps(left), owner.task
    )
    assert found is True


async def test_a_change_of_a_task_that_goes_meanwhile_changes_nothing(
    first: Database, second: Database, database: Database, owner: Owner
) -> None:
    for table in ("v1_0.tasks", "public.tasks"):
        [task] = await _make_tasks(database, owner, 1)

        outcome = await race(
            database,
            first,
            second,
            f"delete from public.tasks where id = '{task}'",
            f"update {table} set title = 'y' where id = '{task}'",
        )

        assert outcome == "UPDATE 0"


async def test_two_closes_of_one_voice_session_both_stay(
    first: Database, second: Database, database: Database, owner: Owner
) -> None:
    outcome = await race(
        database,
        first,
        second,
        f"""select public.close_voice_session('{owner.conversation}', '{{"extracted_intent": "x", "duration_seconds": 1}}')""",
        f"""select public.close_voice_session('{owner.conversation}', '{{"duration_seconds": 2}}')""",
    )

    assert outcome == "SELECT 1"
    closed = await database.fetchrow(
        "select extracted_intent, duration_seconds from public.conversations where id = $1", owner.conversation
    )
    assert closed is not None
    assert tuple(closed) == ("x", 2)


async def test_the_later_of_two_changes_has_the_later_time(
    first: Database, second: Database, database: Database, owner: Owner
) -> None:
    change = "update public.goals set title = '{}' where id = '{}'"
    await first.execute("begin")
    await first.execute(change.format("first", owner.goal))
    first_at = await first.fetchval("select updated_at from public.goals where id = $1", owner.goal)

    async with meanwhile(database, first, second, lambda: second.execute(change.format("second", owner.goal))):
        committing_at = await database.fetchval("select clock_timestamp()")

    second_at = await database.fetchval("select updated_at from public.goals where id = $1", owner.goal)
    assert first_at < committing_at < second_at


# Unique values -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ending", ["commit", "rollback"])
@pytest.mark.parametrize(
    "held",
    [
        "insert into public.users (email) values ('{}')",
        "insert into auth.users (id, email) values (gen_random_uuid(), '{}')",
        "insert into v1_0.users (name, email) values ('x', '{}')",
    ],
    ids=["1.2", "a sign-up", "1.0"],
)
async def test_of_two_users_with_one_address_one_is_created(
    held: str, ending: str, first: Database, second: Database, database: Database
) -> None:
    address = f"{uuid4()}@example.com"
    insert = "insert into public.users (email) values ($1)"
    await first.execute("begin")
    await first.execute(held.format(address))

    async with meanwhile(database, first, second, lambda: second.execute(insert, address.upper())) as outcome:
        await first.execute(ending)

    assert isinstance(outcome.exception(), asyncpg.UniqueViolationError) == (ending == "commit")
    assert await database.fetchval("select count(*) from public.users where lower(email) = $1", address) == 1


async def test_of_many_users_with_one_address_one_is_created(connections: list[Database], database: Database) -> None:
    address = f"{uuid4()}@example.com"

    outcomes = await asyncio.gather(
        *(each.execute("insert into public.users (email) values ($1)", address) for each in connections),
        return_exceptions=True,
    )

    assert outcomes.count("INSERT 0 1") == 1
    assert sum(isinstance(outcome, asyncpg.UniqueViolationError) for outcome in outcomes) == WRITERS - 1


async def test_demo_flags_that_many_put_at_once_are_one_row(connections: list[Database], database: Database, owner: Owner) -> None:
    await database.execute("delete from public.demo_flags where user_id = $1", owner.user)

    await asyncio.gather(
        *(
            each.execute("select public.put_demo_flags($1, escalation_speed => $2)", owner.user, nth)
            for nth, each in enumerate(connections)
        )
    )

    assert await database.fetchval("select count(*) from public.demo_flags where user_id = $1", owner.user) == 1


# Messages ------------------------------------------------------------------------------------------------------------


async def test_messages_written_at_once_into_one_conversation_all_arrive(
    connections: list[Database], database: Database, owner: Owner
) -> None:
    async def write(connection: Database) -> None:
        for _ in range(20):
            await connection.execute(
                "insert into public.messages (conversation_id, role, content) values ($1, 'user', 'x')",
                owner.conversation,
            )

    await asyncio.gather(*map(write, connections))

    count, latest = await database.fetchrow(
        "select count(*), max(created_at) from public.messages where conversation_id = $1", owner.conversation
    ) or (0, None)
    assert count == WRITERS * 20 + 1
    assert latest == await database.fetchval("select last_message_at from public.conversations where id = $1", owner.conversation)


async def test_a_message_that_is_committed_late_does_not_set_the_conversation_back(
    first: Database, second: Database, database: Database, owner: Owner
) -> None:
    insert = "insert into public.messages (conversation_id, role, content, created_at) values ('{}', 'user', 'x', '{}')"

    outcome = await race(
        database,
        first,
        second,
        insert.format(owner.conversation, "2040-01-02Z"),
        insert.format(owner.conversation, "2040-01-01Z"),
    )

    assert outcome == "INSERT 0 1"
    last = await database.fetchval("select last_message_at from public.conversations where id = $1", owner.conversation)
    assert last.isoformat() == "2040-01-02T00:00:00+00:00"


# What goes while something is added to it ----------------------------------------------------------------------------

ADDITIONS = {
    "a task": (
        "insert into public.tasks (user_id, goal_id, title) values ('{user}', '{goal}', 'late')",
        "select count(*) from public.tasks where title = 'late' and user_id = '{user}'",
    ),
    "a task of 1.0": (
        "insert into v1_0.tasks (user_id, goal_id, title) values ('{user}', '{goal}', 'late')",
        "select count(*) from public.tasks where title = 'late' and user_id = '{user}'",
    ),
    "a milestone": (
        "insert into public.milestones (goal_id, week_number, title) values ('{goal}', 9, 'late')",
        "select count(*) from public.milestones where title = 'late' and goal_id = '{goal}'",
    ),
    "a conversation": (
        "insert into v1_0.conversations (user_id, goal_id, status) values ('{user}', '{goal}', 'late')",
        "select count(*) from public.conversations where status = 'late' and user_id = '{user}'",
    ),
}
every_addition = pytest.mark.parametrize(("add", "count"), ADDITIONS.values(), ids=ADDITIONS)


def _statements(owner: Owner, *statements: str) -> list[str]:
    return [statement.format(user=owner.user, goal=owner.goal, task=owner.task) for statement in statements]


@every_addition
async def test_what_is_added_to_a_goal_that_then_goes_goes_with_it(
    add: str, count: str, first: Database, second: Database, database: Database, owner: Owner
) -> None:
    addition, deletion, left = _statements(owner, add, "delete from public.goals where id = '{goal}'", count)

    assert await race(database, first, second, addition, deletion) == "DELETE 1"
    assert await database.fetchval(left) == 0


@every_addition
async def test_nothing_is_added_to_a_goal_that_is_going(
    add: str, count: str, first: Database, second: Database, database: Database, owner: Owner
) -> None:
    addition, deletion, left = _statements(owner, add, "delete from public.goals where id = '{goal}'", count)

    assert isinstance(await race(database, first, second, deletion, addition), asyncpg.ForeignKeyViolationError)
    assert await database.fetchval(left) == 0


async def test_a_link_to_a_task_that_then_goes_is_cleared(
    first: Database, second: Database, database: Database, owner: Owner
) -> None:
    link, deletion = _statements(
        owner,
        "update public.conversations set linked_task_id = '{task}' where user_id = '{user}'",
        "delete from public.tasks where id = '{task}'",
    )

    assert await race(database, first, second, link, deletion) == "DELETE 1"
    assert await database.fetchval(
        "select linked_task_id is null and user_id is not null from public.conversations where id = $1",
        owner.conversation,
    )


async def test_a_structure_for_a_user_who_is_going_is_refused_at_its_goal(
    first: Database, second: Database, database: Database, owner: Owner
) -> None:
    outcome = await race(
        database,
        first,
        second,
        f"delete from public.users where id = '{owner.user}'",
        f"""select public.create_goal_with_structure('{{"user_id": "{owner.user}", "title": "x"}}')""",
    )

    assert isinstance(outcome, asyncpg.ForeignKeyViolationError)
    assert outcome.detail == "at goal"


async def test_of_two_deletions_of_one_goal_one_finds_it(
    first: Database, second: Database, database: Database, owner: Owner
) -> None:
    deletion = f"delete from public.goals where id = '{owner.goal}'"

    assert await race(database, first, second, deletion, deletion) == "DELETE 0"
    assert await database.fetchval("select count(*) from public.tasks where id = $1", owner.task) == 0


# Kept counts ---------------------------------------------------------------------------------------------------------

TOTAL = "select (public.list_page('patterns', row_limit => 1) ->> 'total')::int"


async def test_a_total_includes_what_is_committed_and_one_s_own(
    first: Database, second: Database, database: Database, owner: Owner
) -> None:
    insert = "insert into public.patterns (user_id) values ($1)"
    before = await database.fetchval(TOTAL)

    await first.execute("begin")
    await first.execute(insert, owner.user)
    # Doesn't wait for the first, which is not committed.
    async with asyncio.timeout(10):
        await second.execute(insert, owner.user)
    seen_by_the_first, seen_by_others = await first.fetchval(TOTAL), await database.fetchval(TOTAL)
    await first.execute("rollback")

    assert (seen_by_the_first, seen_by_others) == (before + 2, before + 1)
    assert await database.fetchval(TOTAL) == before + 1


async def test_totals_stay_exact_under_many_writers(connections: list[Database], database: Database, owner: Owner) -> None:
    async def write(connection: Database) -> None:
        for nth in range(15):
            transaction = connection.transaction()
            await transaction.start()
            created = await connection.fetch(
                "insert into public.patterns (user_id) select $1 from generate_series(1, 3) returning id", owner.user
            )
            await connection.execute("delete from public.patterns where id = $1", created[0]["id"])
            await (transaction.rollback() if nth % 3 == 0 else transaction.commit())

    await asyncio.gather(*map(write, connections))

    assert await database.fetchval(TOTAL) == await database.fetchval("select count(*) from public.patterns")


async def test_a_table_can_be_counted_anew_while_others_write(
    first: Database, second: Database, database: Database, owner: Owner
) -> None:
    outcome = await race(
        database,
        first,
        second,
        f"insert into public.patterns (user_id) values ('{owner.user}')",
        "select private.recount_rows('public.patterns')",
    )

    assert outcome == "SELECT 1"
    assert await database.fetchval(TOTAL) == await database.fetchval("select count(*) from public.patterns")


# New rows keep their order -------------------------------------------------------------------------------------------


async def test_rows_of_one_statement_are_told_apart_by_their_time_and_keep_their_order(database: Database, owner: Owner) -> None:
    created = await database.fetch(
        "insert into public.tasks (user_id, title)"
        " select $1, nth::text from generate_series(1, 50) as nth returning title, created_at",
        owner.user,
    )

    assert all(one["created_at"] <= next_one["created_at"] for one, next_one in pairwise(created))
    assert [row["title"] for row in created] == [str(nth) for nth in range(1, 51)]


# Limits --------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def limited() -> Iterator[LocalStack]:
    """A stack that can say which limits a caller has."""
    stack = LocalStack()
    try:
        stack.start_database()
        execute_script(
            stack.database_url,
            "create function public.show_limits() returns text[] language sql stable as"
            " $$select array[current_setting('statement_timeout'), current_setting('lock_timeout')]$$;"
            "grant execute on function public.show_limits() to service_role, authenticated",
        )
        stack.start_data_api()
        yield stack
    finally:
        stack.stop()


async def test_every_caller_of_the_data_api_has_limits(limited: LocalStack) -> None:
    async with client_with(limited, limited.service_role_key) as service, signed_in(limited, str(uuid4())) as user:
        assert await answer(service.rpc("show_limits")) == ["8s", "4s"]
        assert await answer(user.rpc("show_limits")) == ["8s", "4s"]


@pytest.mark.parametrize(
    ("statement_limit", "lock_limit", "code"),
    [("10s", "100ms", "55P03"), ("100ms", "10s", "57014")],
    ids=["the limit on locks", "the limit on statements"],
)
async def test_who_waits_for_a_locked_row_is_sent_away_in_time(
    statement_limit: str, lock_limit: str, code: str, limited: LocalStack
) -> None:
    holder, watcher = await asyncpg.connect(limited.database_url), await asyncpg.connect(limited.database_url)
    owner = await make_owner(watcher)
    await watcher.execute(f"alter role service_role set statement_timeout = '{statement_limit}'")
    await watcher.execute(f"alter role service_role set lock_timeout = '{lock_limit}'")
    await watcher.execute("notify pgrst, 'reload config'")
    await holder.execute("begin")
    await holder.execute("update public.tasks set title = 'held' where id = $1", owner.task)

    async with client_with(limited, limited.service_role_key) as service, asyncio.timeout(20):
        while await answer(service.rpc("show_limits")) != [statement_limit, lock_limit]:
            pass
        with pytest.raises(APIError) as refused:
            await service.table("tasks").update({"title": "mine"}).eq("id", owner.task).execute()
        # Whoever only reads doesn't wait.
        [task] = await answer(service.table("tasks").select("title").eq("id", owner.task))

    assert refused.value.code == code
    assert task == {"title": "Task"}
    await holder.close()
    await watcher.close()
