"""The two HTTP servers of the stack that are Python programs: the API gateway and the adapter."""

import http.client
import os
import sys
from collections.abc import Mapping
from pathlib import Path

from .ports import LOOPBACK
from .processes import Server, ServerPart
from .project import ROOT

# The guide's keys, pinned to contract 1.0. They open nothing but a stack on this machine's loopback interface.
DEVELOPMENT_KEYS = '{"goal-planner-key-abc": "1.0", "scheduler-key-def": "1.0", "observer-key-ghi": "1.0"}'


def status_of(port: int, path: str) -> int | None:
    """The status of a GET on the loopback interface; None when nothing answers."""
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=5)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


class _OnLoopback(ServerPart):
    def __init__(self, server: Server, port: int) -> None:
        super().__init__(server)
        self.port = port

    @property
    def url(self) -> str:
        return f"http://{LOOPBACK}:{self.port}"


class ApiGateway(_OnLoopback):
    """The public port of the Data API."""

    def __init__(self, home: Path, port: int) -> None:
        super().__init__(Server("the API gateway", home / "logs" / "api-gateway.log"), port)

    def start(self, upstream: str) -> None:
        environment = dict(os.environ) | {"PYTHONPATH": str(ROOT / "scripts")}
        command = [sys.executable, "-m", "local_stack.api_gateway", str(self.port), upstream]
        self._server.spawn(command, env=environment)
        self._server.await_ready(lambda: status_of(self.port, "/") is not None)

    def stop(self) -> None:
        self._server.stop(5)


class Adapter(_OnLoopback):
    """`uvicorn dao_service.main:app` on the loopback interface."""

    def __init__(self, home: Path, port: int, environment: Mapping[str, str]) -> None:
        super().__init__(Server("the adapter", home / "logs" / "adapter.log"), port)
        self._environment = dict(environment)

    @property
    def log(self) -> Path:
        return self._server.log

    def start(self, *, ready_path: str = "/ready") -> None:
        """Start and wait until `ready_path` answers 200."""
        command = [
            sys.executable,
            "-m",
            "uvicorn",
            "dao_service.main:app",
            "--host",
            LOOPBACK,
            "--port",
            str(self.port),
        ]
        command += ["--no-access-log", "--timeout-graceful-shutdown", "5"]
        # It would lead the adapter past the stack to another database.
        inherited = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
        self._server.spawn(command, env=inherited | self._environment)
        self._server.await_ready(lambda: status_of(self.port, ready_path) == http.HTTPStatus.OK)

    def __enter__(self) -> "Adapter":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
