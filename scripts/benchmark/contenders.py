"""The contenders. Each runs alone, with one process, over the same database."""

import http
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from local_stack import LocalStack, free_port
from local_stack.http_servers import status_of
from local_stack.ports import LOOPBACK
from local_stack.processes import Server, ServerPart
from local_stack.project import ROOT

from .dialects import DataApi, Dialect, Rest
from .stage import POOL

OTHER = "@other"
"""Ends the name of a contender from another checkout."""
TITLES: Mapping[str, str] = {
    "sqlalchemy": "FastAPI + SQLAlchemy",
    "postgrest": "PostgREST directly",
    "adapter-postgrest": "adapter over PostgREST",
    "adapter-postgrest@other": "the other over PostgREST",
    "adapter-postgres": "adapter over asyncpg",
    "adapter-postgres@other": "the other over asyncpg",
}


@dataclass
class Contender:
    """A server to measure."""

    name: str
    dialect: Dialect
    stack: LocalStack
    over_postgrest: bool
    application: "Application | None" = None
    """None if PostgREST itself is measured."""
    url: str = field(default="", init=False)

    @property
    def title(self) -> str:
        return TITLES[self.name]

    def start(self, workers: int = 1) -> None:
        if self.over_postgrest:
            self._start_postgrest(reached_by_tcp=self.application is None)
        if self.application:
            self.url = self.application.start(workers)

    def stop(self) -> None:
        if self.application:
            self.application.stop()
        self.stack.postgrest.stop()

    @property
    def processes(self) -> dict[str, int]:
        """The processes that work for it, whose children count too."""
        found = {
            "service": self.application.pid if self.application else None,
            "PostgREST": self.stack.postgrest.pid,
            "Postgres": self.stack.postgres.pid,
        }
        return {part: pid for part, pid in found.items() if pid is not None}

    def log(self) -> str:
        return self.application.log() if self.application else ""

    def _start_postgrest(self, *, reached_by_tcp: bool) -> None:
        settings = self.stack.postgrest.settings
        settings.pop("PGRST_SERVER_PORT", None)
        settings.pop("PGRST_SERVER_UNIX_SOCKET", None)
        if reached_by_tcp:
            # wrk has no Unix sockets.
            port = free_port()
            settings |= {"PGRST_SERVER_UNIX_SOCKET": "", "PGRST_SERVER_PORT": str(port)}
            self.url = f"http://{LOOPBACK}:{port}"
        self.stack.postgrest.start()


class Application(ServerPart):
    """A Python service under uvicorn."""

    def __init__(self, name: str, command: Sequence[str], environment: Mapping[str, str], home: Path) -> None:
        """`command` follows `python -m` and takes uvicorn's options."""
        super().__init__(Server(name, home / "logs" / "contender.log"))
        self.python = sys.executable
        self._command = tuple(command)
        self.environment = dict(environment)

    def log(self) -> str:
        return self._server.log_of_this_run()

    def start(self, workers: int) -> str:
        """Start it and wait until it is ready; its URL."""
        port = free_port()
        command = [self.python, "-m", *self._command]
        command += ["--host", LOOPBACK, "--port", str(port), "--no-access-log", "--log-level", "warning"]
        command += ["--loop", "uvloop", "--workers", str(workers)]
        inherited = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
        self._server.spawn(command, env=inherited | self.environment)
        self._server.await_ready(lambda: status_of(port, "/ready") == http.HTTPStatus.OK)
        return f"http://{LOOPBACK}:{port}"


def _adapter_over_postgrest(stack: LocalStack) -> Contender:
    return Contender("adapter-postgrest", Rest(keyset=True), stack, True, _adapter(stack))


def _adapter_over_postgres(stack: LocalStack) -> Contender:
    return Contender("adapter-postgres", Rest(keyset=True), stack, False, _adapter(stack, DATABASE_URL=stack.database_url))


def _adapter(stack: LocalStack, **environment: str) -> Application:
    environment = stack.adapter_environment() | {"GATEWAY_CONNECTIONS": str(POOL)} | environment
    return Application("the adapter", ["dao_service"], environment, stack.home)


def other_version(contender: Contender, checkout: Path) -> Contender:
    """An adapter as another checkout's `.venv` runs it. Its stack has that checkout's migrations."""
    if contender.application:
        contender.application.python = str(checkout / ".venv" / "bin" / "python")
    return replace(contender, name=contender.name + OTHER)


def _postgrest(stack: LocalStack) -> Contender:
    return Contender("postgrest", DataApi(stack.service_role_key), stack, True)


def _sqlalchemy(stack: LocalStack) -> Contender:
    url = stack.database_url.replace("postgresql:", "postgresql+asyncpg:")
    command = ["uvicorn", "sqlalchemy_service.main:app", "--app-dir", str(ROOT / "scripts" / "benchmark"), "--http", "httptools"]
    application = Application("the SQLAlchemy service", command, {"DATABASE_URL": url, "POOL_SIZE": str(POOL)}, stack.home)
    return Contender("sqlalchemy", Rest(keyset=False), stack, False, application)


CONTENDERS: Mapping[str, Callable[[LocalStack], Contender]] = {
    "sqlalchemy": _sqlalchemy,
    "postgrest": _postgrest,
    "adapter-postgrest": _adapter_over_postgrest,
    "adapter-postgres": _adapter_over_postgres,
}
