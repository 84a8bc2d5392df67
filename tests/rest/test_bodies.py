"""Bodies: JSON, limited in size, stored unchanged."""

import json
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import httpx
import pytest

from tests.answers import refused
from tests.conftest import JSON, Clients, create, make_user_data
from tests.contract.kinds import World
from tests.rest.endpoints import BODY_OPTIONAL, ENDPOINTS, Endpoint, endpoints, own_row, url_of

MEBIBYTE = 1024 * 1024


NOT_JSON = [b"", b" ", b"not json", b'{"title": "Run"', b"{} {}", b"{'title': 'Run'}", b'{"title": "\xff"}', b"\x00", b"{,}"]


@pytest.mark.one_gateway
@pytest.mark.parametrize("endpoint", endpoints(with_body=True))
async def test_a_body_that_is_not_json_is_400(endpoint: Endpoint, clients: Clients, world: World) -> None:
    contract, method, path = endpoint
    for body in NOT_JSON if path != BODY_OPTIONAL else NOT_JSON[1:]:
        response = await clients[contract].request(method, url_of(path, world[own_row(path)]), content=body, headers=JSON)

        refused(response, 400, about=body)


@pytest.mark.one_gateway
@pytest.mark.parametrize("number", [b"NaN", b"Infinity", b"-Infinity", b"01", b"1.", b".5", b"+1"])
async def test_a_number_that_is_invalid_in_json_is_400(number: bytes, client_1_2: httpx.AsyncClient) -> None:
    body = json.dumps(make_user_data(profile={"weight": "?"})).encode().replace(b'"?"', number)

    refused(await client_1_2.post("/api/v1/users/", content=body, headers=JSON), 400)


@pytest.mark.one_gateway
@pytest.mark.parametrize("endpoint", endpoints(with_body=True))
async def test_a_body_that_is_not_an_object_is_422(endpoint: Endpoint, clients: Clients, world: World) -> None:
    contract, method, path = endpoint
    for body in ("null", "[]", "[{}]", '"text"', "5", "true"):
        response = await clients[contract].request(method, url_of(path, world[own_row(path)]), content=body, headers=JSON)

        refused(response, 422, about=body)


def _user_of_size(size: int) -> bytes:
    return json.dumps(make_user_data(profile={"notes": "kept"})).encode().ljust(size)


async def _in_chunks(body: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(body), 65536):
        yield body[start : start + 65536]


@pytest.mark.one_gateway
@pytest.mark.parametrize("chunked", [False, True], ids=["with its length", "in chunks"])
@pytest.mark.parametrize("contract", ENDPOINTS)
async def test_a_body_over_one_mebibyte_is_413(contract: str, chunked: bool, clients: Clients) -> None:
    body = b'{"name": "' + b"x" * MEBIBYTE + b'"}'
    sent: Any = _in_chunks(body) if chunked else body

    response = await clients[contract].post("/api/v1/users/", content=sent, headers=JSON)

    assert "content-length" in response.request.headers or chunked
    assert str(MEBIBYTE) in refused(response, 413)["detail"]


@pytest.mark.one_gateway
@pytest.mark.parametrize("endpoint", endpoints(with_body=True))
async def test_every_endpoint_with_a_body_limits_its_size(endpoint: Endpoint, clients: Clients, world: World) -> None:
    contract, method, path = endpoint

    response = await clients[contract].request(
        method, url_of(path, world[own_row(path)]), content=b" " * (MEBIBYTE + 1), headers=JSON
    )

    refused(response, 413)


@pytest.mark.parametrize("chunked", [False, True], ids=["with its length", "in chunks"])
async def test_a_body_of_exactly_one_mebibyte_is_kept(chunked: bool, client_1_2: httpx.AsyncClient) -> None:
    body = _user_of_size(MEBIBYTE)
    sent: Any = _in_chunks(body) if chunked else body

    response = await client_1_2.post("/api/v1/users/", content=sent, headers=JSON)

    assert len(body) == MEBIBYTE
    assert response.status_code == 201, response.text
    assert response.json()["profile"] == json.loads(body)["profile"]


@pytest.mark.one_gateway
async def test_a_connection_can_be_used_after_a_body_that_was_too_large(client_1_2: httpx.AsyncClient, service_url: str) -> None:
    async with httpx.AsyncClient(base_url=service_url, timeout=30) as caller:
        for _ in range(3):
            refused(await caller.post("/api/v1/users/", content=b" " * (3 * MEBIBYTE), headers=JSON), 413)
            assert (await caller.post("/api/v1/users/", json=make_user_data())).status_code == 201


def _nested(depth: int) -> Any:
    value: Any = "bottom"
    for nth in range(depth):
        value = {"in": value} if nth % 2 else [value]
    return value


@pytest.mark.parametrize(
    "text",
    [
        '{"big": 123456789012345678901234567890, "small": 0.1234567890123456789, "exponent": 1e100, "zero": 0, "minus": -0.5}',
        '{"": "", " ": null, "a.b": 1, "a,b": 2, "(a)": 3, "\\"": 4, "\\\\": 5, "select": 6, "\\u00e9\\ud834\\udd1e": "\\u2028"}',
        '{"empty": [{}, [], "", null], "bools": [true, false], "control": "\\u0001\\b\\f\\n\\r\\t\\u001f\\u007f"}',
        f'{{"many": {list(range(5000))}}}',
        json.dumps({"deep": _nested(100)}),
        json.dumps({f"key {nth}": nth for nth in range(2000)}),
    ],
    ids=["numbers", "odd keys", "odd values", "long list", "deep", "many keys"],
)
async def test_a_json_object_is_kept_exactly(text: str, client_1_2: httpx.AsyncClient) -> None:
    body = json.dumps(make_user_data()).replace("}", f', "profile": {text}, "preferences": {text}}}')

    created = await client_1_2.post("/api/v1/users/", content=body, headers=JSON)

    assert created.status_code == 201, created.text
    read = await client_1_2.get(f"/api/v1/users/{created.json()['id']}")
    for response in (created, read):
        row = json.loads(response.text, parse_float=Decimal)
        assert row["profile"] == row["preferences"] == json.loads(text, parse_float=Decimal)


@pytest.mark.one_gateway
@pytest.mark.parametrize("depth", [1_000, 100_000])
async def test_deep_nesting_is_refused(depth: int, client_1_2: httpx.AsyncClient) -> None:
    body = json.dumps(make_user_data(profile={"deep": "?"})).replace('"?"', "[" * depth + "]" * depth)

    response = await client_1_2.post("/api/v1/users/", content=body, headers=JSON)

    refused(response, response.status_code)
    assert response.status_code in (400, 422)


async def test_an_object_is_replaced_not_merged(client_1_2: httpx.AsyncClient) -> None:
    user = await create(client_1_2, "users", make_user_data(profile={"a": 1, "b": {"c": 2}}))

    response = await client_1_2.patch(f"/api/v1/users/{user['id']}", json={"profile": {"b": {"d": 3}}})

    assert response.json()["profile"] == {"b": {"d": 3}}


async def test_a_change_to_the_same_value_changes_only_updated_at(client_1_2: httpx.AsyncClient) -> None:
    user = await create(client_1_2, "users", make_user_data(profile={"a": 1}))

    changed = (await client_1_2.patch(f"/api/v1/users/{user['id']}", json={"profile": {"a": 1}})).json()

    assert changed | {"updated_at": user["updated_at"]} == user
    assert changed["created_at"] == user["created_at"]
