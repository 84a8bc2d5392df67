"""CONTRACT.md's common rules and its table of errors, on every path that they apply to."""

import json
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from tests.conftest import create, make_goal_data, make_task_data, make_user_data
from tests.contract.answers import refused
from tests.contract.conftest import Callers
from tests.contract.endpoints import ENDPOINTS
from tests.contract.kinds import World
from tests.contract.resources import CHANGEABLE, GOALS_1_2, RESOURCES, TASKS_1_2, USERS_1_0, USERS_1_2, Resource

MEBIBYTE = 1024 * 1024
BODIES = {
    "/users/{user_id}": {},
    "/goals/{goal_id}": {"title": "Run"},
    "/tasks/{task_id}/calendar-event": {"calendar_event_id": "event-1"},
    "/conversations/{conversation_id}/voice": {"extracted_intent": "plan"},
}
"""What is sent along to paths with an id; an empty object where none is given."""

Endpoint = tuple[str, str, str]


def _endpoints(*, with_id: bool | None = None, with_body: bool | None = None) -> list[Any]:
    """Contract, method and path under /api/v1 of each endpoint."""
    return [
        pytest.param((contract, method, path), id=f"{contract} {method} {path}")
        for contract, paths in ENDPOINTS.items()
        for path, methods in paths.items()
        for method in sorted(methods)
        if with_id in (None, "{" in path) and with_body in (None, method in ("POST", "PATCH", "PUT"))
    ]


def _url(path: str, key: object) -> str:
    start, _, rest = path.partition("{")
    return f"/api/v1{start}{key}{rest.partition('}')[2]}" if rest else f"/api/v1{path}"


def _own_row(path: str) -> str:
    """The row of the world that a path with an id can name."""
    return {"user_id": "user", "goal_id": "goal", "milestone_id": "milestone", "task_id": "task"}.get(
        path.partition("{")[2].partition("}")[0], "conversation"
    )


# Paths and methods ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("resource", [resource for resource in RESOURCES if "list" in resource.methods], ids=str)
async def test_a_collection_answers_with_and_without_the_trailing_slash(resource: Resource, callers: Callers, world: World) -> None:
    caller = callers[resource.contract]
    for path in (resource.path, resource.path.removesuffix("/")):
        assert (await caller.get(path, follow_redirects=False)).status_code == 200
        created = await caller.post(path, json=resource.minimal(world), follow_redirects=False)
        assert created.status_code == 201


@pytest.mark.parametrize("slash", ["", "/"])
async def test_the_list_of_messages_answers_with_and_without_the_trailing_slash(
    slash: str, client: httpx.AsyncClient, world: World
) -> None:
    response = await client.get(f"/api/v1/messages{slash}", params={"conversation_id": world["strangers_conversation"]})

    assert response.status_code == 200
    assert response.json() == []


# PUT is left out: it creates the row.
@pytest.mark.parametrize("endpoint", [each for each in _endpoints(with_id=True) if "PUT" not in each.values[0]])
async def test_an_id_that_no_row_has_is_404(endpoint: Endpoint, callers: Callers) -> None:
    contract, method, path = endpoint
    body = BODIES.get(path, {}) if method in ("PATCH", "PUT") else None

    response = await callers[contract].request(method, _url(path, uuid4()), json=body)

    refused(response, 404)


@pytest.mark.parametrize("resource", CHANGEABLE, ids=str)
async def test_a_change_to_a_row_that_does_not_exist_is_404(resource: Resource, callers: Callers, world: World) -> None:
    fixed = {field.name for field in resource.fields if field.fixed}
    changes = {name: value for name, value in resource.complete(world).items() if name not in fixed}

    refused(await callers[resource.contract].patch(f"{resource.path}{uuid4()}", json=changes), 404)


@pytest.mark.parametrize("endpoint", _endpoints(with_id=True))
async def test_an_id_that_is_not_a_uuid_is_refused(endpoint: Endpoint, callers: Callers) -> None:
    contract, method, path = endpoint
    body = BODIES.get(path, {}) if method in ("PATCH", "PUT") else None
    for key in ("not-a-uuid", "1", "00000000-0000-0000-0000-00000000000g", "%00", "%20"):
        response = await callers[contract].request(method, _url(path, key), json=body)

        refused(response, 422, path.partition("{")[2].partition("}")[0], about=key)


@pytest.mark.parametrize("write", [str.upper, str.lower], ids=["upper case", "lower case"])
async def test_an_id_names_its_row_in_either_case(write: Any, callers: Callers, world: World) -> None:
    for caller in callers.values():
        row = (await caller.get(f"/api/v1/goals/{write(world['goal'])}")).json()
        listed = (await caller.get("/api/v1/goals/", params={"user_id": write(world["user"])})).json()

        assert row["id"] == world["goal"]
        assert world["goal"] in [each["id"] for each in listed["items"]]


@pytest.mark.parametrize("resource", RESOURCES, ids=str)
async def test_ids_are_uuids_and_times_are_in_utc(resource: Resource, callers: Callers, world: World) -> None:
    created = await callers[resource.contract].post(resource.path, json=resource.complete(world))
    row = created.json()

    assert str(UUID(row["id"])) == row["id"]
    times = [value for name, value in row.items() if name.endswith(("_at", "_time")) and value is not None]
    assert times
    assert {datetime.fromisoformat(time).utcoffset() for time in times} == {timedelta(0)}


@pytest.mark.parametrize("contract", ENDPOINTS)
@pytest.mark.parametrize(
    "path", ["no-such-path", "", "users/{id}/no-such-path", "goals/{id}/full/more", "user", "users//", "goals//full"]
)
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_path_that_does_not_exist_is_404(method: str, path: str, contract: str, callers: Callers) -> None:
    refused(await callers[contract].request(method, f"/api/v1/{path.format(id=uuid4())}"), 404)


@pytest.mark.parametrize("path", sorted(ENDPOINTS["1.2"].keys() - ENDPOINTS["1.0"].keys()))
async def test_what_only_1_2_has_is_404_in_1_0(path: str, client_1_0: httpx.AsyncClient, world: World) -> None:
    for method in ("GET", "POST", "PATCH", "DELETE"):
        refused(await client_1_0.request(method, _url(path, world["conversation"])), 404)


@pytest.mark.parametrize("contract", ENDPOINTS)
async def test_a_method_that_a_path_does_not_have_is_405_and_says_which_it_has(
    contract: str, callers: Callers, world: World
) -> None:
    for path, methods in ENDPOINTS[contract].items():
        for method in {"GET", "POST", "PUT", "PATCH", "DELETE"} - methods:
            response = await callers[contract].request(method, _url(path, world[_own_row(path)]), json={})

            refused(response, 405)
            assert {name.strip() for name in response.headers["allow"].split(",")} == methods, (method, path)


@pytest.mark.parametrize("resource", [each for each in RESOURCES if "delete" in each.methods], ids=str)
async def test_deleting_a_row_answers_204_with_an_empty_body_and_the_row_is_gone(
    resource: Resource, callers: Callers, world: World
) -> None:
    caller = callers[resource.contract]
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


# Bodies ---------------------------------------------------------------------------------------------------------------


NOT_JSON = [b"", b" ", b"not json", b'{"title": "Run"', b"{} {}", b"{'title': 'Run'}", b'{"title": "\xff"}', b"\x00", b"{,}"]


@pytest.mark.parametrize("endpoint", _endpoints(with_body=True))
async def test_a_body_that_is_not_json_is_400(endpoint: Endpoint, callers: Callers, world: World) -> None:
    contract, method, path = endpoint
    for body in NOT_JSON:
        response = await callers[contract].request(method, _url(path, world[_own_row(path)]), content=body)

        refused(response, 400, about=body)


@pytest.mark.parametrize("number", [b"NaN", b"Infinity", b"-Infinity", b"01", b"1.", b".5", b"+1"])
async def test_a_number_that_json_does_not_have_is_400(number: bytes, client: httpx.AsyncClient) -> None:
    body = json.dumps(make_user_data(profile={"weight": "?"})).encode().replace(b'"?"', number)

    refused(await client.post("/api/v1/users/", content=body), 400)


@pytest.mark.parametrize("endpoint", _endpoints(with_body=True))
async def test_a_body_that_is_not_an_object_is_422(endpoint: Endpoint, callers: Callers, world: World) -> None:
    contract, method, path = endpoint
    for body in ("null", "[]", "[{}]", '"text"', "5", "true"):
        response = await callers[contract].request(method, _url(path, world[_own_row(path)]), content=body)

        refused(response, 422, about=body)


def _user_of_size(size: int) -> bytes:
    data = make_user_data(profile={"notes": ""})
    data["profile"]["notes"] = "x" * (size - len(json.dumps(data)))
    return json.dumps(data).encode()


async def _in_chunks(body: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(body), 65536):
        yield body[start : start + 65536]


@pytest.mark.parametrize("chunked", [False, True], ids=["with its length", "in chunks"])
@pytest.mark.parametrize("contract", ENDPOINTS)
async def test_a_body_over_one_mebibyte_is_413(contract: str, chunked: bool, callers: Callers) -> None:
    body = b'{"name": "' + b"x" * MEBIBYTE + b'"}'
    sent: Any = _in_chunks(body) if chunked else body

    response = await callers[contract].post("/api/v1/users/", content=sent)

    assert "content-length" in response.request.headers or chunked
    assert str(MEBIBYTE) in refused(response, 413)["detail"]


@pytest.mark.parametrize("endpoint", _endpoints(with_body=True))
async def test_every_endpoint_with_a_body_limits_it(endpoint: Endpoint, callers: Callers, world: World) -> None:
    contract, method, path = endpoint

    response = await callers[contract].request(method, _url(path, world[_own_row(path)]), content=b" " * (MEBIBYTE + 1))

    refused(response, 413)


@pytest.mark.parametrize("chunked", [False, True], ids=["with its length", "in chunks"])
async def test_a_body_of_exactly_one_mebibyte_is_kept(chunked: bool, client: httpx.AsyncClient) -> None:
    body = _user_of_size(MEBIBYTE)
    sent: Any = _in_chunks(body) if chunked else body

    response = await client.post("/api/v1/users/", content=sent)

    assert len(body) == MEBIBYTE
    assert response.status_code == 201, response.text
    assert response.json()["profile"] == json.loads(body)["profile"]


async def test_a_caller_whose_body_was_too_large_can_go_on(client: httpx.AsyncClient, service_url: str) -> None:
    async with httpx.AsyncClient(base_url=service_url, timeout=30) as caller:
        for _ in range(3):
            refused(await caller.post("/api/v1/users/", content=b" " * (3 * MEBIBYTE)), 413)
            assert (await caller.post("/api/v1/users/", json=make_user_data())).status_code == 201


# Validation -----------------------------------------------------------------------------------------------------------


async def test_every_problem_of_a_body_is_named_at_once(client: httpx.AsyncClient) -> None:
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
        await client.post("/api/v1/tasks/", json=wrong),
        422,
        *(wrong.keys() - {"shared_with_goal_ids"}),
        "shared_with_goal_ids[0]",
        "shared_with_goal_ids[1]",
    )

    assert any(error["message"] in body["detail"] for error in body["errors"])


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("/tasks/by-timerange?user_id=x&start_at=2026-01-01T00:00:00&no_such=1", ("user_id", "start_at", "end_at", "no_such")),
        ("/tasks/?limit=0&skip=-1&status=nonsense&no_such=1", ("limit", "skip", "status", "no_such")),
        ("/messages/?skip=0", ("skip", "conversation_id")),
    ],
)
async def test_every_problem_of_a_query_is_named_at_once(path: str, fields: tuple[str, ...], client: httpx.AsyncClient) -> None:
    refused(await client.get(f"/api/v1{path}"), 422, *fields)


async def test_a_problem_inside_a_structure_is_named_with_its_place(client: httpx.AsyncClient, world: World) -> None:
    milestone = {"week_number": 1, "title": "Week", "tasks": [{"title": "Run"}]}
    wrong = {"week_number": 0, "title": "Week", "tasks": [{"title": ""}, {"title": "Run", "no_such": 1}]}
    structure = {
        "goal": {"user_id": world["user"], "title": "x" * 501},
        "milestones": [milestone, milestone, wrong],
    }

    refused(
        await client.post("/api/v1/goals/with-structure", json=structure),
        422,
        "goal.title",
        "milestones[2].week_number",
        "milestones[2].tasks[0].title",
        "milestones[2].tasks[1].no_such",
    )


@pytest.mark.parametrize("endpoint", _endpoints())
async def test_an_unknown_query_parameter_is_refused_and_named(endpoint: Endpoint, callers: Callers, world: World) -> None:
    contract, method, path = endpoint
    response = await callers[contract].request(
        method, _url(path, world[_own_row(path)]), params={"no_such": "1"}, json=None if method == "GET" else {}
    )

    body = refused(response, 422)
    assert "no_such" in [error["field"] for error in body["errors"]]


@pytest.mark.parametrize("query", ["limit=5&limit=5", "status=done&status=missed", "skip=0&skip=1"])
async def test_a_parameter_that_is_given_twice_is_refused(query: str, client: httpx.AsyncClient) -> None:
    refused(await client.get(f"/api/v1/tasks/?{query}"), 422, query.partition("=")[0])


@pytest.mark.parametrize("query", ["status=%00", "user_id=%ff", "limit=1%00", "%00=1", "status=%ff%fe"])
async def test_odd_bytes_in_a_query_are_refused(query: str, client: httpx.AsyncClient) -> None:
    response = await client.get(f"/api/v1/tasks/?{query}")

    refused(response, 400 if "%ff" in query else 422)


@pytest.mark.parametrize("resource", [USERS_1_2, USERS_1_0], ids=str)
async def test_an_email_is_taken_whatever_its_case(resource: Resource, callers: Callers, world: World) -> None:
    caller = callers[resource.contract]
    email = f"Jane.{uuid4().hex}@Example.com"
    first = (await caller.post(resource.path, json=resource.minimal(world, email=email))).json()
    second = (await caller.post(resource.path, json=resource.minimal(world))).json()

    for taken in (email, email.lower(), email.upper()):
        refused(await caller.post(resource.path, json=resource.minimal(world, email=taken)), 409, "email")
        refused(await caller.patch(f"{resource.path}{second['id']}", json={"email": taken}), 409, "email")

    assert first["email"] == email
    assert (await caller.get(f"{resource.path}{second['id']}")).json() == second


@pytest.mark.parametrize("resource", [USERS_1_2, USERS_1_0], ids=str)
async def test_a_user_can_change_the_case_of_the_own_email(resource: Resource, callers: Callers, world: World) -> None:
    caller = callers[resource.contract]
    email = f"Jane.{uuid4().hex}@Example.com"
    row = (await caller.post(resource.path, json=resource.minimal(world, email=email))).json()

    response = await caller.patch(f"{resource.path}{row['id']}", json={"email": email.lower()})

    assert response.status_code == 200
    assert response.json()["email"] == email.lower()


async def test_a_thread_belongs_to_one_conversation(client: httpx.AsyncClient, world: World) -> None:
    data = {"user_id": world["user"], "langgraph_thread_id": uuid4().hex, "context_type": "goal"}
    await create(client, "conversations", data)

    refused(await client.post("/api/v1/conversations/", json=data), 409, "langgraph_thread_id")
    refused(await client.post("/api/v1/conversations/", json=data | {"user_id": world["stranger"]}), 409, "langgraph_thread_id")
    other_case = data | {"langgraph_thread_id": data["langgraph_thread_id"].upper()}
    await create(client, "conversations", other_case)


# What callers send is kept as it is -----------------------------------------------------------------------------------


def _nested(depth: int) -> Any:
    value: Any = "bottom"
    for nth in range(depth):
        value = {"in": value} if nth % 2 else [value]
    return value


@pytest.mark.parametrize(
    "text",
    [
        '{"big": 123456789012345678901234567890, "small": 0.1234567890123456789, "exponent": 1e100, "zero": 0, "minus": -0.5}',
        '{"": "", " ": null, "a.b": 1, "a,b": 2, "(a)": 3, "\\"": 4, "\\\\": 5, "select": 6, "\\u00e9\\ud834\\udd1e": "\\u2028"}',
        '{"empty": [{}, [], "", null], "bools": [true, false], "control": "\\u0001\\b\\f\\n\\r\\t\\u001f\\u007f"}',
        f'{{"many": {list(range(5000))}}}',
        json.dumps({"deep": _nested(100)}),
        json.dumps({f"key {nth}": nth for nth in range(2000)}),
    ],
    ids=["numbers", "odd keys", "odd values", "long list", "deep", "many keys"],
)
async def test_a_json_object_is_kept_exactly(text: str, client: httpx.AsyncClient) -> None:
    body = json.dumps(make_user_data()).replace("}", f', "profile": {text}, "preferences": {text}}}')

    created = await client.post("/api/v1/users/", content=body)

    assert created.status_code == 201, created.text
    read = await client.get(f"/api/v1/users/{created.json()['id']}")
    for response in (created, read):
        row = json.loads(response.text, parse_float=Decimal)
        assert row["profile"] == row["preferences"] == json.loads(text, parse_float=Decimal)


@pytest.mark.parametrize("depth", [1_000, 100_000])
async def test_nesting_without_end_is_refused(depth: int, client: httpx.AsyncClient) -> None:
    body = json.dumps(make_user_data(profile={"deep": "?"})).replace('"?"', "[" * depth + "]" * depth)

    response = await client.post("/api/v1/users/", content=body)

    refused(response, response.status_code)
    assert response.status_code in (400, 422)


async def test_of_a_field_that_is_sent_twice_the_last_counts(client: httpx.AsyncClient, world: World) -> None:
    body = json.dumps(make_user_data(name="First")).replace("}", ', "name": "Last"}')
    created = await client.post("/api/v1/users/", content=body)

    assert created.status_code == 201
    assert created.json()["name"] == "Last"
    refused(await client.post("/api/v1/users/", content=body.replace("Last", "")), 422, "name")


async def test_an_object_is_replaced_not_merged(client: httpx.AsyncClient) -> None:
    user = await create(client, "users", make_user_data(profile={"a": 1, "b": {"c": 2}}))

    response = await client.patch(f"/api/v1/users/{user['id']}", json={"profile": {"b": {"d": 3}}})

    assert response.json()["profile"] == {"b": {"d": 3}}


async def test_a_change_to_the_same_value_is_a_change_in_time_only(client: httpx.AsyncClient) -> None:
    user = await create(client, "users", make_user_data(profile={"a": 1}))

    changed = (await client.patch(f"/api/v1/users/{user['id']}", json={"profile": {"a": 1}})).json()

    assert changed | {"updated_at": user["updated_at"]} == user
    assert changed["created_at"] == user["created_at"]


# What belongs to whom -------------------------------------------------------------------------------------------------


async def test_deleting_a_user_deletes_what_belongs_to_it(client: httpx.AsyncClient) -> None:
    user = await create(client, "users", make_user_data())
    owner = {"user_id": user["id"]}
    goal = await create(client, "goals", make_goal_data(user["id"]))
    child = await create(client, "goals", make_goal_data(user["id"], parent_goal_id=goal["id"]))
    milestone = await create(client, "milestones", {"goal_id": goal["id"], "week_number": 1, "title": "Week"})
    task = await create(client, "tasks", make_task_data(user["id"], goal["id"], milestone_id=milestone["id"]))
    thread = {"langgraph_thread_id": uuid4().hex, "context_type": "goal", "goal_id": goal["id"]}
    conversation = await create(client, "conversations", owner | thread)
    linked = await client.patch(
        f"/api/v1/conversations/{conversation['id']}/voice",
        json={"linked_goal_id": goal["id"], "linked_task_id": task["id"]},
    )
    assert linked.status_code == 200
    message = {"conversation_id": conversation["id"], "role": "user", "content": "Hello"}
    rows = {
        "users": [user],
        "goals": [goal, child],
        "milestones": [milestone],
        "tasks": [task, await create(client, "tasks", make_task_data(user["id"]))],
        "conversations": [conversation],
        "messages": [await create(client, "messages", message)],
        "patterns": [await create(client, "patterns", owner)],
        "notification-log": [await create(client, "notification-log", {"task_id": task["id"], "channel": "push"})],
    }
    assert (await client.put(f"/api/v1/demo-flags/{user['id']}", json={})).status_code == 200

    assert (await client.delete(f"/api/v1/users/{user['id']}")).status_code == 204

    refused(await client.get(f"/api/v1/demo-flags/{user['id']}"), 404)
    for resource, gone in rows.items():
        for row in gone:
            refused(await client.get(f"/api/v1/{resource}/{row['id']}"), 404)
    for resource in ("goals", "tasks", "conversations", "patterns"):
        assert (await client.get(f"/api/v1/{resource}/", params=owner)).json()["total"] == 0


async def test_deleting_a_goal_deletes_what_belongs_to_it_and_nothing_else(client: httpx.AsyncClient) -> None:
    user = await create(client, "users", make_user_data())
    goal = await create(client, "goals", make_goal_data(user["id"]))
    milestone = await create(client, "milestones", {"goal_id": goal["id"], "week_number": 1, "title": "Week"})
    task = await create(client, "tasks", make_task_data(user["id"], goal["id"], milestone_id=milestone["id"]))
    other = await create(client, "tasks", make_task_data(user["id"]))
    pattern = await create(client, "patterns", {"user_id": user["id"]})

    assert (await client.delete(f"/api/v1/goals/{goal['id']}")).status_code == 204

    for resource, row in (("milestones", milestone), ("tasks", task)):
        refused(await client.get(f"/api/v1/{resource}/{row['id']}"), 404)
    for resource, row in (("users", user), ("tasks", other), ("patterns", pattern)):
        assert (await client.get(f"/api/v1/{resource}/{row['id']}")).json() == row


async def test_deleting_a_milestone_leaves_its_tasks(client: httpx.AsyncClient, world: World) -> None:
    milestone = await create(client, "milestones", {"goal_id": world["goal"], "week_number": 9, "title": "Week"})
    task = await create(client, "tasks", make_task_data(world["user"], world["goal"], milestone_id=milestone["id"]))

    assert (await client.delete(f"/api/v1/milestones/{milestone['id']}")).status_code == 204

    left = (await client.get(f"/api/v1/tasks/{task['id']}")).json()
    assert left["milestone_id"] is None
    assert left["goal_id"] == world["goal"]


@pytest.mark.parametrize(
    ("resource", "data", "field"),
    [
        (TASKS_1_2, {"goal_id": "strangers_goal"}, "goal_id"),
        (TASKS_1_2, {"goal_id": "goal", "milestone_id": "strangers_milestone"}, "milestone_id"),
        (TASKS_1_2, {"milestone_id": "milestone"}, "milestone_id"),
        (GOALS_1_2, {"parent_goal_id": "strangers_goal"}, "parent_goal_id"),
    ],
    ids=["another user's goal", "another user's milestone", "a milestone without its goal", "another user's parent goal"],
)
async def test_a_row_names_only_rows_of_its_user(
    resource: Resource, data: dict[str, str], field: str, client: httpx.AsyncClient, world: World
) -> None:
    names = {name: world[row] for name, row in data.items()}

    refused(await client.post(resource.path, json=resource.minimal(world) | names), 422, field)

    before = await create(client, resource.name, resource.minimal(world))
    refused(await client.patch(f"{resource.path}{before['id']}", json=names), 422, field)
    assert (await client.get(f"{resource.path}{before['id']}")).json() == before


async def test_a_goal_is_not_its_own_parent(client: httpx.AsyncClient, world: World) -> None:
    goal = await create(client, "goals", make_goal_data(world["user"]))

    refused(await client.patch(f"/api/v1/goals/{goal['id']}", json={"parent_goal_id": goal["id"]}), 422, "parent_goal_id")
