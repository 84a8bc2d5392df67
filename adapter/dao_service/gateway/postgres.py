"""The gateway to Postgres itself, over one asyncpg pool. Needs the extra `direct`."""

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from typing import TYPE_CHECKING

from dao_service.bindings import AnyFunction, AnyRelation, Constraint
from dao_service.errors import (
    SATURATED,
    UNREACHABLE,
    DataServiceError,
    NotFoundError,
    UnavailableError,
    UnknownOutcomeError,
    from_database,
    lost_connection,
)
from dao_service.gateway import row_statements
from dao_service.gateway.protocol import Payload
from dao_service.gateway.turns import Turns

try:
    import asyncpg
except ModuleNotFoundError as missing:
    raise ModuleNotFoundError(
        "DATABASE_URL needs asyncpg. Install it with the extra: pip install 'flux-dao-service[direct]'"
    ) from missing

from dao_service.gateway.login import Login

if TYPE_CHECKING:
    Pool = asyncpg.Pool[asyncpg.Record]
    Connection = asyncpg.Connection[asyncpg.Record] | asyncpg.pool.PoolConnectionProxy[asyncpg.Record]

FAILURES = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError)
"""The exceptions of a call to Postgres: the first if Postgres answers with an error, the others if it doesn't answer."""

Place = tuple[str, str]
"""What a statement may wait for: a relation and, unless it is "", the id of a row."""
Target = AnyRelation | AnyFunction

_CLOSE_WITHIN_SECONDS = 2
_RELEASE_WITHIN_SECONDS = 0.5
"""A server that hangs does not confirm that a statement was cancelled."""


class StatementGateway:
    """The five operations, each one statement, on the connection that `connection` gives."""

    commits_each = False
    """Whether a statement is a transaction of its own."""

    def __init__(self, constraints: Mapping[str, Mapping[str, Constraint]]) -> None:
        """`constraints` are by schema and name."""
        self.constraints = constraints

    async def select(self, relation: AnyRelation, key: str) -> bytes:
        return await self._one_row(relation, (relation.name, ""), row_statements.select(relation), key, writes=False)

    async def insert(self, relation: AnyRelation, row: Payload) -> bytes:
        return await self._one_row(relation, (relation.name, ""), row_statements.insert(relation, row.names), row.json)

    async def update(self, relation: AnyRelation, key: str, changes: Payload) -> bytes:
        return await self._one_row(
            relation, (relation.name, key), row_statements.update(relation, changes.names), changes.json, key
        )

    async def delete(self, relation: AnyRelation, key: str) -> None:
        await self._one_row(relation, (relation.name, key), row_statements.delete(relation), key)

    async def call(self, function: AnyFunction, arguments: Payload) -> bytes:
        statement = row_statements.call(function, arguments.names)
        place = (arguments.resource or function.name, arguments.key)
        return await self._one_row(function, place, statement, arguments.json, writes=not function.read_only)

    def refusal(self, failure: Exception, schema: str) -> DataServiceError:
        """The error for one of `FAILURES`, in the words of the contract that is this schema."""
        if isinstance(failure, asyncpg.PostgresError):
            detail = getattr(failure, "detail", None)
            return from_database(failure.sqlstate or "", str(failure.args[0]), detail, self.constraints.get(schema, {}))
        return UnavailableError(SATURATED if isinstance(failure, TimeoutError) else UNREACHABLE)

    def connection(self) -> AbstractAsyncContextManager["Connection"]:
        """The connection that a statement runs on."""
        raise NotImplementedError

    async def _one_row(
        self,
        target: Target,
        place: Place,  # noqa: ARG002 (for a gateway of several connections)
        statement: str,
        *values: object,
        writes: bool = True,
        until: float | None = None,
    ) -> bytes:
        """`until`, on the monotonic clock, ends the call; None if only the connection limits it."""
        sent = False
        try:
            async with self.connection() as connection:
                sent = True
                seconds_left = None if until is None else max(until - time.monotonic(), 0.001)
                answer: bytes | None = await connection.fetchval(statement, *values, timeout=seconds_left)
        except FAILURES as error:
            if writes and sent and self.commits_each and may_have_happened(error):
                raise UnknownOutcomeError from error
            raise self.refusal(error, target.schema) from error
        if answer is None:
            raise NotFoundError("There is no row with this id.")
        return answer


def may_have_happened(failure: Exception) -> bool:
    """Whether a statement that failed so may have been committed."""
    if isinstance(failure, asyncpg.PostgresError):
        return lost_connection(failure.sqlstate or "")
    return not isinstance(failure, asyncpg.InterfaceError)  # asyncpg's own refusal, before anything was sent


class PostgresGateway(StatementGateway):
    """A pool of connections that act as `service_role`. Each statement is a transaction of its own.

    The pool belongs to the event loop that uses it and is made anew in another.
    """

    commits_each = True

    def __init__(
        self,
        url: str,
        constraints: Mapping[str, Mapping[str, Constraint]],
        *,
        timeout_seconds: float = 10.0,
        connections: int = 20,
    ) -> None:
        """`url` is a `postgresql://` one."""
        super().__init__(constraints)
        self._login = Login(url, commands_within=timeout_seconds)
        self._timeout_seconds = timeout_seconds
        self._connections = connections
        self._turns = Turns(connections)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._opening = asyncio.Lock()
        self._opened: AsyncGenerator[Pool] | None = None
        self._pool: Pool | None = None

    async def _open_pool(self) -> "Pool":
        """The pool of the running loop."""
        loop = asyncio.get_running_loop()
        if self._loop is not loop:
            self._opening, self._loop, self._pool = asyncio.Lock(), loop, None
        if self._pool is None:
            async with self._opening:
                if self._pool is None:
                    self._opened = self._open()
                    self._pool = await anext(self._opened)
        return self._pool

    async def _open(self) -> AsyncGenerator["Pool"]:
        """A pool, for as long as this generator lives. A loop that ends closes its generators, so none outlives its loop."""
        pool = await asyncpg.create_pool(min_size=0, max_size=self._connections, connect=self._login.connect, reset=_keep)
        try:
            yield pool
        finally:
            if self._pool is pool:
                self._pool = None
            with suppress(TimeoutError):
                # Past the time, asyncpg ends the connections that are still in use.
                async with asyncio.timeout(_CLOSE_WITHIN_SECONDS):
                    await pool.close()

    @asynccontextmanager
    async def connection(self) -> AsyncIterator["Connection"]:
        """A connection of the pool. The caller leaves it outside of any transaction."""
        pool = await self._open_pool()
        connection = await pool.acquire(timeout=self._timeout_seconds)
        try:
            yield connection
        finally:
            with suppress(*FAILURES):  # The statement has ended either way; a connection that can't be released is replaced.
                await pool.release(connection, timeout=_RELEASE_WITHIN_SECONDS)

    async def _one_row(
        self, target: Target, place: Place, statement: str, *values: object, writes: bool = True, until: float | None = None
    ) -> bytes:
        until = time.monotonic() + self._timeout_seconds
        turn = await self._turns.take(*place, self._timeout_seconds)
        try:
            return await super()._one_row(target, place, statement, *values, writes=writes, until=until)
        finally:
            self._turns.give_back(turn)

    async def close(self) -> None:
        if self._opened is not None and self._loop is asyncio.get_running_loop():
            await self._opened.aclose()
        self._opened = self._pool = None


async def _keep(_: "Connection") -> None:
    """Nothing to reset: statements set nothing, and every transaction is ended by its owner."""
