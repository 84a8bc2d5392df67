"""Validation: every problem is reported at once, with its place; unique values."""

from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.answers import named_fields, refused
from tests.conftest import JSON, Clients, create
from tests.contract.kinds import World
from tests.contract.resources import USERS_1_0, USERS_1_2, Resource
from tests.rest.endpoints import ENDPOINTS, own_row, url_of


@pytest.mark.one_gateway
async def test_every_problem_of_a_body_is_named_at_once(client_1_2: httpx.AsyncClient) -> None:
    wrong = {
        "user_id": "nobody",
        "title": "",
        "status": "scheduled",
        "duration_minutes": 0,
        "scheduled_at": "2026-03-01T09:00:00",
        "shared_with_goal_ids": ["x", "y"],
        "no_such_field": 1,
    }

    body = refused(
        await client_1_2.post("/api/v1/tasks/", json=wrong),
        422,
        *(wrong.keys() - {"shared_with_goal_ids"}),
        "shared_with_goal_ids[0]",
        "shared_with_goal_ids[1]",
    )

    assert any(error["message"] in body["detail"] for error in body["errors"])


@pytest.mark.one_gateway
@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("/tasks/by-timerange?user_id=x&start_at=2026-01-01T00:00:00&no_such=1", ("user_id", "start_at", "end_at", "no_such")),
        ("/tasks/?limit=0&skip=-1&status=nonsense&no_such=1", ("limit", "skip", "status", "no_such")),
        ("/messages/?skip=0", ("skip", "conversation_id")),
    ],
)
async def test_every_problem_of_a_query_is_named_at_once(path: str, fields: tuple[str, ...], client_1_2: httpx.AsyncClient) -> None:
    refused(await client_1_2.get(f"/api/v1{path}"), 422, *fields)


@pytest.mark.one_gateway
@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ('{"email": "a@example.com", "email": "b@example.com"}', ("email",)),
        ('{"email": 5, "email": "b@example.com"}', ("email",)),
        ('{"email": "a@example.com", "email" : "b@example.com"}', ("email",)),
        ('{"email": "a@example.com", "email"\n\t: "b@example.com", "\\\\" :1}', ("email", "\\")),
        ('{"email": ": a@example.com", "email": "b@example.com"}', ("email",)),
        ('{"email": "a@example.com", "\\u0065mail": "b@example.com"}', ("email",)),
        ('{"email": "a@example.com", "profile": {"keep": [{"a": 1, "a": 2}]}, "profile": {}}', ("profile",)),
        ('{"email": "", "profile": {"keep": [{"a": 1, "a": 2, "a": 3}]}}', ("email", "profile.keep[0].a")),
    ],
)
async def test_a_field_that_is_given_twice_is_refused_and_named(
    body: str, fields: tuple[str, ...], client_1_2: httpx.AsyncClient
) -> None:
    refused(await client_1_2.post("/api/v1/users/", content=body, headers=JSON), 422, *fields)


@pytest.mark.one_gateway
async def test_a_name_may_occur_in_several_objects_and_inside_texts(client_1_2: httpx.AsyncClient) -> None:
    profile = {"email": {"email": 'not a name": 1, "email": 2'}, "list": [{"a": 1}, {"a": 1}]}

    user = await create(client_1_2, "users", {"email": f"{uuid4().hex}@example.com", "profile": profile})

    assert user["profile"] == profile


@pytest.mark.one_gateway
@pytest.mark.parametrize(
    ("body", "detail"),
    [
        ("", "A body of JSON is expected."),
        ("[" * 300, "The body is nested too deeply."),
        ('{"email": ', "The body is not JSON: EOF while parsing a value at line 1 column 10."),
    ],
)
async def test_invalid_json_is_400_and_the_message_gives_the_place(body: str, detail: str, client_1_2: httpx.AsyncClient) -> None:
    answer = refused(await client_1_2.post("/api/v1/users/", content=body, headers=JSON), 400)

    assert answer["detail"] == detail


@pytest.mark.one_gateway
@pytest.mark.parametrize("field", ["user_id", "id", "created_at", "updated_at"])
async def test_the_message_about_a_field_that_cannot_be_set_says_so(
    field: str, client_1_2: httpx.AsyncClient, world: World
) -> None:
    answer = refused(await client_1_2.patch(f"/api/v1/tasks/{world['task']}", json={field: world["user"]}), 422, field)

    assert answer["detail"] == f"{field}: This field cannot be set here."


@pytest.mark.one_gateway
async def test_an_unencoded_plus_in_a_query_is_explained(client_1_2: httpx.AsyncClient, world: World) -> None:
    query = f"user_id={world['user']}&start_at=2026-01-01T00:00:00+02:00&end_at=2026-01-02T00:00:00%2B02:00"

    answer = refused(await client_1_2.get(f"/api/v1/tasks/by-timerange?{query}"), 422, "start_at")

    assert '"+" is written "%2B"' in answer["detail"]


@pytest.mark.one_gateway
async def test_the_message_about_an_unknown_parameter_calls_it_a_parameter(client_1_2: httpx.AsyncClient) -> None:
    answer = refused(await client_1_2.get("/api/v1/tasks/?no_such=1"), 422, "no_such")

    assert answer["detail"] == "no_such: There is no such parameter."


@pytest.mark.one_gateway
async def test_a_problem_inside_a_structure_is_named_with_its_place(client_1_2: httpx.AsyncClient, world: World) -> None:
    milestone = {"week_number": 1, "title": "Week", "tasks": [{"title": "Run"}]}
    wrong = {"week_number": 0, "title": "Week", "tasks": [{"title": ""}, {"title": "Run", "no_such": 1}]}
    structure = {
        "goal": {"user_id": world["user"], "title": "x" * 501},
        "milestones": [milestone, milestone, wrong],
    }

    refused(
        await client_1_2.post("/api/v1/goals/with-structure", json=structure),
        422,
        "goal.title",
        "milestones[2].week_number",
        "milestones[2].tasks[0].title",
        "milestones[2].tasks[1].no_such",
    )


@pytest.mark.one_gateway
@pytest.mark.parametrize("contract", ENDPOINTS)
async def test_an_unknown_query_parameter_is_refused_and_named(contract: str, clients: Clients, world: World) -> None:
    for path, methods in ENDPOINTS[contract].items():
        for method in methods:
            url = url_of(path, world[own_row(path)])
            body: dict[str, Any] | None = None if method == "GET" else {}

            response = await clients[contract].request(method, url, params={"no_such": "1"}, json=body)

            refused(response, 422, about=(method, path))
            assert "no_such" in named_fields(response), (method, path)


@pytest.mark.one_gateway
@pytest.mark.parametrize("query", ["limit=5&limit=5", "status=done&status=missed", "skip=0&skip=1"])
async def test_a_parameter_that_is_given_twice_is_refused(query: str, client_1_2: httpx.AsyncClient) -> None:
    refused(await client_1_2.get(f"/api/v1/tasks/?{query}"), 422, query.partition("=")[0])


@pytest.mark.one_gateway
@pytest.mark.parametrize("query", ["status=%00", "user_id=%ff", "limit=1%00", "%00=1", "status=%ff%fe"])
async def test_odd_bytes_in_a_query_are_refused(query: str, client_1_2: httpx.AsyncClient) -> None:
    response = await client_1_2.get(f"/api/v1/tasks/?{query}")

    refused(response, 400 if "%ff" in query else 422)


@pytest.mark.parametrize("resource", [USERS_1_2, USERS_1_0], ids=str)
async def test_an_email_is_taken_whatever_its_case(resource: Resource, clients: Clients, world: World) -> None:
    caller = clients[resource.contract]
    email = f"Jane.{uuid4().hex}@Example.com"
    first = (await caller.post(resource.path, json=resource.minimal(world, email=email))).json()
    second = (await caller.post(resource.path, json=resource.minimal(world))).json()

    for taken in (email, email.lower(), email.upper()):
        refused(await caller.post(resource.path, json=resource.minimal(world, email=taken)), 409, "email")
        refused(await caller.patch(f"{resource.path}{second['id']}", json={"email": taken}), 409, "email")

    assert first["email"] == email
    assert (await caller.get(f"{resource.path}{second['id']}")).json() == second


@pytest.mark.parametrize("resource", [USERS_1_2, USERS_1_0], ids=str)
async def test_users_can_change_the_case_of_their_own_email(resource: Resource, clients: Clients, world: World) -> None:
    caller = clients[resource.contract]
    email = f"Jane.{uuid4().hex}@Example.com"
    row = (await caller.post(resource.path, json=resource.minimal(world, email=email))).json()

    response = await caller.patch(f"{resource.path}{row['id']}", json={"email": email.lower()})

    assert response.status_code == 200
    assert response.json()["email"] == email.lower()


async def test_a_thread_belongs_to_one_conversation(client_1_2: httpx.AsyncClient, world: World) -> None:
    data = {"user_id": world["user"], "langgraph_thread_id": uuid4().hex, "context_type": "goal"}
    await create(client_1_2, "conversations", data)

    refused(await client_1_2.post("/api/v1/conversations/", json=data), 409, "langgraph_thread_id")
    refused(await client_1_2.post("/api/v1/conversations/", json=data | {"user_id": world["stranger"]}), 409, "langgraph_thread_id")
    other_case = data | {"langgraph_thread_id": data["langgraph_thread_id"].upper()}
    await create(client_1_2, "conversations", other_case)
