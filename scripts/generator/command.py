"""scripts/generate: writes the generated files, or says which of them are stale."""

import argparse
import asyncio
import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from local_stack import LocalStack
from local_stack.installation import enter_environment
from local_stack.stopping import Stopped, raise_when_asked_to_stop

from .errors import CannotGenerate
from .files import check_files, write_files
from .introspection import read_catalog
from .modules import exposed_schemas, generate
from .source import ROOT

_HELP = """\
Writes adapter/dao_service/generated: the models and bindings of each contract, from what a migrated database says about
itself. Without --database-url, it starts a throw-away Postgres and applies supabase/migrations. Then writes what is made from
the contracts: their OpenAPI documents in docs/, and the client.
"""


def main() -> int:
    options = _options(None)
    enter_environment()
    raise_when_asked_to_stop()
    try:
        failed = run(options.database_url, check=options.check)
        return failed or _run_from_contracts(check=options.check, accept_breaking=options.accept_breaking)
    except Stopped as stopped:
        return stopped.exit_code


def run(database_url: str | None, *, check: bool = False, root: Path = ROOT) -> int:
    """Generate from that database, or from a fresh one for None. Answers the exit code."""
    try:
        with _database(database_url) as url:
            files = generate(asyncio.run(read_catalog(url, exposed_schemas())))
    except CannotGenerate as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return check_files(root, files) if check else write_files(root, files)


def _run_from_contracts(*, check: bool, accept_breaking: bool) -> int:
    options = [*(["--check"] if check else []), *(["--accept-breaking"] if accept_breaking else [])]
    environment = os.environ | {"PYTHONPATH": str(ROOT / "scripts")}
    command = [sys.executable, "-m", "generator.from_contracts", *options]
    return subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/generate", description=_HELP)
    parser.add_argument("--check", action="store_true", help="write nothing; fail, and show what differs, when a file is stale")
    parser.add_argument("--accept-breaking", action="store_true", help="write an OpenAPI document that breaks callers, too")
    parser.add_argument("--database-url", metavar="URL", help="use this migrated database")
    return parser.parse_args(arguments)


@contextlib.contextmanager
def _database(url: str | None) -> Iterator[str]:
    if url is not None:
        yield url
        return
    stack = LocalStack()
    try:
        stack.start_database()
        yield stack.database_url
    finally:
        stack.stop()
