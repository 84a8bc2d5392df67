"""The rows that the OpenAPI documents show as examples: the first one of each relation, by its key, in supabase/seed.sql."""

import json
import re
from datetime import datetime, timedelta
from typing import Any

import asyncpg

from local_stack.project import SUPABASE

from .catalog import CannotGenerate, Catalog
from .shapes import shape_of
from .source import GENERATED, Source

Rows = dict[str, dict[str, dict[str, Any]]]
"""By schema and relation."""

# The seed's times are relative to the time of loading, which is this one in the examples.
_LOADED_AT = datetime.fromisoformat("2026-11-23T06:30:00+00:00")
# Times that the database took while it loaded the seed. No time in the seed is so close after now().
_WHILE_LOADING = timedelta(minutes=10)
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?\+00:00")


async def read_examples(url: str, catalog: Catalog) -> Rows:
    """Load the seed, read the rows, and roll back."""
    connection = await asyncpg.connect(url)
    transaction = connection.transaction()
    try:
        await connection.execute("set search_path = ''")
        await connection.execute("set timezone = 'UTC'")
        await transaction.start()
        await connection.execute((SUPABASE / "seed.sql").read_text(encoding="utf-8"))
        loaded_at = await connection.fetchval("select now()")
        rows: Rows = {contract.schema: {} for contract in catalog.contracts}
        for relation in (each for schema in rows for each in catalog.rows(schema) if each.kind != "composite"):
            named, key = f'{relation.schema}."{relation.name}"', shape_of(catalog, relation).key
            row = await connection.fetchval(f'select to_json(found) from {named} as found order by "{key}" limit 1')  # noqa: S608 - names
            if row is None:
                raise CannotGenerate(f"seed.sql has no row of {relation.schema}.{relation.name}, for the examples of the documents")
            shown = json.loads(_INSTANT.sub(lambda found: _moved(found, loaded_at), row))
            rows[relation.schema][relation.name] = {name: _first(value) for name, value in shown.items()}
        return rows
    except asyncpg.PostgresError as error:
        raise CannotGenerate(f"can't load seed.sql: {error}") from error
    finally:
        await connection.close()


def write_examples(rows: Rows) -> dict[str, str]:
    """Path, from the root of the repository, to the text of the file."""
    source = Source(
        f"{GENERATED}/seed_rows.py", "A row of each relation, from supabase/seed.sql, for the examples of the OpenAPI documents."
    )
    source.add(f"ROWS: dict[str, dict[str, dict[str, {source.name('typing', 'Any')}]]] = {rows!r}")
    return {source.path: source.text()}


def _first(value: Any) -> Any:
    """One row of a list of rows."""
    return value[:1] if isinstance(value, list) and value and isinstance(value[0], dict) else value


def _moved(found: re.Match[str], loaded_at: datetime) -> str:
    distance = datetime.fromisoformat(found.group()) - loaded_at
    return (_LOADED_AT + (timedelta() if timedelta() <= distance < _WHILE_LOADING else distance)).isoformat()
