"""Demo flags: one row per user, put and read under the user's id, in both contracts."""

import asyncio
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.answers import named_fields, refused
from tests.conftest import Clients, create, make_user_data
from tests.contract.kinds import Instant, Kind, Number, is_same, wrong_values

FIELDS: dict[str, Kind] = {"virtual_now": Instant(), "escalation_speed": Number()}
DEFAULTS = {"virtual_now": None, "escalation_speed": 1.0}
SHOWN = {"user_id", *FIELDS, "created_at", "updated_at"}
Row = dict[str, Any]
both_contracts = pytest.mark.parametrize("contract", ["1.0", "1.2"])


@pytest.fixture
async def user_id(client_1_2: httpx.AsyncClient) -> str:
    return str((await create(client_1_2, "users", make_user_data()))["id"])


async def _put(caller: httpx.AsyncClient, user_id: str, flags: Row) -> Row:
    response = await caller.put(f"/api/v1/demo-flags/{user_id}", json=flags)
    assert response.status_code == 200, response.text
    row: Row = response.json()
    return row


@both_contracts
async def test_flags_that_were_never_put_are_404(contract: str, clients: Clients, user_id: str) -> None:
    refused(await clients[contract].get(f"/api/v1/demo-flags/{user_id}"), 404)
    refused(await clients[contract].get(f"/api/v1/demo-flags/{uuid4()}"), 404)


@both_contracts
async def test_put_creates_the_row(contract: str, clients: Clients, user_id: str) -> None:
    caller = clients[contract]

    row = await _put(caller, user_id, {"virtual_now": "2026-03-01T09:00:00.5+01:00", "escalation_speed": 2.5})

    assert row.keys() == SHOWN
    assert row["user_id"] == user_id
    assert (row["virtual_now"], row["escalation_speed"]) == ("2026-03-01T08:00:00.5+00:00", 2.5)
    assert (await caller.get(f"/api/v1/demo-flags/{user_id}")).json() == row


@both_contracts
async def test_a_field_that_is_not_put_has_its_default(contract: str, clients: Clients, user_id: str) -> None:
    row = await _put(clients[contract], user_id, {})

    assert {name: row[name] for name in DEFAULTS} == DEFAULTS


@both_contracts
async def test_put_replaces_the_row(contract: str, clients: Clients, user_id: str) -> None:
    caller = clients[contract]
    first = await _put(caller, user_id, {"virtual_now": "2026-03-01T09:00:00Z", "escalation_speed": 2.5})

    second = await _put(caller, user_id, {"escalation_speed": 3})

    assert (second["virtual_now"], second["escalation_speed"]) == (None, 3)
    assert second["created_at"] == first["created_at"]
    assert second["updated_at"] > first["updated_at"]
    assert (await caller.get(f"/api/v1/demo-flags/{user_id}")).json() == second


@both_contracts
async def test_the_user_in_the_body_is_optional_and_agrees_with_the_path(
    contract: str, clients: Clients, user_id: str, client_1_2: httpx.AsyncClient
) -> None:
    caller = clients[contract]
    other = (await create(client_1_2, "users", make_user_data()))["id"]

    assert (await _put(caller, user_id, {"user_id": user_id, "escalation_speed": 2}))["escalation_speed"] == 2
    assert (await _put(caller, user_id.upper(), {"user_id": user_id}))["user_id"] == user_id
    assert (await _put(caller, user_id, {"user_id": user_id.upper()}))["user_id"] == user_id

    refused(await caller.put(f"/api/v1/demo-flags/{user_id}", json={"user_id": other}), 400)
    refused(await caller.put(f"/api/v1/demo-flags/{user_id}", json={"user_id": str(uuid4())}), 400)
    refused(await caller.get(f"/api/v1/demo-flags/{other}"), 404)


@both_contracts
async def test_flags_of_a_user_who_does_not_exist_are_refused(contract: str, clients: Clients) -> None:
    refused(await clients[contract].put(f"/api/v1/demo-flags/{uuid4()}", json={}), 422, "user_id")


@both_contracts
@pytest.mark.parametrize("name", FIELDS)
async def test_a_flag_holds_each_value_of_its_kind(name: str, contract: str, clients: Clients, user_id: str) -> None:
    for value in FIELDS[name].accepted:
        assert is_same(FIELDS[name], value, (await _put(clients[contract], user_id, {name: value}))[name])


@pytest.mark.one_gateway
@both_contracts
async def test_put_names_every_value_that_a_flag_cannot_hold_and_changes_nothing(
    contract: str, clients: Clients, user_id: str
) -> None:
    client = clients[contract]
    before = await _put(client, user_id, {"escalation_speed": 2})
    others = ({"escalation_speed": None, "user_id": None}, {"user_id": "nobody", "created_at": None}, {"no_such": 1})

    for wrong in (*wrong_values(FIELDS, {}), *others):
        response = await client.put(f"/api/v1/demo-flags/{user_id}", json=wrong)

        refused(response, 422, about=wrong)
        assert named_fields(response) == wrong.keys(), response.text

    assert (await client.get(f"/api/v1/demo-flags/{user_id}")).json() == before


async def test_flags_put_in_one_contract_are_read_in_the_other(clients: Clients, user_id: str) -> None:
    row = await _put(clients["1.0"], user_id, {"virtual_now": "2026-03-01T09:00:00.000001Z"})

    assert (await clients["1.2"].get(f"/api/v1/demo-flags/{user_id}")).json() == row


async def test_flags_put_at_once_leave_one_row(clients: Clients, user_id: str) -> None:
    rows = await asyncio.gather(*(_put(clients["1.2"], user_id, {"escalation_speed": nth}) for nth in range(8)))

    left = (await clients["1.2"].get(f"/api/v1/demo-flags/{user_id}")).json()
    assert left in rows
    assert {row["created_at"] for row in rows} == {left["created_at"]}
