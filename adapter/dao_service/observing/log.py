"""One structured line a request: never a body, a key or a query value."""

import asyncio
import json
import logging
import os
import re
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Literal

import orjson

_CLOCK = "%H:%M:%S"
_NOT_SAID_IN_TEXT = ("time", "level", "logger")
_TOGETHER_SECONDS = 0.01
_PLAIN = re.compile(r"[A-Za-z0-9._:/{}+-]*")


class _JsonFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        moment = datetime.fromtimestamp(record.created, UTC)
        entry = {"time": moment, "level": record.levelname.lower(), "logger": record.name, "message": record.getMessage()}
        return orjson.dumps(entry).decode()


class _TextFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return f"{self.formatTime(record, _CLOCK)} {record.levelname.lower():7} {record.getMessage()}"


class _StandardOutput(logging.Handler):
    """Writes the lines that come within `_TOGETHER_SECONDS` in one go, and those of a bug at once.

    Lines that cannot be written, for example because the disk is full, are dropped and counted. No request notices.
    """

    def __init__(self, on_dropped: Callable[[int], None]) -> None:
        super().__init__()
        self._on_dropped = on_dropped
        self._cut = False
        """Whether the last line that was written lacks its end."""
        self._lines: list[str] = []
        self._loop: asyncio.AbstractEventLoop | None = None

    def emit(self, record: logging.LogRecord) -> None:
        self.write_line(self.format(record))
        if record.levelno >= logging.ERROR:
            self.flush()

    def write_line(self, line: str) -> None:
        self._lines.append(line)
        if len(self._lines) > 1 and self._loop is not None and not self._loop.is_closed():
            return
        try:
            self._loop = asyncio.get_running_loop()
        except RuntimeError:
            self.flush()
        else:
            self._loop.call_later(_TOGETHER_SECONDS, self.flush)

    def flush(self) -> None:
        lines, self._lines = self._lines, []
        if not lines:
            return
        text = "\n".join(["", *lines, ""] if self._cut else [*lines, ""]).encode(errors="backslashreplace")
        size = len(text)
        try:
            # Not through sys.stdout, which keeps what it could not write and fails again with it, at exit too.
            while text:
                text = text[os.write(sys.stdout.fileno(), text) :]
        except OSError:
            self._on_dropped(min(text.count(b"\n"), len(lines)))
            self._cut = self._cut or len(text) < size
        else:
            self._cut = False


class AccessLog:
    """Writes a line a request.

    The lines do not go through `logging`, which cost the fastest request a sixth of its time; they keep to its level.
    """

    def __init__(self, output: _StandardOutput, *, as_text: bool) -> None:
        self._output = output
        self._as_text = as_text
        self._logger = logging.getLogger("dao_service.access")

    def write(self, request_id: bytes, method: str, template: str, status: int, contract: str, seconds: float, cause: str) -> None:
        """`template` is the operation's path, such as `/tasks/{task_id}`; `cause` is the bug, if there was one."""
        level = logging.ERROR if status == 500 else logging.INFO
        if not self._logger.isEnabledFor(level):
            return
        word = "info" if level == logging.INFO else "error"
        entry: dict[str, object] = {
            "time": datetime.now(UTC),
            "level": word,
            "logger": self._logger.name,
            "request_id": request_id.decode("ascii"),
            "method": method,
            "route": template,
            "status": status,
            "contract": contract,
            "milliseconds": int(seconds * 100_000) / 100,
        }
        if cause:
            entry["cause"] = cause
        self._output.write_line(_as_text(entry) if self._as_text else orjson.dumps(entry).decode())
        if level == logging.ERROR:
            self._output.flush()


def _as_text(entry: dict[str, object]) -> str:
    said = " ".join(f"{name}={_quoted(str(value))}" for name, value in entry.items() if name not in _NOT_SAID_IN_TEXT)
    return f"{time.strftime(_CLOCK)} {entry['level']:7} {said}"


def _quoted(value: str) -> str:
    # A caller's request id may hold any printable character, and so look like further fields.
    return value if _PLAIN.fullmatch(value) else json.dumps(value)


def configure_logging(
    level: str, log_format: Literal["auto", "json", "text"], on_dropped: Callable[[int], None] = lambda _: None
) -> AccessLog:
    """Send the service's log to standard output, and end uvicorn's own line a request, which the access log replaces.

    `on_dropped` is told how many lines could not be written.
    """
    output = _StandardOutput(on_dropped)
    as_text = log_format == "text" or (log_format == "auto" and sys.stdout.isatty())
    output.setFormatter(_TextFormatter() if as_text else _JsonFormatter())
    root = logging.getLogger("dao_service")
    root.handlers[:] = [output]
    root.setLevel(level.upper())
    root.propagate = False
    uvicorn_access = logging.getLogger("uvicorn.access")
    uvicorn_access.handlers.clear()
    uvicorn_access.propagate = False
    return AccessLog(output, as_text=as_text)
