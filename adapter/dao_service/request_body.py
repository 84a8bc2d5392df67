"""Takes a request's body from the server: no more of it than is allowed, and no longer than a caller takes who is sending it."""

import asyncio
from collections.abc import Generator
from types import coroutine
from typing import Any

from starlette.types import Message, Receive

from dao_service.errors import BadRequestError, BodyTooLargeError, SlowBodyError
from dao_service.request_headers import Headers

_PATIENCE_SECONDS = 10


async def receive_body(headers: Headers, receive: Receive, max_bytes: int) -> bytes:
    """The body.

    Raises `BodyTooLargeError` past `max_bytes`, `BadRequestError` where the caller leaves in the middle, and `SlowBodyError` where
    nothing comes for 10 seconds.
    """
    length = headers.get(b"content-length")
    if length is not None and length.isdigit() and int(length) > max_bytes:
        raise _too_large(max_bytes)
    message = await _next(receive)
    raw: bytes = message.get("body", b"")
    if message.get("more_body"):
        chunks, size = [raw], len(raw)
        while message.get("more_body"):
            message = await _next(receive)
            chunks.append(message.get("body", b""))
            size += len(chunks[-1])
            if size > max_bytes:
                raise _too_large(max_bytes)
        raw = b"".join(chunks)
    if len(raw) > max_bytes:
        raise _too_large(max_bytes)
    return raw


async def _next(receive: Receive) -> Message:
    # A timer costs more than the rest of this, and most bodies are there already: so it asks first, and waits then.
    asking = receive().__await__()
    try:
        waited_for = next(asking)
    except StopIteration as there:
        message: Message = there.value
    else:
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                message = await _answer_to(asking, waited_for)
        except TimeoutError:
            raise SlowBodyError from None
    if message["type"] == "http.disconnect":
        raise BadRequestError("The body ended early.")
    return message


@coroutine
def _answer_to(asking: Generator[Any, Any, Message], waited_for: Any) -> Generator[Any, Any, Message]:
    try:
        yield waited_for
    except BaseException:
        asking.close()
        raise
    return (yield from asking)


def _too_large(max_bytes: int) -> BodyTooLargeError:
    return BodyTooLargeError(f"The body is larger than {max_bytes} bytes.")
