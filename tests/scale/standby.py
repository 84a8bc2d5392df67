"""A standby of a local stack: a copy of its database that follows it, and PostgREST on the copy."""

import asyncio
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncpg

from local_stack import LocalStack, Postgres, free_port
from local_stack.database import fetch_rows
from local_stack.postgres import PASSWORD, THROW_AWAY_SETTINGS
from local_stack.postgrest import Postgrest
from local_stack.processes import wait_until
from local_stack.programs import embedded_postgres
from local_stack.project import SUPABASE, api_config


@dataclass
class Standby:
    postgres: Postgres
    postgrest: Postgrest

    def pause_replay(self) -> None:
        fetch_rows(self.postgres.url, "select pg_wal_replay_pause()")
        assert wait_until(
            lambda: fetch_rows(self.postgres.url, "select pg_get_wal_replay_pause_state() as state") == [{"state": "paused"}], 5
        )

    def resume_replay(self) -> None:
        fetch_rows(self.postgres.url, "select pg_wal_replay_resume()")


@contextmanager
def standby_of(stack: LocalStack, home: Path) -> Iterator[Standby]:
    """A hot standby that replicates asynchronously, and PostgREST on it."""
    primary = f"host=127.0.0.1 port={stack.postgres.port} user=postgres password={PASSWORD}"
    postgres = Postgres(home, embedded_postgres(), free_port(), {**THROW_AWAY_SETTINGS, "primary_conninfo": primary})
    postgrest = Postgrest(home, postgres, stack.jwt_secret, stack.api_url)
    # A standby takes no LISTEN.
    postgrest.configure(api_config(SUPABASE), stack.postgrest.schemas, {"PGRST_DB_CHANNEL_ENABLED": "false"})
    postgres._find_reachable_places()
    label = asyncio.run(_copy(stack, postgres.data))
    (postgres.data / "backup_label").write_text(label)
    (postgres.data / "standby.signal").touch()
    owner = stack.postgres.data.stat()
    for entry in (postgres.data, *postgres.data.rglob("*")):
        os.chown(entry, owner.st_uid, owner.st_gid)
    postgres.data.chmod(0o700)
    try:
        postgres.start()
        postgrest.start()
        yield Standby(postgres, postgrest)
    finally:
        postgrest.stop()
        postgres.remove()


async def _copy(stack: LocalStack, target: Path) -> str:
    """Copies the running database. Returns its backup label."""
    connection = await asyncpg.connect(stack.database_url)
    try:
        await connection.execute("select pg_backup_start('standby', fast => true)")
        left_out = shutil.ignore_patterns("postmaster.*", "pg_replslot", ".s.PGSQL.*")
        shutil.copytree(stack.postgres.data, target, ignore=left_out)
        for directory in ("pg_wal", "pg_replslot"):
            (target / directory).mkdir(exist_ok=True)
        label = await connection.fetchval("select labelfile from pg_backup_stop(wait_for_archive => false)")
    finally:
        await connection.close()
    return str(label)
