"""The REST door: from an ASGI request to the operation of the caller's contract, and back.

This is bare ASGI, because routing, parameters and dependencies are most of what a framework costs if the answer is already JSON.
What FastAPI would read from a handler's signature, it reads from the `Operation`; so does the OpenAPI document.
"""

from collections.abc import Mapping
from functools import partial
from typing import Any

import orjson
from starlette.types import Receive, Scope, Send

from dao_service.bindings import AnyFunction
from dao_service.errors import DataServiceError, InternalError, NotFoundError
from dao_service.gateway.guarded import GuardedGateway
from dao_service.gateway.long_answers import LongAnswers
from dao_service.gateway.protocol import Gateway
from dao_service.gateway.standbys import PRIMARY, StandbyGateway, Standbys
from dao_service.observing.middleware import CAUSE, ROUTE
from dao_service.operations import Operation, Request
from dao_service.rest.callers import KEY, Callers
from dao_service.rest.once import KEPT, REPLAYED, read_once
from dao_service.rest.path_matching import PREFIX, Routes, path_of
from dao_service.rest.request import Headers, read_headers, receive_body, require_json
from dao_service.rest.versions import VARY, etag_of, is_unchanged, read_if_match
from dao_service.rest.written_at import WRITTEN_AT, read_position, write_position
from dao_service.validation import read_body, read_key, read_query

_Lines = tuple[tuple[bytes, bytes], ...]
_JSON = (b"content-type", b"application/json")
_ALWAYS: _Lines = ((b"cache-control", b"no-store"), (b"x-content-type-options", b"nosniff"))


class RestApi:
    """Serves every path under `/api/v1/`."""

    def __init__(
        self,
        routes: Mapping[str, Routes],
        gateway: Gateway,
        functions: Mapping[str, AnyFunction],
        callers: Callers,
        long_answers: LongAnswers,
        *,
        max_body_bytes: int,
        standbys: Standbys | None = None,
    ) -> None:
        """`functions`, by name: those for guarded writes, which serve every contract. `standbys` have it as their primary."""
        self._routes = routes
        self._gateway = gateway
        self._standbys = standbys
        self._functions = functions
        self._callers = callers
        self._max_body_bytes = max_body_bytes
        self._long_answers = long_answers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        method, headers = scope["method"], read_headers(scope)
        contract = route = ""
        extra: _Lines = ()
        gateway = self._gateway
        try:
            contract = self._callers.contract_of(method, headers)
            operation, key = self._find(contract, method, path_of(scope)[len(PREFIX) :])
            route = operation.path
            position = read_position(headers) if operation.method == "GET" else PRIMARY
            if self._standbys is not None:
                gateway = StandbyGateway(self._standbys, position)
            body = await self._run(gateway, operation, contract, key, headers, scope, receive)
            status = operation.status
            if body.startswith(KEPT):
                body, extra = body[len(KEPT) :], (REPLAYED,)
            if etag := etag_of(operation, contract, body):
                extra = (*extra, (b"etag", etag), VARY)
                if operation.method == "GET" and is_unchanged(headers, etag):
                    status, body = 304, b""
        except DataServiceError as error:
            status, extra, body = error.status, error.headers, _error_body(error)
            if isinstance(error, InternalError):
                scope[CAUSE] = error.cause_code
        except Exception as error:  # noqa: BLE001 (a bug: answered without its text, logged without the caller's data)
            status, body = 500, _error_body(InternalError(type(error).__name__))
            scope[CAUSE] = _where(error)
        if isinstance(gateway, StandbyGateway) and gateway.written_at is not None:
            extra = (*extra, (WRITTEN_AT, write_position(gateway.written_at)))
        scope[ROUTE] = (contract, route)
        await _answer(send, status, body, extra, with_body=method != "HEAD")

    def _find(self, contract: str, method: str, path: str) -> tuple[Operation, str]:
        try:
            return self._routes[contract].find(method, path)
        except NotFoundError:
            for other, routes in self._routes.items():
                if routes.has(path):
                    detail = f"Contract {contract} has no such path; contract {other} has. Choose it with X-Flux-Contract."
                    raise NotFoundError(detail) from None
            raise

    async def _run(
        self, gateway: Gateway, operation: Operation, contract: str, key: str, headers: Headers, scope: Scope, receive: Receive
    ) -> bytes:
        if key:
            key = read_key(operation.key_name, key)
        query = read_query(operation.query, scope["query_string"])
        if_match = read_if_match(operation, contract, headers)
        if operation.body is None:
            request, once = Request(key, query, None, b""), None
            if operation.long and "limit" not in getattr(query, "model_fields_set", ()):
                return await self._long_answers.prepare(partial(operation.run, gateway, request))
        else:
            require_json(headers, declared=KEY not in headers)
            received = await receive_body(headers, receive, self._max_body_bytes)
            once = read_once(operation, contract, key, headers, received)
            given = received or b"{}" if operation.body_optional else received
            request = Request(key, query, *read_body(operation.body, given, operation.answer))
        guarded = if_match or once
        if guarded:
            gateway = GuardedGateway(gateway, self._functions, key, if_match, once)
        return await operation.run(gateway, request)


async def _answer(send: Send, status: int, body: bytes, headers: _Lines, *, with_body: bool) -> None:
    lines = (*_ALWAYS, *headers)
    if status not in (204, 304):
        lines = ((b"content-length", str(len(body)).encode()), _JSON, *lines)
    await send({"type": "http.response.start", "status": status, "headers": lines})
    await send({"type": "http.response.body", "body": body if with_body else b""})


def _error_body(error: DataServiceError) -> bytes:
    content: dict[str, Any] = {"detail": error.detail}
    if error.errors:
        content["errors"] = error.errors
    return orjson.dumps(content)


def _where(error: BaseException) -> str:
    """Type of a bug and the line that raised it; never its message, which may hold a caller's data."""
    frame = error.__traceback__
    while frame is not None and frame.tb_next is not None:
        frame = frame.tb_next
    place = f"{frame.tb_frame.f_code.co_filename.rpartition('/')[2]}:{frame.tb_lineno}" if frame else "?"
    return f"{type(error).__name__} at {place}"
