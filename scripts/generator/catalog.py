"""Plain records of a database, as pg_catalog describes it."""

from dataclasses import dataclass, field
from typing import Literal

Oid = int
Tags = dict[str, str]

SHARED_SCHEMA = "public"
"""The schema whose domains and composite types every contract uses. Its contract is the default."""


class CannotGenerate(Exception):
    """The database holds something that the generator can't express in Python; the message names it."""


@dataclass(frozen=True)
class Contract:
    """A schema whose comment has the tag `@contract`."""

    name: str
    schema: str

    @property
    def module(self) -> str:
        return f"contract_{self.name.replace('.', '_')}"


@dataclass(frozen=True)
class Type:
    oid: Oid
    schema: str
    name: str
    sql_name: str
    kind: Literal["base", "composite", "domain", "enum", "pseudo", "range", "multirange"]
    element: Oid
    """The type of an array's elements, else 0."""
    base: Oid
    """The type beneath a domain, else 0."""
    relation: Oid
    """The table, view or type that a composite type is the row of, else 0."""
    not_null: bool
    default: str | None
    comment: str | None

    @property
    def media_type(self) -> str | None:
        """The name, if the type is a domain that PostgREST takes for a media type."""
        return self.name if self.kind == "domain" and "/" in self.name else None


@dataclass(frozen=True)
class DomainCheck:
    domain: Oid
    name: str
    definition: str
    comment: str | None = None
    """The message for callers, if the check is left to the database."""


@dataclass(frozen=True)
class Column:
    relation: Oid
    number: int
    name: str
    type: Oid
    sql_type: str
    not_null: bool
    default: str | None
    generated: bool
    """Whether the database always computes it: a generated column or an "always" identity."""
    comment: str | None
    can_insert: bool
    can_update: bool
    tags: Tags = field(default_factory=dict)


@dataclass(frozen=True)
class Relation:
    oid: Oid
    schema: str
    name: str
    kind: Literal["table", "view", "composite"]
    comment: str | None
    definition: str | None
    """A view's query."""
    readable: bool


@dataclass(frozen=True)
class Constraint:
    relation: Oid
    name: str
    kind: Literal["primary", "unique", "reference", "check"]
    columns: tuple[int, ...]
    """For a unique index on an expression, the columns that the expression reads."""
    referenced: Oid
    referenced_columns: tuple[int, ...]
    comment: str | None


@dataclass(frozen=True)
class Argument:
    name: str
    type: Oid
    sql_type: str
    default: str | None


@dataclass(frozen=True)
class Function:
    schema: str
    name: str
    arguments: tuple[Argument, ...]
    result: Oid
    returns_set: bool
    writes: bool
    comment: str | None
    tags: Tags


@dataclass(frozen=True)
class Embedding:
    """A function that PostgREST offers as a relationship."""

    schema: str
    name: str
    origin: Oid
    target: Oid
    one: bool


@dataclass(frozen=True)
class Catalog:
    contracts: tuple[Contract, ...]
    """The one of the shared schema first, then by name. A contract may use the rows of those before it."""
    types: dict[Oid, Type]
    checks: dict[Oid, list[DomainCheck]]
    relations: dict[Oid, Relation]
    columns: dict[Oid, list[Column]]
    constraints: dict[Oid, list[Constraint]]
    functions: list[Function]
    embeddings: list[Embedding]

    def domains(self, schema: str) -> list[Type]:
        """Types of values; no media types."""
        found = (each for each in self.types.values() if each.kind == "domain" and each.schema == schema and not each.media_type)
        return sorted(found, key=lambda domain: domain.name)

    def is_argument(self, relation: Relation) -> bool:
        """Whether callers send the composite type, as an argument of a function or in a list that is one."""
        given = (self.types[argument.type] for function in self.functions for argument in function.arguments)
        return relation.oid in {self.types[each.element].relation if each.element else each.relation for each in given}

    def rows(self, schema: str) -> list[Relation]:
        """The readable tables and views, and the composite types."""
        found = (each for each in self.relations.values() if each.schema == schema and each.readable)
        return sorted(found, key=lambda relation: relation.name)

    def primary_key(self, relation: Oid) -> tuple[int, ...]:
        return next((each.columns for each in self.constraints.get(relation, []) if each.kind == "primary"), ())
