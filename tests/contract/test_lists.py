"""Lists: the envelope, the order, and the three ways of paging."""

import asyncio
import base64
from itertools import product
from uuid import UUID, uuid4

import httpx
import pytest

from tests.answers import refused
from tests.conftest import Clients, create, make_user_data, make_world
from tests.contract.kinds import World, resolve
from tests.contract.pages import ids_of, list_page, walk
from tests.contract.resources import FILTERED, LISTED, Resource
from tests.locks import Database

PATTERNS = "/api/v1/patterns/"


@pytest.fixture(scope="session")
async def twelve(shared_clients: Clients) -> tuple[str, list[str]]:
    """A user with twelve patterns, and their ids, newest first."""
    user = (await create(shared_clients["1.2"], "users", make_user_data()))["id"]
    rows = [await create(shared_clients["1.2"], "patterns", {"user_id": user, "description": str(nth)}) for nth in range(12)]
    return user, [row["id"] for row in reversed(rows)]


@pytest.mark.parametrize("resource", LISTED, ids=str)
async def test_a_list_shows_whole_rows_newest_first(resource: Resource, clients: Clients) -> None:
    world = await make_world(clients["1.2"])
    caller = clients[resource.contract]
    rows = [(await caller.post(resource.path, json=resource.complete(world))).json() for _ in range(3)]

    page = await list_page(caller, resource.path, limit=3)

    assert page["items"] == rows[::-1]
    assert page["items"][0].keys() == resource.shown
    assert page["page"] == 1
    assert page["page_size"] == 3
    assert page["has_prev"] is False


@pytest.mark.parametrize("resource", LISTED, ids=str)
async def test_a_total_without_filters_is_the_number_of_rows(
    resource: Resource, clients: Clients, database: Database, world: World
) -> None:
    caller = clients[resource.contract]
    table = resource.name.replace("-", "_")
    row = (await caller.post(resource.path, json=resource.minimal(world))).json()

    assert (await list_page(caller, resource.path))["total"] == await database.fetchval(f"select count(*) from public.{table}")

    if "delete" in resource.methods:
        before = (await list_page(caller, resource.path))["total"]
        await caller.delete(f"{resource.path}{row['id']}")
        assert (await list_page(caller, resource.path))["total"] == before - 1


async def test_totals_stay_exact_while_callers_write_at_once(client_1_2: httpx.AsyncClient, database: Database) -> None:
    before = (await list_page(client_1_2, "/api/v1/users/"))["total"]

    made = await asyncio.gather(*(create(client_1_2, "users", make_user_data()) for _ in range(24)))
    await asyncio.gather(*(client_1_2.delete(f"/api/v1/users/{user['id']}") for user in made[::2]))

    after = (await list_page(client_1_2, "/api/v1/users/"))["total"]
    assert after == before + 12 == await database.fetchval("select count(*) from public.users")


async def test_rows_created_at_the_same_time_are_ordered_by_id(client_1_2: httpx.AsyncClient, database: Database) -> None:
    user = (await create(client_1_2, "users", make_user_data()))["id"]
    made = [await create(client_1_2, "patterns", {"user_id": user}) for _ in range(8)]
    await database.execute("update public.patterns set created_at = '2026-01-01Z' where user_id = $1", UUID(user))
    expected = sorted((row["id"] for row in made), reverse=True)

    assert ids_of(await list_page(client_1_2, PATTERNS, user_id=user)) == expected
    pages = [await list_page(client_1_2, PATTERNS, user_id=user, page=page, page_size=3) for page in (1, 2, 3)]
    assert [row_id for page in pages for row_id in ids_of(page)] == expected
    assert await walk(client_1_2, PATTERNS, user_id=user, limit=3) == expected


async def test_rows_are_ordered_by_creation_not_by_change(client_1_2: httpx.AsyncClient) -> None:
    user = (await create(client_1_2, "users", make_user_data()))["id"]
    first, second = [await create(client_1_2, "patterns", {"user_id": user}) for _ in range(2)]
    await client_1_2.patch(f"{PATTERNS}{first['id']}", json={"description": "changed"})

    assert ids_of(await list_page(client_1_2, PATTERNS, user_id=user)) == [second["id"], first["id"]]


@pytest.mark.parametrize(
    ("params", "first", "last", "envelope"),
    [
        ({}, 0, 12, (1, 100, False, False)),
        ({"skip": 0, "limit": 5}, 0, 5, (1, 5, True, False)),
        ({"skip": 5, "limit": 5}, 5, 10, (2, 5, True, True)),
        ({"skip": 10, "limit": 5}, 10, 12, (3, 5, False, True)),
        ({"skip": 3, "limit": 5}, 3, 8, (1, 5, True, True)),
        ({"skip": 7, "limit": 5}, 7, 12, (2, 5, False, True)),
        ({"skip": 8}, 8, 12, (1, 100, False, True)),
        ({"limit": 12}, 0, 12, (1, 12, False, False)),
        ({"limit": 11}, 0, 11, (1, 11, True, False)),
        ({"limit": 100}, 0, 12, (1, 100, False, False)),
        ({"limit": 1}, 0, 1, (1, 1, True, False)),
        ({"skip": 11, "limit": 1}, 11, 12, (12, 1, False, True)),
        ({"page": 1, "page_size": 5}, 0, 5, (1, 5, True, False)),
        ({"page": 2, "page_size": 5}, 5, 10, (2, 5, True, True)),
        ({"page": 3, "page_size": 5}, 10, 12, (3, 5, False, True)),
        ({"page": 1}, 0, 12, (1, 100, False, False)),
        ({"page_size": 12}, 0, 12, (1, 12, False, False)),
        ({"skip": 12, "limit": 5}, 12, 12, (3, 5, False, True)),
        ({"skip": 1000, "limit": 5}, 12, 12, (201, 5, False, True)),
        ({"skip": 2**31 - 1}, 12, 12, (21474837, 100, False, True)),
        ({"page": 4, "page_size": 5}, 12, 12, (4, 5, False, True)),
        ({"page": 2}, 12, 12, (2, 100, False, True)),
        ({"page": 1_000_000, "page_size": 100}, 12, 12, (1_000_000, 100, False, True)),
    ],
    ids=str,
)
async def test_a_page_gives_its_place_in_the_list(
    params: dict[str, int],
    first: int,
    last: int,
    envelope: tuple[int, int, bool, bool],
    client_1_2: httpx.AsyncClient,
    twelve: tuple[str, list[str]],
) -> None:
    user, ids = twelve

    page = await list_page(client_1_2, PATTERNS, user_id=user, **params)

    assert ids_of(page) == ids[first:last]
    assert page["total"] == 12
    assert (page["page"], page["page_size"], page["has_next"], page["has_prev"]) == envelope


@pytest.mark.parametrize("resource", LISTED, ids=str)
async def test_a_page_past_the_end_is_empty_and_has_the_right_total(resource: Resource, clients: Clients, world: World) -> None:
    caller = clients[resource.contract]
    await caller.post(resource.path, json=resource.minimal(world))
    total = (await list_page(caller, resource.path))["total"]

    page = await list_page(caller, resource.path, skip=total, limit=10)

    assert page["items"] == []
    assert (page["total"], page["has_next"], page["has_prev"]) == (total, False, True)


async def test_a_list_without_rows_is_an_empty_page(client_1_2: httpx.AsyncClient) -> None:
    page = await list_page(client_1_2, PATTERNS, user_id=uuid4())

    assert page == {"items": [], "total": 0, "page": 1, "page_size": 100, "has_next": False, "has_prev": False}


OUTSIDE_THE_LIMITS: dict[str, list[object]] = {
    "limit": [0, 101, -1, "ten", "", 1.5, 10**30, "1_0", "10.0", " 10", "10 ", "1e1", "0x1", "\uff11\uff10", "++1", "-"],
    "skip": [-1, 10**30, "x", "1_0", "1.0", " 1"],
    "page": [0, -1, 10**30, "1_0", "1.0"],
    "page_size": [0, 101, -1, "1_0", "1.0"],
}


@pytest.mark.one_gateway
@pytest.mark.parametrize("resource", LISTED, ids=str)
async def test_a_page_outside_the_limits_is_refused(resource: Resource, clients: Clients) -> None:
    for name, values in OUTSIDE_THE_LIMITS.items():
        for value in values:
            refused(await clients[resource.contract].get(resource.path, params={name: str(value)}), 422, name, about=value)


@pytest.mark.one_gateway
@pytest.mark.parametrize("resource", LISTED, ids=str)
async def test_mixing_skip_and_limit_with_page_and_page_size_is_400(resource: Resource, clients: Clients) -> None:
    for first, second in product(("skip", "limit"), ("page", "page_size")):
        refused(await clients[resource.contract].get(resource.path, params={first: 1, second: 1}), 400)


@pytest.mark.parametrize("size", [1, 3, 4, 6, 11, 12, 100])
@pytest.mark.parametrize("name", ["limit", "page_size"])
async def test_a_walk_by_cursor_visits_every_row_once(
    name: str, size: int, client_1_2: httpx.AsyncClient, twelve: tuple[str, list[str]]
) -> None:
    user, ids = twelve

    assert await walk(client_1_2, PATTERNS, user_id=user, **{name: size}) == ids


@pytest.mark.parametrize("resource", FILTERED, ids=str)
async def test_every_list_can_be_walked_by_cursor(resource: Resource, clients: Clients) -> None:
    world = await make_world(clients["1.2"])
    caller = clients[resource.contract]
    for _ in range(5):
        assert (await caller.post(resource.path, json=resource.minimal(world))).status_code == 201
    owner = resource.owner
    scope = {owner: resolve(resource.field(owner).kind.accepted[0], world)}

    whole = await list_page(caller, resource.path, **scope)

    assert len(whole["items"]) >= 5
    assert await walk(caller, resource.path, **scope, limit=2) == ids_of(whole)


async def test_a_walk_by_cursor_skips_no_row_while_others_are_created_and_deleted(client_1_2: httpx.AsyncClient) -> None:
    user = (await create(client_1_2, "users", make_user_data()))["id"]
    made = [(await create(client_1_2, "patterns", {"user_id": user}))["id"] for _ in range(9)][::-1]

    first = await list_page(client_1_2, PATTERNS, user_id=user, limit=3)
    await create(client_1_2, "patterns", {"user_id": user})
    await client_1_2.delete(f"{PATTERNS}{made[0]}")
    await client_1_2.delete(f"{PATTERNS}{made[2]}")
    second = await list_page(client_1_2, PATTERNS, user_id=user, limit=3, after=first["next_cursor"])
    third = await list_page(client_1_2, PATTERNS, user_id=user, limit=3, after=second["next_cursor"])

    assert ids_of(first) + ids_of(second) + ids_of(third) == made
    assert third["has_next"] is False


async def test_a_page_by_cursor_gives_its_place_in_the_list(client_1_2: httpx.AsyncClient, twelve: tuple[str, list[str]]) -> None:
    user, ids = twelve
    first = await list_page(client_1_2, PATTERNS, user_id=user, limit=5)
    second = await list_page(client_1_2, PATTERNS, user_id=user, limit=5, after=first["next_cursor"])
    third = await list_page(client_1_2, PATTERNS, user_id=user, limit=5, after=second["next_cursor"])

    assert [page["page"] for page in (first, second, third)] == [1, 2, 3]
    assert {page["total"] for page in (first, second, third)} == {12}
    assert [page["has_prev"] for page in (first, second, third)] == [False, True, True]
    assert ids_of(third) == ids[10:]


@pytest.mark.one_gateway
@pytest.mark.parametrize(
    "cursor",
    ["", "x", "%00", "=" * 8, "a" * 500, base64.urlsafe_b64encode(b"1.2.3.4").decode(), "ünïcode", "' or 1=1 --"],
)
async def test_an_invalid_cursor_is_400(cursor: str, client_1_2: httpx.AsyncClient) -> None:
    refused(await client_1_2.get(PATTERNS, params={"after": cursor}), 400)


async def test_a_cursor_of_another_list_is_400(client_1_2: httpx.AsyncClient, twelve: tuple[str, list[str]]) -> None:
    user, _ = twelve
    cursor = (await list_page(client_1_2, PATTERNS, user_id=user, limit=5))["next_cursor"]

    for path, params in ((PATTERNS, {}), (PATTERNS, {"user_id": str(uuid4())}), ("/api/v1/goals/", {"user_id": user})):
        refused(await client_1_2.get(path, params=params | {"after": cursor}), 400)
    for mangled in (cursor[:-4], cursor[4:], cursor[::-1], f"{cursor}A", cursor.replace(cursor[-5], "-")):
        refused(await client_1_2.get(PATTERNS, params={"user_id": user, "after": mangled}), 400)


@pytest.mark.one_gateway
@pytest.mark.parametrize("name", ["skip", "page"])
async def test_a_cursor_cannot_be_combined_with_skip_or_page(
    name: str, client_1_2: httpx.AsyncClient, twelve: tuple[str, list[str]]
) -> None:
    user, _ = twelve
    cursor = (await list_page(client_1_2, PATTERNS, user_id=user, limit=5))["next_cursor"]

    refused(await client_1_2.get(PATTERNS, params={"user_id": user, "after": cursor, name: "1"}), 400)
