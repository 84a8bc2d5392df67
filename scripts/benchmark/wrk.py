"""Drives a contender with wrk, from Debian's package."""

import json
import os
import shutil
import signal
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from local_stack.debian import debian_program
from local_stack.errors import StackError
from local_stack.processes import wait_until

_SCRIPT = Path(__file__).with_name("requests.lua")
_LATE_AFTER_SECONDS = 30
_FEW = 3
"""Answers per connection that are too few for a speed."""
_LONGER = 4
_WAKING_SECONDS = 1.0
"""Within which wrk has started on a busy machine."""


@dataclass(frozen=True)
class Drive:
    """The result of one drive, in which every answer was a success."""

    requests: int
    seconds: float
    bytes: int
    p50_ms: float
    p99_ms: float

    @property
    def per_second(self) -> float:
        return self.requests / self.seconds


_NOTHING = Drive(0, 0.0, 0, 0.0, 0.0)


class Wrk:
    """wrk, with a fixed number of connections."""

    def __init__(self, connections: int, report: Callable[[str], None] = print) -> None:
        self.connections = connections
        self._environment = dict(os.environ)
        try:
            program = debian_program("wrk", "wrk", report)
            self._path = str(program.path)
            self._environment["LD_LIBRARY_PATH"] = program.library_path
        except StackError as error:
            found = shutil.which("wrk")
            if found is None:
                raise StackError(f"wrk is not installed and cannot be downloaded: {error}") from None
            self._path = found

    @property
    def version(self) -> str:
        told = subprocess.run([self._path, "-v"], env=self._environment, capture_output=True, text=True, check=False).stdout
        return told.split()[1] if told else "unknown"

    def drive(self, url: str, requests: Path, seconds: float, connections: int | None = None) -> Drive:
        """Send the requests of a file in turn, again and again, for that time, or longer if too few are answered.

        Raises StackError if an answer is not a success.
        """
        connections = connections or self.connections
        drive = self._drive(url, requests, seconds, connections)
        if drive.requests < _FEW * connections:
            drive = self._drive(url, requests, max(seconds * _LONGER, _WAKING_SECONDS), connections)
        if not drive.requests:
            drive = self._drive(url, requests, _LATE_AFTER_SECONDS, connections)
        if not drive.requests:
            raise StackError(f"{url} answered nothing in {_LATE_AFTER_SECONDS} s")
        return drive

    def warm_up(self, url: str, requests: Path, seconds: float) -> None:
        self._drive(url, requests, seconds, self.connections)

    def _drive(self, url: str, requests: Path, seconds: float, connections: int) -> Drive:
        command = [self._path, "--threads", "1", "--connections", str(connections)]
        command += ["--duration", f"{int(seconds) + 1}s", "--timeout", f"{_LATE_AFTER_SECONDS}s"]
        command += ["--script", str(_SCRIPT), url, "--", str(requests)]
        process = subprocess.Popen(command, env=self._environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        try:
            wait_until(lambda: process.poll() is not None, seconds)
            # Its option takes whole seconds only. An interrupt ends it earlier, and it prints its results.
            process.send_signal(signal.SIGINT)
            output, _ = process.communicate(timeout=_LATE_AFTER_SECONDS)
        except subprocess.TimeoutExpired:
            raise StackError(f"wrk does not end. {url} may hang.") from None
        finally:
            process.kill()
            process.wait()
        if process.returncode == -signal.SIGINT:  # it was not up yet
            return _NOTHING
        result = output.rstrip().rpartition("\n")[2]
        if not result.startswith("{"):
            raise StackError(f"wrk failed:\n{output.rstrip()}")
        told = json.loads(result)
        if told["failed"] or told["broken"] or told["late"]:
            raise StackError(
                f"of {told['requests']} requests {told['failed']} were answered with an error, "
                f"{told['broken']} broke off and {told['late']} got no answer in time"
            )
        return Drive(told["requests"], told["seconds"], told["bytes"], told["p50_ms"], told["p99_ms"])
