"""The two HTTP servers of the stack that are Python programs: the API gateway and the adapter."""

import http.client
import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path

from .errors import StackError
from .ports import LOOPBACK
from .processes import Server, ServerPart, run
from .project import ROOT

# The guide's keys, pinned to contract 1.0. Only a stack on this machine's loopback interface accepts them.
DEVELOPMENT_KEYS = '{"goal-planner-key-abc": "1.0", "scheduler-key-def": "1.0", "observer-key-ghi": "1.0"}'
LIVE_PATH = "/gateway/live"
"""Answered by the API gateway itself. No table of PostgREST's has such a path."""
PROBE_SECONDS = 2
_DEFAULTS = {
    # As the image: uvicorn's own 5 s are httpx's too, and a request could meet the end of its idle connection.
    "UVICORN_TIMEOUT_KEEP_ALIVE": "65",
    # No load balancer has to turn away first.
    "DRAIN_SECONDS": "0",
}
_READ_SETTINGS = "from dao_service.settings import load_settings; load_settings()"


def status_of(port: int, path: str, timeout: float = 5) -> int | None:
    """The status of a GET on the loopback interface; None if nothing answers."""
    answer = _get(port, path, timeout)
    return answer and answer[0]


def _get(port: int, path: str, timeout: float = 5) -> tuple[int, bytes] | None:
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=timeout)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        return response.status, response.read()
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

    def answers(self) -> bool:
        return status_of(self.port, LIVE_PATH, PROBE_SECONDS) is not None

    def stop(self) -> None:
        self._server.stop(5)


class Adapter(_OnLoopback):
    """`python -m dao_service` on the loopback interface."""

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
            "dao_service",
            "--host",
            LOOPBACK,
            "--port",
            str(self.port),
        ]
        command += ["--no-access-log", "--timeout-graceful-shutdown", "5"]
        self._server.spawn(command, env=self._whole_environment())
        self._server.await_ready(lambda: status_of(self.port, ready_path) == http.HTTPStatus.OK)

    def answers(self) -> bool:
        return status_of(self.port, "/health", PROBE_SECONDS) is not None

    def require_settings(self) -> None:
        """Raise a StackError that names the wrong settings. Starts no service."""
        done = run([sys.executable, "-c", _READ_SETTINGS], env=self._whole_environment())
        if done.returncode != 0:
            raise StackError(done.stdout.strip().removeprefix("flux-dao-service: "))

    def why_not_ready(self) -> str:
        """Why `/ready` says no; "" if the adapter is ready."""
        status, body = _get(self.port, "/ready") or (0, b"{}")
        if status == http.HTTPStatus.OK:
            return ""
        try:
            return str(json.loads(body)["detail"])
        except (ValueError, KeyError, TypeError):
            return "The adapter does not answer."

    def _whole_environment(self) -> dict[str, str]:
        # DATABASE_URL would connect the adapter to a database outside the stack.
        inherited = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
        return _DEFAULTS | inherited | self._environment

    def __enter__(self) -> "Adapter":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
