"""Paths and methods: existing, unknown and unsupported ones."""

from datetime import datetime, timedelta
from uuid import UUID, uuid4

import httpx
import pytest

from tests.answers import refused
from tests.conftest import Clients, create
from tests.contract.kinds import World
from tests.contract.resources import CHANGEABLE, CONVERSATIONS_1_2, RESOURCES, Resource
from tests.rest.endpoints import BODIES, ENDPOINTS, Endpoint, endpoints, own_row, url_of


@pytest.mark.one_gateway
@pytest.mark.parametrize("resource", [resource for resource in RESOURCES if "list" in resource.methods], ids=str)
async def test_a_collection_answers_with_and_without_the_trailing_slash(resource: Resource, clients: Clients, world: World) -> None:
    caller = clients[resource.contract]
    for path in (resource.path, resource.path.removesuffix("/")):
        assert (await caller.get(path, follow_redirects=False)).status_code == 200
        created = await caller.post(path, json=resource.minimal(world), follow_redirects=False)
        assert created.status_code == 201


@pytest.mark.one_gateway
@pytest.mark.parametrize("slash", ["", "/"])
async def test_the_list_of_messages_answers_with_and_without_the_trailing_slash(
    slash: str, client_1_2: httpx.AsyncClient, world: World
) -> None:
    conversation = await create(client_1_2, "conversations", CONVERSATIONS_1_2.minimal(world))

    response = await client_1_2.get(f"/api/v1/messages{slash}", params={"conversation_id": conversation["id"]})

    assert response.status_code == 200
    assert response.json() == []


# Without PUT, which creates the row.
@pytest.mark.parametrize("endpoint", [each for each in endpoints(with_id=True) if "PUT" not in each.values[0]])
async def test_an_unknown_id_is_404(endpoint: Endpoint, clients: Clients) -> None:
    contract, method, path = endpoint
    body = None if method in ("GET", "DELETE") else BODIES.get(path, {})

    response = await clients[contract].request(method, url_of(path, uuid4()), json=body)

    refused(response, 404)


@pytest.mark.parametrize("resource", CHANGEABLE, ids=str)
async def test_a_change_to_a_row_that_does_not_exist_is_404(resource: Resource, clients: Clients, world: World) -> None:
    fixed = {field.name for field in resource.fields if field.fixed}
    changes = {name: value for name, value in resource.complete(world).items() if name not in fixed}

    refused(await clients[resource.contract].patch(f"{resource.path}{uuid4()}", json=changes), 404)


NO_IDS = (
    "not-a-uuid",
    "1",
    "00000000-0000-0000-0000-00000000000g",
    "%00",
    "%20",
    # What Python's own UUID() reads.
    "0x121212121212121212121212121212",
    "+1111111111111111111111111111111",
    "%EF%BC%91" * 32,
    "%2000000000-0000-0000-0000-000000000000",
    "0000-0000-00000000-0000-000000000000-0000",
)


@pytest.mark.one_gateway
@pytest.mark.parametrize("endpoint", endpoints(with_id=True))
async def test_an_id_that_is_not_a_uuid_is_refused(endpoint: Endpoint, clients: Clients) -> None:
    contract, method, path = endpoint
    body = BODIES.get(path, {}) if method in ("PATCH", "PUT") else None
    for key in NO_IDS:
        response = await clients[contract].request(method, url_of(path, key), json=body)

        refused(response, 422, path.partition("{")[2].partition("}")[0], about=key)


@pytest.mark.parametrize("contract", ENDPOINTS)
async def test_an_id_may_be_written_in_upper_case(contract: str, clients: Clients, owner: dict[str, str]) -> None:
    caller = clients[contract]
    for user, goal in (owner.values(), map(str.upper, owner.values())):
        row = (await caller.get(f"/api/v1/goals/{goal}")).json()
        listed = (await caller.get("/api/v1/goals/", params={"user_id": user})).json()

        assert row["id"] == owner["goal_id"]
        assert listed["items"] == [row]


@pytest.mark.parametrize("resource", RESOURCES, ids=str)
async def test_ids_are_uuids_and_times_are_in_utc(resource: Resource, clients: Clients, world: World) -> None:
    created = await clients[resource.contract].post(resource.path, json=resource.complete(world))
    row = created.json()

    assert str(UUID(row["id"])) == row["id"]
    times = [value for name, value in row.items() if name.endswith(("_at", "_time")) and value is not None]
    assert times
    assert {datetime.fromisoformat(time).utcoffset() for time in times} == {timedelta(0)}


@pytest.mark.one_gateway
@pytest.mark.parametrize("path", ["/no-such-path", "/api", "/api/v1", "/api/v2/users/", "/docs/assets/none.js", "/health/x"])
async def test_an_unknown_path_outside_the_api_is_404(path: str, client_1_2: httpx.AsyncClient) -> None:
    refused(await client_1_2.get(path), 404)


@pytest.mark.one_gateway
@pytest.mark.parametrize("path", ["/health", "/ready", "/metrics", "/docs", "/openapi.json"])
async def test_an_unknown_method_outside_the_api_is_405(path: str, client_1_2: httpx.AsyncClient) -> None:
    response = await client_1_2.post(path)

    refused(response, 405)
    assert "GET" in response.headers["allow"]


@pytest.mark.one_gateway
@pytest.mark.parametrize("path", ["/health", "/ready", "/metrics"])
async def test_health_ready_and_metrics_answer_with_and_without_the_trailing_slash(
    path: str, client_1_2: httpx.AsyncClient
) -> None:
    for each in (path, f"{path}/"):
        assert (await client_1_2.get(each, follow_redirects=False)).status_code == 200


@pytest.mark.one_gateway
@pytest.mark.parametrize("contract", ENDPOINTS)
async def test_head_is_answered_as_get_without_the_body(contract: str, clients: Clients, world: World) -> None:
    queries = {
        "/messages/": {"conversation_id": world["conversation"]},
        "/tasks/by-timerange": {"user_id": world["user"]},
        "/users/": {"limit": "0"},
    }
    for path in (path for path, methods in ENDPOINTS[contract].items() if "GET" in methods):
        url = url_of(path, world[own_row(path)])
        read = await clients[contract].get(url, params=queries.get(path))
        head = await clients[contract].head(url, params=queries.get(path))

        assert (head.status_code, head.content) == (read.status_code, b""), path
        for name in ("content-length", "content-type", "cache-control"):
            assert head.headers[name] == read.headers[name], path


@pytest.mark.parametrize("path", ["/health", "/health/", "/ready", "/ready/", "/metrics", "/metrics/"])
async def test_head_is_answered_outside_the_api_too(path: str, client_1_2: httpx.AsyncClient) -> None:
    response = await client_1_2.head(path)

    assert (response.status_code, response.content) == (200, b"")
    assert int(response.headers["content-length"]) > 0


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "users/", 200), ("GET", "nothing", 404), ("POST", "users/", 400), ("DELETE", f"users/{uuid4()}", 404)],
)
async def test_responses_of_the_api_forbid_caching_and_type_sniffing(
    method: str, path: str, status: int, client_1_2: httpx.AsyncClient
) -> None:
    response = await client_1_2.request(method, f"/api/v1/{path}")

    assert response.status_code == status
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("contract", ENDPOINTS)
@pytest.mark.parametrize(
    "path", ["no-such-path", "", "users/{id}/no-such-path", "goals/{id}/full/more", "user", "users//", "goals//full"]
)
async def test_a_path_that_does_not_exist_is_404(path: str, contract: str, clients: Clients) -> None:
    for method in ("GET", "POST"):
        refused(await clients[contract].request(method, f"/api/v1/{path.format(id=uuid4())}"), 404)


@pytest.mark.one_gateway
@pytest.mark.parametrize("path", sorted(ENDPOINTS["1.2"].keys() - ENDPOINTS["1.0"].keys()))
async def test_a_path_that_only_1_2_has_is_404_in_1_0(path: str, client_1_0: httpx.AsyncClient, world: World) -> None:
    for method in ("GET", "POST", "PATCH", "DELETE"):
        detail = refused(await client_1_0.request(method, url_of(path, world["conversation"])), 404)["detail"]

        assert detail == "Contract 1.0 has no such path; contract 1.2 has. Choose it with X-Flux-Contract."


@pytest.mark.one_gateway
@pytest.mark.parametrize("contract", ENDPOINTS)
async def test_an_unsupported_method_is_405_and_lists_the_supported_ones(contract: str, clients: Clients, world: World) -> None:
    for path, methods in ENDPOINTS[contract].items():
        for method in {"GET", "POST", "PUT", "PATCH", "DELETE"} - methods:
            response = await clients[contract].request(method, url_of(path, world[own_row(path)]), json={})

            refused(response, 405)
            allowed = methods | ({"HEAD"} if "GET" in methods else set())
            assert {name.strip() for name in response.headers["allow"].split(",")} == allowed, (method, path)


@pytest.mark.parametrize("resource", [each for each in RESOURCES if "delete" in each.methods], ids=str)
async def test_deleting_a_row_answers_204_with_an_empty_body_and_the_row_is_gone(
    resource: Resource, clients: Clients, world: World
) -> None:
    caller = clients[resource.contract]
    row = (await caller.post(resource.path, json=resource.complete(world))).json()
    path = f"{resource.path}{row['id']}"

    response = await caller.delete(path)

    assert response.status_code == 204
    assert response.content == b""
    assert "content-type" not in response.headers
    refused(await caller.get(path), 404)
    refused(await caller.delete(path), 404)
    if "update" in resource.methods:
        refused(await caller.patch(path, json={}), 404)
