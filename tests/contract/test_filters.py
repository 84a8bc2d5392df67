"""Every filter of every list, alone and combined."""

from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.answers import refused
from tests.conftest import Clients, create, make_task_data, make_user_data, make_world
from tests.contract.kinds import Reference, World, resolve
from tests.contract.pages import Row, ids_of, list_page, walk
from tests.contract.resources import FILTERED, Resource

TASKS = "/api/v1/tasks/"
Family = dict[str, Row]


@pytest.fixture(scope="session")
async def families(shared_clients: Clients) -> dict[str, Family]:
    """For each list with filters: a row (under ""), and for each filter a row that differs from it in that field."""
    world, other = await make_world(shared_clients["1.2"]), await make_world(shared_clients["1.2"])
    return {str(resource): await _family(shared_clients[resource.contract], resource, world, other) for resource in FILTERED}


async def _family(caller: httpx.AsyncClient, resource: Resource, world: World, other: World) -> Family:
    references = [name for name in resource.filters if isinstance(resource.field(name).kind, Reference)]
    chosen = {name: resolve(resource.field(name).kind.accepted[0], world) for name in resource.filters}
    family = {}
    for name in ("", *resource.filters):
        values: dict[str, Any] = dict(chosen)
        if name in references and (resource.field(name).required or name == "goal_id"):
            # The reference is required, so the row belongs to the other user altogether.
            values |= {each: resolve(resource.field(each).kind.accepted[0], other) for each in references}
        elif name:
            values[name] = None if name in references else resource.field(name).kind.accepted[1]
        response = await caller.post(resource.path, json=resource.minimal(world) | values)
        assert response.status_code == 201, response.text
        family[name] = response.json()
    return family


@pytest.mark.parametrize("resource", FILTERED, ids=str)
async def test_combined_filters_find_the_rows_that_match_all_of_them(
    resource: Resource, clients: Clients, families: dict[str, Family]
) -> None:
    family = families[str(resource)]
    wanted = {name: family[""][name] for name in resource.filters}

    page = await list_page(clients[resource.contract], resource.path, **wanted)

    in_family = {row["id"] for row in family.values()}
    assert [row for row in page["items"] if row["id"] in in_family] == [family[""]]
    assert all(wanted.items() <= row.items() for row in page["items"])
    assert page["total"] == len(page["items"])


@pytest.mark.parametrize(
    ("resource", "name"),
    [pytest.param(resource, name, id=f"{resource}-{name}") for resource in FILTERED for name in resource.filters],
)
async def test_a_filter_finds_the_rows_with_its_value(
    resource: Resource, name: str, clients: Clients, families: dict[str, Family]
) -> None:
    family = families[str(resource)]
    in_family = {row["id"] for row in family.values()}
    for row in family.values():
        wanted = {each: row[each] for each in (resource.owner, name) if row[each] is not None}

        page = await list_page(clients[resource.contract], resource.path, **wanted)

        assert all(wanted.items() <= row.items() for row in page["items"])
        fitting = {each["id"] for each in family.values() if wanted.items() <= each.items()}
        assert {row["id"] for row in page["items"]} & in_family == fitting


@pytest.mark.parametrize(
    ("resource", "name"),
    [
        pytest.param(resource, name, id=f"{resource}-{name}")
        for resource in FILTERED
        for name in resource.filters
        if not isinstance(resource.field(name).kind, Reference)
    ],
)
async def test_each_word_of_an_enumerated_filter_finds_its_rows(
    resource: Resource, name: str, clients: Clients, world: World
) -> None:
    caller = clients[resource.contract]
    owner = resource.owner
    scope = {owner: resolve(resource.field(owner).kind.accepted[0], world)}
    words = resource.field(name).kind.accepted
    before = {word: (await list_page(caller, resource.path, **scope, **{name: word}))["total"] for word in words}
    for word in words:
        assert (await caller.post(resource.path, json=resource.minimal(world) | {name: word})).status_code == 201

    pages = {word: await list_page(caller, resource.path, **scope, **{name: word}) for word in words}

    assert {word: page["total"] for word, page in pages.items()} == {word: total + 1 for word, total in before.items()}
    assert {word: {row[name] for row in page["items"]} for word, page in pages.items()} == {word: {word} for word in words}


@pytest.mark.one_gateway
@pytest.mark.parametrize("resource", FILTERED, ids=str)
async def test_a_filter_refuses_what_its_field_cannot_hold(resource: Resource, clients: Clients) -> None:
    for name in resource.filters:
        wrong = [value for value in resource.field(name).kind.refused if isinstance(value, str)]
        assert wrong
        for value in wrong:
            refused(await clients[resource.contract].get(resource.path, params={name: value}), 422, name)


@pytest.mark.parametrize(("name", "row"), [("linked_goal_id", "goal"), ("linked_task_id", "task")])
async def test_conversations_are_found_by_the_goal_or_task_that_their_voice_session_links_to(
    name: str, row: str, client_1_2: httpx.AsyncClient
) -> None:
    world = await make_world(client_1_2)
    other = {"user_id": world["user"], "langgraph_thread_id": uuid4().hex, "context_type": "voice"}
    await create(client_1_2, "conversations", other)
    path = f"/api/v1/conversations/{world['conversation']}"
    assert (await client_1_2.patch(f"{path}/voice", json={name: world[row]})).status_code == 200

    page = await list_page(client_1_2, "/api/v1/conversations/", **{name: world[row]})

    assert ids_of(page) == [world["conversation"]]
    assert (await list_page(client_1_2, "/api/v1/conversations/", **{name: world[f"strangers_{row}"]}))["items"] == []


@pytest.mark.one_gateway
@pytest.mark.parametrize("name", ["title", "email", "id", "created_at", "description", "order", "select", "or", "status.eq"])
async def test_other_fields_are_not_filters(name: str, client_1_2: httpx.AsyncClient) -> None:
    refused(await client_1_2.get(TASKS, params={name: "x"}), 422, name)


async def test_filters_and_pages_can_be_combined(client_1_2: httpx.AsyncClient) -> None:
    user = (await create(client_1_2, "users", make_user_data()))["id"]
    statuses = ["pending", "done", "pending", "missed", "pending"]
    made = [await create(client_1_2, "tasks", make_task_data(user, status=status)) for status in statuses]
    pending = [row["id"] for row in reversed(made) if row["status"] == "pending"]

    page = await list_page(client_1_2, TASKS, user_id=user, status="pending", skip=1, limit=1)

    assert ids_of(page) == pending[1:2]
    assert (page["total"], page["page"], page["has_next"], page["has_prev"]) == (3, 2, True, True)


async def test_the_filter_missed_of_1_0_finds_cancelled_tasks_too(clients: Clients, world: World) -> None:
    user = (await create(clients["1.2"], "users", make_user_data()))["id"]
    for status in ("pending", "done", "missed", "rescheduled", "cancelled"):
        await create(clients["1.2"], "tasks", make_task_data(user, status=status))

    pages = {
        state: await list_page(clients["1.0"], TASKS, user_id=user, state=state)
        for state in ("scheduled", "drifted", "completed", "missed")
    }

    assert {state: page["total"] for state, page in pages.items()} == {
        "scheduled": 1,
        "drifted": 1,
        "completed": 1,
        "missed": 2,
    }


@pytest.mark.parametrize(
    ("contract", "name", "words"), [("1.2", "status", ("pending", "rescheduled")), ("1.0", "state", ("scheduled", "drifted"))]
)
async def test_several_words_separated_by_commas_match_any_of_them(
    contract: str, name: str, words: tuple[str, str], clients: Clients
) -> None:
    user = (await create(clients["1.2"], "users", make_user_data()))["id"]
    made = [
        await create(clients["1.2"], "tasks", make_task_data(user, status=status))
        for status in ("pending", "done", "rescheduled", "missed", "pending")
    ]
    wanted = [row["id"] for row in reversed(made) if row["status"] in ("pending", "rescheduled")]

    page = await list_page(clients[contract], TASKS, user_id=user, **{name: ",".join(words)})

    assert (ids_of(page), page["total"]) == (wanted, 3)
    assert await walk(clients[contract], TASKS, user_id=user, limit=2, **{name: ",".join(reversed(words))}) == wanted
    for wrong in (f"{words[0]},", ",", "", f"{words[0]}, {words[1]}", f"{words[0]},none"):
        refused(await clients[contract].get(TASKS, params={name: wrong}), 422, name)


@pytest.mark.parametrize("contract", ["1.0", "1.2"])
async def test_a_user_is_found_by_email_without_regard_to_case(contract: str, clients: Clients) -> None:
    user = await create(clients["1.2"], "users", make_user_data(email=f"Ada.{uuid4().hex}@Example.com", name="Ada"))
    path = "/api/v1/users/"

    for email in (user["email"], user["email"].upper(), user["email"].lower()):
        assert ids_of(await list_page(clients[contract], path, email=email)) == [user["id"]]
    assert (await list_page(clients[contract], path, email=user["email"][1:]))["total"] == 0
    assert (await list_page(clients[contract], path, email="%@example.com"))["total"] == 0


async def test_a_conversation_is_found_by_its_thread(client_1_2: httpx.AsyncClient, world: World) -> None:
    thread = f'thread, with {{quotes" and commas}} {uuid4().hex}'
    data = {"user_id": world["user"], "langgraph_thread_id": thread, "context_type": "goal"}
    conversation = await create(client_1_2, "conversations", data)
    path = "/api/v1/conversations/"

    assert ids_of(await list_page(client_1_2, path, langgraph_thread_id=thread)) == [conversation["id"]]
    assert (await list_page(client_1_2, path, langgraph_thread_id=thread.upper()))["items"] == []


@pytest.mark.parametrize("contract", ["1.0", "1.2"])
async def test_tasks_are_found_by_when_they_are_scheduled(contract: str, clients: Clients) -> None:
    user = (await create(clients["1.2"], "users", make_user_data()))["id"]
    times = [f"2026-03-0{day}T10:00:00Z" for day in (1, 2, 3)]
    first, second, third = [
        (await create(clients["1.2"], "tasks", make_task_data(user, scheduled_at=time)))["id"] for time in times
    ]
    await create(clients["1.2"], "tasks", make_task_data(user))

    async def found(**params: str) -> list[str]:
        return ids_of(await list_page(clients[contract], TASKS, user_id=user, **params))

    assert await found(scheduled_from=times[1]) == [third, second]
    assert await found(scheduled_before=times[1]) == [first]
    assert await found(scheduled_from=times[0], scheduled_before=times[2]) == [second, first]
    assert await found(scheduled_from="2026-03-02T10:00:00.0000009+00:00", scheduled_before=times[2]) == [second]
    assert await found(scheduled_from=times[1], scheduled_before=times[1]) == []
    reversed_range = {"scheduled_from": times[1], "scheduled_before": times[0]}
    answer = refused(await clients[contract].get(TASKS, params=reversed_range), 400)
    assert answer["detail"] == "The range ends before it starts."
    refused(await clients[contract].get(TASKS, params={"scheduled_from": "2026-03-01"}), 422, "scheduled_from")
