"""Bodies in pieces of one byte: other callers do not wait."""

import contextlib
import socket
import statistics
import time
from concurrent.futures import ThreadPoolExecutor

import httpx

from local_stack import LocalStack
from local_stack.http_servers import Adapter

from .finding import Finding

_HEAD = b"POST /api/v1/users/ HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
_MOST_SECONDS = 0.25
_LEAST_ASKED = 200


def _send(adapter: Adapter, body: bytes) -> bytes:
    """The beginning of the response."""
    with socket.create_connection(("127.0.0.1", adapter.port), timeout=60) as connection:
        with contextlib.suppress(ConnectionError):
            connection.sendall(_HEAD + body)
        with contextlib.suppress(ConnectionError):
            return connection.recv(4096)
        return b""


def bodies_in_pieces(stack: LocalStack, environment: dict[str, str], *, bodies: int, pieces: int) -> Finding:
    """Bodies of so many pieces, all at once, while another caller asks again and again."""
    seconds: list[float] = []
    body = b"1\r\n \r\n" * pieces + b"0\r\n\r\n"
    with (
        stack.adapter(environment=environment) as adapter,
        httpx.Client(base_url=adapter.url, timeout=60) as other,
        ThreadPoolExecutor(bodies) as threads,
    ):
        sending = [threads.submit(_send, adapter, body) for _ in range(bodies)]
        while not all(each.done() for each in sending) or len(seconds) < _LEAST_ASKED:
            begun = time.monotonic()
            assert other.get("/health").status_code == 200
            seconds.append(time.monotonic() - begun)
        answers = [each.result() for each in sending]
    p99 = statistics.quantiles(seconds, n=100)[98]
    refused = sum(answer.startswith(b"HTTP/1.1 400 ") or not answer for answer in answers)
    return Finding(
        f"{bodies} bodies of {pieces:,} one-byte pieces at once",
        f"{refused} refused, others' p99 {p99 * 1000:.0f} ms",
        f"all refused, below {_MOST_SECONDS * 1000:.0f} ms",
        refused == bodies and p99 < _MOST_SECONDS,
    )
