"""Bodies with many problems: refused in time linear in their size, with at most 100 problems listed, while others are served."""

import asyncio
import time
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.answers import refused

USERS = f"/api/v1/users/{uuid4()}"
STRUCTURE = "/api/v1/goals/with-structure"
MEBIBYTE = 1024 * 1024


def _objects(count: int) -> bytes:
    return b",".join([b"{}"] * count)


def _names(count: int, different: int) -> bytes:
    return b",".join(b'"k%06d":1' % (n % different) for n in range(count))


BODIES = {
    "one name of many is repeated in a JSON field": ("PATCH", USERS, b'{"profile":{' + _names(79_000, 78_999) + b"}}", 1),
    "every name is repeated in a JSON field": ("PATCH", USERS, b'{"profile":{' + _names(79_000, 39_500) + b"}}", 39_500),
    "many unknown names, one of them repeated": ("PATCH", USERS, b"{" + _names(79_000, 78_999) + b"}", 79_000),
    "many unknown names": ("PATCH", USERS, b"{" + _names(60_000, 60_000) + b"}", 60_000),
    "many texts with U+0000": ("PATCH", USERS, b'{"preferences":{"a":[' + b",".join([b'"\\u0000"'] * 20_000) + b"]}}", 20_000),
    "many empty milestones": ("POST", STRUCTURE, b'{"goal":{},"milestones":[' + _objects(100_000) + b"]}", None),
    "many empty tasks": ("POST", STRUCTURE, b'{"goal":{},"milestones":[{"tasks":[' + _objects(300_000) + b"]}]}", None),
}


async def _slowest_health(client: httpx.AsyncClient, other: "asyncio.Task[Any]") -> float:
    slowest = 0.0
    while not other.done():
        begun = time.monotonic()
        assert (await client.get("/health")).status_code == 200
        slowest = max(slowest, time.monotonic() - begun)
    return slowest


@pytest.mark.parametrize("contract", ["1.0", "1.2"])
@pytest.mark.parametrize("body", BODIES)
async def test_a_body_with_many_problems_is_refused_without_delay_to_others(
    body: str, contract: str, client_1_2: httpx.AsyncClient
) -> None:
    method, path, content, count = BODIES[body]
    assert len(content) < MEBIBYTE
    headers = {"Content-Type": "application/json", "X-Flux-Contract": contract}
    refusal = asyncio.create_task(client_1_2.request(method, path, content=content, headers=headers))
    slowest = await _slowest_health(client_1_2, refusal)

    found = refused(await refusal, 422)
    assert len(found["errors"]) <= 100
    if count is not None and contract == "1.2":
        assert found["detail"].endswith(f"({count - 1} more in errors)") == (count > 1)
    assert slowest < 1.0  # A stall of the process; on a quiet machine it is below 0.2 s.


@pytest.mark.parametrize("body", ['{"email": "{}@example.com"}', "\ufeff" + '{"email": "{}@example.com"}'])
async def test_a_byte_order_mark_before_the_body_is_ignored(body: str, client_1_2: httpx.AsyncClient) -> None:
    content = body.replace("{}", uuid4().hex).encode()
    response = await client_1_2.post("/api/v1/users/", content=content, headers={"Content-Type": "application/json"})

    assert response.status_code == 201, response.text
