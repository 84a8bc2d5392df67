"""A body as JSON text: the problems that Pydantic does not see, and the values that Postgres reads differently.

Pydantic's parser keeps the last of two equal names, takes NaN and Infinity for numbers, and accepts U+0000 in texts. One pass of
Python's parser finds all three in time linear in the body. It takes longer than Pydantic: for a new task, 60 µs of the 540 µs that
the service spends on the request (on a slow machine). So an object without anything that needs it is read by orjson, in 12 µs.

The text itself goes on to the database, unless a value has a form that Postgres does not read as Pydantic does: a whole number
written as 6.0, a time finer than a microsecond (Postgres would round it), an id written as a URN, and other rare forms. Then these
values are written in the usual form, and all others stay as they were sent, digit by digit.
"""

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime
from decimal import Decimal
from functools import cache
from types import NoneType
from typing import Any, get_args
from uuid import UUID

import orjson
from pydantic import BaseModel

from dao_service.errors import BadRequestError, FieldProblem

Place = tuple[str | int, ...]
"""The way to a value: names of fields and indices of lists."""

MOST_LISTED = 100
NUL = "Text cannot hold the character U+0000."
_TWICE = "This field is given twice."
_NO_DOUBLE = "A number is larger, or closer to 0, than a double can hold."
_USUAL_DIGITS = 200
"""Digits that a double can hold, if no exponent follows them."""
_MORE_DIGITS = re.compile(rb"(?<!\d)\d{%d}" % (_USUAL_DIGITS + 1))
_NAME = re.compile(rb'"\s*:')
_USUAL_TIME = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(:\d\d(\.\d{1,6})?)?([Zz]|[+-]\d\d:?\d\d)", re.ASCII)
"""The form of times that Postgres reads as Pydantic does."""
_SHORT_NUMBER = re.compile(r"-?\d{1,15}|-?(?=.{1,16}$)\d+\.\d+", re.ASCII)
"""A number that a double holds as it is written."""


class BodyText:
    """The text of a body, and the value that it stands for, with each number as its text."""

    def __init__(self, raw: bytes) -> None:
        """Raises `BadRequestError` for NaN, Infinity and extreme nesting. Other texts that are not JSON are left to Pydantic."""
        self.raw = raw
        self._has_nul = b"\\u0000" in raw
        self._has_repeated = False
        self._has_extreme = False
        if plain := _plain_object(raw):
            self.value: Any = plain
            return
        # Python's own str for many whole numbers, unless one is extreme.
        integer = self._number if _MORE_DIGITS.search(raw) else str
        try:
            self.value = json.JSONDecoder(
                parse_float=self._number, parse_int=integer, parse_constant=_refuse_constant, object_pairs_hook=self._object
            ).decode(raw.decode())
        except RecursionError:
            raise BadRequestError("The body is nested too deeply.") from None
        except ValueError:
            self.value = None

    def _number(self, text: str) -> str:
        if len(text) <= _USUAL_DIGITS and "e" not in text and "E" not in text:
            return text
        self._has_extreme = True
        return _Number(text)

    def _object(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        values = dict(pairs)
        if len(values) == len(pairs):
            return values
        self._has_repeated = True
        return _Repeating(values, repeated(name for name, _ in pairs))

    def problems(self) -> tuple[list[FieldProblem], int]:
        """The first repeated names, texts with U+0000 and extreme numbers, and the number of all."""
        found: list[FieldProblem] = []
        count = 0
        if self._has_repeated or self._has_nul or self._has_extreme:
            for place, message in self._problems():
                count += 1
                if count <= MOST_LISTED:
                    found.append(FieldProblem(field=field_path(place), message=message))
        return found, count

    def _problems(self) -> Iterator[tuple[Place, str]]:
        for place, value in _values(self.value, leaves=self._has_nul or self._has_extreme):
            if isinstance(value, _Repeating):
                for name in value.names:
                    yield (*place, name), _TWICE
            if self._has_nul and isinstance(value, str | dict) and "\0" in (value if isinstance(value, str) else "".join(value)):
                yield place, NUL
            if isinstance(value, _Number) and not _fits_double(value):
                yield place, _NO_DOUBLE

    def with_whole_numbers(self, places: list[Place]) -> bytes:
        """The text with whole numbers at these places: Postgres reads 6.0 as no integer."""
        body = _parse(self.raw)
        for *way, last in places:
            holder = body
            for step in way:
                holder = holder[step]
            holder[last] = _whole_number(str(int(float(holder[last]))))
        return _dump(body)

    def for_postgres(self, body: BaseModel) -> bytes:
        """The text with every value in a form that Postgres reads as Pydantic did. `body` is the result of Pydantic."""
        may_have_urn = b"urn:" in self.raw or b"\\" in self.raw
        if not _unusual(body, self.value, urns=may_have_urn):
            return self.raw
        sent = _parse(self.raw)
        for holder, key, value in _unusual(body, sent, urns=may_have_urn):
            holder[key] = value
        return _dump(sent)


def _plain_object(raw: bytes) -> dict[str, Any] | None:
    """The value of an object of texts, whole numbers, booleans, nulls and lists of texts, without escapes and repeated names.

    None for any other text. orjson reads it in a fifth of the time of the pass that finds what is wrong with a body. Without
    escapes, each quote begins or ends a text, so there are at least as many matches of `_NAME` as names. If there are no more
    than different names, none is repeated.
    """
    if b"\\" in raw or raw.count(b"{") != 1:
        return None
    try:
        value = orjson.loads(raw)
    except ValueError:
        return None
    if not isinstance(value, dict) or len(_NAME.findall(raw)) != len(value):
        return None
    lists = (each for each in value.values() if isinstance(each, list))
    return value if float not in map(type, value.values()) and all({*map(type, each)} <= {str} for each in lists) else None


class _Repeating(dict[str, Any]):
    """An object with repeated names."""

    def __init__(self, values: dict[str, Any], names: list[str]) -> None:
        super().__init__(values)
        self.names = names


class _Number(str):
    """The text of a number."""

    __slots__ = ()


def _refuse_constant(_: str) -> None:
    raise BadRequestError("The body is not JSON.")


def _fits_double(number: str) -> bool:
    """As `private.fits_json_limits` decides."""
    try:
        value = Decimal(number)
        exponent = value.as_tuple().exponent
    except ArithmeticError:
        return False
    # Decimal's arithmetic, abs() too, overflows at exponents of 1,000,000.
    return isinstance(exponent, int) and -350 <= exponent <= 350 and value.copy_abs() < Decimal("1.8e308")


def repeated(names: Iterable[str]) -> list[str]:
    return [name for name, times in Counter(names).items() if times > 1]


def field_path(place: Place) -> str:
    """`("milestones", 2, "tasks", 0, "title")` as `milestones[2].tasks[0].title`."""
    path = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in place).removeprefix(".")
    return path or ('""' if place else "body")


def _values(value: Any, *, leaves: bool) -> Iterator[tuple[Place, Any]]:
    """The values and their places, in the order of the text; without `leaves`, objects and lists alone."""
    waiting: list[tuple[Place, Any]] = [((), value)]
    while waiting:
        place, value = waiting.pop()
        yield place, value
        entries = list(value.items()) if isinstance(value, dict) else list(enumerate(value)) if isinstance(value, list) else []
        waiting.extend(((*place, key), item) for key, item in reversed(entries) if leaves or isinstance(item, dict | list))


_Form = tuple[Any, Any, Any]
"""The object that holds a value, the value's key in it, and its usual form."""


def _unusual(body: BaseModel, sent: Any, *, urns: bool) -> list[_Form]:
    """The ids, times and numbers that were sent in a form of their own. Without `urns`, no id can be a URN."""
    found: list[_Form] = []
    for name in _with_forms(type(body)) & body.model_fields_set:
        value = getattr(body, name)
        if isinstance(value, list):
            if value and isinstance(value[0], BaseModel):
                for item, part in zip(value, sent[name], strict=True):
                    found += _unusual(item, part, urns=urns)
            elif urns and value and isinstance(value[0], UUID):
                for index, item in enumerate(value):
                    _note_form(sent[name], index, item, found)
        elif isinstance(value, BaseModel):
            found += _unusual(value, sent[name], urns=urns)
        elif isinstance(value, UUID | datetime | float):
            _note_form(sent, name, value, found)
    return found


@cache
def _with_forms(model: type[BaseModel]) -> frozenset[str]:
    """The fields whose values, or values within them, have several forms."""
    return frozenset(name for name, field in model.model_fields.items() if _has_forms(field.annotation))


def _has_forms(kind: Any) -> bool:
    if parts := get_args(kind):
        return any(_has_forms(part) for part in parts)
    return isinstance(kind, type) and not issubclass(kind, str | int | NoneType)


def _note_form(holder: Any, key: Any, value: UUID | datetime | float, found: list[_Form]) -> None:
    """Adds the value's usual form if it was sent in another. A number that only rounds to 0 is left to the database's limits."""
    text = str(holder[key])
    if isinstance(value, UUID):
        if text.startswith("urn:"):
            found.append((holder, key, str(value)))
    elif isinstance(value, datetime):
        if not _USUAL_TIME.fullmatch(text):
            found.append((holder, key, value.isoformat()))
    elif value and not _SHORT_NUMBER.fullmatch(text):
        found.append((holder, key, value))


def _parse(raw: bytes) -> Any:
    return json.loads(raw, parse_float=_Number, parse_int=_whole_number)


def _whole_number(text: str) -> int | _Number:
    return int(text) if len(text) < 19 else _Number(text)


def _dump(value: Any) -> bytes:
    return orjson.dumps(value, default=lambda number: orjson.Fragment(str(number)), option=orjson.OPT_PASSTHROUGH_SUBCLASS)
