"""Generated files on the disk: written, or compared with what they should be."""

import difflib
import sys
from pathlib import Path

_DIFF_LINES = 20


def write_files(root: Path, files: dict[str, str]) -> int:
    """Write what changed, remove modules beside them that nothing generates. Answers the exit code."""
    for path in _left_over(root, files):
        path.unlink()
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if _text(path) != text:
            path.write_text(text, encoding="utf-8")
            print(f"wrote {name}")
    return 0


def check_files(root: Path, files: dict[str, str]) -> int:
    """Say which files are stale, and how. Answers the exit code."""
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
    found = {path for folder in folders for path in folder.glob("*.py") if str(path.relative_to(root)) not in files}
    clients = all("client_" in name for name in files if "/generated/" in name)
    return sorted(path for path in found if path.name.startswith("client_") == clients)


def _difference(committed: str, generated: str) -> str:
    lines = list(difflib.unified_diff(committed.splitlines(), generated.splitlines(), "committed", "generated", lineterm="", n=1))
    rest = len(lines) - _DIFF_LINES
    return "\n".join([*lines[:_DIFF_LINES], *([f"… and {rest} lines more"] if rest > 0 else [])])
