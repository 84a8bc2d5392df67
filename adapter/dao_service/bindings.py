"""The parts of the generated modules: bases of their models, plain types, and the objects that bind a contract.

A contract is a schema of the database. Its relations (tables and views) and functions are bound by `Relation` and
`Function`, its rules by `Constraint`. A gateway needs nothing else to read, write and call them.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, TypeAdapter
from pydantic_core import PydanticCustomError
from typing_extensions import TypeForm


class Row(BaseModel):
    """A row as it is read. A column that is added later is ignored."""

    model_config = ConfigDict(extra="ignore", from_attributes=True)


class Input(BaseModel):
    """A body, or the parameters of a query. Unknown fields are errors. A body is validated with `strict=True`.

    A field that holds `MISSING` was not sent and is not dumped: the database's default applies, or the value stays.
    """

    # NaN is dumped as such and then refused. By default, Pydantic would silently make it null.
    model_config = ConfigDict(extra="forbid", ser_json_inf_nan="constants")


class Filters(Input):
    """The filters of a list. Those that are `MISSING` don't filter."""


RowT = TypeVar("RowT", bound=Row)
ArgumentsT = TypeVar("ArgumentsT", bound=Input)
ResultT = TypeVar("ResultT")


_DATETIME = TypeAdapter(datetime)
_WIDEST_OFFSET = timedelta(hours=15, minutes=59)  # Postgres reads no wider one


def in_whole_minutes(value: datetime) -> datetime:
    """The same point in time with an offset that text can hold: local mean times of before 1900 have seconds in theirs."""
    offset = value.utcoffset()
    if offset is None or not offset % timedelta(minutes=1):
        return value
    try:
        return value.astimezone(UTC)
    except OverflowError:
        return value  # outside of the years 1 to 9999, which are refused


def _is_number(text: str) -> bool:
    return text.strip().lstrip("+-").replace(".", "").isdigit()


def _read_timestamp(value: object) -> object:
    # Pydantic would read a number as seconds since 1970, but a point in time has to carry its offset. Text is parsed here, because
    # strict validation would not parse it.
    if isinstance(value, int | float) or (isinstance(value, str) and value[4:5] != "-" and _is_number(value)):
        raise PydanticCustomError("timestamp", "Input should be a date and time with an offset, such as 2026-01-31T09:00:00+00:00")
    if isinstance(value, datetime):
        return in_whole_minutes(value)
    if not isinstance(value, str):
        return value
    if "," in value:  # Postgres reads no decimal comma.
        raise PydanticCustomError("timestamp", "Input should have its fraction of a second after a point")
    read = _DATETIME.validate_python(value)
    offset = read.utcoffset()
    if offset is not None and abs(offset) > _WIDEST_OFFSET:
        raise PydanticCustomError("timestamp", "Input should have an offset of at most 15:59")
    return read


def comma_separated(words: type[StrEnum], *, or_none: bool = False) -> BeforeValidator:
    """Reads one word of an enumeration, several separated by commas, or a list of them. With `or_none`, "none" is one too."""
    known: dict[str, str] = {word.value: word for word in words} | ({"none": "none"} if or_none else {})

    def read(value: object) -> object:
        found = value.split(",") if isinstance(value, str) else value
        try:
            return [known[each] for each in found] if isinstance(found, list) else found
        except (KeyError, TypeError):
            *others, last = (f"'{word}'" for word in known)
            expected = f"{', '.join(others)} or {last}"
            raise PydanticCustomError("enum", "Input should be {expected}", {"expected": expected}) from None

    return BeforeValidator(read)


_JSON = json.JSONEncoder(ensure_ascii=False, default=str)
"""Writes JSON as Postgres does, but for numbers of many digits, which are left to it."""


def JsonBytes(most: int) -> AfterValidator:  # noqa: N802 - reads like Pydantic's constraints
    """Refuses a value that takes more bytes as JSON text."""

    def measure(value: Any) -> Any:
        if len(_JSON.encode(value).encode(errors="surrogatepass")) > most:
            raise PydanticCustomError("json_too_large", "Input should take at most {most} KiB as JSON", {"most": most // 1024})
        return value

    return AfterValidator(measure)


Integer = Annotated[int, Field(ge=-(2**31), le=2**31 - 1)]
BigInteger = Annotated[int, Field(ge=-(2**63), le=2**63 - 1)]
Number = Annotated[float, Field(allow_inf_nan=False)]
AS_TIMESTAMP = BeforeValidator(_read_timestamp)
Timestamp = Annotated[AwareDatetime, AS_TIMESTAMP]


@dataclass(frozen=True)
class Relation(Generic[RowT]):
    """A table or view of a contract."""

    schema: str
    name: str
    noun: str
    """One row, in words."""
    key: str
    row: type[RowT]
    create: type[Input] | None
    """None if rows can't be inserted."""
    update: type[Input] | None
    """None if rows can't be updated."""
    filters: type[Filters]
    comparisons: Mapping[str, tuple[str, str]]
    """The filters that are no equalities: column and operator by name. The operator "order" orders the list by the column."""
    column_types: Mapping[str, str]
    """SQL types by column."""
    description: str


POSTGREST_PARAMETERS = frozenset({"select", "order", "limit", "offset", "columns", "on_conflict", "and", "or", "not"})
"""The words that PostgREST reads in a query as its own."""
RESULT = "application/vnd.flux.result+json"
"""The media type as which the database can write the result of any function."""


@dataclass(frozen=True)
class Function(Generic[ArgumentsT, ResultT]):
    """A function of a contract. `result` is a type that Pydantic can validate."""

    schema: str
    name: str
    arguments: type[ArgumentsT]
    result: TypeForm[ResultT]
    argument_types: Mapping[str, str]
    """SQL types by argument."""
    read_only: bool
    """Whether it changes nothing, so that a call may be repeated."""
    small: bool
    """Whether its result is small, so that requests may share a call."""
    media_type: str
    """The media type of its result; not `RESULT` if the function has written the JSON itself."""
    description: str

    @property
    def by_get(self) -> bool:
        """Whether the Data API takes it by GET. There PostgREST would drop an argument that has the name of its own parameter."""
        return self.read_only and POSTGREST_PARAMETERS.isdisjoint(self.argument_types)


@dataclass(frozen=True)
class Constraint:
    """A rule of the database that a caller can break, in the contract's words."""

    kind: Literal["unique", "reference", "check"]
    field: str
    """Empty if any field can break it."""
    message: str
    """One sentence for the caller."""


AnyRelation = Relation[Any]
AnyFunction = Function[Any, Any]


@dataclass(frozen=True)
class Schema:
    """The schema of a contract, with everything that is bound."""

    name: str
    relations: Mapping[str, AnyRelation]
    functions: Mapping[str, AnyFunction]
    constraints: Mapping[str, Constraint]
