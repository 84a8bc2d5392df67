"""Requests, answers, and the file of requests for wrk."""

import http.client
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from local_stack.errors import StackError


@dataclass(frozen=True)
class Answer:
    """A contender's answer."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Request:
    """One request. `gist` reduces its answer to what all contenders must agree on."""

    method: str
    path: str
    gist: Callable[[Answer], object] = field(compare=False)
    body: Any = None
    headers: tuple[tuple[str, str], ...] = ()

    @property
    def encoded_body(self) -> str:
        return "" if self.body is None else json.dumps(self.body, separators=(",", ":"))

    @property
    def all_headers(self) -> dict[str, str]:
        return dict(self.headers) | ({} if self.body is None else {"Content-Type": "application/json"})


def send(url: str, request: Request, timeout: float = 60) -> Answer:
    """Send one request. Returns the answer, whatever its status."""
    address = urlsplit(url)
    connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=timeout)
    try:
        connection.request(request.method, request.path, request.encoded_body or None, request.all_headers)
        response = connection.getresponse()
        headers = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, headers, response.read())
    except (OSError, http.client.HTTPException) as error:
        raise StackError(f"{request.method} {request.path} got no answer: {error}") from None
    finally:
        connection.close()


def write_requests(file: Path, requests: Sequence[Request]) -> None:
    """One line per request: method, path, headers and body, separated by tabs."""
    with file.open("w") as lines:
        for request in requests:
            headers = "|".join(f"{name}: {value}" for name, value in request.all_headers.items())
            lines.write(f"{request.method}\t{request.path}\t{headers}\t{request.encoded_body}\n")


_TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d.*")


def comparable(value: Any, *without: str) -> Any:
    """JSON without some fields, and with timestamps parsed, because they can be written in several ways."""
    if isinstance(value, dict):
        return {name: comparable(item, *without) for name, item in value.items() if name not in without}
    if isinstance(value, list):
        return [comparable(item, *without) for item in value]
    if isinstance(value, str) and _TIMESTAMP.fullmatch(value):
        return datetime.fromisoformat(value)
    return value
