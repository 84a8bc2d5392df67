"""Reads a database into a Catalog."""

import re
from collections.abc import Iterable
from typing import Any, TypeVar

import asyncpg

from . import queries
from .catalog import (
    SHARED_SCHEMA,
    Argument,
    CannotGenerate,
    Catalog,
    Column,
    Constraint,
    Contract,
    DomainCheck,
    Embedding,
    Function,
    Oid,
    Relation,
    Tags,
    Type,
)

ROLE = "service_role"
"""The adapter's role: its rights decide which columns can be written and which functions called."""
_OF_COLUMNS = {"readonly", "required", "filled", "notnull", "nullable", "optional", "filter", "range", "order", "tally"}
_OF_FUNCTIONS = {"nullable", "structure", "object", "objects", "changes", "batch", "small"}
TAGS = {"contract"} | _OF_COLUMNS | _OF_FUNCTIONS
"""The first migration explains them."""
_TAGS_AT_THE_END = re.compile(r"(?:(?:^|\s+)@\w+(?:=\S+)?)+$")

Record = TypeVar("Record", Column, Constraint, DomainCheck)


async def read_catalog(url: str) -> Catalog:
    """The whole database as of one moment."""
    try:
        connection = await asyncpg.connect(url)
        try:
            await connection.execute("set search_path = ''")
            await connection.execute("set timezone = 'UTC'")
            async with connection.transaction(isolation="repeatable_read", readonly=True):
                return await _read(connection)
        finally:
            await connection.close()
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise CannotGenerate(f"can't read the database: {error}") from error


def split_comment(comment: str | None) -> tuple[str | None, Tags]:
    """The text, and the tags at its end: `Display name. @required` is a text and one tag, `@contract=1.2` a tag with a value."""
    text = comment or ""
    if found := _TAGS_AT_THE_END.search(text):
        text = text[: found.start()]
    words = found.group().split() if found else []
    tags = {name: value for name, _, value in (word.removeprefix("@").partition("=") for word in words)}
    if unknown := tags.keys() - TAGS:
        raise CannotGenerate(f"the comment {comment!r} has an unknown tag: @{min(unknown)}")
    return text or None, tags


async def _read(connection: "asyncpg.Connection[asyncpg.Record]") -> Catalog:
    async def fetch(query: str, *arguments: object) -> list[dict[str, Any]]:
        return [dict(row) for row in await connection.fetch(query, *arguments)]

    contracts = _contracts(await fetch(queries.SCHEMAS))
    relations = [Relation(**row) for row in await fetch(queries.RELATIONS, ROLE)]
    types = [Type(**row | {"sql_name": _type_name(row["sql_name"])}) for row in await fetch(queries.TYPES)]
    columns = [
        Column(**row | {"sql_type": _type_name(row["sql_type"])} | _split(row["comment"]))
        for row in await fetch(queries.COLUMNS, ROLE)
    ]
    constraints = [
        Constraint(**row | {"columns": tuple(row["columns"]), "referenced_columns": tuple(row["referenced_columns"])})
        for row in await fetch(queries.CONSTRAINTS)
    ]
    return Catalog(
        contracts=contracts,
        types={each.oid: each for each in types},
        checks=_grouped((each.domain, each) for each in [DomainCheck(**row) for row in await fetch(queries.CHECKS)]),
        relations={each.oid: each for each in relations},
        columns=_grouped((each.relation, each) for each in columns),
        constraints=_grouped((each.relation, each) for each in constraints),
        functions=[_function(row) for row in await fetch(queries.FUNCTIONS, ROLE, [each.schema for each in contracts])],
        embeddings=[Embedding(**row) for row in await fetch(queries.EMBEDDINGS)],
    )


def _contracts(schemas: list[dict[str, Any]]) -> tuple[Contract, ...]:
    tagged = ((row["name"], split_comment(row["comment"])[1]) for row in schemas)
    contracts = [Contract(tags["contract"], schema) for schema, tags in tagged if "contract" in tags]
    if SHARED_SCHEMA not in {each.schema for each in contracts}:
        raise CannotGenerate(f"the comment of schema {SHARED_SCHEMA} has no tag @contract=…: is the database migrated?")
    return tuple(sorted(contracts, key=lambda each: (each.schema != SHARED_SCHEMA, each.name)))


def _split(comment: str | None) -> dict[str, Any]:
    return dict(zip(("comment", "tags"), split_comment(comment), strict=True))


def _type_name(printed: str) -> str:
    """Without the quotes around a keyword after a dot: only some major versions of Postgres print them."""
    return re.sub(r'\."([a-z_][a-z0-9_]*)"', r".\1", printed)


def _grouped(entries: Iterable[tuple[Oid, Record]]) -> dict[Oid, list[Record]]:
    groups: dict[Oid, list[Record]] = {}
    for owner, record in entries:
        groups.setdefault(owner, []).append(record)
    return groups


def _function(row: dict[str, Any]) -> Function:
    name = f"{row['schema']}.{row['name']}"
    types, names = row["argument_types"], row["argument_names"]
    if row["has_outputs"]:
        raise CannotGenerate(f"function {name} has output or variadic arguments: let it return a composite type")
    if len(names) < len(types) or not all(names):
        raise CannotGenerate(f"function {name} has an argument without a name")
    arguments = (Argument(*each) for each in zip(names, types, map(_type_name, row["sql_types"]), row["defaults"], strict=True))
    return Function(
        schema=row["schema"],
        name=row["name"],
        arguments=tuple(arguments),
        result=row["result"],
        returns_set=row["returns_set"],
        writes=row["writes"],
        **_split(row["comment"]),
    )
