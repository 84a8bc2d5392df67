"""The processes of this machine, from Linux's /proc."""

import contextlib
import os
from pathlib import Path

import pytest

PROC = Path("/proc")
needs_proc = pytest.mark.skipif(not (PROC / "self" / "stat").exists(), reason="reads processes from /proc")


def state_of(process: int) -> str | None:
    """The state of a process: `Z` for a zombie, None if it does not exist."""
    try:
        return (PROC / str(process) / "stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return None


def name_of(process: int) -> str | None:
    """The name of a process, None if it does not exist: Postgres's processes come and go."""
    try:
        return (PROC / str(process) / "comm").read_text().strip()
    except OSError:
        return None


def alive(processes: set[int]) -> dict[int, str | None]:
    """The processes that still run, by name."""
    names = {process: name_of(process) for process in processes if state_of(process) not in (None, "Z")}
    return {process: name for process, name in names.items() if name}


def _parents() -> dict[int, int]:
    parents: dict[int, int] = {}
    for status in PROC.glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            # pid (name) state parent …; the name may have spaces and parentheses.
            parents[int(status.parent.name)] = int(status.read_text().rpartition(")")[2].split()[1])
    return parents


def children(process: int) -> set[int]:
    """The processes that this one started."""
    return {child for child, parent in _parents().items() if parent == process}


def descendants(process: int) -> set[int]:
    """The children of a process, and their descendants."""
    parents, found = _parents(), {process}
    while more := {child for child, parent in parents.items() if parent in found} - found:
        found |= more
    return found - {process}


def processes_of(home: Path) -> dict[int, str | None]:
    """The processes of a stack's home, by environment, arguments or working directory, with any parent."""
    found = set()
    for process in PROC.glob("[0-9]*"):
        with contextlib.suppress(OSError):
            told = (
                (process / "environ").read_bytes() + (process / "cmdline").read_bytes() + os.fsencode((process / "cwd").readlink())
            )
            if os.fsencode(home) in told:
                found.add(int(process.name))
    return alive(found - {os.getpid()})
