"""A program that runs while we do other things."""

import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from .processes import Command, end, start, wait_until
from .stopping import process_groups

Finish = Callable[[], tuple[int, str]]


@contextmanager
def beside(command: Command, *, cwd: Path) -> Iterator[Finish]:
    """Start a program. What this yields waits for its end, and returns its exit code and output. Leaving the context ends it."""
    with tempfile.TemporaryFile() as output:
        process = start(command, signal.SIGKILL, cwd=cwd, stdout=output, stderr=subprocess.STDOUT)

        def finish() -> tuple[int, str]:
            wait_until(lambda: process.poll() is not None)
            output.seek(0)
            return process.returncode, output.read().decode(errors="replace")

        try:
            yield finish
        finally:
            if process.poll() is None:
                end(process)
            process_groups.discard(process.pid)
