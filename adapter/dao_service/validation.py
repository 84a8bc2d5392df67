"""Reads what a caller sent by the operation's declaration, and says what is wrong with it: all problems, each with its field."""

import json
import re
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from typing import Any, cast
from urllib.parse import parse_qsl
from uuid import UUID

import orjson
from pydantic import TypeAdapter, ValidationError

from dao_service.bindings import Input
from dao_service.errors import BadRequestError, FieldProblem, InvalidError

NO_FIELD = "There is no such field."
NO_PARAMETER = "There is no such parameter."
_CANONICAL_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_NAME_END = re.compile(rb'"\s*:')
_NUL = "Text cannot hold the character U+0000."
_TIMESTAMP = "A date and time with an offset is expected, such as 2026-01-31T09:00:00+00:00."
_UUID = "A UUID is expected."
_UUIDS = TypeAdapter(UUID)
_MESSAGES = {
    "datetime_from_date_parsing": _TIMESTAMP,
    "datetime_parsing": _TIMESTAMP,
    "datetime_type": _TIMESTAMP,
    "missing": "This field is required.",
    "model_type": "An object is expected.",
    "timezone_aware": _TIMESTAMP,
    "uuid_parsing": _UUID,
    "uuid_type": _UUID,
}


def read_key(name: str, text: str) -> str:
    """The id in a path, in canonical form; raises `InvalidError` for one that is not a UUID."""
    if _CANONICAL_UUID.fullmatch(text):
        return text
    try:
        return str(_UUIDS.validate_strings(text))  # as a filter is read; Python's UUID() takes more
    except ValidationError:
        raise _invalid([FieldProblem(field=name, message=_UUID)]) from None


def read_query(model: type[Input] | None, query_string: bytes) -> Input | None:
    """The query's parameters; raises `InvalidError` for a wrong, unknown or repeated one."""
    if not query_string:
        pairs = []
    else:
        try:
            pairs = parse_qsl(query_string.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=100)
        except ValueError:
            raise BadRequestError("The query string is not one.") from None
    values = dict(pairs)
    if len(values) < len(pairs):
        names = [name for name, _ in pairs]
        repeated = sorted({name for name in names if names.count(name) > 1})
        raise _invalid([FieldProblem(field=name, message="This parameter is given twice.") for name in repeated])
    if model is None:
        if values:
            raise _invalid([FieldProblem(field=name, message=NO_PARAMETER) for name in values])
        return None
    try:
        query: Input = model.__pydantic_validator__.validate_strings(cast("Any", values))
    except ValidationError as error:
        raise _invalid([_of_query(problem, values) for problem in _problems(error, unknown=NO_PARAMETER)]) from None
    if "\0" in "".join(values.values()):
        raise _invalid([FieldProblem(field=name, message=_NUL) for name, value in pairs if "\0" in value])
    return query


def read_body(model: type[Input], raw: bytes, row: Any = None, unknown: str = NO_FIELD) -> tuple[Input, bytes]:
    """The body, and its JSON as it goes to the database.

    `row` is the model of the row that is written, `unknown` what to say of a field that it doesn't have.

    Raises `BadRequestError` where it is not JSON and `InvalidError` where it is not what the operation takes.
    """
    if b"NaN" in raw or b"Infinity" in raw:
        try:
            refuse_numbers_that_json_lacks(raw)
        except ValueError:
            raise BadRequestError("The body is not JSON.") from None
    try:
        body: Input = model.__pydantic_validator__.validate_json(raw, strict=True)
    except ValidationError as error:
        problems = error.errors(include_url=False, include_context=False)
        if problems[0]["type"] == "json_invalid":
            raise BadRequestError(_unreadable(raw, problems[0]["msg"])) from None
        whole = [problem["loc"] for problem in problems if problem["type"] == "int_type" and _is_whole(problem["input"])]
        found = list(_problems_of_text(raw))
        if whole and not found:
            return read_body(model, with_whole_numbers(raw, whole), row, unknown)
        raise _invalid([*_problems(error, getattr(row, "model_fields", ()), unknown), *found]) from None
    # As many names as fields have been read: then none is there twice.
    if len(_NAME_END.findall(raw)) > len(body.model_fields_set) or b"\\u0000" in raw:
        found = list(_problems_of_text(raw))
        if found:
            raise _invalid(found)
    return body, raw


def _unreadable(raw: bytes, message: str) -> str:
    if not raw.strip():
        return "A body of JSON is expected."
    if "recursion limit" in message:
        return "The body is nested too deeply."
    return f"The body is not JSON: {message.removeprefix('Invalid JSON: ')}."


def _is_whole(value: Any) -> bool:
    return isinstance(value, float) and value.is_integer()


def _problems_of_text(raw: bytes) -> Iterator[FieldProblem]:
    for place in repeated_names(raw):
        yield FieldProblem(field=_path(place), message="This field is given twice.")
    if b"\\u0000" in raw:
        for place in nul_places(raw):
            yield FieldProblem(field=_path(place), message=_NUL)


def _problems(error: ValidationError, known: Container[str] = (), unknown: str = NO_FIELD) -> Iterator[FieldProblem]:
    """`known` are the fields of the row, of which not all can be set; `unknown` is what to say of any other."""
    for problem in error.errors(include_url=False, include_context=False, include_input=False):
        kind, place = problem["type"], problem["loc"]
        message = _MESSAGES.get(kind, problem["msg"]).removeprefix("Value error, ").replace(" after validation", "")
        if "datetime.datetime(" in message:
            message = "Input should lie between the years 1 and 9999, in UTC"
        elif kind == "extra_forbidden":
            message = "This field cannot be set here." if len(place) == 1 and place[0] in known else unknown
        yield FieldProblem(field=_path(place), message=message)


def _of_query(problem: FieldProblem, values: Mapping[str, str]) -> FieldProblem:
    field, message = problem["field"], problem["message"]
    if message == _TIMESTAMP and " " in values.get(field, ""):
        message += ' In a query, "+" is written "%2B".'
    return FieldProblem(field=field, message=message)


def _path(place: tuple[str | int, ...]) -> str:
    """`("milestones", 2, "tasks", 0, "title")` as `milestones[2].tasks[0].title`."""
    path = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in place).removeprefix(".")
    return path or ('""' if place else "body")


def _invalid(problems: list[FieldProblem]) -> InvalidError:
    first = f"{problems[0]['field']}: {problems[0]['message']}"
    others = len(problems) - 1
    return InvalidError(f"{first} ({others} more in errors)" if others else first, problems)


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
