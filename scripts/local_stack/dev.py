"""scripts/dev: the whole service on this machine, until Ctrl-C."""

import argparse
import contextlib
import os
import sys
from dataclasses import dataclass
from pathlib import Path

from .errors import StackError
from .home import home_folder, make_home
from .http_servers import Adapter
from .installation import enter_environment
from .ports import port_in, require_free
from .processes import wait_until
from .project import LOCAL
from .stack import LocalStack
from .stopping import Stopped
from .supervisor import Watched, watch

_HELP = """\
Installs what is missing in the checkout, starts Postgres, applies the migrations, loads the example data into an empty
database, and starts PostgREST and the adapter, all on 127.0.0.1. Then it prints a line that starts with "ready". A part
that ends or hangs is started again. Ctrl-C or SIGTERM stops everything; a second one kills it.
"""
_ENVIRONMENT = """\
environment:
  PORT             the REST API (8000)
  POSTGREST_PORT   the Data API, for Supabase's clients (54321)
  DB_PORT          Postgres (54322)
  FLUX_HOME        the folder of the data, logs and keys (.local in the checkout)
  SUPABASE_URL     use this Supabase project and start only the adapter; needs SUPABASE_SERVICE_ROLE_KEY
  The adapter gets its own settings too, for example SERVICE_API_KEYS and REQUIRE_SERVICE_KEY. It gets DATABASE_URL only with
  SUPABASE_URL, because that would connect it to another database than this stack's.
"""
_PROJECT_ANSWERS_WITHIN_SECONDS = 5


@dataclass(frozen=True)
class _Settings:
    port: int
    postgrest_port: int
    db_port: int
    home: Path

    @classmethod
    def from_environment(cls) -> "_Settings":
        return cls(port_in("PORT", 8000), port_in("POSTGREST_PORT", 54321), port_in("DB_PORT", 54322), home_folder())


def main() -> int:
    """Run the command; its exit code."""
    parser = argparse.ArgumentParser(
        prog="scripts/dev",
        description=_HELP,
        epilog=_ENVIRONMENT,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--fresh", action="store_true", help="start with an empty database: removes the old one")
    parser.add_argument("--no-seed", action="store_true", help="don't load the example data into an empty database")
    arguments = parser.parse_args()
    settings = _Settings.from_environment()
    hosted = bool(os.environ.get("SUPABASE_URL"))
    local_ports = {} if hosted else {"POSTGREST_PORT": settings.postgrest_port, "DB_PORT": settings.db_port}
    require_free({"PORT": settings.port} | local_ports)
    make_home(settings.home)
    enter_environment()
    stack = None if hosted else _local_stack(settings, fresh=arguments.fresh, seed=not arguments.no_seed)
    adapter = stack.adapter(settings.port) if stack else _adapter_of_hosted_project(settings)
    # Before the database starts.
    adapter.require_settings()
    if stack and os.environ.get("DATABASE_URL"):
        _say("ignoring DATABASE_URL: the adapter uses this stack's PostgREST")
    try:
        _start(stack, adapter)
        _print_addresses(stack, adapter, settings.home)
        _run_until_stopped(stack, adapter)
    finally:
        adapter.stop()
        if stack:
            stack.stop()
    return 0


def _start(stack: LocalStack | None, adapter: Adapter) -> None:
    if stack:
        stack.start()
    _say("starting the adapter")
    adapter.start(ready_path="/ready" if stack else "/health")
    if not stack:
        _require_project(adapter)


def _run_until_stopped(stack: LocalStack | None, adapter: Adapter) -> None:
    try:
        watch(_watched(stack, adapter), _say)
    except Stopped:
        with contextlib.suppress(OSError):  # the terminal may be gone
            _say("stopping")


def _local_stack(settings: _Settings, *, fresh: bool, seed: bool) -> LocalStack:
    return LocalStack(
        settings.home,
        db_port=settings.db_port,
        postgrest_port=settings.postgrest_port,
        fresh=fresh,
        seed=seed,
        report=_say,
    )


def _adapter_of_hosted_project(settings: _Settings) -> Adapter:
    if not os.environ.get("SUPABASE_SERVICE_ROLE_KEY"):
        raise StackError("SUPABASE_URL is set: set SUPABASE_SERVICE_ROLE_KEY too, or unset it for a local stack")
    return Adapter(settings.home, settings.port, os.environ)


def _require_project(adapter: Adapter) -> None:
    """Raise a StackError unless the hosted project answers soon: it runs already, or not at all."""
    place, address, key = os.environ["SUPABASE_URL"], "SUPABASE_URL", "SUPABASE_SERVICE_ROLE_KEY"
    if os.environ.get("DATABASE_URL"):
        place, address, key = "the database", "DATABASE_URL", "DATABASE_URL"
    _say(f"using the Supabase project at {os.environ['SUPABASE_URL']}")

    def is_final(why: str) -> bool:
        return not why or "refuses" in why

    wait_until(lambda: is_final(adapter.why_not_ready()), _PROJECT_ANSWERS_WITHIN_SECONDS)
    why = adapter.why_not_ready()
    if not why:
        return
    if "cannot be reached" in why:
        raise StackError(f"{place} can't be reached: check {address}")
    if "refuses" in why:
        raise StackError(f"{place} refuses the key: check {key}")
    raise StackError(f"{place} can't be used: {why} Check {address}, and whether the project runs.")


def _watched(stack: LocalStack | None, adapter: Adapter) -> list[Watched]:
    parts = (
        [
            Watched(stack.postgres, stack.postgres.start),
            Watched(stack.postgrest, stack.postgrest.start),
            Watched(stack.gateway, lambda: stack.gateway.start(stack.postgrest_url)),
        ]
        if stack
        else []
    )
    return [*parts, Watched(adapter, lambda: adapter.start(ready_path="/health"))]


def _print_addresses(stack: LocalStack | None, adapter: Adapter, home: Path) -> None:
    flag = "" if home == LOCAL else f" --home {_short(home)}"
    _say("")
    _say(f"REST API    {adapter.url}/api/v1, documented at {adapter.url}/docs")
    if stack:
        _say(f"Data API    {stack.api_url} (PostgREST; for supabase-js and supabase-py this is the project's URL)")
        _say(f"Database    {stack.database_url}")
        _say(f"Keys        scripts/mint-jwt --key anon{flag}, scripts/mint-jwt --key service_role{flag}")
        _say(f"User token  scripts/mint-jwt USER_ID{flag}")
    _say(f"Logs        {_short(home / 'logs')}")
    _say(f"ready: {adapter.url}/docs")


def _short(path: Path) -> str:
    return os.path.relpath(path) if path.is_relative_to(Path.cwd()) else str(path)


def _say(line: str) -> None:
    print(line, file=sys.stdout, flush=True)
