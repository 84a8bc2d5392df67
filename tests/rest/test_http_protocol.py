"""Connections below the level of requests: oversized heads, and callers who keep the service waiting."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

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
    assert await statuses(adapter, CHUNKED + b"1\r\n{\r\n" * LIMIT + b"0\r\n\r\n" + LAST) == [400, 200]


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
