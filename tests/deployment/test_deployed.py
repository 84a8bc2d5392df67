"""The guides' first commands, on the service at FLUX_DEPLOYED_URL or else on an adapter of the tests."""

import os
from collections.abc import Iterator
from uuid import uuid4

import httpx
import pytest

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def url(request: pytest.FixtureRequest) -> Iterator[str]:
    if deployed := os.environ.get("FLUX_DEPLOYED_URL"):
        yield deployed
    else:
        with request.getfixturevalue("stack").adapter() as adapter:
            yield adapter.url


def test_the_service_is_alive_ready_and_documented(url: str) -> None:
    assert httpx.get(f"{url}/health").json() == {"status": "ok"}
    assert httpx.get(f"{url}/ready").json() == {"status": "ready"}
    assert httpx.get(f"{url}/docs").status_code == 200


def test_the_command_of_guide_1_2_works(url: str) -> None:
    email = f"test-{uuid4()}@example.com"
    made = httpx.post(f"{url}/api/v1/users/", json={"email": email})
    assert (made.status_code, made.json()["email"]) == (201, email)
    assert httpx.delete(f"{url}/api/v1/users/{made.json()['id']}").status_code == 204


def test_the_command_of_guide_1_0_works_with_its_key(url: str) -> None:
    key = {"X-Flux-Service-Key": "goal-planner-key-abc"}
    user = {"name": "Test User", "email": f"test-{uuid4()}@example.com"}
    made = httpx.post(f"{url}/api/v1/users/", json=user, headers=key)
    assert (made.status_code, made.json()["name"]) == (201, "Test User")
    assert httpx.delete(f"{url}/api/v1/users/{made.json()['id']}", headers=key).status_code == 204


def test_an_unknown_key_is_refused(url: str) -> None:
    assert httpx.get(f"{url}/api/v1/users/", headers={"X-Flux-Service-Key": "unknown"}).status_code == 403
