"""What has to be known of a JSON text beyond the values that Pydantic reads from it."""

import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import orjson

Place = tuple[str | int, ...]
"""The way to a value: names of fields and indices of lists."""


def refuse_numbers_that_json_lacks(text: bytes) -> None:
    """Raises `ValueError` for NaN and Infinity, which Pydantic reads as numbers, and for what is not JSON."""

    def refuse(_: str) -> None:
        raise ValueError

    try:
        json.loads(text, parse_constant=refuse)
    except RecursionError:
        raise ValueError from None


def with_whole_numbers(text: bytes, places: Sequence[Place]) -> bytes:
    """With whole numbers at these places: JSON does not tell 6 from 6.0, Postgres does. All other numbers stay as they are."""
    body = _parse(text)
    for *way, last in places:
        holder = body
        for step in way:
            holder = holder[step]
        holder[last] = _Number(int(float(holder[last])))
    return orjson.dumps(body, default=lambda number: orjson.Fragment(str(number)), option=orjson.OPT_PASSTHROUGH_SUBCLASS)


def repeated_names(text: bytes) -> Iterator[Place]:
    """Where an object has a name twice, of which every reader but this one takes the last without a word."""
    repeated: list[_Repeated] = []

    def pairs(found: list[tuple[str, Any]]) -> dict[str, Any]:
        values = dict(found)
        if len(values) == len(found):
            return values
        names = [name for name, _ in found]
        repeated.append(_Repeated(values, [name for name in values if names.count(name) > 1]))
        return repeated[-1]

    body = _parse(text, pairs)
    if repeated:
        for place, value in _values(body, ()):
            if isinstance(value, _Repeated):
                yield from ((*place, name) for name in value.names)


def nul_places(text: bytes) -> Iterator[Place]:
    """Where a text holds U+0000, which Postgres can't store."""
    for place, value in _values(_parse(text), ()):
        if (isinstance(value, str) and "\0" in value) or (isinstance(value, dict) and any("\0" in name for name in value)):
            yield place


class _Number(str):
    """A number as it is written."""

    __slots__ = ()


class _Repeated(dict[str, Any]):
    def __init__(self, values: dict[str, Any], names: list[str]) -> None:
        super().__init__(values)
        self.names = names


def _parse(text: bytes, pairs: Callable[[list[tuple[str, Any]]], dict[str, Any]] | None = None) -> Any:
    return json.loads(text, parse_float=_Number, parse_int=_Number, object_pairs_hook=pairs)


def _values(value: Any, place: Place) -> Iterator[tuple[Place, Any]]:
    yield place, value
    if isinstance(value, dict):
        for name, item in value.items():
            yield from _values(item, (*place, name))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _values(item, (*place, index))
