"""The stack that the contenders use: made for the benchmark, with settings as in production."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from local_stack import LocalStack
from local_stack.ports import LOOPBACK
from local_stack.postgres import DATABASE, PASSWORD
from local_stack.project import SUPABASE

from .machine import memory_bytes

POOL = 20
"""Connections to the database that each contender may hold."""


def postgres_settings() -> dict[str, str]:
    """As for a server that has this machine for itself. A commit is on disk when it is answered."""
    quarter_mb = min(memory_bytes() // 4, 2 * 1024**3) // 1024**2
    return {
        "fsync": "on",
        "full_page_writes": "on",
        "synchronous_commit": "on",
        "shared_buffers": f"{quarter_mb}MB",
        "effective_cache_size": f"{2 * quarter_mb}MB",
        "maintenance_work_mem": "256MB",
        "max_wal_size": "4GB",
        "checkpoint_timeout": "15min",
        "random_page_cost": "1.1",
    }


@contextmanager
def stage(
    report: Callable[[str], None], settings: Mapping[str, str] | None = None, supabase: Path = SUPABASE
) -> Iterator[LocalStack]:
    """A migrated database without data, and PostgREST configured but not running. Both are removed at the end."""
    made = LocalStack(
        postgres_settings=postgres_settings() | dict(settings or {}),
        postgrest_settings={"PGRST_DB_POOL": str(POOL)},
        supabase=supabase,
        report=report,
    )
    with made.database_first() as stack:
        # All contenders reach Postgres in the same way.
        uri = f"postgresql://authenticator:{PASSWORD}@{LOOPBACK}:{stack.postgres.port}/{DATABASE}"
        stack.start_data_api()
        stack.gateway.stop()
        stack.postgrest.stop()
        stack.postgrest.settings["PGRST_DB_URI"] = uri
        yield stack
