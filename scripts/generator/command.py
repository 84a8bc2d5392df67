"""The command: writes the generated files, or says which of them are stale."""

import argparse
import asyncio
import difflib
import sys
from collections.abc import Sequence
from pathlib import Path

from .contracts import CONTRACTS, generate
from .errors import CannotGenerate
from .introspection import read_catalog
from .source import ROOT

_DIFF_LINES = 20


def main(arguments: Sequence[str] | None = None, root: Path = ROOT) -> int:
    options = _options(arguments)
    try:
        files = generate(asyncio.run(read_catalog(options.database_url, [each.schema for each in CONTRACTS])))
    except CannotGenerate as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return check(root, files) if options.check else write(root, files)


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="scripts/generate", description="Write the adapter's models and bindings from the database."
    )
    parser.add_argument("--check", action="store_true", help="write nothing; fail and show what differs")
    parser.add_argument("--database-url", required=True, help="a migrated database")
    return parser.parse_args(arguments)


def write(root: Path, files: dict[str, str]) -> int:
    for path in _left_over(root, files):
        path.unlink()
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if _text(path) != text:
            path.write_text(text, encoding="utf-8")
            print(f"wrote {name}")
    return 0


def check(root: Path, files: dict[str, str]) -> int:
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
