"""docs/langgraph.md: LangGraph's tables are read by no API role, wherever they are."""

import asyncpg
import pytest

from local_stack import LocalStack
from tests.docs.pages import BLOCKS

(_SCHEMA,) = [block.source for block in BLOCKS if block.page == "docs/langgraph.md"]
_TABLES = ("checkpoints", "checkpoint_blobs", "checkpoint_writes", "checkpoint_migrations")
_ROLES = ("anon", "authenticated", "service_role")


@pytest.mark.parametrize("schema", ["langgraph", "public"])
async def test_no_api_role_reads_the_checkpoints(schema: str, stack: LocalStack) -> None:
    url = f"{stack.database_url}?options=-csearch_path%3D{schema}"
    connection = await asyncpg.connect(url)
    transaction = connection.transaction()
    await transaction.start()
    try:
        await connection.execute(_SCHEMA)
        for table in _TABLES:
            await connection.execute(f"create table {table} (thread_id text primary key, checkpoint jsonb)")
        found = await connection.fetch(
            "select relname, role from pg_class cross join unnest($1::text[]) as role"
            " where relnamespace = $2::text::regnamespace and relname = any ($3::text[])"
            " and has_schema_privilege(role, relnamespace, 'usage') and has_table_privilege(role, pg_class.oid, 'select')",
            *(_ROLES, schema, _TABLES),
        )
        created = await connection.fetchval("select count(*) from pg_class where relname = any ($1::text[])", _TABLES)
    finally:
        await transaction.rollback()
        await connection.close()

    assert created == len(_TABLES)
    assert [tuple(row) for row in found] == []
