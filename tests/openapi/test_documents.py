"""The OpenAPI document of each contract lists exactly the contract's endpoints."""

import httpx
import pytest

from tests.rest.endpoints import ENDPOINTS


@pytest.mark.one_gateway
@pytest.mark.parametrize(("path", "contract"), [("/openapi.json", "1.2"), ("/openapi-1.0.json", "1.0")])
async def test_the_document_of_a_contract_lists_its_endpoints(path: str, contract: str, client_1_2: httpx.AsyncClient) -> None:
    document = (await client_1_2.get(path)).json()

    assert document["info"]["version"] == contract
    listed = {
        name.removeprefix("/api/v1"): {method.upper() for method in methods}
        for name, methods in document["paths"].items()
        if "/api/v1/" in name
    }
    assert listed == ENDPOINTS[contract]


@pytest.mark.one_gateway
@pytest.mark.parametrize(
    ("path", "words", "other_words"),
    [
        ("/openapi.json", ("scheduled_at", "new_status", "rescheduled"), ("start_time", "new_state", "drifted")),
        ("/openapi-1.0.json", ("start_time", "new_state", "drifted"), ("scheduled_at", "new_status", "rescheduled")),
    ],
    ids=["1.2", "1.0"],
)
async def test_the_document_of_a_contract_uses_its_words(
    path: str, words: tuple[str, ...], other_words: tuple[str, ...], client_1_2: httpx.AsyncClient
) -> None:
    document = (await client_1_2.get(path)).text

    assert [word for word in words if f'"{word}"' not in document] == []
    assert [word for word in other_words if f'"{word}"' in document] == []


@pytest.mark.one_gateway
@pytest.mark.parametrize("path", ["/docs", "/docs/1.0"])
async def test_each_contract_has_a_page(path: str, client_1_2: httpx.AsyncClient) -> None:
    response = await client_1_2.get(path)

    assert response.status_code == 200
    assert "text/html" in response.headers["content-type"]
