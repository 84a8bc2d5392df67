"""Request ids, and the log line of each request, which contains nothing that the caller sent."""

import json
from typing import Any
from uuid import uuid4

import httpx
import pytest

from local_stack import LocalStack
from local_stack.processes import wait_until
from tests.conftest import JSON, create, make_user_data
from tests.contract.kinds import World

NO_ROW = "00000000-0000-4000-8000-000000000000"
FIELDS = {"time", "level", "logger", "request_id", "method", "route", "status", "contract", "milliseconds"}


def _lines(stack: LocalStack, request_id: str) -> list[dict[str, Any]]:
    """The log lines of a request, once they are written."""
    log = stack.home / "logs" / "adapter.log"
    assert wait_until(lambda: request_id in log.read_text(), 5), "there is no log line"
    return [json.loads(line) for line in log.read_text().splitlines() if request_id in line]


@pytest.mark.one_gateway
@pytest.mark.parametrize(
    "request_id",
    ["a", "trace-1/span:2", "0f8fad5bd9cb469fa16570867728950e", "x" * 128, "ABC 123", '"quoted" {json} \\n'],
    ids=lambda each: each[:20],
)
async def test_the_request_id_of_a_caller_is_kept(request_id: str, client_1_2: httpx.AsyncClient, stack: LocalStack) -> None:
    response = await client_1_2.get(f"/api/v1/users/{uuid4()}", headers={"X-Request-ID": request_id})

    assert response.headers["x-request-id"] == request_id


@pytest.mark.one_gateway
@pytest.mark.parametrize("request_id", [None, b"", b"x" * 129, b"x" * 5000, "schlüssel".encode(), b"a\tb"], ids=repr)
async def test_a_missing_or_invalid_request_id_is_replaced(request_id: bytes | None, client_1_2: httpx.AsyncClient) -> None:
    headers = [] if request_id is None else [(b"X-Request-ID", request_id)]

    ids = {(await client_1_2.get("/api/v1/users/", headers=headers)).headers["x-request-id"] for _ in range(3)}

    assert len(ids) == 3
    assert all(len(each) == 32 and each.isalnum() for each in ids)


@pytest.mark.one_gateway
@pytest.mark.parametrize(
    ("method", "path", "content", "headers", "status", "route"),
    [
        ("GET", "/users/", None, {}, 200, "/users/"),
        ("POST", "/users/", b"not json", JSON, 400, "/users/"),
        ("GET", "/users/?skip=0&page=1", None, {}, 400, "/users/"),
        ("GET", "/users/", None, {"X-Flux-Contract": "2"}, 400, ""),
        ("GET", "/users/", None, {"X-Flux-Service-Key": "unknown"}, 403, ""),
        ("GET", f"/tasks/{NO_ROW}", None, {}, 404, "/tasks/{task_id}"),
        ("GET", "/no-such-path", None, {}, 404, ""),
        ("PUT", "/users/", None, {}, 405, ""),
        ("POST", "/users/", b" " * 1_100_000, JSON, 413, "/users/"),
        ("POST", "/users/", b"{}", JSON, 422, "/users/"),
        ("GET", "/tasks/not-a-uuid", None, {}, 422, "/tasks/{task_id}"),
        ("DELETE", f"/goals/{NO_ROW}", None, {"X-Flux-Contract": "1.0"}, 404, "/goals/{goal_id}"),
    ],
    ids=str,
)
async def test_every_response_has_its_request_id_and_one_log_line(
    method: str,
    path: str,
    content: bytes | None,
    headers: dict[str, str],
    status: int,
    route: str,
    client_1_2: httpx.AsyncClient,
    stack: LocalStack,
) -> None:
    request_id = uuid4().hex

    response = await client_1_2.request(method, f"/api/v1{path}", content=content, headers={"X-Request-ID": request_id, **headers})

    assert response.status_code == status
    assert response.headers["x-request-id"] == request_id
    (line,) = _lines(stack, request_id)
    assert line.keys() == FIELDS
    assert (line["method"], line["route"], line["status"]) == (method, route, status)
    assert line["contract"] == ("" if status in (400, 403) and not route else headers.get("X-Flux-Contract", "1.2"))
    assert 0 <= line["milliseconds"] < 30_000


async def test_a_log_line_contains_nothing_that_the_caller_sent(
    client_1_2: httpx.AsyncClient, client_1_0: httpx.AsyncClient, stack: LocalStack, world: World
) -> None:
    secret, request_id = f"secret-{uuid4().hex}", uuid4().hex
    headers = {"X-Request-ID": request_id}
    user = await create(client_1_2, "users", make_user_data())
    for caller in (client_1_2, client_1_0):
        for method, path, body in (
            ("POST", "/users/", {"email": f"{secret}@example.com", "name": secret, "preferences": {secret: secret}}),
            ("POST", "/users/", {"email": secret, secret: secret}),
            ("POST", "/users/", {"email": f"{secret}@example.com", "name": secret}),
            ("PATCH", f"/users/{user['id']}", {"name": secret}),
            ("POST", "/tasks/", {"user_id": secret, "title": secret}),
            ("GET", f"/tasks/?user_id={secret}", None),
            ("GET", f"/tasks/{secret}", None),
            ("GET", f"/{secret}/{secret}", None),
        ):
            await caller.request(method, f"/api/v1{path}", json=body, headers=headers)
    await client_1_2.get("/api/v1/users/", headers=headers | {"X-Flux-Service-Key": secret})

    assert wait_until(lambda: len(_lines(stack, request_id)) == 17, 5)
    assert secret not in (stack.home / "logs" / "adapter.log").read_text()
    assert user["id"] not in json.dumps(_lines(stack, request_id))


@pytest.mark.one_gateway
@pytest.mark.parametrize(
    ("path", "status", "route"),
    [
        ("/health", 200, "/health"),
        ("/ready", 200, "/ready"),
        ("/metrics", 200, "/metrics"),
        ("/docs", 200, "/docs"),
        ("/openapi.json", 200, "/openapi.json"),
        ("/nowhere", 404, ""),
    ],
)
async def test_responses_outside_the_api_have_a_request_id_and_a_log_line(
    path: str, status: int, route: str, client_1_2: httpx.AsyncClient, stack: LocalStack
) -> None:
    request_id = uuid4().hex

    response = await client_1_2.get(path, headers={"X-Request-ID": request_id})

    assert (response.status_code, response.headers["x-request-id"]) == (status, request_id)
    (line,) = _lines(stack, request_id)
    assert (line["method"], line["status"], line["contract"]) == ("GET", status, "")
    assert line["route"] == route
