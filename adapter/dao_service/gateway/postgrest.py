"""The gateway that speaks to PostgREST."""

import asyncio
import json
import select
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import aiohttp
import orjson
from aiohttp.connector import Connection
from yarl import URL

from dao_service.bindings import AnyFunction, AnyRelation, Constraint
from dao_service.errors import (
    NO_CODE,
    SATURATED,
    UNREACHABLE,
    DataServiceError,
    UnavailableError,
    UnknownOutcomeError,
    from_database,
    lost_connection,
)
from dao_service.gateway.protocol import Payload
from dao_service.gateway.turns import Turns

_ONE_ROW = "application/vnd.pgrst.object+json"
_IDLE_SECONDS = 20
"""PostgREST closes a connection that was idle for 30 s: a request must not meet that."""
_LONGEST_QUERY_BYTES = 8192
"""As JSON. A longer one is sent as a body."""
_NOT_SENT = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError)
"""Errors from before a request was sent. After all other errors, it may have been carried out."""


class _QuietConnections(aiohttp.BaseConnector):
    """Reuses a connection only if nothing arrived on it while it was idle.

    Otherwise an answer without a request (a load balancer's 408, for example) would be taken for the answer to the next request.
    """

    async def connect(self, req: Any, traces: Any, timeout: aiohttp.ClientTimeout) -> Connection:  # noqa: ASYNC109 (aiohttp's signature)
        while True:
            connection = await super().connect(req, traces, timeout)
            if connection.transport is None or _is_quiet(connection):
                return connection
            connection.close()


def _is_quiet(connection: Connection) -> bool:
    protocol, transport = connection.protocol, connection.transport
    if protocol is None or transport is None or protocol.should_close:
        return False
    # Not yet read by the event loop: bytes, or the end of the connection.
    arrived = select.poll()
    arrived.register(transport.get_extra_info("socket").fileno(), select.POLLIN)
    return not arrived.poll(0)


class _TcpConnections(_QuietConnections, aiohttp.TCPConnector):
    pass


class _UnixConnections(_QuietConnections, aiohttp.UnixConnector):
    pass


class PostgrestGateway:
    """One pool of HTTP connections to PostgREST, acting as the role of its key.

    It writes its few requests itself: aiohttp carries about five times as many a second as httpx's own transport, which the
    `postgrest` client is built on. The pool belongs to the event loop that uses it and is made anew in another.
    """

    def __init__(
        self,
        url: str,
        key: str,
        constraints: Mapping[str, Mapping[str, Constraint]],
        *,
        timeout_seconds: float = 10.0,
        connections: int = 20,
        read_by_get: bool = False,
    ) -> None:
        """`url` is PostgREST's, or `unix:/path` of its socket; `constraints` are by schema and name.

        With `read_by_get`, functions that only read are called by GET: Supabase's replicas take nothing else.
        """
        self._socket_path = url.removeprefix("unix:") if url.startswith("unix:") else None
        self._base = "http://localhost" if self._socket_path else url
        self._headers = {"apikey": key, "Accept": "application/json"}
        if not key.startswith("sb_"):
            self._headers["Authorization"] = f"Bearer {key}"
        self._timeout_seconds = timeout_seconds
        self._timeout = aiohttp.ClientTimeout(total=None, connect=timeout_seconds / 2, sock_connect=2)
        self._connections = connections
        self._turns = Turns(connections)
        self._constraints = constraints
        self._read_by_get = read_by_get
        self._session: aiohttp.ClientSession | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    async def select(self, relation: AnyRelation, key: str) -> bytes:
        headers = {"Accept-Profile": relation.schema, "Accept": _ONE_ROW}
        return await self._ask("GET", f"/{relation.name}?{relation.key}=eq.{key}", relation, headers, writes=False)

    async def insert(self, relation: AnyRelation, row: Payload) -> bytes:
        return await self._ask(
            "POST", f"/{relation.name}?columns={','.join(row.names)}", relation, self._writing(relation), row.json
        )

    async def update(self, relation: AnyRelation, key: str, changes: Payload) -> bytes:
        path = f"/{relation.name}?{relation.key}=eq.{key}&columns={','.join(changes.names)}"
        return await self._ask("PATCH", path, relation, self._writing(relation), changes.json, key=key)

    async def delete(self, relation: AnyRelation, key: str) -> None:
        path = f"/{relation.name}?{relation.key}=eq.{key}&select={relation.key}"
        await self._ask("DELETE", path, relation, self._writing(relation), key=key)

    async def call(self, function: AnyFunction, arguments: Payload) -> bytes:
        headers = {
            "Content-Profile": function.schema,
            "Content-Type": "application/json",
            # The JSON is the same: if the database can't write it, PostgREST does.
            "Accept": f"{function.media_type}, application/json;q=0.5",
        }
        method, path = "POST", f"/rpc/{function.name}"
        body: bytes | None = arguments.json
        if self._read_by_get and function.by_get and len(arguments.json) <= _LONGEST_QUERY_BYTES:
            method, path, body = "GET", f"{path}?{query_of(function, arguments.json)}", None
            headers["Accept-Profile"] = function.schema
        return await self._ask(
            method,
            path,
            function,
            headers,
            body,
            resource=arguments.resource,
            key=arguments.key,
            writes=not function.read_only,
        )

    async def close(self) -> None:
        if self._session is not None and self._loop is asyncio.get_running_loop():
            await self._session.close()
        self._session = None

    @staticmethod
    def _writing(relation: AnyRelation) -> dict[str, str]:
        return {
            "Content-Profile": relation.schema,
            "Content-Type": "application/json",
            "Prefer": "return=representation",
            "Accept": _ONE_ROW,
        }

    def _pool(self) -> aiohttp.ClientSession:
        loop = asyncio.get_running_loop()
        if self._session is None or self._loop is not loop:
            connector = (
                _UnixConnections(self._socket_path, limit=self._connections, keepalive_timeout=_IDLE_SECONDS)
                if self._socket_path
                else _TcpConnections(limit=self._connections, keepalive_timeout=_IDLE_SECONDS)
            )
            self._session = aiohttp.ClientSession(
                connector=connector,
                headers=self._headers,
                timeout=self._timeout,
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                skip_auto_headers=("User-Agent", "Accept-Encoding"),
            )
            self._loop = loop
        return self._session

    async def _ask(
        self,
        method: str,
        path: str,
        target: AnyRelation | AnyFunction,
        headers: dict[str, str],
        body: bytes | None = None,
        *,
        resource: str = "",
        key: str = "",
        writes: bool = True,
    ) -> bytes:
        begun = time.monotonic()
        turn = await self._turns.take(resource or target.name, key, self._timeout_seconds)
        try:
            status, answer = await self._exchange(method, path, headers, body, begun, writes=writes)
        finally:
            self._turns.give_back(turn)
        if status < 300:
            return answer
        raise _refusal(status, answer, self._constraints.get(target.schema, {}), writes=writes)

    async def _exchange(
        self, method: str, path: str, headers: dict[str, str], body: bytes | None, begun: float, *, writes: bool
    ) -> tuple[int, bytes]:
        """Status and body of PostgREST's answer."""
        try:
            # A deadline of our own: aiohttp's does not end every wait for a peer that misbehaves.
            async with (
                asyncio.timeout(max(begun + self._timeout_seconds - time.monotonic(), 0.001)),
                self._pool().request(
                    method, URL(self._base + path, encoded=True), headers=headers, data=body, allow_redirects=False
                ) as response,
            ):
                return response.status, await response.read()
        except _NOT_SENT as error:
            raise UnavailableError(SATURATED if isinstance(error, TimeoutError) else UNREACHABLE) from error
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            if writes:
                raise UnknownOutcomeError from error
            raise UnavailableError(SATURATED if isinstance(error, TimeoutError) else UNREACHABLE) from error


def query_of(function: AnyFunction, arguments: bytes) -> str:
    """JSON arguments as PostgREST takes them in a query: text as it is, an array as one of Postgres, the rest as JSON."""

    def text(name: str, value: object) -> str:
        if isinstance(value, str):
            return value
        if isinstance(value, list) and not function.argument_types[name].startswith("json"):
            return f"{{{','.join(json.dumps(str(item)) for item in value)}}}"
        return orjson.dumps(value).decode()

    return urlencode({name: text(name, value) for name, value in orjson.loads(arguments).items()})


def _refusal(status: int, answer: bytes, constraints: Mapping[str, Constraint], *, writes: bool) -> DataServiceError:
    try:
        problem = json.loads(answer)
        code, message, detail = str(problem["code"] or ""), str(problem["message"]), problem.get("details")
    except (ValueError, KeyError, TypeError):
        # Not PostgREST: something between it and us.
        if status in (408, 502, 503, 504):
            return UnavailableError(UNREACHABLE) if status == 503 or not writes else UnknownOutcomeError()
        code, message, detail = f"{NO_CODE} {status}", "", None
    if writes and lost_connection(code):
        return UnknownOutcomeError()
    return from_database(code, message, detail, constraints)
