"""A body is JSON, and its headers say so."""

import gzip
import json

import httpx
import pytest

from tests.answers import refused
from tests.conftest import JSON, Clients, make_user_data
from tests.rest.endpoints import ENDPOINTS

USERS = "/api/v1/users/"
SENTENCE = "Send the body as application/json."
in_both_contracts = pytest.mark.parametrize("contract", ENDPOINTS)


def _user() -> bytes:
    return json.dumps(make_user_data(name="Lena")).encode()


@pytest.mark.one_gateway
@in_both_contracts
@pytest.mark.parametrize("media_type", ["application/json", "Application/JSON; charset=utf-8", "application/problem+json"])
async def test_a_body_of_json_is_read(media_type: str, contract: str, clients: Clients) -> None:
    response = await clients[contract].post(USERS, content=_user(), headers={"Content-Type": media_type})

    assert response.status_code == 201


# Another site's page can send the second line's types without a preflight.
@pytest.mark.one_gateway
@in_both_contracts
@pytest.mark.parametrize(
    "media_type",
    [
        *("application/xml", "", "json", "application/jsonx", "application/merge-patch+json", "application/json-patch+json"),
        *("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"),
        *("text/plain; application/json", "application/json, text/plain"),
    ],
)
async def test_a_body_of_another_type_is_415(media_type: str, contract: str, clients: Clients) -> None:
    for method, path in (("POST", USERS), ("PATCH", f"{USERS}11111111-1111-4111-8111-111111111111")):
        response = await clients[contract].request(method, path, content=_user(), headers={"Content-Type": media_type})

        assert refused(response, 415)["detail"] == SENTENCE


@pytest.mark.one_gateway
@in_both_contracts
@pytest.mark.parametrize("encoding", ["gzip", "br", "identity"])
async def test_an_encoded_body_is_415(encoding: str, contract: str, clients: Clients) -> None:
    content = gzip.compress(_user()) if encoding == "gzip" else _user()
    response = await clients[contract].post(USERS, content=content, headers=JSON | {"Content-Encoding": encoding})

    assert "Content-Encoding" in refused(response, 415)["detail"]


@pytest.mark.one_gateway
async def test_a_body_that_is_not_declared_needs_a_key(client_1_2: httpx.AsyncClient, client_1_0: httpx.AsyncClient) -> None:
    assert refused(await client_1_2.post(USERS, content=_user()), 415)["detail"] == SENTENCE
    assert (await client_1_0.post(USERS, content=_user())).status_code == 201


@pytest.mark.one_gateway
async def test_no_body_needs_no_declaration(client_1_2: httpx.AsyncClient) -> None:
    refused(await client_1_2.post(USERS), 400)
