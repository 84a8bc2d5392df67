"""HTTP/1.1 as uvicorn speaks it with httptools, with limits to a request's head and pieces, and without four gaps.

Private parts of uvicorn that this module uses, all in `uvicorn.protocols.http.httptools_impl`; a test fails if one is renamed:
`STATUS_LINE`; of `HttpToolsProtocol` the attributes `cycle`, `headers`, `loop`, `parser`, `pipeline`, `server_state`, `transport`
and `url`, and the methods `_unset_keepalive_if_required`, `data_received`, `on_body`, `on_headers_complete`,
`on_message_complete` and `timeout_keep_alive_handler`; of `RequestResponseCycle` the attributes `keep_alive`, `more_body`,
`response_complete` and `response_started`.

The limits. uvicorn limits neither the size of a head, which costs many times its length in memory and, as one line, time that
grows with its square; nor how long a caller may take to send one; nor in how many pieces a body may come, each of which costs the
same however small it is.

The gaps. uvicorn loses the body of a request that offers an upgrade of the connection, as the HTTP clients of Java and Kotlin do,
and whatever follows it. It accepts a request without `Host` or with two, and one with other transfer codings beside "chunked". It
takes the trailer of a chunked body for headers, so that a proxy which sets or removes a header could be deceived. A test fails if
uvicorn closes one of them, so that the code here can go.

The offer. httptools takes what follows the head of such a request for another protocol: it reports a message without a body, and
how many bytes it has read. A new parser gets the head, without the offer, and then the rest: the old one reads nothing more if
the connection closes after this request, as in HTTP/1.0.
"""

import asyncio
from collections.abc import Sequence
from typing import Any

import httptools
import orjson
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, RequestResponseCycle

from dao_service.rest.slow_readers import BoundedAnswers

LARGEST_HEAD_BYTES = 32 * 1024
"""Of the request line with the headers."""
PATIENCE_SECONDS = 10
"""From the opening of the connection, or a head's first byte, to the end of the head."""
MOST_PIECES = 10_000
"""Of a body."""


class LimitedHttpProtocol(BoundedAnswers):
    """For uvicorn's option `--http`: answers 431 to a head that is too large, and hangs up if one does not come.

    A request whose head comes in one piece, as nearly all do, sets no timer.
    """

    # None before the first request, which uvicorn does not say.
    cycle: RequestResponseCycle | None  # type: ignore[assignment]

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._head_bytes = 0
        """Come since the last head or piece of a body ended: of a head, or of the trailer that a chunked body may have."""
        self._body_came = False
        self._pieces = 0
        self._deadline: asyncio.TimerHandle | None = None
        self._refused = False
        self._problem = "The request is not valid HTTP."
        self._without_offer = b""
        """The head of a request that offers an upgrade, without the offer, until the parser has read it again."""

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
        self._parse(piece)
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

    def _parse(self, piece: bytes) -> None:
        self._unset_keepalive_if_required()
        try:
            while piece:
                try:
                    self.parser.feed_data(piece)
                except httptools.HttpParserUpgrade as offer:
                    head, self._without_offer = self._without_offer, b""
                    piece = head + piece[offer.args[0] :]
                    self.parser = httptools.HttpRequestParser(self)
                    self.parser.set_dangerous_leniencies(lenient_data_after_close=True)  # as uvicorn's own
                else:
                    return
        except httptools.HttpParserError:
            self._refuse(400, self._problem)

    def on_headers_complete(self) -> None:
        method, version = self.parser.get_method(), self.parser.get_http_version()
        if problem := _problem(method, version, self.headers):
            self._problem = problem
            raise ValueError(problem)
        if self.parser.should_upgrade():
            self._without_offer = _head(method, self.url, version, self.headers)
        else:
            self._pieces = 0
            super().on_headers_complete()
            self.headers = []  # what a trailer adds is none of the request's headers

    def on_body(self, body: bytes) -> None:
        self._body_came = True
        self._pieces += 1
        if self._pieces > MOST_PIECES:
            self._problem = f"The body comes in more than {MOST_PIECES} pieces."
            raise ValueError(self._problem)  # ends the parser's loop over the pieces that have arrived
        super().on_body(body)

    def on_message_complete(self) -> None:
        if not self._without_offer:
            super().on_message_complete()

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


def _problem(method: bytes, version: str, headers: Sequence[tuple[bytes, bytes]]) -> str:
    """Why a request is refused for its head; "" if it is not."""
    names = [name for name, _ in headers]
    hosts = names.count(b"host")
    if hosts > 1 or (not hosts and version != "1.0"):
        return "A request has one Host header."
    if b"transfer-encoding" in names and [value.lower() for name, value in headers if name == b"transfer-encoding"] != [b"chunked"]:
        return "The only Transfer-Encoding is chunked, named once."
    if method == b"CONNECT":
        return "This service is no proxy."
    return ""


def _head(method: bytes, url: bytes, version: str, headers: Sequence[tuple[bytes, bytes]]) -> bytes:
    """The head of a request without its offer to upgrade the connection."""
    lines = [b"%b: %b\r\n" % header for header in headers if header[0] != b"upgrade"]
    return b"%b %b HTTP/%b\r\n%b\r\n" % (method, url, version.encode(), b"".join(lines))
