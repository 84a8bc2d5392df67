"""The entity diagram: the tables of the shared schema and what refers to what, as Mermaid draws it."""

import re
from collections.abc import Iterator

from .catalog import Catalog, Column, Constraint, Relation

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
    """A line for each reference, from the table that it names."""
    for constraint in _constraints(catalog, table, "reference"):
        column = _naming(catalog, table, constraint)
        named = catalog.relations.get(constraint.referenced)
        if named is None or named.schema != table.schema:
            continue
        one = "||" if column.not_null else "|o"
        alone = any(each.columns == (column.number,) for each in _constraints(catalog, table, "primary", "unique"))
        yield f"  {named.name} {one}--{'o|' if alone else 'o{'} {table.name} : {column.name}"


def _naming(catalog: Catalog, table: Relation, constraint: Constraint) -> Column:
    """Of a reference that also compares the owner, the column that it is about: the one that no other reference is about alone."""
    columns = {column.number: column for column in catalog.columns[table.oid]}
    alone = {each.columns[0] for each in _constraints(catalog, table, "reference") if len(each.columns) == 1}
    about = [number for number in constraint.columns if number not in alone] or list(constraint.columns)
    # A column of a composite reference is named after what it names: goal_id beside user_id.
    about.sort(key=lambda number: columns[number].name == "user_id")
    return columns[about[0]]


def _is(catalog: Catalog, column: Column, kind: str) -> bool:
    table = catalog.relations[column.relation]
    if kind == "reference":
        return any(_naming(catalog, table, each).number == column.number for each in _constraints(catalog, table, kind))
    # What is unique only together with others serves references that compare the owner too.
    return any(each.columns == (column.number,) for each in _constraints(catalog, table, kind))


def _constraints(catalog: Catalog, table: Relation, *kinds: str) -> list[Constraint]:
    return [each for each in catalog.constraints.get(table.oid, []) if each.kind in kinds]


def _type(column: Column) -> str:
    """`public."json_object"` as `json_object`; Mermaid takes one word."""
    return re.sub(r"\W+", "_", column.sql_type.rpartition(".")[2].strip('"'))
