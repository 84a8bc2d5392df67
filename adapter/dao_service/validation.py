"""Reads what a caller sent by the operation's declaration, and says what is wrong with it: all problems, each with its field.

Bodies go on to the database as they came, but for what `body_text` writes anew. Time and answer grow at most linearly with what was
sent: at most 100 problems are listed, and `detail` says how many there are.
"""

import re
from collections.abc import Container, Iterator, Mapping
from typing import Any, cast
from urllib.parse import parse_qsl
from uuid import UUID

from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from dao_service.bindings import Input
from dao_service.body_text import NUL, BodyText, field_path, repeated
from dao_service.errors import BadRequestError, FieldProblem, InvalidError

NO_FIELD = "There is no such field."
NO_PARAMETER = "There is no such parameter."
_MOST_LISTED = 100
_MOST_READ_AGAIN = 2000
"""Values of a body with more problems than are listed that are read again to list the first ones."""
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_CANONICAL_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
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
        raise _invalid([_of_query(problem, values) for problem in _problems(_details(error), unknown=NO_PARAMETER)]) from None
    if "\0" in "".join(values.values()):
        raise _invalid([FieldProblem(field=name, message=NUL) for name, value in pairs if "\0" in value])
    return query


def read_body(model: type[Input], raw: bytes, row: Any = None, unknown: str = NO_FIELD) -> tuple[Input, bytes]:
    """The body, and its JSON as it goes to the database.

    `row` is the model of the row that is written, `unknown` the message for a field that it doesn't have.

    Raises `BadRequestError` if it is not JSON and `InvalidError` if it is not what the operation takes.
    """
    raw = raw.removeprefix(_BYTE_ORDER_MARK)
    text = BodyText(raw)
    try:
        body: Input = model.__pydantic_validator__.validate_json(raw, strict=True)
    except ValidationError as error:
        count = error.error_count()
        details = _details(error) if count <= _MOST_LISTED else _details_of_beginning(model, text)
        if details and details[0]["type"] == "json_invalid":
            raise BadRequestError(_unreadable(raw, details[0]["msg"])) from None
        whole = [each["loc"] for each in details if each["type"] == "int_type" and _is_whole(each["input"])]
        own = list(text.problems())
        if whole and not own:
            return read_body(model, text.with_whole_numbers(whole), row, unknown)
        known = getattr(row, "model_fields", ())
        raise _invalid([*_problems(details, known, unknown), *own], count + len(own)) from None
    if text.is_wrong and (found := list(text.problems())):
        raise _invalid(found)
    return body, text.as_postgres_reads_it(body)


def _unreadable(raw: bytes, message: str) -> str:
    if not raw.strip():
        return "A body of JSON is expected."
    if "recursion limit" in message:
        return "The body is nested too deeply."
    return f"The body is not JSON: {message.removeprefix('Invalid JSON: ')}."


def _is_whole(value: Any) -> bool:
    return isinstance(value, float) and value.is_integer()


def _details_of_beginning(model: type[Input], text: BodyText) -> list[ErrorDetails]:
    """The first problems of a body that has too many to list."""
    try:
        model.__pydantic_validator__.validate_json(text.beginning(_MOST_READ_AGAIN), strict=True)
    except ValidationError as error:
        return _details(error)[:_MOST_LISTED]
    return []


def _details(error: ValidationError) -> list[ErrorDetails]:
    return error.errors(include_url=False, include_context=False)


def _problems(details: list[ErrorDetails], known: Container[str] = (), unknown: str = NO_FIELD) -> Iterator[FieldProblem]:
    """`known` are the fields of the row, of which not all can be set; `unknown` is the message for any other."""
    for problem in details[:_MOST_LISTED]:
        kind, place = problem["type"], problem["loc"]
        message = _MESSAGES.get(kind, problem["msg"]).removeprefix("Value error, ").replace(" after validation", "")
        if "datetime.datetime(" in message:
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
    first = f"{problems[0]['field']}: {problems[0]['message']}"
    others = max(count, len(problems)) - 1
    return InvalidError(f"{first} ({others} more in errors)" if others else first, problems[:_MOST_LISTED])
