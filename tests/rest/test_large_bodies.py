"""Bodies with many problems: refused in time linear in their size, with at most 100 problems listed, while others are served."""

import asyncio
import time
from typing import Any
from uuid import uuid4

import httpx
import pytest

from dao_service.contracts import CONTRACTS
from dao_service.errors import InvalidError
from dao_service.rest.path_matching import Routes
from dao_service.validation import read_body
from tests.answers import refused

USERS = f"/api/v1/users/{uuid4()}"
TASKS = f"/api/v1/tasks/{uuid4()}"
STRUCTURE = "/api/v1/goals/with-structure"
MEBIBYTE = 1024 * 1024


def _objects(count: int) -> bytes:
    return b",".join([b"{}"] * count)


def _names(count: int, different: int) -> bytes:
    return b",".join(b'"k%06d":1' % (n % different) for n in range(count))


def _milestones(count: int, each: bytes) -> bytes:
    return b'{"goal":{},"milestones":[' + b",".join([each] * count) + b"]}"


_LETTERS = b",".join(b'"%c":1' % letter for letter in range(ord("a"), ord("z") + 1))

BODIES = {
    # Each of these JSON fields is too large as well.
    "one name of many is repeated in a JSON field": ("PATCH", USERS, b'{"preferences":{' + _names(79_000, 78_999) + b"}}", 2),
    "every name is repeated in a JSON field": ("PATCH", USERS, b'{"preferences":{' + _names(79_000, 39_500) + b"}}", 39_501),
    "many unknown names, one of them repeated": ("PATCH", USERS, b"{" + _names(79_000, 78_999) + b"}", 79_000),
    "many unknown names": ("PATCH", USERS, b"{" + _names(60_000, 60_000) + b"}", 60_000),
    "many texts with U+0000": ("PATCH", USERS, b'{"preferences":{"a":[' + b",".join([b'"\\u0000"'] * 100_000) + b"]}}", 100_001),
    "many numbers for a list of ids": ("PATCH", TASKS, b'{"goal_id":[' + b",".join([b"1"] * 500_000) + b"]}", 1),
    "many empty milestones": ("POST", STRUCTURE, _milestones(300_000, b"{}"), 1),
    "many empty tasks": ("POST", STRUCTURE, _milestones(1, b'{"tasks":[' + _objects(300_000) + b"]}"), 1),
    "many lists of empty tasks": ("POST", STRUCTURE, _milestones(300, b'{"tasks":[' + _objects(1000) + b"]}"), 1),
    # Two required fields of the goal and of each milestone are missing.
    "many unknown names in many rows": ("POST", STRUCTURE, _milestones(6000, b"{" + _LETTERS + b"}"), 6000 * (26 + 2) + 2),
}


def _refuse(contract: str, path: str, method: str, content: bytes) -> InvalidError:
    operation, _ = Routes(CONTRACTS[contract].operations).find(method, path.removeprefix("/api/v1/"))
    assert operation.body is not None
    with pytest.raises(InvalidError) as raised:
        read_body(operation.body, content, operation.answer)
    return raised.value


@pytest.mark.parametrize("contract", CONTRACTS)
@pytest.mark.parametrize("body", BODIES)
def test_a_body_with_many_problems_is_refused_in_linear_time(body: str, contract: str) -> None:
    method, path, content, count = BODIES[body]
    assert len(content) < MEBIBYTE
    begun = time.process_time()
    error = _refuse(contract, path, method, content)
    seconds = time.process_time() - begun

    assert seconds < 0.8  # 0.2 s at most on a quiet machine; minutes if the time grew with the square
    assert len(error.errors) == min(count, 100)
    assert error.detail.endswith(f"({count} problems in all, the first 100 in errors)") == (count > 100)


async def _slowest_health(client: httpx.AsyncClient, other: "asyncio.Task[Any]") -> float:
    slowest = 0.0
    while not other.done():
        begun = time.monotonic()
        assert (await client.get("/health")).status_code == 200
        slowest = max(slowest, time.monotonic() - begun)
    return slowest


@pytest.mark.one_gateway
async def test_other_requests_are_answered_while_large_bodies_are_refused(client_1_2: httpx.AsyncClient) -> None:
    headers = {"Content-Type": "application/json"}
    for body, (method, path, content, _) in BODIES.items():
        refusal = asyncio.create_task(client_1_2.request(method, path, content=content, headers=headers))
        slowest = await _slowest_health(client_1_2, refusal)

        found = refused(await refusal, 422, about=body)
        assert 1 <= len(found["errors"]) <= 100
        assert slowest < 2, body  # 0.2 s on a quiet machine


@pytest.mark.one_gateway
async def test_a_problem_beyond_the_first_rows_is_listed(client_1_2: httpx.AsyncClient) -> None:
    rows = [{"week_number": 1, "title": "Week"}] * 2000 + [{}] * 2000
    found = refused(await client_1_2.post(STRUCTURE, json={"goal": {"title": "Run"}, "milestones": rows}), 422)

    assert [each["field"] for each in found["errors"][:2]] == ["goal.user_id", "milestones[2000].week_number"]
    assert found["detail"] == "goal.user_id: This field is required. (4001 problems in all, the first 100 in errors)"


@pytest.mark.one_gateway
@pytest.mark.parametrize("body", ['{"email": "{}@example.com"}', "\ufeff" + '{"email": "{}@example.com"}'])
async def test_a_byte_order_mark_before_the_body_is_ignored(body: str, client_1_2: httpx.AsyncClient) -> None:
    content = body.replace("{}", uuid4().hex).encode()
    response = await client_1_2.post("/api/v1/users/", content=content, headers={"Content-Type": "application/json"})

    assert response.status_code == 201, response.text
