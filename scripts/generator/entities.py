"""The entity diagram of the shared schema: its tables and their references, for Mermaid."""

import re
from collections.abc import Iterator

from .catalog import Catalog, Column, Constraint, Relation
from .shapes import naming_column

_PATH = "docs/entities.md"
_HEAD = """\
<!-- Drawn by scripts/generate from the migrated database. Do not edit: change a migration and generate again. -->

# Entities

The tables of schema `{schema}`, which are the resources of contract 1.2. Those of contract 1.0 are views of them.

```mermaid
erDiagram
"""


def entity_diagram(catalog: Catalog, schema: str) -> dict[str, str]:
    """Path, from the root of the repository, to the text of the file."""
    tables = [relation for relation in catalog.rows(schema) if relation.kind == "table"]
    lines = [line for table in tables for line in _references(catalog, table)]
    lines += [line for table in tables for line in _table(catalog, table)]
    descriptions = [f"- `{table.name}`: {table.comment or ''}" for table in tables]
    return {_PATH: _HEAD.format(schema=schema) + "\n".join(lines) + "\n```\n\n" + "\n".join(descriptions) + "\n"}


def _table(catalog: Catalog, table: Relation) -> Iterator[str]:
    yield f"  {table.name} {{"
    for column in catalog.columns[table.oid]:
        keys = [mark for kind, mark in (("primary", "PK"), ("reference", "FK"), ("unique", "UK")) if _is(catalog, column, kind)]
        optional = "" if column.not_null else ' "optional"'
        yield f"    {_type(column)} {column.name}{' ' if keys else ''}{', '.join(keys)}{optional}"
    yield "  }"


def _references(catalog: Catalog, table: Relation) -> Iterator[str]:
    """One line per reference, starting with the referenced table."""
    columns = {column.number: column for column in catalog.columns[table.oid]}
    for constraint in _constraints(catalog, table, "reference"):
        column = columns[naming_column(catalog, constraint)]
        named = catalog.relations.get(constraint.referenced)
        if named is None or named.schema != table.schema:
            continue
        one = "||" if column.not_null else "|o"
        alone = any(each.columns == (column.number,) for each in _constraints(catalog, table, "primary", "unique"))
        yield f"  {named.name} {one}--{'o|' if alone else 'o{'} {table.name} : {column.name}"


def _is(catalog: Catalog, column: Column, kind: str) -> bool:
    table = catalog.relations[column.relation]
    if kind == "reference":
        return any(naming_column(catalog, each) == column.number for each in _constraints(catalog, table, kind))
    # Keys of several columns only serve as targets of references that compare the owner too.
    return any(each.columns == (column.number,) for each in _constraints(catalog, table, kind))


def _constraints(catalog: Catalog, table: Relation, *kinds: str) -> list[Constraint]:
    return [each for each in catalog.constraints.get(table.oid, []) if each.kind in kinds]


def _type(column: Column) -> str:
    """`json_object` for `public."json_object"`: Mermaid accepts one word."""
    return re.sub(r"\W+", "_", column.sql_type.rpartition(".")[2].strip('"'))
