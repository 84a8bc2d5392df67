"""scripts/generate: writes the generated files, or says which of them are stale."""

import argparse
import asyncio
import contextlib
import difflib
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from local_stack import LocalStack
from local_stack.installation import enter_environment
from local_stack.stopping import Stopped, raise_when_asked_to_stop

from .contracts import exposed_schemas, generate
from .errors import CannotGenerate
from .introspection import read_catalog
from .source import ROOT

_HELP = """\
Writes adapter/dao_service/generated: the models and bindings of each contract, from what a migrated database says about
itself. Without --database-url, it starts a throw-away Postgres and applies supabase/migrations.
"""
_DIFF_LINES = 20


def main() -> int:
    options = _options(None)
    enter_environment()
    raise_when_asked_to_stop()
    try:
        return run(options.database_url, check=options.check)
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
    return _check(root, files) if check else _write(root, files)


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/generate", description=_HELP)
    parser.add_argument("--check", action="store_true", help="write nothing; fail, and show what differs, when a file is stale")
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


def _write(root: Path, files: dict[str, str]) -> int:
    for path in _left_over(root, files):
        path.unlink()
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if _text(path) != text:
            path.write_text(text, encoding="utf-8")
            print(f"wrote {name}")
    return 0


def _check(root: Path, files: dict[str, str]) -> int:
    stale = [name for name, text in files.items() if _text(root / name) != text]
    for name in stale:
        print(f"{name} is stale:", file=sys.stderr)
        print(_difference(_text(root / name), files[name]), file=sys.stderr)
    left_over = [str(path.relative_to(root)) for path in _left_over(root, files)]
    for name in left_over:
        print(f"{name} is generated from nothing", file=sys.stderr)
    if stale or left_over:
        print("Run scripts/generate.", file=sys.stderr)
    return 1 if stale or left_over else 0


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.exists() else ""


def _left_over(root: Path, files: dict[str, str]) -> list[Path]:
    folders = {(root / name).parent for name in files}
    return sorted(path for folder in folders for path in folder.glob("*.py") if str(path.relative_to(root)) not in files)


def _difference(committed: str, generated: str) -> str:
    lines = list(difflib.unified_diff(committed.splitlines(), generated.splitlines(), "committed", "generated", lineterm="", n=1))
    rest = len(lines) - _DIFF_LINES
    return "\n".join([*lines[:_DIFF_LINES], *([f"… and {rest} lines more"] if rest > 0 else [])])
