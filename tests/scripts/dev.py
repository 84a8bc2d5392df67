"""`scripts/dev`, started with ports and a home of its own."""

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

from local_stack import free_port
from local_stack.project import ROOT

SCRIPTS = ROOT / "scripts"


class Dev:
    """A running `scripts/dev` with ports and a home of its own."""

    def __init__(self, home: Path, **environment: str) -> None:
        self.environment = own_environment(home, **environment)
        self.process = subprocess.Popen(
            [sys.executable, SCRIPTS / "dev"],
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.lines: list[str] = []
        self._watchdog = threading.Timer(120, self.process.kill)
        self._watchdog.start()

    def read_until(self, beginning: str) -> str:
        """The next line with this beginning. Fails with the whole output if there is none."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line)
            if line.startswith(beginning):
                return line.strip()
        raise AssertionError(f"no line starts with {beginning!r}:\n{''.join(self.lines)}")

    def port(self, variable: str) -> int:
        return int(self.environment[variable])

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send the signal and wait for the exit code."""
        self.process.send_signal(number)
        exit_code = self.process.wait()
        self._watchdog.cancel()
        if self.process.stdout:
            self.process.stdout.close()
        return exit_code


def own_environment(home: Path, **changes: str) -> dict[str, str]:
    """An environment that no other stack shares, without a hosted project."""
    ports = {variable: str(free_port()) for variable in ("PORT", "POSTGREST_PORT", "DB_PORT")}
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("SUPABASE_")}
    return inherited | ports | {"FLUX_HOME": str(home)} | changes


@contextlib.contextmanager
def new_home() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="flux-home-") as directory:
        home = Path(directory)
        # If root runs the tests, Postgres runs as another user, who needs access. pytest's own directories allow none.
        home.chmod(0o711)
        yield home
