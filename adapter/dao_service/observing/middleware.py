"""Gives every request its id, log line, count and span: under `/api/v1` and outside, traced or not."""

from collections.abc import Iterable
from random import getrandbits
from time import perf_counter

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dao_service.draining import CLOSE, Draining
from dao_service.observing.log import AccessLog
from dao_service.observing.metrics import Metrics
from dao_service.observing.traces import Traces

ROUTE = "flux.route"
"""Key of the scope under which an application leaves the contract and the path template of a request, each "" if unknown."""
CAUSE = "flux.cause"
"""Key of the scope under which an application leaves what a bug was, without the caller's data."""

_LONGEST_REQUEST_ID = 128


class ObservingMiddleware:
    """Passes every request on, and records what came of it."""

    def __init__(self, app: ASGIApp, log: AccessLog, metrics: Metrics, traces: Traces, draining: Draining) -> None:
        self.app = app
        self._log = log
        self._metrics = metrics
        self._traces = traces
        self._draining = draining

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started, status = perf_counter(), 500
        request_id = _request_id(scope["headers"])

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                closing = (CLOSE,) if self._draining.begun else ()
                message["headers"] = [*message.get("headers", ()), (b"x-request-id", request_id), *closing]
            await send(message)

        app = self.app if self._traces.tracer is None else self._within_span
        try:
            await app(scope, receive, send_with_id)
        finally:
            seconds = perf_counter() - started
            contract, route = _place(scope)
            self._metrics.count_request(contract, scope["method"], route, status, seconds)
            self._log.write(request_id, scope["method"], route, status, contract, seconds, scope.get(CAUSE, ""))

    async def _within_span(self, scope: Scope, receive: Receive, send: Send) -> None:
        status = 500

        async def send_and_note(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        with self._traces.request(scope) as span:
            try:
                await self.app(scope, receive, send_and_note)
            finally:
                self._traces.describe(span, scope["method"], *_place(scope), status)


def _place(scope: Scope) -> tuple[str, str]:
    """The contract and the path template of a request that has been answered, each "" if unknown."""
    return scope.get(ROUTE) or ("", getattr(scope.get("route"), "path", ""))


def _request_id(headers: Iterable[tuple[bytes, bytes]]) -> bytes:
    """The caller's `X-Request-ID` if it is fit for a log and a header, else a new one."""
    for name, sent in headers:
        if name == b"x-request-id":
            if sent and len(sent) <= _LONGEST_REQUEST_ID and sent.isascii() and sent.decode("ascii").isprintable():
                return sent
            break
    # Not a secret, so the system's random numbers, which take four times as long, are not needed.
    return getrandbits(128).to_bytes(16).hex().encode()
