"""Rows that are dumped without the schema and restored into a migrated database, as docs/deployment.md says."""

import subprocess
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from local_stack import LocalStack
from local_stack.database import execute_script, fetch_rows
from local_stack.debian import DebianPostgres, debian_postgres
from local_stack.migrations import seed
from local_stack.processes import Command

TABLES = ("users", "goals", "milestones", "tasks", "conversations", "patterns", "notification_log")


@pytest.fixture(scope="module")
def debian() -> DebianPostgres:
    """Whose pg_dump can't dump Postgres 17, so the server is Debian's too."""
    return debian_postgres()


@pytest.fixture(scope="module")
def source(debian: DebianPostgres) -> Iterator[LocalStack]:
    """A database with rows that changed, beside migrated ones without rows."""
    with LocalStack(postgres_programs=debian.programs).database_first() as stack:
        for name in ("plain", "replica"):
            command: Command = [
                debian.psql(),
                "--quiet",
                "--command",
                f"create database {name} template postgres",
                stack.database_url,
            ]
            subprocess.run(command, check=True, env=debian.environment())
            # As if it had been migrated by itself.
            execute_script(_beside(stack, name), "update private.row_counts set slot = gen_random_uuid()")
        seed(stack.database_url)
        execute_script(stack.database_url, "update public.tasks set title = title || '!'")
        yield stack


@pytest.mark.parametrize(
    ("name", "schemas", "options", "times"),
    [
        ("plain", ["public", "archive", "private"], "", 2),
        ("replica", ["public", "archive"], "-c session_replication_role=replica", 0),
    ],
    ids=["with triggers and counts", "without either"],
)
def test_restored_rows_are_counted_right_after_recount_rows(
    name: str, schemas: list[str], options: str, times: int, source: LocalStack, debian: DebianPostgres, tmp_path: Path
) -> None:
    target = _beside(source, name)
    run = partial(subprocess.run, check=True, capture_output=True, env=debian.environment() | {"PGOPTIONS": options})
    dump = tmp_path / "rows.sql"

    run(
        [debian.programs.command("pg_dump"), "--data-only", *(f"-n{each}" for each in schemas), "--file", dump, source.database_url]
    )
    run([debian.psql(), "--quiet", "--file", dump, target])
    restored = {table: fetch_rows(target, f"select * from public.{table} order by id") for table in TABLES}
    before = _totals(target)
    execute_script(target, "select private.recount_rows()")

    rows = {table: len(found) for table, found in restored.items()}
    assert before == {table: number * times for table, number in rows.items()}
    assert _totals(target) == _totals(source.database_url) == rows
    if name == "replica":
        assert restored == {table: fetch_rows(source.database_url, f"select * from public.{table} order by id") for table in TABLES}


def _beside(stack: LocalStack, name: str) -> str:
    return stack.database_url.removesuffix("postgres") + name


def _totals(url: str) -> dict[str, int]:
    known = ", ".join(f"private.known_total('public.{table}') as {table}" for table in TABLES)
    return dict(fetch_rows(url, f"select {known}")[0])
