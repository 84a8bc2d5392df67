"""Sessions of a process that shares the database. Needs `DATABASE_URL` and the extra `direct`."""

from contextlib import AbstractAsyncContextManager
from typing import Protocol, Self

from dao_service.gateway.opening import open_postgres
from dao_service.gateway.postgres import PostgresGateway
from dao_service.gateway.protocol import Gateway
from dao_service.in_process.session_and_savepoints import Session
from dao_service.in_process.session_and_savepoints import SessionStateError as SessionStateError
from dao_service.settings import DirectSettings, read_settings


class DatabaseSession(Gateway, Protocol):
    """What services, DAOs and units of work ask of a session: the gateway's operations, in one transaction."""

    async def commit(self) -> None:
        """Keep what was done."""

    async def rollback(self) -> None:
        """Undo what was done since the last commit."""

    async def close(self) -> None:
        """Roll back, and end the session."""

    def savepoint(self) -> AbstractAsyncContextManager[None]:
        """Steps that stand or fall together: where the body raises, they are undone, and the session stays usable."""

    def showing_both_contracts(self, relation: str, schema: str) -> Gateway:
        """This session, but rows of the relation have the words of both contracts. The schema is that of the call's contract."""

    async def __aenter__(self) -> Self: ...

    async def __aexit__(self, *_: object) -> None: ...


class SessionFactory:
    """Makes sessions on one pool of connections, by the settings in the environment when the first one is made.

    The pool opens with the first call to the database, and closes with its event loop, or by `dispose`.
    """

    def __init__(self) -> None:
        self._gateway: PostgresGateway | None = None

    def __call__(self) -> Session:
        """A new session. Raises `SettingsError` where `DATABASE_URL` is missing or is none."""
        if self._gateway is None:
            settings = read_settings(DirectSettings)
            self._gateway = open_postgres(settings, settings.database_url)
        return Session(self._gateway)

    async def dispose(self) -> None:
        """Close the pool. The next session reads the settings again."""
        if self._gateway is not None:
            await self._gateway.close()
            self._gateway = None


AsyncSessionLocal = SessionFactory()
