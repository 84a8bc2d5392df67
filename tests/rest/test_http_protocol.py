"""Connections below the level of requests: oversized or ambiguous heads, offers to upgrade, and callers who are slow."""

import asyncio
import inspect
import json
import re
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from uuid import uuid4

import orjson
import pytest
from uvicorn.protocols.http import httptools_impl
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from dao_service.rest import http_protocol
from local_stack import LocalStack
from local_stack.http_servers import Adapter

LIMIT = 32 * 1024
LIVES = b"GET /health HTTP/1.1\r\nHost: flux\r\n\r\n"
LAST = b"GET /health HTTP/1.1\r\nHost: flux\r\nConnection: close\r\n\r\n"
POST = b"POST /api/v1/users/ HTTP/1.1\r\nHost: flux\r\nContent-Type: application/json\r\n"
LONG = b"Content-Length: 1000\r\n\r\n"
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"


@pytest.fixture(scope="module")
def adapter(stack: LocalStack) -> Iterator[Adapter]:
    with stack.adapter(environment={"UVICORN_TIMEOUT_KEEP_ALIVE": "5"}) as running:
        yield running


class Connection:
    """A connection that sends raw bytes."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    async def send(self, content: bytes) -> None:
        """Send all of it, or as much as the service accepts."""
        with suppress(ConnectionError):
            self._writer.write(content)
            await self._writer.drain()

    async def answers(self) -> list[tuple[int, dict[str, str], bytes]]:
        """Status, headers and body of each response until the service closes the connection."""
        found = []
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while head := await self._reader.readuntil(b"\r\n\r\n"):
                lines = head.decode().lower().split("\r\n")
                headers = dict(line.split(": ", 1) for line in lines[1:] if line)
                found.append((int(lines[0].split()[1]), headers, await self._reader.readexactly(int(headers["content-length"]))))
        return found


@asynccontextmanager
async def connected(adapter: Adapter, patience: float = 20) -> AsyncIterator[Connection]:
    reader, writer = await asyncio.open_connection("127.0.0.1", adapter.port)
    try:
        async with asyncio.timeout(patience):
            yield Connection(reader, writer)
    finally:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()


async def statuses(adapter: Adapter, *sent: bytes) -> list[int]:
    """The statuses of all responses until the service closes the connection."""
    async with connected(adapter) as caller:
        for content in sent:
            await caller.send(content)
        return [status for status, _, _ in await caller.answers()]


def with_padding(size: int, path: bytes = b"/health") -> bytes:
    """The head of a request, this long, that closes the connection."""
    start = b"GET %b HTTP/1.1\r\nHost: flux\r\nConnection: close\r\nX-Padding: " % path
    return start + b"x" * (size - len(start) - 4) + b"\r\n\r\n"


def memory(adapter: Adapter) -> int:
    return int(Path(f"/proc/{adapter.pid}/statm").read_text().split()[1]) * 4096


@pytest.mark.parametrize(
    "head",
    [
        with_padding(LIMIT + 1),
        with_padding(10 * LIMIT),
        b"GET /" + b"x" * LIMIT + b" HTTP/1.1\r\n\r\n",
        LIVES[:-2] + b"X-Short: x\r\n" * 4000 + b"\r\n",
        b"\r\n" * LIMIT,
    ],
    ids=["a byte too long", "a long header", "a long path", "many headers", "empty lines"],
)
async def test_a_head_over_the_limit_is_431_and_ends_the_connection(head: bytes, adapter: Adapter) -> None:
    async with connected(adapter) as caller:
        await caller.send(head)
        ((status, headers, body),) = await caller.answers()

    assert status == 431
    assert (headers["content-type"], headers["connection"]) == ("application/json", "close")
    assert str(LIMIT) in json.loads(body)["detail"]


async def test_a_head_of_exactly_the_limit_is_accepted_in_one_piece_or_many(adapter: Adapter) -> None:
    head = with_padding(LIMIT)

    assert await statuses(adapter, head) == [200]
    assert await statuses(adapter, LIVES, *(head[start : start + 1000] for start in range(0, LIMIT, 1000))) == [200, 200]


@pytest.mark.parametrize(
    "beginning",
    [b"GET / HTTP/1.1\r\nX-Long: ", CHUNKED + b"1\r\n{\r\n0\r\nX-Long: ", CHUNKED + b"1;x"],
    ids=["head", "trailer", "chunk"],
)
async def test_an_endless_request_uses_no_memory_and_does_not_delay_others(beginning: bytes, adapter: Adapter) -> None:
    assert await statuses(adapter, LAST) == [200]
    before, slowest = memory(adapter), 0.0

    async with connected(adapter) as caller:
        await caller.send(beginning)
        for _ in range(16):
            await caller.send(b"x" * 4_000_000)
            began = time.monotonic()
            assert await statuses(adapter, LAST) == [200]
            slowest = max(slowest, time.monotonic() - began)

    assert memory(adapter) - before < 20_000_000
    assert slowest < 1


async def test_limits_apply_to_each_pipelined_request_separately(adapter: Adapter) -> None:
    body = b'"' * (3 * LIMIT)
    post = POST + b"Content-Length: %d\r\n\r\n" % len(body) + body

    assert await statuses(adapter, LIVES * 2000 + LAST) == [200] * 2001
    assert await statuses(adapter, post + post + with_padding(LIMIT)) == [400, 400, 200]
    assert await statuses(adapter, CHUNKED + b"1\r\n{\r\n" * (LIMIT // 4) + b"0\r\n\r\n" + LAST) == [400, 200]


async def test_requests_before_an_oversized_head_are_answered(adapter: Adapter) -> None:
    assert await statuses(adapter, LIVES * 3 + with_padding(3 * LIMIT)) == [200] * 3
    assert await statuses(adapter, LIVES * 3 + b"no request\r\n\r\n") == [200] * 3


@pytest.mark.parametrize("sent", [b"no request\r\n\r\n", CHUNKED + b"no chunk\r\n"], ids=["no request", "no chunk"])
async def test_invalid_http_is_400_with_a_detail(sent: bytes, adapter: Adapter) -> None:
    async with connected(adapter) as caller:
        await caller.send(sent)
        ((status, headers, body),) = await caller.answers()

    assert (status, headers["content-type"]) == (400, "application/json")
    assert json.loads(body)["detail"]


SLOW_CALLERS = {
    "sends nothing": (b"", b"", []),
    "sends an empty line": (b"\r\n", b"", []),
    "sends half a head": (b"GET /health HTTP/1.1\r\nHost: ", b"", []),
    "sends half of a second head": (LIVES + b"GET /hea", b"", [200]),
    "sends no body": (POST + LONG, b"", [408]),
    "sends half a body": (POST + LONG + b"{", b"", [408]),
    "sends no last chunk": (CHUNKED + b"1\r\n{\r\n", b"", [408]),
    "sends the body of an answered request byte by byte": (POST.replace(b"/api/v1/users/", b"/nowhere") + LONG + b"{", b"x", [404]),
}
"""By caller: what it sends first, what it then sends every second, and the statuses of the responses."""


async def test_a_caller_who_keeps_the_service_waiting_is_disconnected_after_10_seconds(adapter: Adapter) -> None:
    async def call(first: bytes, more: bytes) -> tuple[list[tuple[int, dict[str, str], bytes]], float]:
        began = time.monotonic()
        async with connected(adapter) as caller:
            await caller.send(first)
            answers = asyncio.create_task(caller.answers())
            while not answers.done():
                await caller.send(more)
                await asyncio.wait([answers], timeout=1)
            return answers.result(), time.monotonic() - began

    ended = await asyncio.gather(*(call(first, more) for first, more, _ in SLOW_CALLERS.values()))

    # After a response uvicorn's keep-alive timer runs, which is shorter.
    for (name, (*_, expected)), (answers, seconds) in zip(SLOW_CALLERS.items(), ended, strict=True):
        assert [status for status, _, _ in answers] == expected, name
        assert 4 < seconds < 13, name
        if expected == [408]:
            _, headers, body = answers[0]
            assert (headers["content-type"], headers["connection"]) == ("application/json", "close")
            assert "body" in json.loads(body)["detail"]


async def test_a_body_that_comes_byte_by_byte_is_given_up_after_20_seconds(adapter: Adapter) -> None:
    async def drip() -> tuple[list[int], float]:
        async with connected(adapter, 30) as caller:
            await caller.send(POST + LONG + b"{")
            began, answers = time.monotonic(), asyncio.create_task(caller.answers())
            while not answers.done():
                await asyncio.wait([answers], timeout=6)
                await caller.send(b" ")
            return [status for status, _, _ in answers.result()], time.monotonic() - began

    for found, seconds in await asyncio.gather(*(drip() for _ in range(50))):
        assert found == [408]
        assert 18 < seconds < 24


async def test_a_slow_body_that_keeps_arriving_is_read(adapter: Adapter) -> None:
    body = b'{"email": "not an address of anyone"}'
    async with connected(adapter) as caller:
        head = POST + b"Connection: close\r\nContent-Length: %d\r\n\r\n" % len(body)
        for part in (head, body[:1], body[1:7], body[7:]):
            await caller.send(part)
            assert await statuses(adapter, LAST) == [200]  # the part has arrived

        ((status, _, _),) = await caller.answers()

    assert status in (201, 422)


def post(*headers: bytes, connection: bytes = b"Upgrade, HTTP2-Settings", chunked: bool = False) -> tuple[bytes, bytes]:
    """Head and body of a request that creates a user."""
    body = orjson.dumps({"email": f"{uuid4().hex}@example.com"})
    framing = b"Transfer-Encoding: chunked" if chunked else b"Content-Length: %d" % len(body)
    body = b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body) if chunked else body
    return POST + b"\r\n".join([b"Connection: " + connection, *headers, framing, b"", b""]), body


H2C = (b"Upgrade: h2c", b"HTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA")
WEBSOCKET = (b"Upgrade: websocket", b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", b"Sec-WebSocket-Version: 13")
OFFER = LIVES[:-2] + b"Connection: Upgrade\r\nUpgrade: TLS/1.2\r\n\r\n"
GAPS: dict[str, tuple[tuple[bytes, ...], list[int]]] = {
    "an offer": ((b"".join(post(*H2C)) + LAST,), [201, 200]),
    "an offer, then its body": ((*post(*H2C), LAST), [201, 200]),
    "an offer with a chunked body": ((b"".join(post(*H2C, chunked=True)) + LAST,), [201, 200]),
    "an offer of a WebSocket": ((b"".join(post(*WEBSOCKET, connection=b"Upgrade")) + LAST,), [201, 200]),
    "an offer without a body": ((OFFER * 3 + LAST,), [200] * 4),
    "an offer in two pieces": ((OFFER[:-9], OFFER[-9:] + LAST), [200, 200]),
    "an offer on a connection that then closes": ((b"".join(post(*H2C, connection=b"close, Upgrade, HTTP2-Settings")),), [201]),
    "an offer in HTTP/1.0": ((b"".join(post(*H2C)).replace(b"HTTP/1.1", b"HTTP/1.0"),), [201]),
    "identity beside chunked": (
        (POST + b"Transfer-Encoding: identity\r\n" + CHUNKED[len(POST) :] + b"2\r\n{}\r\n0\r\n\r\n" + LAST,),
        [400],
    ),
    "identity before chunked": ((POST + b"Transfer-Encoding: identity, chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n" + LAST,), [400]),
    "a trailer": (
        (b"".join(post(chunked=True))[:-2] + b"X-Flux-Service-Key: unknown\r\nIf-Match: *\r\n\r\n" + LAST,),
        [201, 200],
    ),
    "no Host": ((LAST.replace(b"Host: flux\r\n", b""),), [400]),
    "two Hosts": ((LAST[:-2] + b"Host: flux\r\n\r\n",), [400]),
}
"""What uvicorn alone does wrong: the pieces that a caller sends, and the statuses that are right."""


async def sent_in_pieces(adapter: Adapter, pieces: tuple[bytes, ...], patience: float = 20) -> list[int]:
    async with connected(adapter, patience) as caller:
        answers = asyncio.create_task(caller.answers())
        for piece in pieces:
            await caller.send(piece)
            await asyncio.wait([answers], timeout=0.05)
        return [status for status, _, _ in await answers]


@pytest.mark.parametrize("gap", GAPS)
async def test_an_offer_to_upgrade_and_a_trailer_are_ignored_and_an_ambiguous_head_is_400(gap: str, adapter: Adapter) -> None:
    pieces, right = GAPS[gap]

    assert await sent_in_pieces(adapter, pieces) == right


async def test_http_1_0_needs_no_host_and_nobody_connects_through_the_service(adapter: Adapter) -> None:
    assert await statuses(adapter, b"GET /health HTTP/1.0\r\n\r\n") == [200]
    assert await statuses(adapter, b"CONNECT flux:80 HTTP/1.1\r\nHost: flux\r\n\r\n" + LAST) == [400]


@pytest.mark.parametrize("options", [["--http2"], ["--http2", "--header", "Transfer-Encoding: chunked"]])
async def test_curl_that_offers_http_2_creates_a_user(options: list[str], adapter: Adapter) -> None:
    email = f"{uuid4().hex}@example.com"
    command = ["curl", *options, "--silent", "--show-error", "--include", "--max-time", "5", f"{adapter.url}/api/v1/users/"]
    command += ["--header", "Content-Type: application/json", "--data", json.dumps({"email": email})]
    curl = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    answer, _ = await curl.communicate()

    assert answer.startswith(b"HTTP/1.1 201")
    assert email.encode() in answer


async def test_uvicorn_alone_still_has_each_gap(stack: LocalStack) -> None:
    """A gap that is listed here no longer needs its code in `http_protocol.py`."""
    with stack.adapter(environment={"UVICORN_HTTP": "httptools", "UVICORN_TIMEOUT_KEEP_ALIVE": "1"}) as alone:
        attempts = (sent_in_pieces(alone, pieces, patience=3) for pieces, _ in GAPS.values())
        found = await asyncio.gather(*attempts, return_exceptions=True)  # some get no answer

    assert [gap for (gap, (_, right)), statuses in zip(GAPS.items(), found, strict=True) if statuses == right] == []


def test_the_private_parts_of_uvicorn_that_are_used_exist_and_are_listed() -> None:
    used = {
        HttpToolsProtocol: {
            *("_unset_keepalive_if_required", "cycle", "data_received", "headers", "loop", "on_body", "on_headers_complete"),
            *("on_message_complete", "parser", "pipeline", "server_state", "timeout_keep_alive_handler", "transport", "url"),
        },
        RequestResponseCycle: {"keep_alive", "more_body", "response_complete", "response_started"},
    }
    listed = set(re.findall("`([a-zA-Z_]+)`", (http_protocol.__doc__ or "").split("\n\n")[1]))

    assert listed == {"STATUS_LINE", *(kind.__name__ for kind in used), *used[HttpToolsProtocol], *used[RequestResponseCycle]}
    assert httptools_impl.STATUS_LINE[431].startswith(b"HTTP/1.1 431 ")
    for kind, names in used.items():
        source = inspect.getsource(kind)
        assert [name for name in names if not (hasattr(kind, name) or f"self.{name}" in source)] == []
