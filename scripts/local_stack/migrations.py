"""The schema and the example data: the Supabase CLI applies the migrations, seed.sql fills an empty database."""

import os
from pathlib import Path

from . import programs
from .database import execute_script, fetch_rows
from .errors import StackError
from .processes import Command, run
from .project import LOCAL, ROOT, SUPABASE
from .stopping import pause

BOOTSTRAP = (Path(__file__).with_name("bootstrap.sql"), ROOT / "docker" / "auth_functions.sql")

_ATTEMPTS = 20
_BETWEEN_ATTEMPTS_SECONDS = 1


def bootstrap(database_url: str, *, auto_expose: bool) -> None:
    """Create the roles and schemas that hosted Supabase has. Only before the first migration, because migrations change some."""
    if fetch_rows(database_url, "select 1 from pg_roles where rolname = 'authenticator'"):
        return
    setting = f"set local auto_expose.new_tables = '{'on' if auto_expose else 'off'}';\n"
    execute_script(database_url, setting + "".join(file.read_text() for file in BOOTSTRAP))


def migrate(database_url: str, supabase: Path = SUPABASE) -> None:
    """Apply the migrations that the database doesn't have yet.

    A migration gives up if it does not get a lock within its lock_timeout, because whoever needs the table waits behind it. It is
    retried, so that they get their turns in between.
    """
    for attempts_left in reversed(range(_ATTEMPTS)):
        try:
            supabase_cli("db", "push", "--yes", f"--remote={database_url}?sslmode=disable", supabase=supabase, check="migrating")
        except StackError as error:
            if not attempts_left or "lock timeout" not in str(error):
                raise
            pause(_BETWEEN_ATTEMPTS_SECONDS)
        else:
            return


def newer_than(supabase: Path, database_url: str) -> list[str]:
    """The migrations of the database that the folder lacks. A StackError if the database lacks some of the folder's, too."""
    if not fetch_rows(database_url, "select 1 where to_regclass('supabase_migrations.schema_migrations') is not null"):
        return []
    rows = fetch_rows(database_url, "select version, name from supabase_migrations.schema_migrations order by version")
    applied = {row["version"]: f"{row['version']}_{row['name']}" for row in rows}
    here = {file.name.partition("_")[0]: file.stem for file in sorted((supabase / "migrations").glob("*.sql"))}
    newer = [name for version, name in applied.items() if version not in here]
    missing = [name for version, name in here.items() if version not in applied]
    if newer and missing:
        raise StackError(
            f"the database and this checkout have parted: only the database has {', '.join(newer)}, only the checkout has "
            f"{', '.join(missing)}. Use --fresh, or set FLUX_HOME to another folder"
        )
    return newer


def seed(database_url: str, supabase: Path = SUPABASE) -> bool:
    """Load seed.sql if it exists and there is no user yet. Returns whether it was loaded.

    The CLI's --include-seed won't do: it remembers a loaded file by its hash, and does not load it again after the rows were
    deleted.
    """
    file = supabase / "seed.sql"
    if not file.exists() or fetch_rows(database_url, "select 1 from public.users limit 1"):
        return False
    try:
        execute_script(database_url, file.read_text())
    except Exception as error:
        raise StackError(f"seeding from {file.name} failed: {error}") from error
    return True


def existing_schemas(database_url: str, wanted: tuple[str, ...]) -> tuple[str, ...]:
    """The wanted schemas that exist, in the given order. PostgREST does not start if one is missing."""
    rows = fetch_rows(database_url, "select nspname::text as name from pg_namespace where nspname = any($1)", list(wanted))
    existing = {row["name"] for row in rows}
    return tuple(schema for schema in wanted if schema in existing)


def own_schemas(database_url: str) -> list[str]:
    """The schemas that the migrations fill: without Postgres's own and Supabase's."""
    theirs = ["auth", "extensions", "information_schema", "supabase_migrations"]
    sql = "select nspname::text as name from pg_namespace where nspname not like 'pg\\_%' and nspname <> all($1) order by 1"
    return [row["name"] for row in fetch_rows(database_url, sql, theirs)]


def supabase_cli(*arguments: str, supabase: Path = SUPABASE, check: str | None = None) -> str:
    """Run the Supabase CLI without questions, telemetry or update checks. With `check`, a failure raises StackError.

    The environment's settings of other projects (SUPABASE_DB_PASSWORD and the like) are left out.
    """
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("SUPABASE_", "PG"))}
    environment |= {
        "SUPABASE_HOME": str(LOCAL / "supabase-cli"),
        "SUPABASE_TELEMETRY_DISABLED": "1",
        "SUPABASE_NO_UPDATE_NOTIFIER": "1",
        "SUPABASE_NO_KEYRING": "1",
        "DO_NOT_TRACK": "1",
        "NO_COLOR": "1",
    }
    command: Command = [programs.supabase_cli(), *arguments, "--workdir", supabase.parent, "--agent", "no"]
    return run(command, env=environment, check=check).stdout
