"""Every field of every resource: the values it accepts and refuses, and its default."""

from typing import Any

import pytest

from tests.answers import named_fields, refused
from tests.conftest import Clients
from tests.contract.kinds import Reference, World, is_same, resolve, wrong_values
from tests.contract.resources import CHANGEABLE, RESOURCES, Field, Resource

UNKNOWN_FIELDS = ("no_such_field", "Title", "id", "created_at", "updated_at", "__proto__", "user")


def _each_field(
    resources: tuple[Resource, ...] = RESOURCES,
    *,
    fixed: bool | None = None,
    nullable: bool | None = None,
) -> list[Any]:
    return [
        pytest.param(resource, field, id=f"{resource}-{field}")
        for resource in resources
        for field in resource.fields
        if fixed in (None, field.fixed) and nullable in (None, field.nullable)
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
async def test_every_field_of_a_complete_row_is_kept(resource: Resource, clients: Clients, world: World) -> None:
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
async def test_a_new_row_has_updated_at_equal_to_created_at(resource: Resource, clients: Clients, world: World) -> None:
    row = await _create(clients, resource, resource.minimal(world))

    assert row["updated_at"] == row["created_at"]


@pytest.mark.parametrize(("resource", "field"), _each_field())
async def test_a_field_holds_each_value_of_its_kind(resource: Resource, field: Field, clients: Clients, world: World) -> None:
    for value in field.kind.accepted:
        sent = resolve(value, world)
        row = await _create(clients, resource, resource.minimal(world, **field.beside) | {field.name: sent})

        assert is_same(field.kind, sent, row[field.name])
        assert (await _get(clients, resource, row))[field.name] == row[field.name]


@pytest.mark.parametrize(("resource", "field"), _each_field(CHANGEABLE, fixed=False))
async def test_a_change_to_a_field_changes_it_and_no_other(
    resource: Resource, field: Field, clients: Clients, world: World
) -> None:
    for value in field.kind.accepted:
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
    """Fields that the database changes together with this one."""
    return {"completed_at"} if field.name == "status" else set()


@pytest.mark.one_gateway
@pytest.mark.parametrize("resource", RESOURCES, ids=str)
async def test_values_that_fields_cannot_hold_are_refused_and_all_named(resource: Resource, clients: Clients, world: World) -> None:
    for wrong in wrong_values({field.name: field.kind for field in resource.fields}, world):
        response = await clients[resource.contract].post(resource.path, json=resource.minimal(world) | wrong)

        refused(response, 422, about=wrong)
        assert named_fields(response) == wrong.keys(), response.text


@pytest.mark.one_gateway
@pytest.mark.parametrize("resource", CHANGEABLE, ids=str)
async def test_a_change_to_values_that_fields_cannot_hold_is_refused_and_changes_nothing(
    resource: Resource, clients: Clients, world: World
) -> None:
    before = await _create(clients, resource, resource.minimal(world))
    kinds = {field.name: field.kind for field in resource.fields if not field.fixed}
    for wrong in wrong_values(kinds, world):
        response = await clients[resource.contract].patch(f"{resource.path}{before['id']}", json=wrong)

        refused(response, 422, about=wrong)
        assert named_fields(response) == wrong.keys(), response.text

    assert await _get(clients, resource, before) == before


@pytest.mark.parametrize(
    ("resource", "field", "kind"),
    [
        pytest.param(resource, field, field.kind, id=f"{resource}-{field}")
        for resource in RESOURCES
        for field in resource.fields
        if isinstance(field.kind, Reference)
    ],
)
async def test_the_id_of_no_row_or_of_a_forbidden_row_is_refused_and_changes_nothing(
    resource: Resource, field: Field, kind: Reference, clients: Clients, world: World
) -> None:
    client = clients[resource.contract]
    before = await _create(clients, resource, resource.minimal(world, **field.beside))
    for name in kind.refused_by_the_database:
        wrong = {field.name: resolve(name, world)}

        refused(await client.post(resource.path, json=resource.minimal(world, **field.beside) | wrong), 422, field.name)
        if resource in CHANGEABLE:
            refused(await client.patch(f"{resource.path}{before['id']}", json=wrong), 422, field.name)

    assert await _get(clients, resource, before) == before


@pytest.mark.parametrize("resource", RESOURCES, ids=str)
async def test_every_nullable_field_can_be_null_from_the_start(resource: Resource, clients: Clients, world: World) -> None:
    nulls = {field.name: None for field in resource.fields if field.nullable}

    row = await _create(clients, resource, resource.minimal(world) | nulls)

    assert {name: row[name] for name in nulls} == nulls


@pytest.mark.parametrize(("resource", "field"), _each_field(CHANGEABLE, nullable=True))
async def test_null_clears_a_nullable_field(resource: Resource, field: Field, clients: Clients, world: World) -> None:
    sent = resource.minimal(world, **field.beside) | {field.name: resolve(field.kind.accepted[0], world)}
    row = await _create(clients, resource, sent)
    assert row[field.name] is not None

    response = await clients[resource.contract].patch(f"{resource.path}{row['id']}", json={field.name: None})

    assert response.status_code == 200, response.text
    assert response.json()[field.name] is None
    assert _unlike(row, response.json()) == {field.name, "updated_at"}


@pytest.mark.one_gateway
@pytest.mark.parametrize("resource", RESOURCES, ids=str)
async def test_null_is_refused_by_every_field_that_is_not_nullable(resource: Resource, clients: Clients, world: World) -> None:
    client = clients[resource.contract]
    nulls = {field.name: None for field in resource.fields if not field.nullable}

    refused(await client.post(resource.path, json=resource.minimal(world) | nulls), 422, *nulls)

    if resource in CHANGEABLE:
        row = await _create(clients, resource, resource.minimal(world))
        refused(await client.patch(f"{resource.path}{row['id']}", json=nulls), 422, *nulls)
        assert await _get(clients, resource, row) == row


@pytest.mark.one_gateway
@pytest.mark.parametrize("resource", RESOURCES, ids=str)
async def test_every_required_field_that_is_missing_is_named_at_once(resource: Resource, clients: Clients) -> None:
    response = await clients[resource.contract].post(resource.path, json={})

    refused(response, 422, *(field.name for field in resource.fields if field.required))


@pytest.mark.one_gateway
@pytest.mark.parametrize("resource", RESOURCES, ids=str)
async def test_a_single_required_field_that_is_missing_is_named(resource: Resource, clients: Clients, world: World) -> None:
    for field in resource.fields:
        if field.required:
            sent = {name: value for name, value in resource.complete(world).items() if name != field.name}

            refused(await clients[resource.contract].post(resource.path, json=sent), 422, field.name)


@pytest.mark.one_gateway
@pytest.mark.parametrize(("resource", "field"), _each_field(CHANGEABLE, fixed=True))
async def test_a_fixed_field_does_not_change_after_creation(
    resource: Resource, field: Field, clients: Clients, world: World
) -> None:
    row = await _create(clients, resource, resource.minimal(world))

    for value in (row[field.name], resolve(field.kind.accepted[0], world), None):
        refused(await clients[resource.contract].patch(f"{resource.path}{row['id']}", json={field.name: value}), 422, field.name)

    assert await _get(clients, resource, row) == row


@pytest.mark.one_gateway
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


@pytest.mark.one_gateway
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
async def test_an_empty_change_returns_the_row_unchanged(resource: Resource, clients: Clients, world: World) -> None:
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
