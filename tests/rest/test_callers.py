"""The choice of the contract and the check of the key: CONTRACT.md's first table."""

import json
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import httpx
import pytest

from local_stack import LocalStack
from local_stack.http_servers import Adapter
from local_stack.processes import wait_until
from tests.answers import refused
from tests.conftest import make_user_data

KEY_1_0, KEY_1_2, LISTED_KEY = "key-pinned-to-1.0", "key-pinned-to-1.2", "key-of-a-list"
NO_ROW = "00000000-0000-4000-8000-000000000000"
UNKNOWN_KEYS = ("key-of-nobody", "", KEY_1_0[:-1], f"{KEY_1_0}x", KEY_1_0.upper(), "schlüssel")
OTHER_CONTRACTS = ("1.1", "2", "1", "", "1.2 1.0", "v1.2", "1.20", "é")


@pytest.fixture(scope="module", params=[True, False], ids=["key required", "key not required"])
def adapter(stack: LocalStack, request: pytest.FixtureRequest) -> Iterator[tuple[Adapter, bool]]:
    """An adapter with a key pinned to each contract, and whether it requires one."""
    environment = {
        "REQUIRE_SERVICE_KEY": "true" if request.param else "false",
        "SERVICE_API_KEYS": json.dumps({KEY_1_0: "1.0", KEY_1_2: "1.2"}),
    }
    with stack.adapter(environment=environment) as running:
        yield running, request.param


@pytest.fixture(scope="module")
def caller(adapter: tuple[Adapter, bool]) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=adapter[0].url, timeout=30) as opened:
        yield opened


@pytest.fixture
def key_required(adapter: tuple[Adapter, bool]) -> bool:
    return adapter[1]


def _headers(key: str | None, contract: str | None) -> list[tuple[bytes, bytes]]:
    sent = ((b"X-Flux-Service-Key", key), (b"X-Flux-Contract", contract))
    return [(name, value.encode()) for name, value in sent if value is not None]


def _contract_of(response: httpx.Response) -> str:
    """The contract that answered the request of `_ask`: only 1.0 has the filter `state`."""
    assert response.status_code in (200, 422), response.text
    return "1.0" if response.status_code == 200 else "1.2"


def _ask(caller: httpx.Client, headers: list[tuple[bytes, bytes]]) -> httpx.Response:
    return caller.get("/api/v1/tasks/", params={"user_id": str(uuid4()), "state": "drifted"}, headers=headers)


@pytest.mark.parametrize(
    ("key", "header", "contract"),
    [
        (None, None, "1.2"),
        (None, "1.0", "1.0"),
        (None, "1.2", "1.2"),
        (KEY_1_0, None, "1.0"),
        (KEY_1_0, "1.0", "1.0"),
        (KEY_1_0, "1.2", "1.2"),
        (KEY_1_2, None, "1.2"),
        (KEY_1_2, "1.0", "1.0"),
        (KEY_1_2, "1.2", "1.2"),
    ],
)
def test_the_contract_is_that_of_the_header_else_of_the_key_else_1_2(
    key: str | None, header: str | None, contract: str, caller: httpx.Client, key_required: bool
) -> None:
    response = _ask(caller, _headers(key, header))

    if key is None and key_required:
        assert "X-Flux-Service-Key" in refused(response, 403)["detail"]
    else:
        assert _contract_of(response) == contract


@pytest.mark.parametrize("header", OTHER_CONTRACTS)
@pytest.mark.parametrize("key", [None, KEY_1_0, KEY_1_2])
def test_an_unknown_contract_is_400(key: str | None, header: str, caller: httpx.Client, key_required: bool) -> None:
    refused(_ask(caller, _headers(key, header)), 403 if key is None and key_required else 400)


@pytest.mark.parametrize("header", [None, "1.0", "1.2", "2"])
@pytest.mark.parametrize("key", UNKNOWN_KEYS)
def test_an_unknown_key_is_403_even_if_none_is_required(key: str, header: str | None, caller: httpx.Client) -> None:
    refused(_ask(caller, _headers(key, header)), 403)


@pytest.mark.parametrize("keys", [(KEY_1_2, "unknown"), ("unknown", KEY_1_2), (KEY_1_0, KEY_1_2), (KEY_1_2, "")])
def test_several_different_keys_are_403(keys: tuple[str, ...], caller: httpx.Client) -> None:
    refused(_ask(caller, [line for key in keys for line in _headers(key, None)]), 403)


@pytest.mark.parametrize("contracts", [("1.2", "2"), ("2", "1.2"), ("1.0", "1.2"), ("1.2", "")])
def test_several_different_contract_headers_are_400(contracts: tuple[str, ...], caller: httpx.Client) -> None:
    refused(_ask(caller, [*_headers(KEY_1_2, None), *(line for each in contracts for line in _headers(None, each))]), 400)


def test_a_repeated_key_or_contract_header_with_the_same_value_counts_once(caller: httpx.Client) -> None:
    assert _contract_of(_ask(caller, _headers(KEY_1_2, "1.0") * 2)) == "1.0"


FROM_A_PAGE_ELSEWHERE = {"Sec-Fetch-Site": "cross-site", "Origin": "https://elsewhere.example"}


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "/users/"), ("PATCH", f"/users/{NO_ROW}"), ("DELETE", f"/users/{NO_ROW}"), ("PUT", f"/demo-flags/{NO_ROW}")],
)
def test_another_sites_page_cannot_write_without_a_key(method: str, path: str, caller: httpx.Client, key_required: bool) -> None:
    body = b"{}" if method != "DELETE" else None

    refusal = refused(caller.request(method, f"/api/v1{path}", content=body, headers=FROM_A_PAGE_ELSEWHERE), 403)
    refused(
        caller.request(method, f"/api/v1{path}", content=body, headers=FROM_A_PAGE_ELSEWHERE | {"X-Flux-Service-Key": "x"}), 403
    )

    assert ("another site" in refusal["detail"]) != key_required


@pytest.mark.parametrize("origin", ["https://elsewhere.example", "null", "http://127.0.0.1:1", "http://localhost", ""])
def test_a_page_of_another_origin_changes_nothing_without_a_key(origin: str, caller: httpx.Client, key_required: bool) -> None:
    headers = {"Origin": origin}

    refusal = refused(caller.post("/api/v1/users/", json=make_user_data(), headers=headers), 403)

    assert ("another site" in refusal["detail"]) != key_required
    assert caller.get("/api/v1/users/", headers=headers).status_code == (403 if key_required else 200)
    headers |= {"X-Flux-Service-Key": KEY_1_2}
    assert caller.post("/api/v1/users/", json=make_user_data(), headers=headers).status_code == 201


def test_a_page_of_the_services_own_origin_may_write_if_no_key_is_required(caller: httpx.Client, key_required: bool) -> None:
    headers = {"Origin": str(caller.base_url).rstrip("/")}

    assert caller.post("/api/v1/users/", json=make_user_data(), headers=headers).status_code == (403 if key_required else 201)


@pytest.mark.parametrize(
    "host",
    [
        *("127.0.0.1:8000", "0.0.0.0", "[::1]:8000", "[::ffff:127.0.0.1]", "localhost:8000", "FLUX-dao-service:8000", "-"),
        *("host.docker.internal:8000", "Host.Docker.Internal"),
    ],
)
def test_addresses_and_local_names_need_no_key_if_none_is_required(host: str, caller: httpx.Client, key_required: bool) -> None:
    assert caller.get("/api/v1/users/", headers={"Host": host}).status_code == (403 if key_required else 200)


@pytest.mark.parametrize(
    "host",
    [
        *("elsewhere.example", "elsewhere.example:8000", "127.0.0.1.nip.io", "localhost.", "a.localhost", "1.2.3.4x"),
        *("host.docker.internal.example", "xhost.docker.internal"),
    ],
)
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "DELETE"])
def test_a_name_that_may_be_rebound_needs_a_key(method: str, host: str, caller: httpx.Client, key_required: bool) -> None:
    headers = {"Host": host, "Origin": f"http://{host}"}
    response = caller.request(method, "/api/v1/users/", headers=headers)

    assert response.status_code == 403
    assert key_required or method == "HEAD" or "ALLOWED_HOSTS" in refused(response, 403)["detail"]
    assert caller.get("/api/v1/users/", headers=headers | {"X-Flux-Service-Key": KEY_1_2}).status_code == 200
    assert caller.get("/health", headers=headers).status_code == 200


@pytest.mark.parametrize(("allowed", "others"), [("flux.example, API.example", 403), ("*", 200)])
def test_allowed_hosts_need_no_key(allowed: str, others: int, stack: LocalStack) -> None:
    environment = {"REQUIRE_SERVICE_KEY": "false", "ALLOWED_HOSTS": allowed}
    with stack.adapter(environment=environment) as adapter:
        for host, status in (("flux.example:443", 200), ("api.example", 200), ("elsewhere.example", others)):
            response = httpx.get(f"{adapter.url}/api/v1/users/", headers={"Host": host})

            assert response.status_code == status, host


@pytest.mark.parametrize("site", ["same-origin", "same-site", "none"])
def test_a_page_of_the_same_site_can_write_if_no_key_is_required(site: str, caller: httpx.Client, key_required: bool) -> None:
    response = caller.post("/api/v1/users/", json=make_user_data(), headers={"Sec-Fetch-Site": site})

    assert response.status_code == (403 if key_required else 201)


def test_another_sites_page_can_read_and_with_a_key_can_write(caller: httpx.Client, key_required: bool) -> None:
    with_key = FROM_A_PAGE_ELSEWHERE | {"X-Flux-Service-Key": KEY_1_2}

    assert caller.get("/api/v1/users/", headers=FROM_A_PAGE_ELSEWHERE).status_code == (403 if key_required else 200)
    assert caller.post("/api/v1/users/", json=make_user_data(), headers=with_key).status_code == 201


@pytest.mark.parametrize(
    "request_of",
    [
        ("GET", "/api/v1/no-such-path", None),
        ("GET", "/api/v1/", None),
        ("GET", f"/api/v1/users/{NO_ROW}", None),
        ("PUT", "/api/v1/users/", None),
        ("GET", "/api/v1/users/?limit=0&no_such=1", None),
        ("POST", "/api/v1/users/", b"not json"),
        ("POST", "/api/v1/users/", b'{"no_such_field": 1}'),
        ("POST", "/api/v1/users/", b" " * (1024 * 1024 + 1)),
        ("PATCH", "/api/v1/users/not-a-uuid", b"{}"),
        ("DELETE", f"/api/v1/tasks/{NO_ROW}", None),
    ],
    ids=lambda request_of: f"{request_of[0]} {request_of[1][:30]}",
)
@pytest.mark.parametrize("contract", [None, "1.0", "2"])
def test_an_unknown_key_is_reported_before_every_other_error(
    request_of: tuple[str, str, bytes | None], contract: str | None, caller: httpx.Client
) -> None:
    method, path, body = request_of

    refused(caller.request(method, path, content=body, headers=_headers("unknown", contract)), 403)


def test_a_refused_request_changes_nothing(caller: httpx.Client) -> None:
    data = make_user_data()

    refused(caller.post("/api/v1/users/", json=data, headers={"X-Flux-Service-Key": "unknown"}), 403)

    assert caller.post("/api/v1/users/", json=data, headers={"X-Flux-Service-Key": KEY_1_2}).status_code == 201


@pytest.mark.parametrize("path", ["/health", "/ready", "/docs", "/redoc", "/openapi.json", "/docs/1.0", "/openapi-1.0.json"])
@pytest.mark.parametrize("key", [None, "unknown"])
def test_health_readiness_and_the_documents_need_no_key(path: str, key: str | None, caller: httpx.Client) -> None:
    response = caller.get(path, headers=_headers(key, None))

    assert response.status_code == 200
    assert {"/health": {"status": "ok"}, "/ready": {"status": "ready"}}.get(path) in (None, _json(response))


def _json(response: httpx.Response) -> Any:
    return response.json() if "json" in response.headers["content-type"] else None


def test_no_key_is_in_any_log_line(adapter: tuple[Adapter, bool], caller: httpx.Client) -> None:
    unknown = f"unknown-{uuid4().hex}"
    for key in (KEY_1_0, KEY_1_2, unknown):
        for path in ("/api/v1/users/", "/api/v1/no-such-path", "/health", f"/api/v1/users/{uuid4()}"):
            caller.get(path, headers={"X-Flux-Service-Key": key})

    assert wait_until(lambda: adapter[0].log.read_text().count('"route"') >= 12, 5), "lines are missing"
    log = adapter[0].log.read_text()
    assert '"status":403' in log
    assert [key for key in (KEY_1_0, KEY_1_2, unknown) if key in log] == []


def test_a_list_of_keys_pins_them_to_1_0(stack: LocalStack) -> None:
    environment = {"REQUIRE_SERVICE_KEY": "true", "SERVICE_API_KEYS": json.dumps([LISTED_KEY, KEY_1_2])}
    with stack.adapter(environment=environment) as adapter, httpx.Client(base_url=adapter.url, timeout=30) as caller:
        assert _contract_of(_ask(caller, _headers(LISTED_KEY, None))) == "1.0"
        assert _contract_of(_ask(caller, _headers(KEY_1_2, None))) == "1.0"
        assert _contract_of(_ask(caller, _headers(LISTED_KEY, "1.2"))) == "1.2"
        refused(_ask(caller, _headers(None, None)), 403)
        refused(_ask(caller, _headers("goal-planner-key-abc", None)), 403)


def test_a_key_is_required_by_default(stack: LocalStack) -> None:
    with stack.adapter(environment={"REQUIRE_SERVICE_KEY": "", "SERVICE_API_KEYS": ""}) as adapter:
        for key in (None, "goal-planner-key-abc", "scheduler-key-def", "observer-key-ghi", ""):
            refused(httpx.get(f"{adapter.url}/api/v1/users/", headers=_headers(key, None)), 403)
        log = adapter.log.read_text()

    assert log.count("No caller can get in") == 1
    assert "Set SERVICE_API_KEYS, or REQUIRE_SERVICE_KEY=false" in log


@pytest.mark.one_gateway
@pytest.mark.parametrize("key", ["goal-planner-key-abc", "scheduler-key-def", "observer-key-ghi"])
async def test_the_guides_keys_are_pinned_to_1_0_in_the_local_stack(key: str, client_1_2: httpx.AsyncClient) -> None:
    response = await client_1_2.get(
        "/api/v1/tasks/", params={"user_id": str(uuid4()), "state": "drifted"}, headers={"X-Flux-Service-Key": key}
    )

    assert _contract_of(response) == "1.0"


@pytest.mark.one_gateway
@pytest.mark.parametrize(("contract", "filter_name", "other"), [("1.0", "state", "status"), ("1.2", "status", "state")])
async def test_one_process_serves_both_contracts(
    contract: str, filter_name: str, other: str, client_1_2: httpx.AsyncClient
) -> None:
    headers = {"X-Flux-Contract": contract}

    known = await client_1_2.get("/api/v1/tasks/", params={"user_id": str(uuid4()), filter_name: "missed"}, headers=headers)
    refused(await client_1_2.get("/api/v1/tasks/", params={other: "missed"}, headers=headers), 422, other)

    assert known.status_code == 200
