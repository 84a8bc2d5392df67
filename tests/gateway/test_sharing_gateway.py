"""The calls that the sharing gateway makes to the gateway beneath it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TypeAlias
from uuid import UUID, uuid4

import asyncpg
import orjson
import pytest
from pydantic import SecretStr

from dao_service.bindings import AnyFunction, AnyRelation
from dao_service.contracts import CONTRACTS, SHARED
from dao_service.errors import BadRequestError, InternalError, LockTimeLimitError, NotFoundError, TimeLimitError, UnavailableError
from dao_service.gateway.long_answers import LongAnswers
from dao_service.gateway.opening import open_gateway
from dao_service.gateway.protocol import Payload
from dao_service.gateway.shared_calls import SharingGateway
from dao_service.generated.contract_1_2 import DEMO_FLAGS, GET_TASK_STATISTICS, GET_TASKS_BY_TIMERANGE, GOALS_FULL, USERS
from dao_service.settings import Settings
from local_stack import LocalStack

Database: TypeAlias = "asyncpg.Connection[asyncpg.Record]"


class Watched:
    """A real gateway whose calls are counted and can be delayed or made to fail."""

    def __init__(self, stack: LocalStack) -> None:
        key = SecretStr(stack.service_role_key)
        self._gateway = open_gateway(Settings(postgrest_url=stack.postgrest_url, supabase_service_role_key=key, database_url=None))
        self.calls: list[str] = []
        self.started: asyncio.Queue[str] = asyncio.Queue()
        self.free = asyncio.Event()
        self.free.set()
        self.failure: BaseException | None = None

    async def _pass(self, name: str, call: Callable[[], Awaitable[bytes]]) -> bytes:
        self.calls.append(name)
        self.started.put_nowait(name)
        await self.free.wait()
        if self.failure is not None:
            raise self.failure
        return await call()

    async def select(self, relation: AnyRelation, key: str) -> bytes:
        return await self._pass("select", lambda: self._gateway.select(relation, key))

    async def insert(self, relation: AnyRelation, row: Payload) -> bytes:
        return await self._pass("insert", lambda: self._gateway.insert(relation, row))

    async def update(self, relation: AnyRelation, key: str, changes: Payload) -> bytes:
        return await self._pass("update", lambda: self._gateway.update(relation, key, changes))

    async def delete(self, relation: AnyRelation, key: str) -> None:
        await self._gateway.delete(relation, key)

    async def call(self, function: AnyFunction, arguments: Payload) -> bytes:
        return await self._pass(function.name, lambda: self._gateway.call(function, arguments))

    async def close(self) -> None:
        await self._gateway.close()


@pytest.fixture
async def watched(stack: LocalStack) -> AsyncIterator[Watched]:
    gateway = Watched(stack)
    yield gateway
    await gateway.close()


@pytest.fixture
def sharing(watched: Watched) -> SharingGateway:
    return SharingGateway(watched, SHARED, LongAnswers())


@pytest.fixture
async def ids(watched: Watched) -> list[str]:
    """The ids of ten users."""
    made = []
    for _ in range(10):
        email = f"{uuid4().hex}@example.com"
        row = await watched.insert(USERS, Payload(("email",), orjson.dumps({"email": email})))
        made.append(orjson.loads(row)["id"])
    await _started(watched, 10)
    watched.calls.clear()
    return made


async def _started(watched: Watched, count: int) -> None:
    """Wait until this many more calls have begun."""
    async with asyncio.timeout(5):
        for _ in range(count):
            await watched.started.get()


async def _held(sharing: SharingGateway, watched: Watched, ids: list[str]) -> tuple[asyncio.Task[bytes], list[asyncio.Task[bytes]]]:
    """One read in progress, and reads of the other ids that wait for it."""
    watched.free.clear()
    first = asyncio.create_task(sharing.select(USERS, ids[0]))
    await _started(watched, 1)
    others = [asyncio.create_task(sharing.select(USERS, key)) for key in ids[1:]]
    await asyncio.wait(others, timeout=0)
    return first, others


async def test_a_single_request_is_a_call_of_its_own(sharing: SharingGateway, watched: Watched, ids: list[str]) -> None:
    for key in ids:
        assert orjson.loads(await sharing.select(USERS, key))["id"] == key

    assert watched.calls == ["select"] * len(ids)


async def test_requests_arriving_during_a_call_share_the_next_one(
    sharing: SharingGateway, watched: Watched, ids: list[str]
) -> None:
    first, others = await _held(sharing, watched, ids)
    watched.free.set()

    rows = [orjson.loads(row) for row in await asyncio.gather(first, *others)]

    assert [row["id"] for row in rows] == ids
    assert watched.calls == ["select", "select_each"]


async def test_a_slow_call_delays_other_requests_only_briefly(sharing: SharingGateway, watched: Watched, ids: list[str]) -> None:
    first, others = await _held(sharing, watched, ids)

    await _started(watched, 1)

    assert watched.calls == ["select", "select_each"]
    assert not first.done()
    watched.free.set()
    await asyncio.gather(first, *others)


async def test_a_call_carries_at_most_fifty_requests(sharing: SharingGateway, watched: Watched, ids: list[str]) -> None:
    missing = [str(uuid4()) for _ in range(111)]
    first, others = await _held(sharing, watched, [*ids, *missing])
    watched.free.set()

    answers = await asyncio.gather(first, *others, return_exceptions=True)

    assert [isinstance(answer, NotFoundError) for answer in answers] == [False] * 10 + [True] * 111
    # A row that the shared call does not return is read alone, so that its error is that of a single call.
    assert watched.calls == ["select"] + ["select_each"] * 3 + ["select"] * 111


async def test_a_cancelled_request_is_left_out_of_the_next_call(sharing: SharingGateway, watched: Watched, ids: list[str]) -> None:
    first, others = await _held(sharing, watched, ids)
    others[0].cancel()
    first.cancel()
    watched.free.set()

    answers = await asyncio.gather(first, *others, return_exceptions=True)

    assert [type(answer) for answer in answers[:2]] == [asyncio.CancelledError] * 2
    assert [orjson.loads(answer)["id"] for answer in answers[2:] if isinstance(answer, bytes)] == ids[2:]
    assert orjson.loads(await sharing.select(USERS, ids[0]))["id"] == ids[0]


@pytest.mark.parametrize(
    "failure",
    [UnavailableError("Away."), TimeLimitError("Slow."), InternalError("HTTP 500"), ValueError()],
    ids=["unavailable", "slow", "unknown", "internal"],
)
async def test_a_call_that_fails_as_a_whole_fails_every_request_and_is_not_retried(
    failure: Exception, sharing: SharingGateway, watched: Watched, ids: list[str]
) -> None:
    first, others = await _held(sharing, watched, ids)
    watched.failure = failure
    watched.free.set()

    answers = await asyncio.gather(first, *others, return_exceptions=True)

    assert answers == [failure] * len(ids)
    assert watched.calls == ["select", "select_each"]
    watched.failure = None
    assert orjson.loads(await sharing.select(USERS, ids[0]))["id"] == ids[0]


async def test_a_shared_call_that_runs_into_the_lock_limit_is_retried_one_request_at_a_time(
    sharing: SharingGateway, watched: Watched, ids: list[str]
) -> None:
    first, others = await _held(sharing, watched, ids)
    watched.failure = LockTimeLimitError("Locked.")
    watched.free.set()

    answers = await asyncio.gather(first, *others, return_exceptions=True)

    assert answers == [watched.failure] * len(ids)
    assert watched.calls == ["select", "select_each"] + ["select"] * 9


async def test_concurrent_reads_of_one_row_share_one_result(sharing: SharingGateway, watched: Watched, ids: list[str]) -> None:
    first, others = await _held(sharing, watched, ids[:1] * 10)
    watched.free.set()

    rows = [orjson.loads(row)["id"] for row in await asyncio.gather(first, *others)]

    assert rows == ids[:1] * 10
    assert watched.calls == ["select", "select"]


async def test_concurrent_reads_of_a_missing_row_share_one_404(sharing: SharingGateway, watched: Watched) -> None:
    first, others = await _held(sharing, watched, [str(uuid4())] * 10)
    watched.free.set()

    answers = await asyncio.gather(first, *others, return_exceptions=True)

    assert [type(answer) for answer in answers] == [NotFoundError] * 10
    assert watched.calls == ["select", "select"]


async def test_changes_of_one_row_are_made_one_at_a_time(sharing: SharingGateway, watched: Watched, ids: list[str]) -> None:
    names = [f"name {number}" for number in range(5)]
    watched.free.clear()
    changes = [
        asyncio.create_task(sharing.update(USERS, ids[0], Payload(("name",), orjson.dumps({"name": name})))) for name in names
    ]
    await _started(watched, 1)
    watched.free.set()

    rows = [orjson.loads(row)["name"] for row in await asyncio.gather(*changes)]

    assert rows == names
    assert watched.calls == ["update"] * 5


async def test_a_shared_call_that_is_cancelled_leaves_no_request_waiting(
    sharing: SharingGateway, watched: Watched, ids: list[str]
) -> None:
    first, others = await _held(sharing, watched, ids)
    watched.failure = asyncio.CancelledError()
    watched.free.set()

    done, waiting = await asyncio.wait([first, *others], timeout=5)

    assert not waiting
    assert all(task.cancelled() for task in done)


async def test_closing_the_gateway_leaves_no_request_waiting(sharing: SharingGateway, watched: Watched, ids: list[str]) -> None:
    first, others = await _held(sharing, watched, ids)
    await _started(watched, 1)
    late = asyncio.create_task(sharing.select(USERS, ids[0]))
    await asyncio.wait([late], timeout=0)

    await sharing.close()
    first.cancel()
    done, waiting = await asyncio.wait([first, late, *others], timeout=5)

    assert not waiting
    assert all(task.cancelled() for task in done)


async def test_operations_without_an_id_or_with_several_rows_are_not_shared(
    sharing: SharingGateway, watched: Watched, ids: list[str]
) -> None:
    watched.free.clear()
    asked = [asyncio.create_task(sharing.select(relation, ids[0])) for relation in (DEMO_FLAGS, GOALS_FULL) for _ in range(3)]
    await _started(watched, 6)
    watched.free.set()

    answers = await asyncio.gather(*asked, return_exceptions=True)

    assert all(isinstance(answer, NotFoundError) for answer in answers)
    assert watched.calls == ["select"] * 6


def _statistics(key: str) -> Payload:
    names = ("user_id", "start_date", "end_date")
    dates = ("2030-01-01T00:00:00Z", "2030-02-01T00:00:00Z")
    return Payload(names, orjson.dumps(dict(zip(names, (key, *dates), strict=True))), "tasks")


async def test_requests_for_small_results_of_one_function_share_a_call(
    sharing: SharingGateway, watched: Watched, ids: list[str]
) -> None:
    alone = [await sharing.call(GET_TASK_STATISTICS, _statistics(key)) for key in ids]
    watched.calls.clear()
    while not watched.started.empty():
        watched.started.get_nowait()
    watched.free.clear()
    asked = [asyncio.create_task(sharing.call(GET_TASK_STATISTICS, _statistics(key))) for key in [*ids, *ids]]
    await _started(watched, 1)
    watched.free.set()

    assert await asyncio.gather(*asked) == [*alone, *alone]
    assert watched.calls == ["get_task_statistics", "call_each"]


async def test_an_error_of_one_call_of_a_function_reaches_its_caller_alone(
    sharing: SharingGateway, watched: Watched, ids: list[str]
) -> None:
    backwards = _statistics(ids[1])
    backwards = backwards._replace(json=backwards.json.replace(b"2030-02", b"2029-02"))
    watched.free.clear()
    asked = [
        asyncio.create_task(sharing.call(GET_TASK_STATISTICS, each))
        for each in (_statistics(ids[0]), backwards, _statistics(ids[2]))
    ]
    await _started(watched, 1)
    watched.free.set()

    first, refused, third = await asyncio.gather(*asked, return_exceptions=True)

    assert isinstance(refused, BadRequestError)
    assert [orjson.loads(answer)["user_id"] for answer in (first, third) if isinstance(answer, bytes)] == [ids[0], ids[2]]


def _range(key: str) -> Payload:
    names = ("user_id", "start_at", "end_at")
    dates = ("2030-01-01T00:00:00Z", "2030-02-01T00:00:00Z")
    return Payload(names, orjson.dumps(dict(zip(names, (key, *dates), strict=True))), "tasks")


async def _add_tasks(database: Database, user: str, count: int) -> None:
    await database.execute(
        """
        insert into public.tasks (user_id, title, scheduled_at)
        select $1, 'Task ' || nth, '2030-01-01 09:00:00+00'::timestamptz + nth * interval '1 minute'
        from generate_series(1, $2) as nth
        """,
        UUID(user),
        count,
    )


async def _ranges(sharing: SharingGateway, watched: Watched, ids: list[str]) -> list[bytes]:
    watched.calls.clear()
    while not watched.started.empty():
        watched.started.get_nowait()
    watched.free.clear()
    asked = [asyncio.create_task(sharing.call(GET_TASKS_BY_TIMERANGE, _range(key))) for key in ids]
    await _started(watched, 3)
    watched.free.set()
    return await asyncio.gather(*asked)


async def test_short_lists_share_calls_of_which_three_are_under_way(
    sharing: SharingGateway, watched: Watched, ids: list[str], database: Database
) -> None:
    for count, key in enumerate(ids):
        await _add_tasks(database, key, count * 11)

    answers = await _ranges(sharing, watched, ids)

    assert [len(orjson.loads(answer)) for answer in answers] == [count * 11 for count in range(10)]
    assert watched.calls == ["get_tasks_by_timerange"] * 3 + ["call_each"]


async def test_a_long_list_is_asked_for_alone_and_so_are_the_next_ones(
    sharing: SharingGateway, watched: Watched, ids: list[str], database: Database
) -> None:
    await _add_tasks(database, ids[5], 101)
    await _add_tasks(database, ids[6], 100)

    answers = await _ranges(sharing, watched, ids)

    assert [len(orjson.loads(answer)) for answer in answers] == [0, 0, 0, 0, 0, 101, 100, 0, 0, 0]
    assert watched.calls == ["get_tasks_by_timerange"] * 3 + ["call_each", "get_tasks_by_timerange"]

    assert await _ranges(sharing, watched, ids) == answers
    assert watched.calls == ["get_tasks_by_timerange"] * 10


def test_every_row_begins_with_its_id() -> None:
    """The gateway finds the rows of a shared result by it."""
    for contract in CONTRACTS.values():
        for relation in contract.relations.values():
            assert relation.key == next(iter(relation.column_types))
