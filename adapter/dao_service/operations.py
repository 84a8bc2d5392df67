"""The operations of a contract: one `Operation` per endpoint, made by one of a few functions.

An operation declares its parameters, body and answer once. Requests are validated by this declaration, and the OpenAPI document,
the client and the in-process classes are made from it.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple, get_args

import orjson
from pydantic import BaseModel

from dao_service.bindings import AnyFunction, AnyRelation, Input, Row
from dao_service.bodies import arguments_without
from dao_service.errors import BadRequestError
from dao_service.gateway.protocol import Gateway, Payload
from dao_service.list_parameters import Paging, by_column, require_order


class Request(NamedTuple):
    """A validated request. `key` is the id in the path, `query` and `body` are as the operation declares them."""

    key: str
    query: Any
    body: Any
    raw_body: bytes

    @property
    def payload(self) -> Payload:
        """The body for the database."""
        return Payload(_sent(self.body), self.raw_body)


Run = Callable[[Gateway, Request], Awaitable[bytes]]


@dataclass(frozen=True, slots=True)
class Operation:
    """One endpoint: its method and path under `/api/v1`, its parameters, body and answer."""

    method: str
    path: str
    run: Run
    name: str
    summary: str
    description: str
    answer: Any = None
    response: str = ""
    """A description of the answer; empty if it follows from the type."""
    status: int = 200
    query: type[Input] | None = None
    body: type[Input] | None = None
    long: bool = False
    """Whether the answer can have many megabytes: the service prepares few of these at a time."""
    conditional: bool = False
    """Whether it writes the row with the id in its path, so that it takes `If-Match`."""
    repeatable: bool = False
    """Whether it takes an `Idempotency-Key`."""
    version_mark: bytes = field(init=False)
    """What stands before the row's version in an answer that is one row of one table; else empty."""
    body_optional: bool = field(init=False)
    """Whether an empty body stands for {}: no field of it is required."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "version_mark", _version_mark(self.answer))
        fields = self.body.model_fields.values() if self.body and self.method == "POST" else ()
        object.__setattr__(self, "body_optional", bool(fields) and not any(each.is_required() for each in fields))

    @property
    def resource(self) -> str:
        """First segment of the path."""
        return self.path.split("/")[1]

    @property
    def key_name(self) -> str:
        """Name of the id in the path, "" if it has none."""
        return self.path.partition("{")[2].partition("}")[0]


def _version_mark(answer: Any) -> bytes:
    fields = answer.model_fields if isinstance(answer, type) and issubclass(answer, Row) else {}
    parts = {kind for info in fields.values() for kind in get_args(info.annotation)}
    if any(isinstance(kind, type) and issubclass(kind, Row) for kind in parts):
        return b""
    column = next((name for name in ("updated_at", "created_at") if name in fields), "")
    return b'"%b":"' % column.encode() if column else b""


def _sent(values: BaseModel) -> tuple[str, ...]:
    """The fields that were sent, in a fixed order, so that equal fields make equal statements."""
    return tuple(sorted(values.model_fields_set))


def list_rows(path: str, relation: AnyRelation, query: type[Paging], page: Any, list_page: AnyFunction) -> Operation:
    """`GET` on a collection: one page, newest first."""
    filter_names = set(relation.filters.model_fields)

    async def run(gateway: Gateway, request: Request) -> bytes:
        paging: Paging = request.query
        require_order(paging, relation)
        filters = by_column(relation, paging.model_dump(mode="json", include=filter_names, exclude_unset=True))
        arguments = {"resource": f"{relation.schema}.{relation.name}", "filters": filters, **paging.window()}
        if "order" in filter_names & paging.model_fields_set:
            arguments["order_by"] = relation.comparisons["order"][0]
        return await gateway.call(list_page, Payload(tuple(arguments), orjson.dumps(arguments), relation.name))

    plural = relation.name.replace("_", " ")
    description = f"{relation.description} Returns one page, newest first, with the exact total. A row has to match every filter."
    name, summary, response = f"list_{relation.name}", f"List {plural}", f"One page of {plural}."
    return Operation("GET", path, run, name, summary, description, page, response, query=query)


def get_row(path: str, relation: AnyRelation, name: str = "", noun: str = "") -> Operation:
    """`GET` on one row. `noun` is the row in words, if it is not the relation's."""

    async def run(gateway: Gateway, request: Request) -> bytes:
        return await gateway.select(relation, request.key)

    name, noun = name or f"get_{_snake(relation)}", noun or relation.noun
    description = f"{relation.description} Returns the one with this id."
    return Operation("GET", path, run, name, f"Get {_one(noun)}", description, relation.row)


def create_row(path: str, relation: AnyRelation) -> Operation:
    """`POST` on a collection."""

    async def run(gateway: Gateway, request: Request) -> bytes:
        return await gateway.insert(relation, request.payload)

    name, summary = f"create_{_snake(relation)}", f"Create {_one(relation.noun)}"
    description = "Returns the new row. A field that is not sent takes its default."
    return Operation("POST", path, run, name, summary, description, relation.row, status=201, body=relation.create, repeatable=True)


def update_row(path: str, relation: AnyRelation) -> Operation:
    """`PATCH` on one row."""

    async def run(gateway: Gateway, request: Request) -> bytes:
        changes = request.payload
        if not changes.names:
            return await gateway.select(relation, request.key)
        return await gateway.update(relation, request.key, changes)

    name, summary = f"update_{_snake(relation)}", f"Update {_one(relation.noun)}"
    description = "Changes the fields that are sent and no other. null clears a field; {} returns the row unchanged."
    return Operation("PATCH", path, run, name, summary, description, relation.row, body=relation.update, conditional=True)


def delete_row(path: str, relation: AnyRelation) -> Operation:
    """`DELETE` on one row and everything that belongs to it."""

    async def run(gateway: Gateway, request: Request) -> bytes:
        await gateway.delete(relation, request.key)
        return b""

    name, summary = f"delete_{_snake(relation)}", f"Delete {_one(relation.noun)}"
    description = "Deletes the row and everything that belongs to it."
    response = "Deleted. There is no content."
    return Operation("DELETE", path, run, name, summary, description, response=response, status=204, conditional=True)


def ask(path: str, function: AnyFunction, *, key: str = "", long: bool = False) -> Operation:
    """`GET` that calls a function with the query's parameters and, with `key`, the id in the path.

    `long`: the answer has as many rows as there are.
    """
    resource = resource_of(path)
    parameters = arguments_without(function, key) if key else function.arguments

    async def run(gateway: Gateway, request: Request) -> bytes:
        query: Input | None = request.query
        arguments = b"{}"
        names: tuple[str, ...] = ()
        if query is not None:
            arguments, names = query.__pydantic_serializer__.to_json(query, exclude_unset=True), _sent(query)
        if key:
            arguments, names = _with_key(key, request.key, arguments, bool(names)), (key, *names)
        return await gateway.call(function, Payload(names, arguments, resource))

    return _calling("GET", path, run, function, query=parameters if parameters.model_fields else None, long=long)


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
    conditional: bool = False,
    repeatable: bool = True,
) -> Operation:
    """A write that calls a function.

    The body's fields are its arguments; with `whole`, the body is the one argument of that name. With `key`, the id in the path
    is the argument of that name; `BadRequestError` is raised if the body names another. With `changes`, the function
    changes a row of that relation, and an empty body returns the row as it is. `conditional`: a `POST` takes `If-Match`, as other
    methods with a key do. `repeatable`: a `POST` takes an `Idempotency-Key`.
    """

    resource = resource_of(path)

    async def run(gateway: Gateway, request: Request) -> bytes:
        if changes is not None and not request.body.model_fields_set:
            return await gateway.select(changes, request.key)
        raw, names = request.raw_body.strip(), set(request.body.model_fields_set)
        if whole:
            raw, names = b'{"%b":%b}' % (whole.encode(), raw), {whole}
        elif key in names and str(getattr(request.body, key)) != request.key:
            raise BadRequestError(f"{key}: The body and the path name different rows.")
        if key:
            raw = _with_key(key, request.key, raw, bool(names))
            names.add(key)
        return await gateway.call(function, Payload(tuple(sorted(names)), raw, resource))

    conditional = conditional or bool(key and method != "POST")
    return _calling(
        method, path, run, function, status=status, body=body, conditional=conditional, repeatable=repeatable and method == "POST"
    )


def _with_key(name: str, key: str, arguments: bytes, others: bool) -> bytes:
    """Spliced, not decoded: the caller's bytes reach the database unchanged."""
    return b'{"%b":"%b"%b%b' % (name.encode(), key.encode(), b"," if others else b"", arguments[1:])


def _calling(method: str, path: str, run: Run, function: AnyFunction, **declared: Any) -> Operation:
    """The summary is the first sentence of the function's comment, the description what follows it."""
    summary, _, rest = function.description.partition(". ")
    description = rest or function.description
    return Operation(method, path, run, function.name, summary.removesuffix("."), description, function.result, **declared)


def resource_of(path: str) -> str:
    """The name of the relation that a path is about: its first segment."""
    return path.split("/")[1].replace("-", "_")


def _snake(relation: AnyRelation) -> str:
    return relation.noun.replace(" ", "_")


def _one(noun: str) -> str:
    article = "" if noun.partition(" with ")[0].endswith("s") else "an " if noun[0] in "aeio" else "a "
    return article + noun
