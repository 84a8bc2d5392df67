"""Calls a contract's operation from this process: what the REST door does for a request, for Python values."""

from collections.abc import Mapping
from functools import cache
from typing import Any
from uuid import UUID

from pydantic import BaseModel, TypeAdapter
from pydantic_core import PydanticSerializationError, to_json

from dao_service.bindings import Input
from dao_service.errors import BadRequestError, InvalidError
from dao_service.gateway.protocol import Gateway
from dao_service.operations import Operation, Request
from dao_service.validation import NO_FIELD, NO_PARAMETER, read_body, read_key

Key = UUID | str
Values = Input | Mapping[str, Any]


async def call(
    gateway: Gateway, operation: Operation, *, key: Key | None = None, query: Values | None = None, body: Values | None = None
) -> Any:
    """The operation's answer as what the operation declares, or None for an empty one.

    Values become the JSON that a caller over HTTP would send, so that both doors accept and refuse the same. Raises the errors of
    `dao_service.errors`.
    """
    request = Request(
        "" if key is None else read_key(operation.key_name, str(key)),
        None if query is None else _read(operation.query, query, unknown=NO_PARAMETER)[0],
        *((None, b"") if body is None else _read(operation.body, body, operation.answer)),
    )
    answer = await operation.run(gateway, request)
    return _reader(operation.answer).validate_json(answer) if answer else None


def _read(model: type[Input] | None, values: Values, row: Any = None, unknown: str = NO_FIELD) -> tuple[Input, bytes]:
    if model is None:
        raise TypeError("The operation takes no such values.")
    try:
        # A DTO that was changed after its making may hold anything: validation says so, with the field.
        raw = values.__pydantic_serializer__.to_json(values, warnings=False) if isinstance(values, BaseModel) else to_json(values)
        return read_body(model, raw, row, unknown)
    except (BadRequestError, PydanticSerializationError):
        raise InvalidError("A value is not one that JSON can hold.") from None


@cache
def _reader(answer: Any) -> TypeAdapter[Any]:
    return TypeAdapter(answer)
