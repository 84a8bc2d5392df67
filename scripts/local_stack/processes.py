"""Child processes that never outlive us."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

from .account import Account
from .errors import StackError

Command = Sequence[str | os.PathLike[str]]

_LAUNCH = str(Path(__file__).with_name("launch.py"))
_LOG_LIMIT = 10 * 1024 * 1024
_POLL_SECONDS = 0.02
_CLEAN_UP_SECONDS = 30
# Children are started from a thread that lives as long as we do, because the kernel signals a child when the thread that
# started it ends, and not only when the process does; and from one that no signal interrupts half-way.
_starter = ThreadPoolExecutor(max_workers=1, thread_name_prefix="starter")


def _launched(command: Command, death_signal: int, account: Account | None) -> list[str]:
    user = (str(account.uid), str(account.gid)) if account else ("-1", "-1")
    launch = [sys.executable, "-I", "-S", _LAUNCH, str(os.getpid()), str(int(death_signal)), *user]
    return launch + [str(part) for part in command]


def _started(command: list[str], **options: Any) -> subprocess.Popen[Any]:
    starting: Future[subprocess.Popen[Any]] = _starter.submit(lambda: subprocess.Popen(command, **options))
    try:
        return starting.result()
    except BaseException:
        # Asked to stop meanwhile. The other thread isn't: it finishes, and nothing is left behind that nobody knows of.
        if not starting.exception():
            _kill_group(starting.result())
        raise


def run(
    command: Command,
    *,
    account: Account | None = None,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    check: str | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run to the end with standard output and error captured together.

    `check` names the step: a non-zero exit is then a StackError with the program's own words. An exception here, a
    signal's among them, ends the program and everything it started.
    """
    process = _started(
        _launched(command, signal.SIGKILL, account),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=env,
        cwd=cwd,
        text=True,
        errors="replace",
        start_new_session=True,
    )
    try:
        output, _ = process.communicate()
    except BaseException:
        _kill_group(process)
        raise
    if check and process.returncode != 0:
        raise StackError(f"{check} failed (exit code {process.returncode}):\n{output.rstrip()}")
    return subprocess.CompletedProcess(list(map(str, command)), process.returncode, output)


def pass_through(command: Command, *, cwd: Path | None = None, each_line: Callable[[str], None] | None = None) -> int:
    """Run to the end with its output shown as it comes; the exit code. `each_line` gets the output too.

    An exception here interrupts the program as Ctrl-C would, and gives it time to clean up.
    """
    process = _started(
        _launched(command, signal.SIGINT, None),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE if each_line else None,
        stderr=subprocess.STDOUT if each_line else None,
        cwd=cwd,
        text=True,
        errors="replace",
        start_new_session=True,
    )
    try:
        for line in process.stdout or ():
            sys.stdout.write(line)
            sys.stdout.flush()
            if each_line:
                each_line(line)
        return process.wait()
    except BaseException:
        process.send_signal(signal.SIGINT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_CLEAN_UP_SECONDS)
        _kill_group(process)
        raise


def _kill_group(process: subprocess.Popen[Any]) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    with contextlib.suppress(PermissionError):
        process.kill()
    process.wait()


def wait_until(condition: Callable[[], bool], seconds: float) -> bool:
    """Ask until the condition holds; False when it still doesn't after that many seconds."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(_POLL_SECONDS)
    return True


class Server:
    """A long-running child: started in the background with its output in a log file, stopped, killed, started again."""

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
        self._make_log()
        with self.log.open("ab") as log:
            if log.tell() > _LOG_LIMIT:
                log.truncate(0)
            self._log_start = log.seek(0, os.SEEK_END)
            self._process = _started(
                _launched(command, self._stop_signal, self._account),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=env,
                # A Ctrl-C in the terminal is for us, who stop the children in order.
                start_new_session=True,
            )

    def _make_log(self) -> None:
        """For our eyes only: Postgres logs statements that fail, with what is in them. It inherits the open file."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(PermissionError):  # somebody else's home, made by them
            self.log.parent.chmod(0o700)
        self.log.touch(mode=0o600)

    def await_ready(self, ready: Callable[[], bool], seconds: float = 60) -> None:
        """Wait until it answers; a StackError with the end of its log when it exits or stays silent."""
        answered = wait_until(lambda: not self.running or ready(), seconds)
        if not self.running:
            raise StackError(f"{self.name} ended while starting:\n{self.log_of_this_run()}")
        if not answered:
            raise StackError(f"{self.name} doesn't answer after {seconds:.0f} seconds:\n{self.log_of_this_run()}")

    def log_of_this_run(self, lines: int = 20) -> str:
        with self.log.open("rb") as log:
            log.seek(self._log_start)
            return "\n".join(log.read().decode(errors="replace").splitlines()[-lines:])

    def stop(self, seconds: float = 15) -> None:
        """Ask it to end, insist after a while. Does nothing when it isn't running."""
        process = self._process
        if process is None:
            return
        if process.poll() is None:
            process.send_signal(self._stop_signal)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(seconds)
        self.kill()

    def kill(self) -> None:
        """SIGKILL, as a crash would end it, and wait until it is gone."""
        process = self._process
        if process is None:
            return
        if process.poll() is None:
            process.kill()
        process.wait()
        self._process = None


class ServerPart:
    """A part of the stack that is one server."""

    def __init__(self, server: Server) -> None:
        self._server = server

    @property
    def running(self) -> bool:
        return self._server.running

    @property
    def pid(self) -> int | None:
        return self._server.pid

    def stop(self) -> None:
        self._server.stop()

    def kill(self) -> None:
        self._server.kill()
