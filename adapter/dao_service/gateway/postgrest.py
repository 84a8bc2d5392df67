"""The gateway that speaks to PostgREST."""

import asyncio
import json
from collections.abc import Mapping

import aiohttp
from yarl import URL

from dao_service.bindings import AnyFunction, AnyRelation, Constraint
from dao_service.errors import NO_CODE, SATURATED, UNREACHABLE, DataServiceError, UnavailableError, from_database
from dao_service.gateway.protocol import Payload

_ONE_ROW = "application/vnd.pgrst.object+json"
_IDLE_SECONDS = 20
"""PostgREST closes a connection that was idle for 30 s: a request must not meet that."""


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
    ) -> None:
        """`url` is PostgREST's, or `unix:/path` of its socket; `constraints` are by schema and name."""
        self._socket_path = url.removeprefix("unix:") if url.startswith("unix:") else None
        self._base = "http://localhost" if self._socket_path else url
        self._headers = {"apikey": key, "Accept": "application/json"}
        if not key.startswith("sb_"):
            self._headers["Authorization"] = f"Bearer {key}"
        self._timeout = aiohttp.ClientTimeout(total=timeout_seconds, connect=timeout_seconds / 2, sock_connect=2)
        self._connections = connections
        self._constraints = constraints
        self._session: aiohttp.ClientSession | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    async def select(self, relation: AnyRelation, key: str) -> bytes:
        return await self._ask(
            "GET",
            f"/{relation.name}?{relation.key}=eq.{key}",
            relation,
            {"Accept-Profile": relation.schema, "Accept": _ONE_ROW},
        )

    async def insert(self, relation: AnyRelation, row: Payload) -> bytes:
        return await self._ask(
            "POST", f"/{relation.name}?columns={','.join(row.names)}", relation, self._writing(relation), row.json
        )

    async def update(self, relation: AnyRelation, key: str, changes: Payload) -> bytes:
        path = f"/{relation.name}?{relation.key}=eq.{key}&columns={','.join(changes.names)}"
        return await self._ask("PATCH", path, relation, self._writing(relation), changes.json)

    async def delete(self, relation: AnyRelation, key: str) -> None:
        path = f"/{relation.name}?{relation.key}=eq.{key}&select={relation.key}"
        await self._ask("DELETE", path, relation, self._writing(relation))

    async def call(self, function: AnyFunction, arguments: Payload) -> bytes:
        headers = {
            "Content-Profile": function.schema,
            "Content-Type": "application/json",
            # The JSON is the same: where the database can't write it, PostgREST does.
            "Accept": f"{function.media_type}, application/json;q=0.5",
        }
        return await self._ask("POST", f"/rpc/{function.name}", function, headers, arguments.json)

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
                aiohttp.UnixConnector(self._socket_path, limit=self._connections, keepalive_timeout=_IDLE_SECONDS)
                if self._socket_path
                else aiohttp.TCPConnector(limit=self._connections, keepalive_timeout=_IDLE_SECONDS)
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
    ) -> bytes:
        try:
            async with self._pool().request(
                method, URL(self._base + path, encoded=True), headers=headers, data=body, allow_redirects=False
            ) as response:
                answer = await response.read()
                status = response.status
        except TimeoutError as error:
            raise UnavailableError(SATURATED) from error
        except (aiohttp.ClientError, OSError) as error:
            raise UnavailableError(UNREACHABLE) from error
        if status < 300:
            return answer
        raise _refusal(status, answer, self._constraints.get(target.schema, {}))


def _refusal(status: int, answer: bytes, constraints: Mapping[str, Constraint]) -> DataServiceError:
    try:
        problem = json.loads(answer)
        code, message, detail = str(problem["code"] or ""), str(problem["message"]), problem.get("details")
    except (ValueError, KeyError, TypeError):
        # Not PostgREST: something between it and us.
        if status in (502, 503, 504):
            return UnavailableError(UNREACHABLE)
        code, message, detail = f"{NO_CODE} {status}", "", None
    return from_database(code, message, detail, constraints)
