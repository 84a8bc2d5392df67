"""Writes generated files, or compares them with the committed ones."""

import difflib
import sys
from pathlib import Path

from .source import STEPS

_PACKAGE = "adapter/dao_service"
_DIFF_LINES = 20


def write_files(root: Path, files: dict[str, str], first_line: str) -> int:
    """Write the files that changed, and remove those that this step wrote once. Returns the exit code.

    A step of the generator owns the modules of the package that begin with its first line. Folders that it writes to are for
    generated modules alone.
    """
    for path in _left_over(root, files, first_line):
        path.unlink()
        print(f"removed {path.relative_to(root)}")
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if _text(path) != text:
            path.write_text(text, encoding="utf-8")
            print(f"wrote {name}")
    return 0


def check_files(root: Path, files: dict[str, str], first_line: str) -> int:
    """List the stale files, with the difference. Returns the exit code."""
    stale = [name for name, text in files.items() if _text(root / name) != text]
    for name in stale:
        print(f"{name} is stale:", file=sys.stderr)
        print(_difference(_text(root / name), files[name]), file=sys.stderr)
    left_over = [str(path.relative_to(root)) for path in _left_over(root, files, first_line)]
    for name in left_over:
        print(f"{name} is no longer generated", file=sys.stderr)
    if stale or left_over:
        print("Run scripts/generate.", file=sys.stderr)
    return 1 if stale or left_over else 0


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.exists() else ""


def _left_over(root: Path, files: dict[str, str], first_line: str) -> list[Path]:
    """What the step wrote once, and what no step wrote in the folders that it writes to."""
    folders = {(root / name).parent for name in files}
    found = []
    for path in sorted((root / _PACKAGE).rglob("*.py")):
        origin = _text(path).partition("\n")[0]
        owned = origin == first_line or (path.parent in folders and origin not in STEPS)
        if owned and str(path.relative_to(root)) not in files:
            found.append(path)
    return found


def _difference(committed: str, generated: str) -> str:
    lines = list(difflib.unified_diff(committed.splitlines(), generated.splitlines(), "committed", "generated", lineterm="", n=1))
    rest = len(lines) - _DIFF_LINES
    return "\n".join([*lines[:_DIFF_LINES], *([f"… and {rest} lines more"] if rest > 0 else [])])
