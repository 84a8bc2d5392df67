"""Reads what a caller sent by the operation's declaration, and says what is wrong with it: all problems, each with its field."""

import json
import re
from collections.abc import Iterator
from typing import Any, cast
from urllib.parse import parse_qsl
from uuid import UUID

from pydantic import ValidationError

from dao_service.bindings import Input
from dao_service.errors import BadRequestError, FieldProblem, InvalidError

_CANONICAL_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_MESSAGES = {
    "extra_forbidden": "There is no such field.",
    "missing": "This field is required.",
    "model_type": "An object is expected.",
}


def read_key(name: str, text: str) -> str:
    """The id in a path, in canonical form; raises `InvalidError` for one that is not a UUID."""
    if _CANONICAL_UUID.fullmatch(text):
        return text
    try:
        return str(UUID(text))
    except ValueError:
        raise _invalid([FieldProblem(field=name, message="A UUID is expected.")]) from None


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
            raise _invalid([FieldProblem(field=name, message="There is no such parameter.") for name in values])
        return None
    try:
        query: Input = model.__pydantic_validator__.validate_strings(cast("Any", values))
    except ValidationError as error:
        raise _invalid(list(_problems(error))) from None
    if "\0" in "".join(values.values()):
        raise _invalid([FieldProblem(field=name, message=_NUL) for name, value in pairs if "\0" in value])
    return query


def read_body(model: type[Input], raw: bytes) -> tuple[Input, bytes]:
    """The body, and its JSON as it goes to the database.

    Raises `BadRequestError` where it is not JSON and `InvalidError` where it is not what the operation takes.
    """
    if b"NaN" in raw or b"Infinity" in raw:
        _refuse_numbers_that_json_lacks(raw)
    try:
        body: Input = model.__pydantic_validator__.validate_json(raw, strict=True)
    except ValidationError as error:
        problems = error.errors(include_url=False, include_context=False)
        if problems[0]["type"] == "json_invalid":
            raise BadRequestError(_NOT_JSON) from None
        if all(problem["type"] == "int_type" and _is_whole(problem["input"]) for problem in problems):
            return read_body(model, _with_whole_numbers(raw, [problem["loc"] for problem in problems]))
        raise _invalid(list(_problems(error))) from None
    if b"\\u0000" in raw:
        found = [FieldProblem(field=_path(place), message=_NUL) for place in _nul_places(json.loads(raw), ())]
        if found:
            raise _invalid(found)
    return body, raw


_NOT_JSON = "The body is not JSON."
_NUL = "Text cannot hold the character U+0000."


def _refuse_numbers_that_json_lacks(raw: bytes) -> None:
    # Pydantic reads NaN and Infinity as numbers.
    def refuse(_: str) -> None:
        raise ValueError

    try:
        json.loads(raw, parse_constant=refuse)
    except (ValueError, RecursionError):
        raise BadRequestError(_NOT_JSON) from None


def _is_whole(value: Any) -> bool:
    return isinstance(value, float) and value.is_integer()


def _with_whole_numbers(raw: bytes, places: list[tuple[str | int, ...]]) -> bytes:
    # JSON does not tell 6 from 6.0, Postgres does.
    body = json.loads(raw)
    for *way, last in places:
        holder = body
        for step in way:
            holder = holder[step]
        holder[last] = int(holder[last])
    return json.dumps(body).encode()


def _nul_places(value: Any, place: tuple[str | int, ...]) -> Iterator[tuple[str | int, ...]]:
    if isinstance(value, str):
        if "\0" in value:
            yield place
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _nul_places(item, (*place, index))
    elif isinstance(value, dict):
        for name, item in value.items():
            if "\0" in name:
                yield place
            yield from _nul_places(item, (*place, name))


def _problems(error: ValidationError) -> Iterator[FieldProblem]:
    for problem in error.errors(include_url=False, include_context=False, include_input=False):
        message = _MESSAGES.get(problem["type"], problem["msg"].removeprefix("Value error, "))
        if "datetime.datetime(" in message:
            message = "Input should lie between the years 1 and 9999, in UTC"
        yield FieldProblem(field=_path(problem["loc"]), message=message)


def _path(place: tuple[str | int, ...]) -> str:
    """`("milestones", 2, "tasks", 0, "title")` as `milestones[2].tasks[0].title`."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in place).lstrip(".") or "body"


def _invalid(problems: list[FieldProblem]) -> InvalidError:
    first = f"{problems[0]['field']}: {problems[0]['message']}"
    others = len(problems) - 1
    return InvalidError(f"{first} ({others} more in errors)" if others else first, problems)
