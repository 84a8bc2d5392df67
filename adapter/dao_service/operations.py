"""What a contract offers: one `Operation` an endpoint, and the few shapes that endpoints have.

An operation declares its parameters, body and answer once. The door validates requests by that declaration, and the OpenAPI
document is made from it.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import UUID

import orjson
from pydantic import MISSING, BaseModel, create_model

from dao_service.bindings import AnyFunction, AnyRelation, Input
from dao_service.errors import BadRequestError
from dao_service.gateway.protocol import Gateway, Payload
from dao_service.paging import Paging


class Request(NamedTuple):
    """A validated request. `key` is the id in the path, `query` and `body` are as the operation declares them."""

    key: str
    query: Any
    body: Any
    raw_body: bytes

    @property
    def payload(self) -> Payload:
        """The body as it was sent, on its way to the database."""
        return Payload(_sent(self.body), self.raw_body)


@dataclass(frozen=True, slots=True)
class Operation:
    """One endpoint: method and path under `/api/v1`, what it takes, what it answers."""

    method: str
    path: str
    run: Callable[[Gateway, Request], Awaitable[bytes]]
    name: str
    summary: str
    description: str
    answer: Any = None
    status: int = 200
    query: type[Input] | None = None
    body: type[Input] | None = None

    @property
    def resource(self) -> str:
        """First segment of the path."""
        return self.path.split("/")[1]

    @property
    def key_name(self) -> str:
        """Name of the id in the path, "" where it has none."""
        return self.path.partition("{")[2].partition("}")[0]


def _sent(values: BaseModel) -> tuple[str, ...]:
    """The fields that were given, in one order, so that the same fields make the same statement."""
    return tuple(sorted(values.model_fields_set))


def _unset_free(values: BaseModel) -> bytes:
    return values.__pydantic_serializer__.to_json(values, exclude_unset=True)


def list_rows(path: str, relation: AnyRelation, query: type[Paging], page: Any, list_page: AnyFunction) -> Operation:
    """`GET` on a collection: one page, newest first."""
    filter_names = frozenset(relation.filters.model_fields)

    async def run(gateway: Gateway, request: Request) -> bytes:
        paging: Paging = request.query
        sent = orjson.loads(_unset_free(paging))
        arguments = {
            "resource": f"{relation.schema}.{relation.name}",
            "filters": {name: value for name, value in sent.items() if name in filter_names},
            **paging.window(),
        }
        return await gateway.call(list_page, Payload(tuple(arguments), orjson.dumps(arguments), relation.name))

    filtered = f" Filters, which all have to hold: {', '.join(sorted(filter_names))}." if filter_names else ""
    description = f"{relation.description} One page of them, newest first, with their exact number.{filtered}"
    return Operation("GET", path, run, f"list_{relation.name}", f"List {_words(relation)}", description, page, query=query)


def get_row(path: str, relation: AnyRelation, name: str | None = None) -> Operation:
    """`GET` on one row."""

    async def run(gateway: Gateway, request: Request) -> bytes:
        return await gateway.select(relation, request.key)

    summary = f"Get one of the {_words(relation)}"
    description = f"{relation.description} The one with this id."
    return Operation("GET", path, run, name or f"get_{relation.name}", summary, description, relation.row)


def create_row(path: str, relation: AnyRelation) -> Operation:
    """`POST` on a collection."""

    async def run(gateway: Gateway, request: Request) -> bytes:
        return await gateway.insert(relation, request.payload)

    return Operation(
        "POST",
        path,
        run,
        f"create_{relation.name}",
        f"Create one of the {_words(relation)}",
        f"{relation.description} Creates one; a field that is not given takes its default.",
        relation.row,
        status=201,
        body=relation.create,
    )


def update_row(path: str, relation: AnyRelation) -> Operation:
    """`PATCH` on one row: changes the fields sent and no other; `{}` answers the row unchanged."""

    async def run(gateway: Gateway, request: Request) -> bytes:
        changes = request.payload
        if not changes.names:
            return await gateway.select(relation, request.key)
        return await gateway.update(relation, request.key, changes)

    return Operation(
        "PATCH",
        path,
        run,
        f"update_{relation.name}",
        f"Change one of the {_words(relation)}",
        f"{relation.description} Changes the fields that are sent and no other; null clears one, {{}} answers the row unchanged.",
        relation.row,
        body=relation.update,
    )


def delete_row(path: str, relation: AnyRelation) -> Operation:
    """`DELETE` on one row, and what belongs to it."""

    async def run(gateway: Gateway, request: Request) -> bytes:
        await gateway.delete(relation, request.key)
        return b""

    summary = f"Delete one of the {_words(relation)}"
    description = f"{relation.description} Deletes the one with this id, and what belongs to it."
    return Operation("DELETE", path, run, f"delete_{relation.name}", summary, description, status=204)


def ask(path: str, function: AnyFunction) -> Operation:
    """`GET` that calls a function with the query's parameters."""
    resource = resource_of(path)

    async def run(gateway: Gateway, request: Request) -> bytes:
        query: Input = request.query
        return await gateway.call(function, Payload(_sent(query), _unset_free(query), resource))

    return Operation(
        "GET",
        path,
        run,
        function.name,
        _title(function),
        function.description,
        function.result,
        query=function.arguments,
    )


def perform(
    method: str,
    path: str,
    function: AnyFunction,
    body: type[Input],
    *,
    key: str = "",
    whole: str = "",
    changes: AnyRelation | None = None,
    status: int = 200,
) -> Operation:
    """A write that calls a function.

    The body's fields are its arguments; with `whole`, the body is the one argument of that name. With `key`, the id in the path
    is the argument of that name; a body that names another is refused with `BadRequestError`. With `changes`, the function
    changes a row of that relation, and an empty body answers the row as it is.
    """

    resource = resource_of(path)

    async def run(gateway: Gateway, request: Request) -> bytes:
        if changes is not None and not request.body.model_fields_set:
            return await gateway.select(changes, request.key)
        raw, names = request.raw_body.strip(), set(request.body.model_fields_set)
        if whole:
            raw, names = b'{"%b":%b}' % (whole.encode(), raw), {whole}
        elif key in names and str(getattr(request.body, key)) != request.key:
            raise BadRequestError(f"{key}: The body names another than the path.")
        if key:
            # Spliced, not decoded: what the caller wrote reaches the database as it is.
            raw = b'{"%b":"%b"%b%b' % (key.encode(), request.key.encode(), b"," if names else b"", raw[1:])
            names.add(key)
        return await gateway.call(function, Payload(tuple(sorted(names)), raw, resource))

    return Operation(
        method,
        path,
        run,
        function.name,
        _title(function),
        function.description,
        function.result,
        status=status,
        body=body,
    )


def arguments_beside(function: AnyFunction, key: str) -> type[Input]:
    """The body of an operation that has a function's argument `key` in its path, and may repeat it."""
    fields: dict[str, Any] = {name: (info.annotation, info) for name, info in function.arguments.model_fields.items()}
    return _body_of(function, fields | {key: (UUID | MISSING, MISSING)})


def changes_of(function: AnyFunction, relation: AnyRelation, *names: str) -> type[Input]:
    """The body of an operation that changes these fields of a row and no other."""
    known = (relation.update or Input).model_fields
    return _body_of(function, {name: (known[name].annotation, known[name]) for name in names})


def _body_of(function: AnyFunction, fields: dict[str, Any]) -> type[Input]:
    name = "".join(word.capitalize() for word in function.name.split("_"))
    return create_model(name, __base__=Input, __doc__=function.description, **fields)


def resource_of(path: str) -> str:
    """The name of the relation that a path is about: its first segment."""
    return path.split("/")[1].replace("-", "_")


def _words(relation: AnyRelation) -> str:
    return relation.name.replace("_", " ")


def _title(function: AnyFunction) -> str:
    return function.name.replace("_", " ").capitalize()
