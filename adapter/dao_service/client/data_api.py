"""Typed calls to the Data API, over the `postgrest` client that supabase-py has. Needs the extra `supabase`.

`dao_service.rpc` is generated on top of this: a function for each function of the database, a table for each relation. Row-level
security decides what a call sees and changes, by the JWT of the client that is given.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

import httpx
from postgrest import APIResponse, AsyncFilterRequestBuilder, AsyncPostgrestClient, AsyncSelectRequestBuilder
from postgrest.exceptions import APIError
from pydantic import MISSING, BaseModel, TypeAdapter
from pydantic_core import to_jsonable_python
from typing_extensions import TypeForm

from dao_service.bindings import AnyFunction, AnyRelation, Input, RowT
from dao_service.errors import (
    UNREACHABLE,
    BadRequestError,
    DataServiceError,
    ForbiddenError,
    NotFoundError,
    UnavailableError,
    UnknownOutcomeError,
    from_database,
)
from dao_service.generated import SCHEMAS

T = TypeVar("T")
Answer = TypeVar("Answer")
_CONSTRAINTS = {schema.name: schema.constraints for schema in SCHEMAS.values()}
_FORBIDDEN = {
    "42501": "This user may not do that.",
    "PGRST300": "The Data API takes no JWTs.",
    "PGRST301": "The JWT is expired or not valid.",
    "PGRST302": "A JWT is required.",
    "PGRST303": "The JWT is expired or not valid.",
}


class Client(Protocol):
    """A `supabase.AsyncClient` or `postgrest.AsyncPostgrestClient`, signed in as somebody."""

    def schema(self, schema: str, /) -> AsyncPostgrestClient: ...


@dataclass(frozen=True)
class Compare(Generic[T]):
    """A filter that is no equality. Make one with `not_equal`, `at_least`, `more_than`, `at_most`, `less_than` or `one_of`."""

    operator: str
    value: T | Sequence[T] | None


def not_equal(value: T | None) -> Compare[T]:
    return Compare("neq", value) if value is not None else Compare("not.is", None)


def at_least(value: T) -> Compare[T]:
    return Compare("gte", value)


def more_than(value: T) -> Compare[T]:
    return Compare("gt", value)


def at_most(value: T) -> Compare[T]:
    return Compare("lte", value)


def less_than(value: T) -> Compare[T]:
    return Compare("lt", value)


def one_of(values: Sequence[T]) -> Compare[T]:
    return Compare("in", values)


async def call(client: Client, answer: TypeForm[Answer], function: AnyFunction, arguments: Mapping[str, object]) -> Answer:
    """Call a function. One that only reads is called by GET, if that can be, so that a replica may answer.

    Raises `pydantic.ValidationError` and sends nothing if an argument is over its limit: the database would not name it.
    """
    given = {name: value for name, value in arguments.items() if value is not MISSING}
    function.arguments.model_validate(given)
    sent = {name: _json(value) for name, value in given.items()}
    request = client.schema(function.schema).rpc(function.name, sent, get=function.by_get)
    try:
        found = await request.execute()
    except (APIError, httpx.TransportError) as error:
        raise _refusal(error, function.schema, writes=not function.read_only) from error
    read: Answer = TypeAdapter(answer).validate_python(found.data)
    return read


class Table(Generic[RowT]):
    """The rows of a relation that the client may see."""

    def __init__(self, client: Client, relation: AnyRelation, row: type[RowT]) -> None:
        self._client = client
        self._relation = relation
        self._rows = TypeAdapter(list[row])  # type: ignore[valid-type]

    async def get(self, key: object) -> RowT:
        """The row with this id. Raises `NotFoundError` if there is none, or if it is another user's."""
        found = await self._select({self._relation.key: key}, None, descending=False, limit=1, offset=0)
        if not found:
            raise NotFoundError("There is no row with this id.")
        return found[0]

    async def _select(
        self, where: Mapping[str, object], order: str | None, *, descending: bool, limit: int | None, offset: int
    ) -> list[RowT]:
        query = _filtered(self._table().select("*"), where)
        if order is not None:
            query = query.order(order, desc=descending)
        if limit is not None:
            query = query.limit(limit)
        return await self._ask(query.offset(offset) if offset else query, writes=False)

    async def _insert(self, rows: Sequence[Input]) -> list[RowT]:
        return await self._ask(self._table().insert([_json(row) for row in rows], default_to_null=False))

    async def _update(self, changes: Input, where: Mapping[str, object]) -> list[RowT]:
        _require_filter(where)
        return await self._ask(_filtered(self._table().update(_json(changes)), where))

    async def _delete(self, where: Mapping[str, object]) -> list[RowT]:
        _require_filter(where)
        return await self._ask(_filtered(self._table().delete(), where))

    def _table(self) -> Any:
        return self._client.schema(self._relation.schema).from_(self._relation.name)

    async def _ask(self, query: AsyncSelectRequestBuilder | AsyncFilterRequestBuilder, *, writes: bool = True) -> list[RowT]:
        try:
            found: APIResponse = await query.execute()
        except (APIError, httpx.TransportError) as error:
            raise _refusal(error, self._relation.schema, writes=writes) from error
        return self._rows.validate_python(found.data)


def _json(value: object) -> Any:
    return to_jsonable_python(value.model_dump(exclude_unset=True) if isinstance(value, BaseModel) else value)


def _filtered(query: Any, where: Mapping[str, object]) -> Any:
    for column, value in where.items():
        compare = value if isinstance(value, Compare) else Compare("is" if value is None else "eq", value)
        found = _json(compare.value)
        if compare.operator == "in":
            query = query.in_(column, found)
        elif compare.operator.endswith("is"):
            query = query.filter(column, compare.operator, "null")
        else:
            query = query.filter(column, compare.operator, str(found).lower() if isinstance(found, bool) else found)
    return query


def _require_filter(where: Mapping[str, object]) -> None:
    if not where:
        raise BadRequestError("Say which rows are meant: name at least one column.")


def _refusal(error: APIError | httpx.TransportError, schema: str, *, writes: bool) -> DataServiceError:
    if isinstance(error, APIError):
        code = error.code or ""
        if code in _FORBIDDEN:
            return ForbiddenError(_FORBIDDEN[code])
        details = error.details if isinstance(error.details, str) else None
        return from_database(code, error.message or "", details, _CONSTRAINTS[schema])
    begun = writes and not isinstance(error, httpx.ConnectError | httpx.ConnectTimeout)
    return UnknownOutcomeError() if begun else UnavailableError(UNREACHABLE)
