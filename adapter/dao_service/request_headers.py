"""The headers of a request, by name."""

from collections.abc import Iterable, Mapping

from starlette.types import Scope

Headers = Mapping[bytes, bytes]


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
