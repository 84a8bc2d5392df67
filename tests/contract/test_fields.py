"""Every field of every resource: what it holds, what it refuses, what it is when it is not sent."""

from typing import Any

import pytest

from tests.answers import names_field, refused
from tests.conftest import Clients
from tests.contract.kinds import World, is_same, resolve
from tests.contract.resources import CHANGEABLE, RESOURCES, Field, Resource

UNKNOWN_FIELDS = ("no_such_field", "Title", "id", "created_at", "updated_at", "__proto__", "user")


def _each_field(
    resources: tuple[Resource, ...] = RESOURCES,
    *,
    required: bool | None = None,
    fixed: bool | None = None,
    nullable: bool | None = None,
) -> list[Any]:
    return [
        pytest.param(resource, field, id=f"{resource}-{field}")
        for resource in resources
        for field in resource.fields
        if required in (None, field.required) and fixed in (None, field.fixed) and nullable in (None, field.nullable)
    ]


def _each_accepted(resources: tuple[Resource, ...] = RESOURCES, *, fixed: bool | None = None) -> list[Any]:
    """Each field with each of the values that its kind accepts."""
    return [
        pytest.param(*each.values, value, id=f"{each.id}-{nth}")
        for each in _each_field(resources, fixed=fixed)
        for nth, value in enumerate(each.values[1].kind.accepted)
    ]


async def _create(clients: Clients, resource: Resource, data: dict[str, Any]) -> dict[str, Any]:
    response = await clients[resource.contract].post(resource.path, json=data)
    assert response.status_code == 201, response.text
    row: dict[str, Any] = response.json()
    return row


async def _get(clients: Clients, resource: Resource, row: dict[str, Any]) -> dict[str, Any]:
    response = await clients[resource.contract].get(f"{resource.path}{row['id']}")
    assert response.status_code == 200, response.text
    answer: dict[str, Any] = response.json()
    return answer


def _unlike(before: dict[str, Any], after: dict[str, Any]) -> set[str]:
    return {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}


@pytest.mark.parametrize("resource", RESOURCES, ids=str)
async def test_a_row_with_every_field_keeps_them_all(resource: Resource, clients: Clients, world: World) -> None:
    sent = resource.complete(world)

    row = await _create(clients, resource, sent)

    assert row.keys() == resource.shown
    assert {name: row[name] for name in sent if not is_same(resource.field(name).kind, sent[name], row[name])} == {}
    assert await _get(clients, resource, row) == row


@pytest.mark.parametrize("resource", RESOURCES, ids=str)
async def test_a_row_with_only_what_is_required_has_the_documented_defaults(
    resource: Resource, clients: Clients, world: World
) -> None:
    sent = resource.minimal(world)

    row = await _create(clients, resource, sent)

    defaults = {field.name: field.default for field in resource.fields if not field.required}
    defaults |= dict.fromkeys(resource.read_only)
    assert row.keys() == resource.shown
    assert {name: row[name] for name in defaults} == defaults


@pytest.mark.parametrize("resource", CHANGEABLE, ids=str)
async def test_a_new_row_was_last_changed_when_it_was_created(resource: Resource, clients: Clients, world: World) -> None:
    row = await _create(clients, resource, resource.minimal(world))

    assert row["updated_at"] == row["created_at"]


@pytest.mark.parametrize(("resource", "field", "value"), _each_accepted())
async def test_a_field_holds_what_it_is_given(resource: Resource, field: Field, value: Any, clients: Clients, world: World) -> None:
    sent = resolve(value, world)
    row = await _create(clients, resource, resource.minimal(world, **field.beside) | {field.name: sent})

    assert is_same(field.kind, sent, row[field.name])
    assert (await _get(clients, resource, row))[field.name] == row[field.name]


@pytest.mark.parametrize(("resource", "field", "value"), _each_accepted(CHANGEABLE, fixed=False))
async def test_a_change_to_a_field_changes_it_and_no_other(
    resource: Resource, field: Field, value: Any, clients: Clients, world: World
) -> None:
    before = await _create(clients, resource, resource.minimal(world, **field.beside))
    sent = resolve(value, world)

    response = await clients[resource.contract].patch(f"{resource.path}{before['id']}", json={field.name: sent})

    assert response.status_code == 200, response.text
    after = response.json()
    assert is_same(field.kind, sent, after[field.name])
    assert _unlike(before, after) - {field.name, "updated_at"} <= _following(field)
    assert after["updated_at"] > before["updated_at"]
    assert await _get(clients, resource, before) == after


def _following(field: Field) -> set[str]:
    """Fields that the contract moves along with this one."""
    return {"completed_at"} if field.name == "status" else set()


@pytest.mark.parametrize(("resource", "field"), _each_field())
async def test_a_field_refuses_what_it_cannot_hold_and_is_named(
    resource: Resource, field: Field, clients: Clients, world: World
) -> None:
    for value in field.kind.refused:
        sent = resource.minimal(world, **field.beside) | {field.name: resolve(value, world)}

        response = await clients[resource.contract].post(resource.path, json=sent)

        refused(response, 422, about=value)
        assert names_field(response, field.name), (value, response.text)


@pytest.mark.parametrize(("resource", "field"), _each_field(CHANGEABLE, fixed=False))
async def test_a_change_to_what_a_field_cannot_hold_is_refused_and_changes_nothing(
    resource: Resource, field: Field, clients: Clients, world: World
) -> None:
    before = await _create(clients, resource, resource.minimal(world, **field.beside))
    for value in field.kind.refused:
        wrong = {field.name: resolve(value, world)}

        response = await clients[resource.contract].patch(f"{resource.path}{before['id']}", json=wrong)

        refused(response, 422, about=value)
        assert names_field(response, field.name), (value, response.text)

    assert await _get(clients, resource, before) == before


@pytest.mark.parametrize(("resource", "field"), _each_field(nullable=True))
async def test_null_clears_a_nullable_field(resource: Resource, field: Field, clients: Clients, world: World) -> None:
    sent = resource.minimal(world, **field.beside) | {field.name: resolve(field.kind.accepted[0], world)}
    row = await _create(clients, resource, sent)
    assert row[field.name] is not None

    response = await clients[resource.contract].patch(f"{resource.path}{row['id']}", json={field.name: None})

    assert response.status_code == 200, response.text
    assert response.json()[field.name] is None
    assert _unlike(row, response.json()) == {field.name, "updated_at"}


@pytest.mark.parametrize(("resource", "field"), _each_field(nullable=True))
async def test_a_nullable_field_can_be_null_from_the_start(
    resource: Resource, field: Field, clients: Clients, world: World
) -> None:
    row = await _create(clients, resource, resource.minimal(world) | {field.name: None})

    assert row[field.name] is None


@pytest.mark.parametrize(("resource", "field"), _each_field(nullable=False))
async def test_null_is_refused_by_a_field_that_is_not_nullable(
    resource: Resource, field: Field, clients: Clients, world: World
) -> None:
    caller = clients[resource.contract]

    refused(await caller.post(resource.path, json=resource.minimal(world) | {field.name: None}), 422, field.name)

    if resource in CHANGEABLE:
        row = await _create(clients, resource, resource.minimal(world))
        refused(await caller.patch(f"{resource.path}{row['id']}", json={field.name: None}), 422, field.name)
        assert await _get(clients, resource, row) == row


@pytest.mark.parametrize("resource", RESOURCES, ids=str)
async def test_every_required_field_that_is_missing_is_named_at_once(resource: Resource, clients: Clients) -> None:
    response = await clients[resource.contract].post(resource.path, json={})

    refused(response, 422, *(field.name for field in resource.fields if field.required))


@pytest.mark.parametrize(("resource", "field"), _each_field(required=True))
async def test_a_required_field_that_is_missing_is_named(resource: Resource, field: Field, clients: Clients, world: World) -> None:
    sent = resource.complete(world)
    del sent[field.name]

    refused(await clients[resource.contract].post(resource.path, json=sent), 422, field.name)


@pytest.mark.parametrize(("resource", "field"), _each_field(CHANGEABLE, fixed=True))
async def test_a_fixed_field_does_not_change_after_creation(
    resource: Resource, field: Field, clients: Clients, world: World
) -> None:
    row = await _create(clients, resource, resource.minimal(world))

    for value in (row[field.name], resolve(field.kind.accepted[0], world), None):
        refused(await clients[resource.contract].patch(f"{resource.path}{row['id']}", json={field.name: value}), 422, field.name)

    assert await _get(clients, resource, row) == row


@pytest.mark.parametrize("resource", RESOURCES, ids=str)
async def test_a_field_that_the_contract_does_not_have_is_refused_and_named(
    resource: Resource, clients: Clients, world: World
) -> None:
    caller = clients[resource.contract]
    row = await _create(clients, resource, resource.minimal(world))
    for name in UNKNOWN_FIELDS:
        refused(await caller.post(resource.path, json=resource.minimal(world) | {name: None}), 422, name)
        if resource in CHANGEABLE:
            refused(await caller.patch(f"{resource.path}{row['id']}", json={name: None}), 422, name)

    assert await _get(clients, resource, row) == row


@pytest.mark.parametrize(
    ("resource", "name"),
    [pytest.param(resource, name, id=f"{resource}-{name}") for resource in CHANGEABLE for name in sorted(resource.read_only)],
)
async def test_a_read_only_field_cannot_be_sent(resource: Resource, name: str, clients: Clients, world: World) -> None:
    caller = clients[resource.contract]
    row = await _create(clients, resource, resource.minimal(world))

    refused(await caller.post(resource.path, json=resource.minimal(world) | {name: None}), 422, name)
    refused(await caller.patch(f"{resource.path}{row['id']}", json={name: None}), 422, name)


@pytest.mark.parametrize("resource", CHANGEABLE, ids=str)
async def test_a_change_of_nothing_answers_the_row_as_it_is(resource: Resource, clients: Clients, world: World) -> None:
    row = await _create(clients, resource, resource.complete(world))

    response = await clients[resource.contract].patch(f"{resource.path}{row['id']}", json={})

    assert response.status_code == 200
    assert response.json() == row


@pytest.mark.parametrize("resource", CHANGEABLE, ids=str)
async def test_every_field_can_change_at_once(resource: Resource, clients: Clients, world: World) -> None:
    row = await _create(clients, resource, resource.minimal(world))
    fixed = {field.name for field in resource.fields if field.fixed}
    changes = {name: value for name, value in resource.complete(world).items() if name not in fixed}

    response = await clients[resource.contract].patch(f"{resource.path}{row['id']}", json=changes)

    assert response.status_code == 200, response.text
    after = response.json()
    assert {name for name in changes if not is_same(resource.field(name).kind, changes[name], after[name])} == set()
    assert {name: after[name] for name in fixed} == {name: row[name] for name in fixed}
