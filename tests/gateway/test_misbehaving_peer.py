"""A Data API that breaks the rules of HTTP delays no call past its limit, and nobody gets another request's answer."""

import asyncio
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from uuid import uuid4

import orjson
import pytest

from dao_service.errors import UnavailableError, UnknownOutcomeError
from dao_service.gateway.postgrest import PostgrestGateway
from dao_service.gateway.protocol import Payload
from dao_service.generated.contract_1_2 import USERS

LIMIT_SECONDS = 1.0
Peer = Callable[[asyncio.StreamReader, asyncio.StreamWriter, bytes], Awaitable[None]]
WRONG = b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 14\r\n\r\n{"id":"wrong"}'


def _answer(body: bytes, length: int | None = None) -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (length or len(body), body)


async def _sends_an_unasked_answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter, right: bytes) -> None:
    writer.write(_answer(right))
    await writer.drain()
    writer.write(WRONG)


async def _sends_an_unasked_answer_and_closes(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, right: bytes) -> None:
    await _sends_an_unasked_answer(reader, writer, right)
    await writer.drain()
    writer.close()


async def _sends_two_answers_at_once(_: asyncio.StreamReader, writer: asyncio.StreamWriter, right: bytes) -> None:
    writer.write(_answer(right) + WRONG)


async def _says_too_short_a_length(_: asyncio.StreamReader, writer: asyncio.StreamWriter, right: bytes) -> None:
    writer.write(_answer(right + WRONG, len(right)))


async def _says_too_long_a_length(_: asyncio.StreamReader, writer: asyncio.StreamWriter, right: bytes) -> None:
    writer.write(_answer(right, len(right) + 10))


async def _stops_in_the_head(_: asyncio.StreamReader, writer: asyncio.StreamWriter, right: bytes) -> None:
    writer.write(_answer(right)[:20])


async def _closes_in_the_body(_: asyncio.StreamReader, writer: asyncio.StreamWriter, right: bytes) -> None:
    writer.write(_answer(right)[:-5])
    await writer.drain()
    writer.close()


async def _says_nothing(_: asyncio.StreamReader, __: asyncio.StreamWriter, ___: bytes) -> None:
    pass


async def _resets_before_the_answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter, __: bytes) -> None:
    writer.transport.abort()


async def _resets_in_the_answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter, right: bytes) -> None:
    writer.write(_answer(right)[:-5])
    await writer.drain()
    writer.transport.abort()


async def _sends_no_http(_: asyncio.StreamReader, writer: asyncio.StreamWriter, __: bytes) -> None:
    writer.write(b"\x00\x01 not HTTP\r\n\r\n")


async def _sends_408_on_the_idle_connection(_: asyncio.StreamReader, writer: asyncio.StreamWriter, right: bytes) -> None:
    writer.write(_answer(right))
    await writer.drain()
    writer.write(b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
    await writer.drain()
    writer.close()


PEERS = [
    _sends_an_unasked_answer,
    _sends_an_unasked_answer_and_closes,
    _sends_two_answers_at_once,
    _says_too_short_a_length,
    _says_too_long_a_length,
    _stops_in_the_head,
    _closes_in_the_body,
    _says_nothing,
    _resets_before_the_answer,
    _resets_in_the_answer,
    _sends_no_http,
    _sends_408_on_the_idle_connection,
]


@asynccontextmanager
async def _gateway_to(peer: Peer) -> AsyncIterator[PostgrestGateway]:
    writers: list[asyncio.StreamWriter] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        try:
            while not writer.is_closing():
                head = await reader.readuntil(b"\r\n\r\n")
                length = re.search(rb"content-length: (\d+)", head, re.IGNORECASE)
                sent = await reader.readexactly(int(length[1])) if length else b""
                key = re.search(rb"eq\.([0-9a-f-]{36})", head)
                # An insert gets back its own body, a select the id in its query.
                await peer(reader, writer, sent or b'{"id":"%b"}' % (key[1] if key else b""))
        except (asyncio.IncompleteReadError, ConnectionError):
            pass

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    gateway = PostgrestGateway(f"http://127.0.0.1:{port}", "key", {}, timeout_seconds=LIMIT_SECONDS, connections=2)
    try:
        yield gateway
    finally:
        await asyncio.wait_for(gateway.close(), 5)
        server.close()
        for writer in writers:
            writer.transport.abort()


async def _read(gateway: PostgrestGateway) -> str:
    """Read a row and return the outcome. Fails if it took too long or got the response to another request."""
    key, begun = str(uuid4()), time.monotonic()
    try:
        answer = await gateway.select(USERS, key)
    except UnavailableError:
        outcome = "refused"
    else:
        assert orjson.loads(answer)["id"] == key
        outcome = "answered"
    assert time.monotonic() - begun < LIMIT_SECONDS + 0.5
    return outcome


@pytest.mark.parametrize("peer", PEERS)
async def test_every_call_ends_in_time_with_its_own_response(peer: Peer) -> None:
    async with _gateway_to(peer) as gateway:
        outcomes = [await _read(gateway) for _ in range(3)]
        outcomes += await asyncio.gather(*(_read(gateway) for _ in range(6)))

    answers = peer.__name__.startswith(("_sends_an_unasked", "_sends_408", "_sends_two", "_says_too_short"))
    assert set(outcomes) <= ({"answered"} if answers else {"refused"}), outcomes


@pytest.mark.parametrize("peer", [_says_nothing, _stops_in_the_head, _closes_in_the_body, _resets_before_the_answer])
async def test_a_write_that_got_no_answer_has_an_unknown_outcome(peer: Peer) -> None:
    async with _gateway_to(peer) as gateway:
        with pytest.raises(UnknownOutcomeError) as caught:
            await gateway.insert(USERS, Payload(("email",), b'{"email":"ada@example.com"}'))

    assert caught.value.status == 504
    assert caught.value.headers == ()
    assert "Idempotency-Key" in caught.value.detail


async def test_a_write_that_was_not_sent_is_reported_as_safe_to_retry() -> None:
    gateway = PostgrestGateway("http://127.0.0.1:9", "key", {}, timeout_seconds=LIMIT_SECONDS)
    with pytest.raises(UnavailableError) as caught:
        await gateway.insert(USERS, Payload(("email",), b'{"email":"ada@example.com"}'))
    await gateway.close()

    assert (b"retry-after", b"1") in caught.value.headers
