"""One Postgres cluster: make, start, stop, kill and restart it."""

import contextlib
import locale
import os
import shutil
import signal
import socket
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from .account import reachable_directory, server_account
from .errors import StackError
from .http_servers import PROBE_SECONDS
from .ports import LOOPBACK
from .processes import Command, Server, ServerPart, run, wait_until
from .programs import PostgresPrograms

SUPERUSER = PASSWORD = "postgres"  # noqa: S105 - the guides' DATABASE_URL has it; Postgres listens on loopback only
DATABASE = "postgres"
_MAY_WE_USE_TLS = bytes.fromhex("00000008 04d2162f")  # the protocol's SSLRequest
_SOCKET_PATH_LIMIT = 100  # bytes; the system's own limit is 104 on macOS and 108 on Linux

# A throw-away cluster may lose data if the machine crashes. It loses nothing if Postgres crashes.
THROW_AWAY_SETTINGS = {"fsync": "off"}


class Postgres(ServerPart):
    """A cluster under `home`, listening on 127.0.0.1 and on a Unix socket in its data directory.

    `kill` sends SIGKILL to the postmaster, as the kernel does when memory runs out. The backends then end by themselves.
    """

    def __init__(self, home: Path, programs: PostgresPrograms, port: int, settings: Mapping[str, str] | None = None) -> None:
        self._link = home / "postgres"
        self._account = server_account(self._link / "data")
        super().__init__(
            # SIGINT is Postgres's fast shutdown: it doesn't wait for its clients to leave.
            Server("Postgres", home / "logs" / "postgres.log", account=self._account, stop_signal=signal.SIGINT)
        )
        self.port = port
        self._directory = self._link
        self._original_programs = programs
        self._programs = programs
        self._settings = dict(settings or {})
        self._was_here = False
        self.fill: Callable[[Path], None] = self._initdb
        """Makes the cluster in an empty folder."""

    @property
    def data(self) -> Path:
        return self._directory / "data"

    @property
    def url(self) -> str:
        return f"postgresql://{SUPERUSER}:{PASSWORD}@{LOOPBACK}:{self.port}/{DATABASE}"

    @property
    def socket_directory(self) -> Path | None:
        """Where the Unix socket is; None if its path is too long, or has a comma, which would separate two hosts."""
        path = os.fsencode(self.data / f".s.PGSQL.{self.port}")
        return self.data if len(path) < _SOCKET_PATH_LIMIT and b"," not in path else None

    def start(self) -> None:
        """Make the cluster if there is none, start Postgres and wait until it takes connections."""
        self._find_reachable_places()
        if not (self.data / "PG_VERSION").exists():
            if self._was_here:
                raise StackError(f"{self.data} was removed while Postgres ran: put it back, or start again")
            self._initialise()
        self._was_here = True
        self._require_same_version()
        self._clear_leftover_server()
        # After a crash the last backends may hold the shared memory for a moment: retry until they have ended.
        for attempts_left in reversed(range(20)):
            self._spawn()
            try:
                self._server.await_ready(self._ready)
            except StackError:
                if attempts_left and "shared memory block" in self._server.log_of_this_run():
                    continue
                self._server.stop()
                raise
            return

    def answers(self) -> bool:
        """Whether a new process of its answers a client's first question, as pg_isready asks."""
        try:
            with socket.create_connection((LOOPBACK, self.port), timeout=PROBE_SECONDS) as connection:
                connection.sendall(_MAY_WE_USE_TLS)
                return bool(connection.recv(1))
        except OSError:
            return False

    def remove(self) -> None:
        """Delete the cluster and everything in it."""
        self.stop()
        self._was_here = False
        target = self._link.resolve()
        if self._link.is_symlink():
            self._link.unlink()
        shutil.rmtree(target, ignore_errors=True)

    def _find_reachable_places(self) -> None:
        if self._link.is_symlink():
            self._directory = self._link.resolve()
            self._directory.mkdir(mode=0o755, exist_ok=True)
        else:
            self._directory = reachable_directory(self._link, self._account)
            if self._directory != self._link:
                self._link.rmdir()
                self._clear_stand_in()
                self._link.symlink_to(self._directory)
        self._programs = self._original_programs.reachable_by(self._account, self._directory / "programs")

    def _clear_stand_in(self) -> None:
        """Remove what a deleted home at the same path left behind."""
        self._clear_leftover_server()
        for entry in ("data", "half-made", "programs"):
            shutil.rmtree(self._directory / entry, ignore_errors=True)

    def _initialise(self) -> None:
        """Make the cluster in another directory and rename it, so that an interrupted start leaves no incomplete cluster."""
        half_made = self._directory / "half-made"
        shutil.rmtree(half_made, ignore_errors=True)
        half_made.mkdir(mode=0o700)
        if self._account:
            os.chown(half_made, self._account.uid, self._account.gid)
        self.fill(half_made)
        half_made.rename(self.data)

    def _initdb(self, target: Path) -> None:
        password = self._directory / "initial-password"
        password.write_text(PASSWORD)
        if self._account:
            os.chown(password, self._account.uid, self._account.gid)
        options = ["--username", SUPERUSER, "--auth", "scram-sha-256", "--encoding", "UTF8", "--locale", "C.UTF-8"]
        if not self._locale_exists():
            options[-1] = "C"
        command: Command = [self._programs.command("initdb"), "--pgdata", target, "--pwfile", password, *options]
        run(command, account=self._account, env=self._environment(), cwd=self._directory, check="initdb")
        password.unlink()

    def _locale_exists(self) -> bool:
        before = locale.setlocale(locale.LC_CTYPE)
        try:
            locale.setlocale(locale.LC_CTYPE, "C.UTF-8")
        except locale.Error:
            return False
        finally:
            locale.setlocale(locale.LC_CTYPE, before)
        return True

    def _require_same_version(self) -> None:
        made_by = (self.data / "PG_VERSION").read_text().strip()
        version = run([self._programs.command("postgres"), "--version"], env=self._environment(), check="postgres")
        if f" {made_by}." not in version.stdout:
            raise StackError(f"{self.data} was made by Postgres {made_by}, this is {version.stdout.strip()}: use --fresh")

    def _clear_leftover_server(self) -> None:
        """A crash may leave postmaster.pid behind, or the server itself if the system has no parent-death signal."""
        pid_file = self.data / "postmaster.pid"
        try:
            pid = int(pid_file.read_text().split("\n", 1)[0])
        except (FileNotFoundError, ValueError):
            return
        if self._is_postgres(pid):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGINT)
            if not wait_until(lambda: not self._is_postgres(pid), 15):
                raise StackError(f"process {pid} still uses {self.data}: end it")
        # Another program may have this process id now, and Postgres would take it for a running server.
        pid_file.unlink(missing_ok=True)

    def _is_postgres(self, pid: int) -> bool:
        if sys.platform != "linux":
            return str(self.data) in run(["ps", "-o", "args=", "-p", str(pid)]).stdout
        try:
            return os.fsencode(self.data) in Path(f"/proc/{pid}/cmdline").read_bytes()
        except OSError:
            return False

    def _spawn(self) -> None:
        socket_directory = self.socket_directory
        settings = {
            "listen_addresses": LOOPBACK,
            "port": str(self.port),
            "unix_socket_directories": str(socket_directory) if socket_directory else "",
            "max_connections": "100",
            "timezone": "UTC",
            "log_timezone": "UTC",
            "jit": "off",  # no query here is long enough to gain from it
        } | self._settings
        options = [option for name, value in settings.items() for option in ("-c", f"{name}={value}")]
        self._server.spawn([self._programs.command("postgres"), "-D", self.data, *options], env=self._environment())

    def _ready(self) -> bool:
        """As pg_ctl does: the eighth line of postmaster.pid is the server's state."""
        with contextlib.suppress(FileNotFoundError, IndexError):
            lines = (self.data / "postmaster.pid").read_text().split("\n")
            return lines[0] == str(self._server.pid) and lines[7].strip() == "ready"
        return False

    def _environment(self) -> dict[str, str]:
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "LC_", "LANG"))}
        if self._programs.libraries:
            environment["LD_LIBRARY_PATH"] = self._programs.library_path()
        return environment
