"""Locks between processes: an open file holds one, and gives it back when it is closed, at the latest by the process's end."""

import contextlib
import fcntl
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TextIO

from .stopping import pause

_LOOK_EVERY_SECONDS = 0.1


def take_lock(path: Path) -> TextIO | None:
    """The file that holds the lock; None if another process has it."""
    file = path.open("a")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.close()
        return None
    return file


@contextlib.contextmanager
def locked(path: Path, waiting: Callable[[], None] = lambda: None) -> Iterator[None]:
    """Hold the lock. If another process has it, call `waiting` and wait."""
    file = take_lock(path)
    if file is None:
        waiting()
    while file is None:
        pause(_LOOK_EVERY_SECONDS)
        file = take_lock(path)
    with file:
        yield
