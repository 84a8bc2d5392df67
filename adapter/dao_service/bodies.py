"""The bodies and queries of operations that call a function, made of the function's arguments."""

from typing import Any
from uuid import UUID

from pydantic import MISSING, create_model

from dao_service.bindings import AnyFunction, AnyRelation, Input


def arguments_beside(function: AnyFunction, key: str) -> type[Input]:
    """The body of an operation whose path has the function's argument `key`. The body may repeat it."""
    fields: dict[str, Any] = {name: (info.annotation, info) for name, info in function.arguments.model_fields.items()}
    return _body_of(function, fields | {key: (UUID | MISSING, MISSING)})


def arguments_without(function: AnyFunction, key: str) -> type[Input]:
    """The body or the query of an operation whose path has the function's argument `key`."""
    fields = function.arguments.model_fields.items()
    return _body_of(function, {name: (info.annotation, info) for name, info in fields if name != key})


def changes_of(function: AnyFunction, relation: AnyRelation, *names: str) -> type[Input]:
    """The body of an operation that changes these fields of a row and no other."""
    known = (relation.update or Input).model_fields
    return _body_of(function, {name: (known[name].annotation, known[name]) for name in names})


def _body_of(function: AnyFunction, fields: dict[str, Any]) -> type[Input]:
    name = "".join(word.capitalize() for word in function.name.split("_"))
    return create_model(name, __base__=Input, __doc__=function.description, **fields)
