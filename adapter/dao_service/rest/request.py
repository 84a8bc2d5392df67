"""Takes a request's headers and body from the server: a body of JSON, no more of it than is allowed, and in time."""

import asyncio
from collections.abc import Iterable, Mapping

from starlette.types import Receive, Scope

from dao_service.errors import BadRequestError, BodyTooLargeError, SlowBodyError, UnsupportedMediaTypeError

Headers = Mapping[bytes, bytes]

_NEXT_PIECE_SECONDS = 10
_WHOLE_BODY_SECONDS = 20
_PATCH_FORMATS = (b"application/merge-patch+json", b"application/json-patch+json")


def read_headers(scope: Scope) -> Headers:
    """By name in lower case. Several lines of one name are one value, joined by commas, as HTTP defines it.

    So no line hides another: a known service key beside an unknown one is neither. Equal lines count once.
    """
    lines = scope["headers"]
    found = dict(lines)
    return found if len(found) == len(lines) else _joined(lines)


def _joined(lines: Iterable[tuple[bytes, bytes]]) -> Headers:
    values: dict[bytes, dict[bytes, None]] = {}
    for name, value in lines:
        values.setdefault(name, {})[value] = None
    return {name: b", ".join(each) for name, each in values.items()}


def require_json(headers: Headers, *, declared: bool) -> None:
    """Raise `UnsupportedMediaTypeError` unless the body is plain JSON by its headers.

    `declared`: a body without a media type is refused too. A browser sends such a one for any page without asking first.
    """
    media_type = headers.get(b"content-type")
    if media_type is None:
        has_body = headers.get(b"content-length", b"0") != b"0" or b"transfer-encoding" in headers
        is_json = not (declared and has_body)
    else:
        essence = media_type.partition(b";")[0].strip().lower()
        is_json = essence == b"application/json" or (
            essence.startswith(b"application/") and essence.endswith(b"+json") and essence not in _PATCH_FORMATS
        )
    if not is_json:
        raise UnsupportedMediaTypeError("Send the body as application/json.")
    if b"content-encoding" in headers:
        raise UnsupportedMediaTypeError("Send the body without a Content-Encoding.")


async def receive_body(headers: Headers, receive: Receive, max_bytes: int) -> bytes:
    """The body.

    Raises `BodyTooLargeError` past `max_bytes`, `BadRequestError` if the caller leaves before its end, and `SlowBodyError` if no
    piece comes for 10 seconds or the whole does not come within 20.
    """
    length = headers.get(b"content-length", b"")
    if length.isdigit() and int(length) > max_bytes:
        raise _too_large(max_bytes)
    body = bytearray()
    now = asyncio.get_running_loop().time
    end = now() + _WHOLE_BODY_SECONDS
    try:
        async with asyncio.timeout(_NEXT_PIECE_SECONDS) as limit:
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise BadRequestError("The body ended early.")
                body += message.get("body", b"")
                if len(body) > max_bytes:
                    raise _too_large(max_bytes)
                if not message.get("more_body"):
                    return bytes(body)
                limit.reschedule(min(now() + _NEXT_PIECE_SECONDS, end))
    except TimeoutError:
        raise SlowBodyError from None


def _too_large(max_bytes: int) -> BodyTooLargeError:
    return BodyTooLargeError(f"The body is larger than {max_bytes} bytes.")
