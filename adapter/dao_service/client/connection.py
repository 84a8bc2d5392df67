"""The client's connection to the service: one pool, typed answers, typed errors, retries of reads."""

import asyncio
import random
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any, Self, TypeVar
from urllib.parse import quote
from uuid import UUID, uuid4

import httpx
from pydantic import MISSING, BaseModel, TypeAdapter, ValidationError
from pydantic_core import to_json
from typing_extensions import TypeForm

from dao_service.bindings import RowT, in_whole_minutes
from dao_service.client.error_responses import error_of, is_under_way, noted, retry_after
from dao_service.errors import DataServiceError, UnavailableError
from dao_service.generated.contract_1_2 import Page

Answer = TypeVar("Answer")

_AGAIN = frozenset((429, 502, 503))
_UNKNOWN_OUTCOME = 504
_IDEMPOTENCY_KEY = "Idempotency-Key"
_WRITTEN_AT = "X-Flux-Written-At"
_UNKNOWN_POSITION = "F" * 16
"""Of a write whose outcome is unknown. The answer to a read that is sent with it has a known one."""
_FIRST_PAUSE_SECONDS = 0.2
_LONGEST_PAUSE_SECONDS = 10.0


class Connection:
    """Sends the calls of a client, which makes it.

    Every call raises the error of `dao_service.errors` that the service answered with, or `UnavailableError` if the service is
    unreachable. An answer that is not the service's, such as a proxy's page, raises `DataServiceError`, with the status of the
    answer if it is one of failure or of a redirect. Reads are retried a few times if the service or its database is unreachable.
    A write that got no answer may have happened, so only a `POST` is retried, if `retry_writes` is set: under an `Idempotency-Key`,
    with which it happens once.
    """

    def __init__(
        self,
        base_url: str,
        contract: str,
        *,
        service_key: str | None,
        timeout_seconds: float,
        connections: int,
        read_attempts: int,
        retry_writes: bool,
        transport: httpx.AsyncBaseTransport | None,
    ) -> None:
        if read_attempts < 1:
            raise ValueError("read_attempts includes the first attempt, so it is at least 1")
        headers = {"X-Flux-Contract": contract}
        if service_key is not None:
            headers["X-Flux-Service-Key"] = service_key
        limits = httpx.Limits(max_connections=connections, max_keepalive_connections=connections)
        self._http = httpx.AsyncClient(
            base_url=f"{base_url.rstrip('/')}/api/v1", headers=headers, timeout=timeout_seconds, limits=limits, transport=transport
        )
        self._contract = contract
        self._written_at = ""
        self._read_attempts = read_attempts
        self._retry_writes = retry_writes

    async def ask(
        self,
        answer: TypeForm[Answer],
        method: str,
        path: str,
        *,
        query: Mapping[str, Any] | None = None,
        body: BaseModel | Mapping[str, Any] | None = None,
        if_match: datetime | None = None,
        repeatable: bool = False,
        idempotency_key: UUID | str | None = None,
    ) -> Answer:
        """Call an operation. Parameters that are None and fields that are MISSING are not sent.

        `repeatable`: it takes an `Idempotency-Key`.
        """
        headers = {} if body is None else {"Content-Type": "application/json"}
        if self._written_at and method == "GET":
            headers[_WRITTEN_AT] = self._written_at
        if if_match is not None:
            headers["If-Match"] = f'"{self._contract}-{if_match.isoformat()}"'
        if repeatable and self._retry_writes:
            idempotency_key = idempotency_key or uuid4()
        if idempotency_key is not None:
            headers[_IDEMPOTENCY_KEY] = str(idempotency_key)
        request = self._http.build_request(
            method,
            path,
            params={name: _in_query(value) for name, value in (query or {}).items() if value is not None},
            content=None if body is None else to_json(_in_body(body)),
            headers=headers,
        )
        response = await self._send(request)
        self._note_position(request, response)
        if not response.is_success:
            raise noted(error_of(response), response)
        kind: Any = answer
        try:
            found: Answer = _reader(kind).validate_json(response.content or b"null")
        except ValidationError as error:
            # Without the status of the answer: an error with status 200 would look like success.
            said = (
                f"The service answered {response.status_code}, but not by its contract. A proxy in front of it may have answered."
            )
            raise noted(DataServiceError(said), response) from error
        return found

    async def walk(self, page: type[Page[RowT]], path: str, query: Mapping[str, Any]) -> AsyncIterator[RowT]:
        """All rows of a list, page after page. It pages by cursor, so that new rows move no row to another page."""
        after: str | None = None
        while True:
            found = await self.ask(page, "GET", path, query={**query, "after": after})
            for row in found.items:
                yield row
            if found.next_cursor is MISSING:
                return
            after = found.next_cursor

    async def close(self) -> None:
        await self._http.aclose()

    def _note_position(self, request: httpx.Request, response: httpx.Response) -> None:
        """Keep the position of the last write, so that no later read of this client is older, from whichever standby it comes."""
        position = response.headers.get(_WRITTEN_AT, "")
        known = request.headers.get(_WRITTEN_AT) == self._written_at == _UNKNOWN_POSITION
        self._written_at = position if position and known else max(position, self._written_at)

    async def _send(self, request: httpx.Request) -> httpx.Response:
        keyed = self._retry_writes and _IDEMPOTENCY_KEY in request.headers
        attempts = self._read_attempts if keyed or request.method == "GET" else 1
        for attempt in range(1, attempts + 1):
            last = attempt == attempts
            pause = min(_LONGEST_PAUSE_SECONDS, random.uniform(0.5, 1) * _FIRST_PAUSE_SECONDS * 2**attempt)  # noqa: S311 (jitter)
            try:
                response = await self._http.send(request)
            except httpx.TransportError as error:
                if last:
                    if request.method != "GET" and self._written_at:
                        self._written_at = _UNKNOWN_POSITION
                    raise UnavailableError(f"The service cannot be reached ({type(error).__name__}).") from error
            else:
                asked = retry_after(response)
                again = response.status_code in _AGAIN or (
                    keyed and (response.status_code == _UNKNOWN_OUTCOME or is_under_way(response))
                )
                if not again or last or asked > _LONGEST_PAUSE_SECONDS:
                    return response
                pause = max(pause, asked)
            await _wait(pause)
        raise AssertionError("unreachable: the last attempt answers or raises")


class Client:
    """Base of the clients. Use it as a context manager, or `close` it."""

    contract: str

    def __init__(
        self,
        base_url: str,
        *,
        service_key: str | None = None,
        timeout_seconds: float = 30.0,
        connections: int = 20,
        read_attempts: int = 3,
        retry_writes: bool = False,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        """`base_url` is the service's, without `/api/v1`. `read_attempts` includes the first attempt.

        With `retry_writes`, a `POST` is sent with an `Idempotency-Key`, and retried as reads are.
        """
        self._connection = Connection(
            base_url,
            self.contract,
            service_key=service_key,
            timeout_seconds=timeout_seconds,
            connections=connections,
            read_attempts=read_attempts,
            retry_writes=retry_writes,
            transport=transport,
        )
        self._add_resources(self._connection)

    def _add_resources(self, connection: Connection) -> None:
        raise NotImplementedError

    async def close(self) -> None:
        """Close every connection."""
        await self._connection.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()


class Resource:
    """Base of a client's resources."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection


def segment(key: object) -> str:
    """An id as a part of a path."""
    return quote(str(key), safe="")


async def _wait(seconds: float) -> None:
    await asyncio.sleep(seconds)


@cache
def _reader(answer: Any) -> TypeAdapter[Any]:
    return TypeAdapter(answer)


def _in_query(value: Any) -> str:
    if isinstance(value, list):
        return ",".join(map(_in_query, value))
    return value if isinstance(value, str) else to_json(_in_body(value)).decode().strip('"')


def _in_body(value: Any) -> Any:
    if isinstance(value, datetime):
        return in_whole_minutes(value)
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json", exclude_unset=True)
    if isinstance(value, Mapping):
        return {name: _in_body(each) for name, each in value.items() if each is not MISSING}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_in_body(each) for each in value]
    return value
