"""Concurrent workers and callers: each delivery is sent once, each task ends once, each answer counts once."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable
from typing import Any

import asyncpg
import pytest

from local_stack import LocalStack
from tests.concurrency.races import Race
from tests.locks import Database, wait_for_waiters
from tests.owners import SCHEDULED_AT, Owner, make_owner

CALLERS = 16
Pool = Any


@pytest.fixture
async def pool(stack: LocalStack) -> AsyncIterator[Pool]:
    async with asyncpg.create_pool(stack.database_url, min_size=CALLERS, max_size=CALLERS) as opened:
        yield opened


@pytest.fixture
async def owner(database: Database) -> Owner:
    """A user whose task is pending, and nobody's deliveries."""
    await database.execute("delete from public.dispatches")
    owner = await make_owner(database)
    await database.execute("delete from public.dispatches")
    await database.execute("update public.tasks set status = 'pending' where id = $1", owner.task)
    return owner


async def plan(database: Database, owner: Owner, count: int, due: str = "0 seconds", expires: str = "1 hour") -> None:
    """Plan deliveries about the owner's task. The times are from now."""
    await database.execute(
        "insert into public.dispatches (user_id, task_id, channel, dedupe_key, task_scheduled_at, due_at, expires_at)"
        " select $1, $2, 'push', nth::text, $6::text::timestamptz, now() + $4::text::interval, now() + $5::text::interval"
        " from generate_series(1, $3::int) as nth",
        *(owner.user, owner.task, count, due, expires, SCHEDULED_AT),
    )


async def claim(database: Database, limit: int = 10, *, resend_unknown: bool = False) -> list[asyncpg.Record]:
    found = await database.fetch(
        "select id, attempt from unnest(public.claim_dispatches('w', $1::int, 60, null, $2))", limit, resend_unknown
    )
    return list(found)


async def outcomes(database: Database) -> Counter[str | None]:
    return Counter(row["outcome"] for row in await database.fetch("select outcome::text from public.dispatches"))


async def told(call: Awaitable[Any]) -> str:
    """ "done", or the code of the refusal."""
    try:
        await call
    except asyncpg.PostgresError as error:
        return str(error.sqlstate)
    return "done"


async def at_once(pool: Pool, statement: str, *arguments: Any, callers: int = CALLERS) -> list[str]:
    return await asyncio.gather(*(told(pool.execute(statement, *arguments)) for _ in range(callers)))


async def test_four_workers_send_each_delivery_once(pool: Pool, database: Database, owner: Owner) -> None:
    await plan(database, owner, 200)
    sent = Counter[str]()

    async def work() -> None:
        async with pool.acquire() as connection:
            while claimed := await claim(connection, 20):
                for each in claimed:
                    await connection.execute("select public.start_dispatch($1, $2)", *each)
                    sent[str(each["id"])] += 1
                    await connection.execute("select public.finish_dispatch($1, $2, 'sent')", *each)

    await asyncio.gather(*(work() for _ in range(4)))

    assert (len(sent), set(sent.values())) == (200, {1})
    assert await outcomes(database) == {"sent": 200}
    assert await database.fetchval("select count(*) from public.notification_log where task_id = $1", owner.task) == 201


async def test_after_its_lease_a_worker_can_finish_and_not_start(database: Database, owner: Owner) -> None:
    await plan(database, owner, 2)
    begun, not_begun = await claim(database)
    await database.execute("select public.start_dispatch($1, $2)", *begun)
    await database.execute("update public.dispatches set lease_until = now() - interval '1 second'")

    assert await told(database.execute("select public.start_dispatch($1, $2)", *not_begun)) == "PT409"
    assert await told(database.execute("select public.extend_dispatch($1, $2, 60)", *not_begun)) == "PT409"
    assert [(each["id"], each["attempt"]) for each in await claim(database)] == [(not_begun["id"], 2)]
    assert await outcomes(database) == {"unknown": 1, None: 1}
    assert await told(database.execute("select public.finish_dispatch($1, $2, 'sent')", *begun)) == "done"
    assert await told(database.execute("select public.finish_dispatch($1, $2, 'sent')", *not_begun)) == "PT409"
    assert await outcomes(database) == {"sent": 1, None: 1}


async def test_with_resend_unknown_nothing_is_lost(database: Database, owner: Owner) -> None:
    await plan(database, owner, 1)
    [first] = await claim(database)
    await database.execute("select public.start_dispatch($1, $2)", *first)
    await database.execute("update public.dispatches set lease_until = now() - interval '1 second'")

    [second] = await claim(database, resend_unknown=True)

    assert (second["id"], second["attempt"]) == (first["id"], 2)
    assert await told(database.execute("select public.finish_dispatch($1, $2, 'sent')", *first)) == "PT409"


async def test_after_three_hours_without_workers_nothing_past_its_time_is_sent(database: Database, owner: Owner) -> None:
    await plan(database, owner, 30, "-3 hours", "-1 hour")

    assert await claim(database) == []
    assert await outcomes(database) == {"expired": 30}


async def test_one_claim_closes_at_most_ten_times_its_limit(database: Database, owner: Owner) -> None:
    await plan(database, owner, 30, expires="-1 hour")

    assert await claim(database, 2) == []
    assert await outcomes(database) == {"expired": 20, None: 10}


async def test_plans_for_the_old_time_of_a_moved_task_are_void(pool: Pool, database: Database, owner: Owner) -> None:
    await plan(database, owner, 2)
    await database.execute("update public.tasks set reminder_sent_at = now() where id = $1", owner.task)
    move = f"select public.move_task($1, '2026-03-03Z', '{SCHEDULED_AT}')"

    moves = await at_once(pool, move, owner.task)

    assert Counter(moves) == {"done": 1, "PT409": CALLERS - 1}
    assert await claim(database) == []
    assert await outcomes(database) == {"cancelled": 2}
    assert await database.fetchval("select reminder_sent_at from public.tasks where id = $1", owner.task) is None


FINISH = """select public.finish_task($1, 'done', next => '{"scheduled_at": "2026-03-03Z", "occurrence_at": "2026-03-03Z"}')"""


async def test_a_recurring_task_that_many_finish_has_one_successor(pool: Pool, database: Database, owner: Owner) -> None:
    finished = await at_once(pool, FINISH, owner.task)

    assert Counter(finished) == {"done": 1, "PT409": CALLERS - 1}
    rows = await database.fetch("select status::text from public.tasks where series_id = $1 order by created_at", owner.task)
    assert [row["status"] for row in rows] == ["done", "pending"]


async def test_a_finish_that_is_killed_leaves_neither_the_change_nor_the_successor(
    stack: LocalStack, race: Race, database: Database, owner: Owner
) -> None:
    """The holder's successor is not committed, so that the other one waits between the change and its own successor."""
    await race.holder.execute("begin")
    await race.holder.execute(
        "insert into public.tasks (user_id, title, series_id, occurrence_at) values ($1, 'x', $2, '2026-03-03Z')",
        owner.user,
        owner.task,
    )
    killed = await asyncpg.connect(stack.database_url)
    finishing = asyncio.create_task(told(killed.execute(FINISH, owner.task)))
    await wait_for_waiters(database, 1)

    await database.execute("select pg_terminate_backend($1)", killed.get_server_pid())

    assert await finishing in {"57P01", "08003"}
    await race.holder.execute("rollback")
    rows = await database.fetch("select status::text, series_id from public.tasks where user_id = $1", owner.user)
    assert [tuple(row) for row in rows] == [("pending", None)]


@pytest.mark.parametrize(
    ("status", "results"), [("pending", {"recorded": 1, "repeated": 7}), ("cancelled", {"late": 1, "repeated": 7})]
)
async def test_an_answer_that_is_delivered_eight_times_counts_once(
    status: str, results: dict[str, int], pool: Pool, database: Database, owner: Owner
) -> None:
    await database.execute("update public.tasks set status = $1 where id = $2", status, owner.task)
    await database.execute("update public.notification_log set external_id = id::text where task_id = $1", owner.task)
    record = "select result::text from public.record_response('push', $1, $1, 'yes', 'done')"

    found = await asyncio.gather(*(pool.fetchval(record, owner.notification) for _ in range(8)))

    assert Counter(found) == results
    left = await database.fetchval("select status::text from public.tasks where id = $1", owner.task)
    assert left == ("done" if status == "pending" else status)


async def test_a_pattern_that_many_put_by_key_is_one_row(pool: Pool, database: Database, owner: Owner) -> None:
    put = "select public.put_pattern(jsonb_build_object('user_id', $1::uuid, 'pattern_type', 'x', 'pattern_key', 'x'))"

    assert await at_once(pool, put, owner.user) == ["done"] * CALLERS
    assert (
        await database.fetchval("select count(*) from public.patterns where pattern_type = 'x' and user_id = $1", owner.user) == 1
    )


async def test_a_pipeline_that_many_advance_changes_over_once(pool: Pool, database: Database, owner: Owner) -> None:
    await database.execute(
        "insert into public.goals (user_id, title, status, pipeline_order)"
        " select $1, 'x', 'pipeline', nth from generate_series(1, 3) as nth",
        owner.user,
    )

    advanced = await at_once(pool, "select public.advance_goal($1)", owner.goal)

    assert Counter(advanced) == {"done": 1, "PT409": CALLERS - 1}
    rows = await database.fetch("select status::text from public.goals where user_id = $1", owner.user)
    assert Counter(row["status"] for row in rows) == {"completed": 1, "active": 1, "pipeline": 2}
