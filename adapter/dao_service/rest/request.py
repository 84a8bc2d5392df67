"""Takes a request's body from the server: no more of it than is allowed, and no longer than a caller takes who is sending it."""

import asyncio
from collections.abc import Generator, Iterable, Mapping
from types import coroutine
from typing import Any

from starlette.types import Message, Receive, Scope

from dao_service.errors import BadRequestError, BodyTooLargeError, SlowBodyError

Headers = Mapping[bytes, bytes]
_PATIENCE_SECONDS = 10


def read_headers(scope: Scope) -> Headers:
    """By name in lower case. Several lines of one name are one value, joined by commas, as HTTP has it.

    So no line hides another: a known service key beside an unknown one is neither. Lines that say the same count once.
    """
    lines = scope["headers"]
    found = dict(lines)
    return found if len(found) == len(lines) else _joined(lines)


def _joined(lines: Iterable[tuple[bytes, bytes]]) -> Headers:
    values: dict[bytes, dict[bytes, None]] = {}
    for name, value in lines:
        values.setdefault(name, {})[value] = None
    return {name: b", ".join(each) for name, each in values.items()}


def is_json(headers: Headers) -> bool:
    """Whether the body is said to be JSON; a caller who says nothing is taken to mean it."""
    media_type = headers.get(b"content-type", b"application/json")
    if media_type == b"application/json":
        return True
    essence = media_type.partition(b";")[0].strip().lower()
    return essence == b"application/json" or (essence.startswith(b"application/") and essence.endswith(b"+json"))


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
