"""HTTP/1.1 as uvicorn speaks it with httptools, with limits to what may come before a request is one.

uvicorn limits neither the size of a request's head, which costs many times its length in memory and, as one line, time that grows
with its square; nor how long a caller may take to send one.
"""

import asyncio
from typing import Any

import orjson
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

LARGEST_HEAD_BYTES = 32 * 1024
"""Of the request line with the headers."""
PATIENCE_SECONDS = 10
"""From the opening of the connection, or a head's first byte, to the end of the head."""


class LimitedHttpProtocol(HttpToolsProtocol):
    """For uvicorn's option `--http`: answers 431 to a head that is too large, and hangs up where one does not come.

    A request whose head comes in one piece, as nearly all do, sets no timer.
    """

    # None before the first request, which uvicorn does not say.
    cycle: RequestResponseCycle | None  # type: ignore[assignment]

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._head_bytes = 0
        """Come since the last head or piece of a body ended: of a head, or of the trailer that a chunked body may have."""
        self._body_came = False
        self._deadline: asyncio.TimerHandle | None = None
        self._refused = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._set_deadline()

    def connection_lost(self, exc: Exception | None) -> None:
        self._unset_deadline()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if not (self._head_bytes or self._refused) and len(data) <= LARGEST_HEAD_BYTES:
            self._receive(data)
            return
        # In pieces no larger than what a head may still have, so that the parser never holds more of one.
        while data and not self._refused:
            room = LARGEST_HEAD_BYTES - self._head_bytes
            self._receive(data[:room])
            data = data[room:]
            if self.transport.is_closing() or self.transport.get_protocol() is not self:
                return

    def _receive(self, piece: bytes) -> None:
        before, self._body_came = self.cycle, False
        HttpToolsProtocol.data_received(self, piece)
        if self.cycle is not before:
            # A head ended. How much of the piece then is of a next one isn't known: none.
            self._head_bytes = 0
            if self._deadline is not None:
                self._unset_deadline()
            return
        self._head_bytes = 0 if self._body_came else self._head_bytes + len(piece)
        if self._head_bytes >= LARGEST_HEAD_BYTES:
            self._refuse(431, f"The request line and the headers are larger than {LARGEST_HEAD_BYTES} bytes.")
        if before is None or before.response_complete:
            # uvicorn's own timer, which runs after an answer, has ended with the first byte that came.
            self._set_deadline()

    def on_body(self, body: bytes) -> None:
        self._body_came = True
        super().on_body(body)

    def send_400_response(self, msg: str) -> None:
        self._refuse(400, msg)

    def _refuse(self, status: int, detail: str) -> None:
        if self._refused:
            return
        self._refused = True
        under_way = None if self.cycle is None or self.cycle.response_complete else self.cycle
        if under_way and (self.pipeline or under_way.response_started or not under_way.more_body):
            # The requests before this one get their answers first. With the last of them the connection ends.
            under_way.keep_alive = False
            return
        body = orjson.dumps({"detail": detail})
        headers = [
            *self.server_state.default_headers,
            (b"content-type", b"application/json"),
            (b"content-length", str(len(body)).encode()),
            (b"connection", b"close"),
        ]
        lines = b"".join(b"%b: %b\r\n" % header for header in headers)
        self.transport.write(STATUS_LINE[status] + lines + b"\r\n" + body)
        if self.transport.can_write_eof() and not under_way:
            # A caller who is still sending would lose the answer with the connection. What comes is thrown away.
            self.transport.write_eof()
            self._set_deadline()
        else:
            self.transport.close()

    def _set_deadline(self) -> None:
        if self._deadline is None:
            self._deadline = self.loop.call_later(PATIENCE_SECONDS, self.timeout_keep_alive_handler)

    def _unset_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
