"""Which table column each column of a view shows, from the view's definition."""

from functools import lru_cache

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.optimizer.scope import Scope, build_scope

from .catalog import CannotGenerate, Catalog, Column

Place = tuple[str, str, str]
"""Schema, relation and column."""


@lru_cache
def direct_origins(definition: str) -> dict[str, Place]:
    """The columns that a view shows unchanged, by its own names for them."""
    try:
        return _origins(build_scope(sqlglot.parse_one(definition, dialect="postgres")))
    except SqlglotError as error:
        raise CannotGenerate(f"can't read the view {definition}") from error


def _origins(scope: Scope | None) -> dict[str, Place]:
    origins: dict[str, Place] = {}
    if scope is None or not isinstance(scope.expression, exp.Select):
        return origins
    for shown in scope.expression.selects:
        column = shown.unalias()
        if not isinstance(column, exp.Column):
            continue
        # Postgres names the source of a column only if there are several.
        source = scope.sources[column.table] if column.table else next(iter(scope.sources.values()))
        if isinstance(source, exp.Table):
            origins[shown.alias_or_name] = (source.db, source.name, column.name)
        elif column.name in (inner := _origins(source)):
            origins[shown.alias_or_name] = inner[column.name]
    return origins


def columns_shown(catalog: Catalog, column: Column) -> list[Column]:
    """The column and the columns that it shows, through views over views. A table's column shows only itself."""
    shown = [column]
    while (beneath := _beneath(catalog, shown[-1])) is not None:
        shown.append(beneath)
    return shown


def table_column(catalog: Catalog, column: Column) -> Column | None:
    """The table's column that the column is or shows; None if it is computed or a composite type's."""
    last = columns_shown(catalog, column)[-1]
    return last if catalog.relations[last.relation].kind == "table" else None


def _beneath(catalog: Catalog, column: Column) -> Column | None:
    definition = catalog.relations[column.relation].definition
    if definition is None:
        return None
    schema, relation, name = direct_origins(definition).get(column.name, ("", "", ""))
    named = next((each for each in catalog.relations.values() if (each.schema, each.name) == (schema, relation)), None)
    return next(each for each in catalog.columns[named.oid] if each.name == name) if named else None
