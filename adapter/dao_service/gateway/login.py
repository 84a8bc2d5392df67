"""One connection to Postgres that acts as `service_role`, whatever lies between.

The hosts of the URL are tried in turn, each within its own time: asyncpg gives the whole list one timeout, which a host that hangs
uses up. A host that failed is tried last from then on. A host that `target_session_attrs` rules out is passed by as well.

A connection pooler in transaction mode hands each transaction to another server connection, so a role that is set once at login
lands on somebody else's. A login role whose own settings are `service_role` and its limits (`flux_adapter`) is right there too; any
other one is refused. A pooler is recognised by the process id that it reports, which is not the server's.
"""

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit

import asyncpg

from dao_service.errors import WrongRoleError

if TYPE_CHECKING:
    Connection = asyncpg.Connection[asyncpg.Record]

ROLE = "service_role"
_CONNECT_WITHIN_SECONDS = 2
_FAILURES = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)
_SETTINGS = {"application_name": "flux-dao-service", "timezone": "UTC"}
# ALTER ROLE's settings take effect at login and not when another role takes on the role.
_TAKE_ON_ROLE = f"""
    set role {ROLE};
    select set_config(split_part(setting, '=', 1), substr(setting, strpos(setting, '=') + 1), false)
    from pg_roles, unnest(rolconfig) as setting
    where rolname = '{ROLE}';
    set timezone = 'UTC';
"""  # noqa: S608 (a constant)
_WHO_AM_I = "select pg_backend_pid(), current_user::text, current_setting('statement_timeout')"


class Login:
    """Makes connections. `commands_within` limits each statement, in seconds."""

    def __init__(self, url: str, *, commands_within: float) -> None:
        self._urls = split_hosts(url)
        self._commands_within = commands_within
        self._through_pooler: bool | None = None
        """Not known before the first connection."""

    async def connect(self, *_: Any, **options: Any) -> "Connection":
        """A new connection, for asyncpg's pool. Raises `WrongRoleError`, or what the last host answered."""
        for attempt, url in enumerate(list(self._urls), 1):
            try:
                connection = await self._connect_to(url, options)
            except BaseException as error:
                # If cancelled too: a caller who waits for less time than the host gets would meet the same host each time.
                self._urls.remove(url)
                self._urls.append(url)
                if attempt == len(self._urls) or not isinstance(error, _FAILURES):
                    raise
            else:
                return connection
        raise AssertionError("unreachable: the last host answers or raises")

    async def _connect_to(self, url: str, options: dict[str, Any]) -> "Connection":
        # A pooler may run the next statement on a connection that has not prepared it, or where another has taken its name.
        keeps_statements = self._through_pooler is False
        if not keeps_statements:
            options = options | {"statement_cache_size": 0}
        connection: Connection = await asyncpg.connect(
            url,
            timeout=_CONNECT_WITHIN_SECONDS,
            command_timeout=self._commands_within,
            server_settings=_SETTINGS,
            **options,
        )
        try:
            if not await self._take_on_role(connection, keeps_statements):
                await connection.close()
                return await self._connect_to(url, options)
            await connection.set_type_codec("json", schema="pg_catalog", encoder=bytes, decoder=bytes, format="binary")
        except BaseException:
            connection.terminate()
            raise
        return connection

    async def _take_on_role(self, connection: "Connection", keeps_statements: bool) -> bool:
        """Whether the connection can be used; if not, it has to be made anew, with or without prepared statements."""
        (answer,) = await connection.fetch(_WHO_AM_I)
        pid, role, limit = answer
        self._through_pooler = bool(self._through_pooler) or pid != connection.get_server_pid()
        if keeps_statements is self._through_pooler:
            return False
        if role == ROLE and limit != "0":
            return True
        if self._through_pooler:
            raise WrongRoleError(
                f'DATABASE_URL leads through a connection pooler as the role "{role}" with statement_timeout {limit}. '
                f"Log in as flux_adapter, whose own settings make it {ROLE} with its limits: see docs/hosted-supabase.md."
            )
        await connection.execute(_TAKE_ON_ROLE)
        return True


def split_hosts(url: str) -> list[str]:
    """A URL for each host of a URL that names several, in their order."""
    parts = urlsplit(url)
    login, at, hosts = parts.netloc.rpartition("@")
    return [urlunsplit(parts._replace(netloc=f"{login}{at}{host}")) for host in hosts.split(",")]
