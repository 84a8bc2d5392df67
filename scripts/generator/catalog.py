"""What the generator knows of a database: plain records of pg_catalog, with nothing decided yet."""

from dataclasses import dataclass
from typing import Literal

Oid = int


@dataclass(frozen=True)
class Type:
    oid: Oid
    schema: str
    name: str
    sql_name: str
    kind: Literal["base", "composite", "domain", "enum", "pseudo", "range", "multirange"]
    element: Oid
    """Of an array, the type of its elements; else 0."""
    base: Oid
    """Of a domain, the type beneath; else 0."""
    relation: Oid
    """Of a composite type, the table, view or type that it is the row of; else 0."""
    not_null: bool
    default: str | None
    comment: str | None

    @property
    def media_type(self) -> str | None:
        """Of a domain that PostgREST takes for a media type, its name."""
        return self.name if self.kind == "domain" and "/" in self.name else None


@dataclass(frozen=True)
class DomainCheck:
    domain: Oid
    name: str
    definition: str
    comment: str | None = None
    """Of one that is left to the database, what to tell the caller who breaks it."""


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
    """Always computed by the database: a generated column or an "always" identity."""
    comment: str | None
    can_insert: bool
    can_update: bool


@dataclass(frozen=True)
class Relation:
    oid: Oid
    schema: str
    name: str
    kind: Literal["table", "view", "composite"]
    comment: str | None
    rule: str | None
    """Of a view, its query as a pg_node_tree."""
    readable: bool


@dataclass(frozen=True)
class Constraint:
    relation: Oid
    name: str
    kind: Literal["primary", "unique", "reference", "check"]
    columns: tuple[int, ...]
    """Of a unique index on an expression, the columns that the expression reads."""
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


@dataclass(frozen=True)
class Catalog:
    schemas: frozenset[str]
    types: dict[Oid, Type]
    checks: dict[Oid, list[DomainCheck]]
    relations: dict[Oid, Relation]
    columns: dict[Oid, list[Column]]
    constraints: dict[Oid, list[Constraint]]
    functions: list[Function]

    def domains(self, schema: str) -> list[Type]:
        """Those that are types of values, not media types."""
        found = (each for each in self.types.values() if each.kind == "domain" and each.schema == schema and not each.media_type)
        return sorted(found, key=lambda domain: domain.name)

    def rows(self, schema: str) -> list[Relation]:
        """The tables and views that may be read, and the composite types."""
        found = (each for each in self.relations.values() if each.schema == schema and each.readable)
        return sorted(found, key=lambda relation: relation.name)

    def primary_key(self, relation: Oid) -> tuple[int, ...]:
        return next((each.columns for each in self.constraints.get(relation, []) if each.kind == "primary"), ())
