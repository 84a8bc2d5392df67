"""Child processes, which never outlive us."""

import contextlib
import math
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from .account import Account
from .errors import StackError
from .stopping import pause, process_groups

Command = Sequence[str | os.PathLike[str]]

_LAUNCH = str(Path(__file__).with_name("launch.py"))
_LOG_LIMIT = 10 * 1024 * 1024
_LOG_END = 64 * 1024
_POLL_SECONDS = 0.02
_CLEAN_UP_SECONDS = 20
# One thread, which lives as long as we do, starts all children: the kernel signals a child when the thread that started it ends.
_starter = ThreadPoolExecutor(max_workers=1, thread_name_prefix="starter")


def start(command: Command, death_signal: int, account: Account | None = None, **options: Any) -> subprocess.Popen[Any]:
    """Start a program in a session of its own, which a Ctrl-C does not reach. It gets `death_signal` if we die."""
    user = (str(account.uid), str(account.gid)) if account else ("-1", "-1")
    launch = [sys.executable, "-I", "-S", _LAUNCH, str(os.getpid()), str(int(death_signal)), *user, *map(str, command)]

    def popen() -> subprocess.Popen[Any]:
        process = subprocess.Popen(launch, stdin=subprocess.DEVNULL, start_new_session=True, **options)
        process_groups.add(process.pid)
        return process

    return _starter.submit(popen).result()


def end(process: subprocess.Popen[Any]) -> None:
    """Kill the program and everything in its session, and wait until it is gone."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    with contextlib.suppress(PermissionError):
        process.kill()
    process.wait()
    process_groups.discard(process.pid)


def run(
    command: Command,
    *,
    account: Account | None = None,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    check: str | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run to the end, with standard output and error captured together.

    `check` names the step: a non-zero exit then raises a StackError with the output. An exception here, for example Stopped,
    kills the program and everything it started.
    """
    process = start(
        command,
        signal.SIGKILL,
        account,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=env,
        cwd=cwd,
        text=True,
        errors="replace",
    )
    try:
        output = _output_of(process)
    except BaseException:
        end(process)
        raise
    process_groups.discard(process.pid)
    if check and process.returncode != 0:
        raise StackError(f"{check} failed (exit code {process.returncode}):\n{output.rstrip()}")
    return subprocess.CompletedProcess(list(map(str, command)), process.returncode, output)


def _output_of(process: subprocess.Popen[str]) -> str:
    while True:
        try:
            return process.communicate(timeout=_POLL_SECONDS)[0]
        except subprocess.TimeoutExpired:
            pause(0)


def pass_through(command: Command, *, cwd: Path | None = None, env: Mapping[str, str] | None = None) -> int:
    """Run to the end, with our own standard output and error; its exit code.

    An exception here interrupts the program as Ctrl-C would, and gives it time to clean up.
    """
    process = start(command, signal.SIGINT, cwd=cwd, env=env)
    try:
        wait_until(lambda: process.poll() is not None)
    except BaseException:
        process.send_signal(signal.SIGINT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_CLEAN_UP_SECONDS)
        end(process)
        raise
    process_groups.discard(process.pid)
    return process.returncode


def wait_until(condition: Callable[[], bool], seconds: float = math.inf) -> bool:
    """Wait for a condition. False if it does not hold after that many seconds."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        pause(_POLL_SECONDS)
    return True


class Server:
    """A long-running child process with a log file. It can be started again."""

    def __init__(
        self,
        name: str,
        log: Path,
        *,
        account: Account | None = None,
        stop_signal: signal.Signals = signal.SIGTERM,
    ) -> None:
        self.name = name
        self.log = log
        self._account = account
        self._stop_signal = stop_signal
        self._process: subprocess.Popen[bytes] | None = None
        self._log_start = 0

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def spawn(self, command: Command, env: Mapping[str, str] | None = None) -> None:
        """Start the program without waiting for it to be ready."""
        if self.running:
            raise StackError(f"{self.name} is already running")
        self.kill()
        self._make_log()
        with self.log.open("ab") as log:
            if log.tell() > _LOG_LIMIT:
                log.truncate(0)
            self._log_start = log.seek(0, os.SEEK_END)
            self._process = start(command, self._stop_signal, self._account, stdout=log, stderr=subprocess.STDOUT, env=env)

    def _make_log(self) -> None:
        """Readable by its owner only: Postgres logs failing statements with their values. The server inherits the open file."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(PermissionError):  # another account made this home
            self.log.parent.chmod(0o700)
        self.log.touch(mode=0o600)

    def await_ready(self, ready: Callable[[], bool], seconds: float = 60) -> None:
        """Wait until it is ready. Raises a StackError with the end of its log if it exits or takes too long."""
        answered = wait_until(lambda: not self.running or ready(), seconds)
        if not self.running:
            raise StackError(f"{self.name} ended while starting:\n{self.log_of_this_run()}")
        if not answered:
            raise StackError(f"{self.name} doesn't answer after {seconds:.0f} seconds:\n{self.log_of_this_run()}")

    def log_of_this_run(self, lines: int = 20) -> str:
        with self.log.open("rb") as log:
            size = log.seek(0, os.SEEK_END)
            log.seek(max(self._log_start, size - _LOG_END))
            return "\n".join(log.read().decode(errors="replace").splitlines()[-lines:])

    def stop(self, seconds: float = 10) -> None:
        """Send the stop signal, and kill it after that many seconds. Does nothing if it isn't running."""
        process = self._process
        if process is not None and process.poll() is None:
            process.send_signal(self._stop_signal)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(seconds)
            end(process)
        self.kill()

    def kill(self) -> None:
        """Send SIGKILL, as if it had crashed, and wait until it is gone."""
        if process := self._process:
            process.kill()
            process.wait()
            process_groups.discard(process.pid)
            self._process = None


class ServerPart:
    """A part of the stack that is one server."""

    def __init__(self, server: Server) -> None:
        self._server = server

    @property
    def name(self) -> str:
        return self._server.name

    @property
    def running(self) -> bool:
        return self._server.running

    @property
    def pid(self) -> int | None:
        return self._server.pid

    def log_of_this_run(self, lines: int = 20) -> str:
        """The last lines that it logged since it started."""
        return self._server.log_of_this_run(lines)

    def stop(self) -> None:
        self._server.stop()

    def kill(self) -> None:
        self._server.kill()
