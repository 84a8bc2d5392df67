"""Validates queries and bodies by the declaration of their operation, and reports all problems at once, each with its field.

Time and answer grow at most linearly with the request: at most 100 problems are listed, and `detail` says how many there are.
"""

import re
from collections.abc import Container, Iterable, Iterator, Mapping
from datetime import datetime
from functools import cache
from itertools import chain, islice
from typing import Any, cast, get_args
from urllib.parse import parse_qsl
from uuid import UUID

from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from dao_service.bindings import Input
from dao_service.errors import BadRequestError, FieldProblem, InvalidError
from dao_service.json_text import MOST_LISTED, NUL, BodyText, Place, field_path, repeated

NO_FIELD = "There is no such field."
NO_PARAMETER = "There is no such parameter."
_MOST_ENTRIES = 10_000
"""Entries of all lists of a structure, so that it has a bounded number of problems."""
_SMALL_BYTES = 16_384
"""A body with room for so few problems that Pydantic describes all of them in milliseconds."""
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_CANONICAL_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_TIMESTAMP = "A date and time with an offset is expected, such as 2026-01-31T09:00:00+00:00."
_UUID = "A UUID is expected."
_UUIDS = TypeAdapter(UUID)
_MESSAGES = {
    "datetime_from_date_parsing": _TIMESTAMP,
    "datetime_parsing": _TIMESTAMP,
    "datetime_type": _TIMESTAMP,
    "string_pattern_mismatch": "Input should have the form of an address: one @, something on both sides, no white space",
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
    if model is None and not query_string:
        return None
    try:
        pairs = parse_qsl(query_string.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=100)
    except ValueError:
        raise BadRequestError("The query string is not one.") from None
    values = dict(pairs)
    if len(values) < len(pairs):
        twice = sorted(repeated(name for name, _ in pairs))
        raise _invalid([FieldProblem(field=name, message="This parameter is given twice.") for name in twice])
    if model is None:
        if values:
            raise _invalid([FieldProblem(field=name, message=NO_PARAMETER) for name in values])
        return None
    try:
        query: Input = model.__pydantic_validator__.validate_strings(cast("Any", values))
    except ValidationError as error:
        raise _invalid(
            [_of_query(problem, values) for problem in _problems(error.errors(include_url=False), unknown=NO_PARAMETER)]
        ) from None
    if "\0" in "".join(values.values()):
        raise _invalid([FieldProblem(field=name, message=NUL) for name, value in pairs if "\0" in value])
    return query


def read_body(model: type[Input], raw: bytes, row: Any = None, unknown: str = NO_FIELD) -> tuple[Input, bytes]:
    """The body, and its text for the database.

    `row` is the model of the row that is written, `unknown` the message for a field that it doesn't have.

    Raises `BadRequestError` if the body is not JSON and `InvalidError` if the operation does not take it.
    """
    text = BodyText(raw.removeprefix(_BYTE_ORDER_MARK))
    surplus, count = _unknown_fields(model, text.value) if len(raw) > _SMALL_BYTES else ([], 0)
    body: Input | None = None
    details = list[ErrorDetails]()
    try:
        # Pydantic takes its time to describe a problem, so it is not asked for unknown fields that already fill the list.
        body = model.__pydantic_validator__.validate_json(text.raw, strict=True, extra="ignore" if surplus else None)
    except ValidationError as error:
        details = error.errors(include_url=False, include_context=False)
        if details[0]["type"] == "json_invalid":
            raise BadRequestError(_unreadable(text.raw, details[0]["msg"])) from None
    own, own_count = text.problems()
    if own:
        named = {problem["field"] for problem in own}
        details = [each for each in details if field_path(each["loc"]) not in named]
    if body is not None and not (own or surplus):
        return body, text.for_postgres(body)
    whole = [each["loc"] for each in details if each["type"] == "int_type" and _is_whole(each["input"])]
    if whole and not own:
        return read_body(model, text.with_whole_numbers(whole), row, unknown)
    known = getattr(row, "model_fields", ())
    described = _problems(chain(details, surplus), known, unknown)
    raise _invalid([*islice(chain(own, described), MOST_LISTED)], own_count + len(details) + count)


def _unknown_fields(model: type[Input], body: Any) -> tuple[list[ErrorDetails], int]:
    """If a body has more unknown fields than are listed, the first ones and the number of all."""
    found = list[ErrorDetails]()
    count = 0
    for part, row, place in _rows(model, body):
        fields = part.model_fields
        names = [name for name in row if name not in fields]
        count += len(names)
        listed = names[: MOST_LISTED - len(found)]
        found += ({"type": "extra_forbidden", "loc": (*place, name), "msg": "", "input": None} for name in listed)
    return (found, count) if count > MOST_LISTED else ([], 0)


def _rows(model: type[Input], body: Any) -> Iterator[tuple[type[Input], dict[str, Any], Place]]:
    """The rows of a body, of which a structure has several. Raises `InvalidError` if it has too many."""
    waiting: list[tuple[type[Input], Any, Place]] = [(model, body, ())]
    entries = 0
    for part, row, place in waiting:
        if not isinstance(row, dict):
            continue
        yield part, row, place
        if not (parts := _parts(part)) and not place:
            return
        entries += sum(len(value) for value in row.values() if isinstance(value, list))
        if entries > _MOST_ENTRIES:
            message = f"The lists of a structure hold at most {_MOST_ENTRIES:,} entries in all."
            raise _invalid([FieldProblem(field="body", message=message)])
        for name, inner in parts.items():
            rows = row.get(name)
            if isinstance(rows, list):
                waiting.extend((inner, each, (*place, name, index)) for index, each in enumerate(rows))
            else:
                waiting.append((inner, rows, (*place, name)))


@cache
def _parts(model: type[Input]) -> dict[str, type[Input]]:
    """The fields of a model that hold rows."""
    found = {}
    for name, field in model.model_fields.items():
        for kind in (field.annotation, *get_args(field.annotation)):
            if isinstance(kind, type) and issubclass(kind, Input):
                found[name] = kind
    return found


def _unreadable(raw: bytes, message: str) -> str:
    if not raw.strip():
        return "A body of JSON is expected."
    if "recursion limit" in message:
        return "The body is nested too deeply."
    return f"The body is not JSON: {message.removeprefix('Invalid JSON: ')}."


def _is_whole(value: Any) -> bool:
    return isinstance(value, float) and value.is_integer()


def _problems(details: Iterable[ErrorDetails], known: Container[str] = (), unknown: str = NO_FIELD) -> Iterator[FieldProblem]:
    """`known` are the fields of the row, of which not all can be set; `unknown` is the message for any other."""
    for problem in details:
        kind, place = problem["type"], problem["loc"]
        message = _MESSAGES.get(kind, problem["msg"]).removeprefix("Value error, ").replace(" after validation", "")
        if kind in ("less_than_equal", "greater_than_equal") and isinstance(problem["input"], datetime):
            message = "Input should lie between the years 1 and 9999, in UTC"
        elif kind == "extra_forbidden":
            message = "This field cannot be set here." if len(place) == 1 and place[0] in known else unknown
        yield FieldProblem(field=field_path(place), message=message)


def _of_query(problem: FieldProblem, values: Mapping[str, str]) -> FieldProblem:
    field, message = problem["field"], problem["message"]
    if message == _TIMESTAMP and " " in values.get(field, ""):
        message += ' In a query, "+" is written "%2B".'
    return FieldProblem(field=field, message=message)


def _invalid(problems: list[FieldProblem], count: int = 0) -> InvalidError:
    """`count` is the number of all problems, if not all are given."""
    detail = f"{problems[0]['field']}: {problems[0]['message']}"
    count = max(count, len(problems))
    if count > MOST_LISTED:
        detail += f" ({count} problems in all, the first {MOST_LISTED} in errors)"
    elif count > 1:
        detail += f" ({count - 1} more in errors)"
    return InvalidError(detail, problems[:MOST_LISTED])
