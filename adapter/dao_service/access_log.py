"""One structured line a request: never a body, a key or a query value."""

import asyncio
import logging
import os
import sys
import time
from contextlib import nullcontext
from datetime import UTC, datetime
from typing import Literal

import orjson
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_LONGEST_REQUEST_ID = 128
logger = logging.getLogger("dao_service.access")


class _JsonFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        moment = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        entry = {"time": moment, "level": record.levelname.lower(), "logger": record.name}
        if isinstance(record.msg, dict):
            entry |= record.msg
        else:
            entry["message"] = record.getMessage()
        return orjson.dumps(entry).decode()


class _TextFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        message = (
            " ".join(f"{name}={value}" for name, value in record.msg.items())
            if isinstance(record.msg, dict)
            else record.getMessage()
        )
        return f"{self.formatTime(record, '%H:%M:%S')} {record.levelname.lower():7} {message}"


class _StandardOutput(logging.Handler):
    """Writes what is logged in one turn of the event loop in one go, at the turn's end."""

    def __init__(self) -> None:
        super().__init__()
        self._lines: list[str] = []
        self._loop: asyncio.AbstractEventLoop | None = None

    def emit(self, record: logging.LogRecord) -> None:
        self._lines.append(self.format(record))
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            self.flush()
            return
        if len(self._lines) == 1 or loop is not self._loop:
            self._loop = loop
            loop.call_soon(self.flush)

    def flush(self) -> None:
        with self.lock or nullcontext():
            lines, self._lines = self._lines, []
        if lines:
            sys.stdout.write("\n".join([*lines, ""]))
            sys.stdout.flush()


def configure_logging(level: str, log_format: Literal["auto", "json", "text"]) -> None:
    """Send the service's log to standard output, and end uvicorn's own line a request, which the access log replaces."""
    handler = _StandardOutput()
    as_text = log_format == "text" or (log_format == "auto" and sys.stdout.isatty())
    handler.setFormatter(_TextFormatter() if as_text else _JsonFormatter())
    root = logging.getLogger("dao_service")
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    root.propagate = False
    # None of our lines says these. Each is a call to the system, or a look up the stack, a line.
    logging.logProcesses = logging.logThreads = logging.logMultiprocessing = False
    uvicorn_access = logging.getLogger("uvicorn.access")
    uvicorn_access.handlers.clear()
    uvicorn_access.propagate = False


def request_id_of(sent: bytes | None) -> bytes:
    """A caller's `X-Request-ID` where it is fit for a log and a header, else a new one."""
    if sent and len(sent) <= _LONGEST_REQUEST_ID and sent.isascii() and sent.decode("ascii").isprintable():
        return sent
    return os.urandom(16).hex().encode()


class AccessLog:
    """Writes the lines."""

    def write(self, request_id: bytes, method: str, template: str, status: int, contract: str, seconds: float, cause: str) -> None:
        """`template` is the operation's path, such as `/tasks/{task_id}`; `cause` is what a defect was."""
        level = logging.ERROR if status == 500 else logging.INFO
        if logger.isEnabledFor(level):
            entry: dict[str, object] = {
                "request_id": request_id.decode("ascii"),
                "method": method,
                "route": template,
                "status": status,
                "contract": contract,
                "milliseconds": round(seconds * 1000, 2),
            }
            if cause:
                entry["cause"] = cause
            logger.handle(logger.makeRecord(logger.name, level, "", 0, entry, (), None))


class Logged:
    """A middleware that logs what does not go through the door: probes, documents, unknown paths. Their contract is ""."""

    def __init__(self, app: ASGIApp, log: AccessLog) -> None:
        self._app = app
        self._log = log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started, status = time.perf_counter(), 500
        request_id = request_id_of(dict(scope["headers"]).get(b"x-request-id"))

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", ()), (b"x-request-id", request_id)]
            await send(message)

        try:
            await self._app(scope, receive, send_with_id)
        finally:
            route = getattr(scope.get("route"), "path", "")
            self._log.write(request_id, scope["method"], route, status, "", time.perf_counter() - started, "")
