"""The Content-Type of a body: JSON or absent."""

import httpx
import pytest

from tests.conftest import make_user_data


@pytest.mark.one_gateway
@pytest.mark.parametrize("media_type", [None, "application/json", "Application/JSON; charset=utf-8", "application/problem+json"])
async def test_a_body_of_json_is_read(media_type: str | None, client_1_2: httpx.AsyncClient) -> None:
    request = client_1_2.build_request("POST", "/api/v1/users/", json=make_user_data())
    request.headers.pop("content-type")
    if media_type:
        request.headers["content-type"] = media_type

    assert (await client_1_2.send(request)).status_code == 201


# Another site's page can send the last three without a preflight.
@pytest.mark.one_gateway
@pytest.mark.parametrize(
    "media_type", ["application/xml", "", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"]
)
async def test_a_body_of_another_type_is_refused(media_type: str, client_1_2: httpx.AsyncClient) -> None:
    response = await client_1_2.post("/api/v1/users/", json=make_user_data(), headers={"content-type": media_type})

    assert response.status_code == 400
    assert response.json() == {"detail": "Send the body as application/json."}
