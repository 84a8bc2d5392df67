"""Reads a database into a Catalog."""

import re
from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING, Any, TypeVar

from . import queries
from .catalog import Argument, Catalog, Column, Constraint, DomainCheck, Function, Oid, Relation, Type
from .errors import CannotGenerate

if TYPE_CHECKING:
    import asyncpg

# The role that the adapter uses: its rights decide which columns can be written and which functions called.
ROLE = "service_role"

Record = TypeVar("Record", Column, Constraint, DomainCheck)


async def read_catalog(url: str, contracts: Collection[str]) -> Catalog:
    """The whole database, and the functions of the contracts' schemas, as of one moment."""
    import asyncpg  # noqa: PLC0415 - scripts/generate imports this module before anything is installed

    try:
        connection = await asyncpg.connect(url)
        try:
            await connection.execute("set search_path = ''")
            await connection.execute("set timezone = 'UTC'")
            async with connection.transaction(isolation="repeatable_read", readonly=True):
                return await _read(connection, contracts)
        finally:
            await connection.close()
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise CannotGenerate(f"can't read the database: {error}") from error


async def _read(connection: "asyncpg.Connection", contracts: Collection[str]) -> Catalog:
    async def fetch(query: str, *arguments: object) -> list[dict[str, Any]]:
        return [dict(row) for row in await connection.fetch(query, *arguments)]

    relations = [Relation(**row) for row in await fetch(queries.RELATIONS, ROLE)]
    types = [Type(**row | {"sql_name": _type_name(row["sql_name"])}) for row in await fetch(queries.TYPES)]
    columns = [Column(**row | {"sql_type": _type_name(row["sql_type"])}) for row in await fetch(queries.COLUMNS, ROLE)]
    constraints = [
        Constraint(**row | {"columns": tuple(row["columns"]), "referenced_columns": tuple(row["referenced_columns"])})
        for row in await fetch(queries.CONSTRAINTS)
    ]
    return Catalog(
        schemas=frozenset(row["name"] for row in await fetch(queries.SCHEMAS)),
        types={each.oid: each for each in types},
        checks=_grouped((each.domain, each) for each in [DomainCheck(**row) for row in await fetch(queries.CHECKS)]),
        relations={each.oid: each for each in relations},
        columns=_grouped((each.relation, each) for each in columns),
        constraints=_grouped((each.relation, each) for each in constraints),
        functions=[_function(row) for row in await fetch(queries.FUNCTIONS, ROLE, list(contracts))],
    )


def _type_name(printed: str) -> str:
    """Without the quotes that one major version needs and another doesn't: after a dot, a keyword is a name like any other."""
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
        comment=row["comment"],
    )
