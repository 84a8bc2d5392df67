"""A session on Postgres: one transaction at a time, on one connection of the pool."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, suppress
from itertools import count
from typing import TYPE_CHECKING, Self

from dao_service.errors import UnknownOutcomeError
from dao_service.gateway.postgres import FAILURES, Place, PostgresGateway, StatementGateway, Target, may_have_happened
from dao_service.gateway.protocol import Gateway
from dao_service.gateway.row_statements import showing_both_contracts

if TYPE_CHECKING:
    from dao_service.gateway.postgres import Connection


class SessionStateError(RuntimeError):
    """The session can't do this in the state that it is in. The message says what to do first."""


class Session(StatementGateway):
    """A gateway whose calls share one transaction, which the first of them begins.

    Leaving it without `commit` rolls back. After `commit` or `rollback` the next call begins another transaction; after `close`
    there is none. Calls of several tasks take turns.

    An error that the database raised has spoiled the transaction, as it does in Postgres: until `rollback`, every call raises
    `SessionStateError`. What is worth trying goes into a `DaoUnitOfWork`, which undoes its own steps only. (A savepoint around
    every call would spare this. It was measured to double the cost of a call, and to cost tenfold in 2,000 writes.)
    """

    def __init__(self, gateway: PostgresGateway) -> None:
        super().__init__(gateway.constraints)
        self._gateway = gateway
        self._held: Connection | None = None
        self._lease = AsyncExitStack()
        self._savepoints: list[str] = []
        self._numbers = count(1)
        self._spoiled = False
        self._closed = False
        self._turn = asyncio.Lock()

    @asynccontextmanager
    async def connection(self) -> AsyncIterator["Connection"]:
        async with self._turn:
            self._require_usable()
            try:
                yield self._held or await self._begin()
            except BaseException:
                self._spoiled = self._held is not None
                raise

    async def commit(self) -> None:
        """Keep what the transaction did. Raises `SessionStateError` where it is spoiled, or in an open unit of work."""
        async with self._turn:
            self._require_usable()
            if self._savepoints:
                raise SessionStateError("Leave the unit of work before you commit.")
            if self._held is None:
                return
            self._spoiled = True
            try:
                await self._held.execute("commit")
            except FAILURES as error:
                raise UnknownOutcomeError if may_have_happened(error) else self.refusal(error, "public") from error
            await self._give_back()

    async def rollback(self) -> None:
        """Undo what the transaction did. Does nothing where none is open."""
        # Where a call has its turn and no connection yet, the transaction that it is about to begin is undone too.
        if self._held is not None or self._turn.locked():
            # A caller that is cancelled meanwhile leaves no transaction behind.
            await asyncio.shield(self._roll_back())

    async def close(self) -> None:
        """Roll back, and end the session."""
        self._closed = True
        await self.rollback()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    @asynccontextmanager
    async def savepoint(self) -> AsyncIterator[None]:
        """Steps that stand or fall together: where the body raises, they are undone, and the session stays usable."""
        name = f"savepoint_{next(self._numbers)}"
        await self._execute(f"savepoint {name}")
        self._savepoints.append(name)
        try:
            yield
        except BaseException:
            await self._roll_back_to(name)
            raise
        if self._spoiled:
            await self._roll_back_to(name)
            raise SessionStateError("A call in this unit of work failed, so all of it is undone. Let the call's error leave it.")
        if name in self._savepoints:
            await self._execute(f"release savepoint {name}")
            self._forget(name)

    def showing_both_contracts(self, relation: str, schema: str) -> Gateway:
        """This session, but rows of the relation have the words of both contracts. The schema is that of the call's contract."""
        return _ShowingBothContracts(self, relation, schema)

    def _require_usable(self) -> None:
        if self._closed:
            raise SessionStateError("This session is closed. Open another.")
        if self._spoiled:
            raise SessionStateError("An earlier call failed, and with it this transaction. Roll back first.")

    async def _begin(self) -> "Connection":
        connection = self._held = await self._lease.enter_async_context(self._gateway.connection())
        await connection.execute("begin")
        return connection

    async def _execute(self, statement: str) -> None:
        try:
            async with self.connection() as connection:
                await connection.execute(statement)
        except FAILURES as error:
            raise self.refusal(error, "public") from error

    async def _roll_back(self) -> None:
        async with self._turn:
            if self._held is not None:
                try:
                    await _abandon(self._held)
                finally:
                    await self._give_back()

    async def _roll_back_to(self, savepoint: str) -> None:
        async with self._turn:
            if self._held is None or savepoint not in self._savepoints:
                return  # The transaction that it was part of is over.
            self._forget(savepoint)
            self._spoiled = True
            try:
                await self._held.execute(f"rollback to savepoint {savepoint}; release savepoint {savepoint}")
            except FAILURES:
                return  # The connection is lost. What led here tells more.
            self._spoiled = False

    def _forget(self, savepoint: str) -> None:
        """It, and those inside it."""
        del self._savepoints[self._savepoints.index(savepoint) :]

    async def _give_back(self) -> None:
        self._held, self._spoiled = None, False
        self._savepoints.clear()
        await self._lease.aclose()


class _ShowingBothContracts(StatementGateway):
    def __init__(self, session: Session, relation: str, schema: str) -> None:
        super().__init__(session.constraints)
        self._session, self._relation, self._schema = session, relation, schema

    def connection(self) -> AbstractAsyncContextManager["Connection"]:
        return self._session.connection()

    async def close(self) -> None:
        await self._session.close()

    async def _one_row(
        self, target: Target, place: Place, statement: str, *values: object, writes: bool = True, until: float | None = None
    ) -> bytes:
        shown = showing_both_contracts(statement, self._relation, self._schema)
        return await super()._one_row(target, place, shown, *values, writes=writes, until=until)


async def _abandon(connection: "Connection") -> None:
    """Roll back; where that fails, the connection is of no more use, and its transaction ends with it."""
    try:
        await connection.execute("rollback")
    except FAILURES:
        with suppress(*FAILURES):  # The pool has taken one that was lost back already.
            connection.terminate()
