"""The REST door: from an ASGI request to the operation of the caller's contract, and back.

This is bare ASGI, because routing, parameters and dependencies are most of what a framework costs on an endpoint whose answer is
already JSON. What FastAPI would read from a handler's signature, the door reads from the `Operation`; so does the OpenAPI document.
"""

import time
from collections.abc import Mapping
from typing import Any

import orjson
from starlette.types import Receive, Scope, Send

from dao_service.errors import BadRequestError, DataServiceError, DefectError, NotFoundError
from dao_service.gateway.protocol import Gateway
from dao_service.observing.log import AccessLog, request_id_of
from dao_service.observing.metrics import Metrics
from dao_service.operations import Operation, Request
from dao_service.rest.callers import Callers
from dao_service.rest.request import Headers, is_json, read_headers, receive_body
from dao_service.rest.routes import PREFIX, Routes, path_of
from dao_service.validation import read_body, read_key, read_query

ROUTE = "flux.route"
"""Where the scope of an answered request has its contract and the path of its operation, each "" where none was found."""

_JSON = (b"content-type", b"application/json")
_Lines = tuple[tuple[bytes, bytes], ...]


class Door:
    """Serves every path under `/api/v1/`."""

    def __init__(
        self,
        routes: Mapping[str, Routes],
        gateway: Gateway,
        callers: Callers,
        log: AccessLog,
        metrics: Metrics,
        *,
        max_body_bytes: int,
    ) -> None:
        self._routes = routes
        self._gateway = gateway
        self._callers = callers
        self._log = log
        self._metrics = metrics
        self._max_body_bytes = max_body_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = time.perf_counter()
        method, headers = scope["method"], read_headers(scope)
        request_id = request_id_of(headers.get(b"x-request-id"))
        contract, template, cause = "", "", ""
        extra: _Lines = ()
        try:
            contract = self._callers.contract_of(method, headers)
            operation, key = self._find(contract, method, path_of(scope)[len(PREFIX) :])
            template = operation.path
            body = await self._run(operation, key, headers, scope, receive)
            status = operation.status
        except DataServiceError as error:
            status, extra, body = error.status, error.headers, _error_body(error)
            cause = error.cause_code if isinstance(error, DefectError) else ""
        except Exception as error:  # noqa: BLE001 (a defect: answered without its text, logged without the caller's data)
            defect = DefectError(type(error).__name__)
            status, cause, body = 500, _where(error), _error_body(defect)
        scope[ROUTE] = (contract, template)
        await _answer(send, status, body, (*extra, (b"x-request-id", request_id)))
        seconds = time.perf_counter() - started
        self._metrics.count_request(contract, method, template, status, seconds)
        self._log.write(request_id, method, template, status, contract, seconds, cause)

    def _find(self, contract: str, method: str, path: str) -> tuple[Operation, str]:
        try:
            return self._routes[contract].find(method, path)
        except NotFoundError:
            for other, routes in self._routes.items():
                if routes.has(path):
                    detail = f"Contract {contract} has no such path; contract {other} has. Choose it with X-Flux-Contract."
                    raise NotFoundError(detail) from None
            raise

    async def _run(self, operation: Operation, key: str, headers: Headers, scope: Scope, receive: Receive) -> bytes:
        if key:
            key = read_key(operation.key_name, key)
        query = read_query(operation.query, scope["query_string"])
        if operation.body is None:
            return await operation.run(self._gateway, Request(key, query, None, b""))
        if not is_json(headers):
            raise BadRequestError("Send the body as application/json.")
        body, raw = read_body(operation.body, await receive_body(headers, receive, self._max_body_bytes), operation.answer)
        return await operation.run(self._gateway, Request(key, query, body, raw))


async def _answer(send: Send, status: int, body: bytes, headers: _Lines) -> None:
    start = headers if status == 204 else ((b"content-length", str(len(body)).encode()), _JSON, *headers)
    await send({"type": "http.response.start", "status": status, "headers": start})
    await send({"type": "http.response.body", "body": body})


def _error_body(error: DataServiceError) -> bytes:
    content: dict[str, Any] = {"detail": error.detail}
    if error.errors:
        content["errors"] = error.errors
    return orjson.dumps(content)


def _where(error: BaseException) -> str:
    """Type of a defect and the line that raised it; never its message, which may hold a caller's data."""
    frame = error.__traceback__
    while frame is not None and frame.tb_next is not None:
        frame = frame.tb_next
    place = f"{frame.tb_frame.f_code.co_filename.rpartition('/')[2]}:{frame.tb_lineno}" if frame else "?"
    return f"{type(error).__name__} at {place}"
