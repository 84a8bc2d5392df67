"""scripts/dev: the whole service on this machine, until Ctrl-C."""

import argparse
import os
import sys
from dataclasses import dataclass
from pathlib import Path

from .errors import StackError
from .http_servers import Adapter
from .installation import enter_environment
from .ports import require_free
from .project import LOCAL
from .stack import LocalStack
from .stopping import Stopped, raise_when_asked_to_stop
from .supervisor import Watched, watch

_HELP = """\
Installs what is missing into the checkout, starts Postgres, applies the migrations, loads the example data into an
empty database, and starts PostgREST and the adapter, all on 127.0.0.1. The last line printed starts with "ready".
Ctrl-C or SIGTERM stops everything.
"""
_ENVIRONMENT = """\
environment:
  PORT             the REST API (8000)
  POSTGREST_PORT   the Data API, as Supabase's clients expect it (54321)
  DB_PORT          Postgres (54322)
  FLUX_HOME        where the data, logs and keys are (.local in the checkout)
  SUPABASE_URL     use this Supabase project instead and start only the adapter; needs SUPABASE_SERVICE_ROLE_KEY
  SERVICE_API_KEYS, REQUIRE_SERVICE_KEY and the adapter's other settings are passed on to it.
"""


@dataclass(frozen=True)
class _Settings:
    port: int
    postgrest_port: int
    db_port: int
    home: Path

    @classmethod
    def from_environment(cls) -> "_Settings":
        home = Path(os.environ.get("FLUX_HOME") or LOCAL).absolute()
        return cls(_port("PORT", 8000), _port("POSTGREST_PORT", 54321), _port("DB_PORT", 54322), home)


def _port(variable: str, default: int) -> int:
    value = os.environ.get(variable) or str(default)
    if not (value.isascii() and value.isdigit() and 0 < int(value) < 65536):
        raise StackError(f"{variable}={value} is not a port: give a number from 1 to 65535")
    return int(value)


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
    ready = False
    raise_when_asked_to_stop()
    try:
        settings = _Settings.from_environment()
        hosted = bool(os.environ.get("SUPABASE_URL"))
        local_ports = {} if hosted else {"POSTGREST_PORT": settings.postgrest_port, "DB_PORT": settings.db_port}
        require_free({"PORT": settings.port} | local_ports)
        enter_environment()
        settings.home.mkdir(parents=True, exist_ok=True)
        if hosted:
            adapter = _adapter_of_hosted_project(settings)
            stack = None
        else:
            stack = LocalStack(
                settings.home,
                db_port=settings.db_port,
                postgrest_port=settings.postgrest_port,
                fresh=arguments.fresh,
                seed=not arguments.no_seed,
                report=_say,
            )
            adapter = stack.adapter(settings.port)
        try:
            if stack:
                stack.start()
            _say("starting the adapter")
            adapter.start()
            _print_addresses(stack, adapter, settings.home)
            ready = True
            watch(_watched(stack, adapter), _say)
        finally:
            if ready:
                _say("stopping")
            adapter.stop()
            if stack:
                stack.stop()
    except Stopped as stopped:
        return 0 if ready else stopped.exit_code


def _adapter_of_hosted_project(settings: _Settings) -> Adapter:
    if not os.environ.get("SUPABASE_SERVICE_ROLE_KEY"):
        raise StackError("SUPABASE_URL is set: set SUPABASE_SERVICE_ROLE_KEY too, or unset it for a local stack")
    _say(f"using the Supabase project at {os.environ['SUPABASE_URL']}")
    return Adapter(settings.home, settings.port, os.environ)


def _watched(stack: LocalStack | None, adapter: Adapter) -> list[Watched]:
    parts = [Watched("the adapter", adapter, lambda: adapter.start(ready_path="/health"))]
    if stack is None:
        return parts
    return [
        Watched("Postgres", stack.postgres, stack.postgres.start),
        Watched("PostgREST", stack.postgrest, stack.postgrest.start),
        Watched("the API gateway", stack.gateway, lambda: stack.gateway.start(stack.postgrest_url)),
        *parts,
    ]


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
