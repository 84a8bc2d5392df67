"""A body as JSON text: what is wrong with it as such, and the few values that Postgres reads otherwise than Pydantic.

One pass over the text, linear in its length, keeps numbers as they are written.
"""

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any, cast
from uuid import UUID

import orjson
from pydantic import BaseModel

from dao_service.errors import BadRequestError, FieldProblem

Place = tuple[str | int, ...]
"""The way to a value: names of fields and indices of lists."""

NUL = "Text cannot hold the character U+0000."
_UNLIKE_POSTGRES = re.compile(rb"\.[0-9]{7}|urn:|\xe2\x88\x92|\\u")
"""What a value may hold that Postgres does not read as Pydantic does. An escape may hide anything."""


class BodyText:
    """A body as JSON, with numbers as they are written."""

    def __init__(self, raw: bytes) -> None:
        self.raw = raw
        self._repeats = False
        self._has_nul = b"\\u0000" in raw
        try:
            self.value = json.loads(
                raw, parse_float=_Number, parse_int=_Number, parse_constant=_refuse_constant, object_pairs_hook=self._object
            )
        except RecursionError:
            raise BadRequestError("The body is nested too deeply.") from None
        except _ConstantError:
            raise BadRequestError("The body is not JSON.") from None
        except ValueError:
            self.value = None  # Pydantic says where.

    def _object(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        values = dict(pairs)
        if len(values) == len(pairs):
            return values
        self._repeats = True
        return _Repeating(values, repeated(name for name, _ in pairs))

    @property
    def is_wrong(self) -> bool:
        """Whether it may have problems that Pydantic does not see."""
        return self._repeats or self._has_nul

    def problems(self) -> Iterator[FieldProblem]:
        """Names that an object has twice, and texts that hold U+0000, which Postgres cannot store."""
        if not self.is_wrong:
            return
        for place, value in _values(self.value, ()):
            if isinstance(value, _Repeating):
                for name in value.names:
                    yield FieldProblem(field=field_path((*place, name)), message="This field is given twice.")
            texts = (value,) if isinstance(value, str) else value if isinstance(value, dict) else ()
            if self._has_nul and any("\0" in each for each in texts):
                yield FieldProblem(field=field_path(place), message=NUL)

    def beginning(self, most_values: int) -> bytes:
        """The body cut off after so many values."""
        return _dump(_first_values(self.value, [most_values]))

    def as_postgres_reads_it(self, body: BaseModel) -> bytes:
        """The text for Postgres: as it came, unless a value has to be written anew. `body` is what Pydantic read."""
        return _dump(self.value) if _UNLIKE_POSTGRES.search(self.raw) and _write_anew(body, self.value) else self.raw

    def with_whole_numbers(self, places: list[Place]) -> bytes:
        """With whole numbers at these places: JSON does not tell 6 from 6.0, Postgres does."""
        for *way, last in places:
            holder = self.value
            for step in way:
                holder = holder[step]
            holder[last] = _Number(int(float(holder[last])))
        return _dump(self.value)


class _Number(str):
    """A number as it is written."""

    __slots__ = ()


class _Repeating(dict[str, Any]):
    """An object with names that it has twice."""

    def __init__(self, values: dict[str, Any], names: list[str]) -> None:
        super().__init__(values)
        self.names = names


class _ConstantError(ValueError):
    """NaN or Infinity, which Pydantic reads as numbers."""


def _refuse_constant(_: str) -> None:
    raise _ConstantError


def repeated(names: Iterable[str]) -> list[str]:
    return [name for name, times in Counter(names).items() if times > 1]


def _dump(value: Any) -> bytes:
    return orjson.dumps(value, default=lambda number: orjson.Fragment(str(number)), option=orjson.OPT_PASSTHROUGH_SUBCLASS)


def _values(value: Any, place: Place) -> Iterator[tuple[Place, Any]]:
    waiting = [(place, value)]
    while waiting:
        place, value = waiting.pop()
        yield place, value
        if isinstance(value, dict):
            waiting.extend((((*place, name), item) for name, item in reversed(value.items())))
        elif isinstance(value, list):
            waiting.extend(((*place, index), value[index]) for index in range(len(value) - 1, -1, -1))


def _first_values(value: Any, budget: list[int]) -> Any:
    """The value cut off after so many values."""
    budget[0] -= 1
    if isinstance(value, dict):
        return {name: _first_values(item, budget) for name, item in value.items() if budget[0] > 0}
    if isinstance(value, list):
        return [_first_values(item, budget) for item in value if budget[0] > 0]
    return value


def _write_anew(body: BaseModel, sent: dict[str, Any]) -> bool:
    """Puts ids and points in time into what was sent as Postgres reads them; says whether any differed."""
    changed = False
    for name in body.model_fields_set:
        value, before = getattr(body, name), sent.get(name)
        if isinstance(value, datetime | UUID):
            sent[name] = value.isoformat() if isinstance(value, datetime) else str(value)
            changed |= sent[name] != before
        elif isinstance(value, BaseModel):
            changed |= _write_anew(value, cast("Any", before))
        elif isinstance(value, list) and value and isinstance(value[0], UUID):
            sent[name] = [str(each) for each in value]
            changed |= sent[name] != before
        elif isinstance(value, list) and value and isinstance(value[0], BaseModel):
            changed |= sum(_write_anew(each, part) for each, part in zip(value, cast("Any", before), strict=True)) > 0
    return changed


def field_path(place: tuple[str | int, ...]) -> str:
    """`("milestones", 2, "tasks", 0, "title")` as `milestones[2].tasks[0].title`."""
    path = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in place).removeprefix(".")
    return path or ('""' if place else "body")
