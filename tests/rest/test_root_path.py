"""Behind a proxy that serves the API under a path prefix: `uvicorn --root-path`."""

import os
import re
import sys
from collections.abc import Iterator
from urllib.parse import urljoin
from uuid import uuid4

import httpx
import pytest

from local_stack import LocalStack, free_port
from local_stack.http_servers import status_of
from local_stack.processes import Server
from tests.conftest import make_user_data

ROOT = "/flux"
COMMANDS = {"uvicorn": ["uvicorn", "dao_service.main:app"], "the module": ["dao_service"]}


@pytest.fixture(scope="module", params=COMMANDS)
def url(stack: LocalStack, request: pytest.FixtureRequest) -> Iterator[str]:
    """URL of a service with a root path. The proxy has removed the prefix."""
    port = free_port()
    server = Server("the adapter", stack.home / "logs" / "adapter.log")
    inherited = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
    command = [sys.executable, "-m", *COMMANDS[request.param], "--port", str(port), "--root-path", ROOT]
    server.spawn(command, env=inherited | stack.adapter_environment())
    try:
        server.await_ready(lambda: status_of(port, "/ready") == 200)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.stop()


def test_the_api_answers(url: str) -> None:
    with httpx.Client(base_url=url) as caller:
        created = caller.post("/api/v1/users/", json=make_user_data())
        found = caller.get(f"/api/v1/users/{created.json()['id']}")
        nothing = caller.get("/api/v1/no-such-path")

    assert created.status_code == 201
    assert found.json() == created.json()
    assert (nothing.status_code, nothing.json()) == (404, {"detail": "There is no such path."})


def test_a_path_that_still_has_the_proxys_prefix_is_404(url: str) -> None:
    assert httpx.get(f"{url}{ROOT}/api/v1/users/").status_code == 404


@pytest.mark.parametrize("path", ["/health", "/ready", "/metrics", "/docs", "/redoc/1.0", "/openapi.json"])
def test_health_metrics_and_docs_answer(path: str, url: str) -> None:
    assert httpx.get(url + path).status_code == 200


def test_the_docs_pages_load_their_assets_and_the_api_under_the_root_path(url: str) -> None:
    for page in ("/docs", "/redoc/1.0"):
        assets = re.findall(r'(?:src|href)="([^"]+)"', httpx.get(url + page).text)
        assert assets
        for asset in assets:
            seen = urljoin(f"http://proxy{ROOT}{page}", asset)
            assert httpx.get(url + seen.removeprefix(f"http://proxy{ROOT}")).status_code == 200
    assert httpx.get(url).headers["location"] == f"{ROOT}/docs"
    assert httpx.get(f"{url}/openapi.json").json()["servers"] == [{"url": ROOT}]


def test_metrics_name_the_operation(url: str) -> None:
    httpx.get(f"{url}/api/v1/users/{uuid4()}")

    assert 'route="/users/{user_id}"' in httpx.get(f"{url}/metrics").text
