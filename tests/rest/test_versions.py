"""Nothing is overwritten: `ETag`, `If-None-Match` and `If-Match`."""

import asyncio
from typing import Any
from uuid import uuid4

import httpx
import pytest

from dao_service.tests.conftest import make_user_data
from tests.conftest import JSON, Clients, create
from tests.contract.kinds import World
from tests.contract.resources import RESOURCES, Resource

CONTRACTS = ("1.0", "1.2")
GOALS, TASKS, USERS = "/api/v1/goals", "/api/v1/tasks", "/api/v1/users"
STALE = {"1.0": '"1.0-2026-01-31T09:00:00+00:00"', "1.2": '"1.2-2026-01-31T09:00:00+00:00"'}
Row = dict[str, Any]


async def put_flags(client: httpx.AsyncClient) -> str:
    """The path of a new user's demo flags, which exist."""
    user = await create(client, "users", make_user_data() | {"name": "Ada"})
    path = f"/api/v1/demo-flags/{user['id']}"
    assert (await client.put(path, json={"escalation_speed": 2})).status_code == 200
    return path


@pytest.mark.parametrize("resource", RESOURCES, ids=str)
async def test_the_etag_of_a_row_is_the_contract_and_its_version(clients: Clients, resource: Resource, world: World) -> None:
    client = clients[resource.contract]
    created = await client.post(resource.path, json=resource.minimal(world))
    path = f"{resource.path}{created.json()['id']}"
    read = await client.get(path)
    row = read.json()

    assert created.headers["etag"] == read.headers["etag"] == f'"{resource.contract}-{row.get("updated_at", row["created_at"])}"'
    assert created.headers["vary"] == read.headers["vary"] == "X-Flux-Contract, X-Flux-Service-Key"
    assert "etag" not in (await client.get(resource.path, params=_scope(resource, row))).headers
    if "update" in resource.methods:
        unchanged, same = await client.patch(path, json={}), await client.get(path)
        assert unchanged.headers["etag"] == same.headers["etag"] == read.headers["etag"]


def _scope(resource: Resource, row: Row) -> Row:
    return {"conversation_id": row["conversation_id"]} if resource.name == "messages" else {}


@pytest.mark.parametrize("contract", CONTRACTS)
async def test_every_change_gives_a_row_another_etag(clients: Clients, contract: str, owner: dict[str, str]) -> None:
    client, other = clients[contract], clients["1.2" if contract == "1.0" else "1.0"]
    task = (await create(client, "tasks", owner | {"title": "Run"}))["id"]
    flags = await put_flags(client)
    answers = [
        await client.get(f"{TASKS}/{task}"),
        await client.patch(f"{TASKS}/{task}", json={"title": "Run"}),
        await client.patch(f"{TASKS}/{task}/calendar-event", json={"calendar_event_id": "event-1"}),
        await client.get(f"{TASKS}/{task}"),
        await other.patch(f"{TASKS}/{task}", json={"title": "Rest"}),
        await client.get(f"{TASKS}/{task}"),
        await client.get(flags),
        await client.put(flags, json={}),
    ]
    etags = [answer.headers["etag"] for answer in answers]

    assert etags[2] == etags[3]
    assert etags[4][5:] == etags[5][5:]
    assert len({*etags}) == len(etags) - 1


async def test_answers_that_are_not_one_row_have_no_etag(clients: Clients, owner: dict[str, str]) -> None:
    client = clients["1.2"]
    task = (await create(client, "tasks", owner | {"title": "Run"}))["id"]
    times = {"user_id": owner["user_id"], "start_date": "2026-01-01T00:00:00Z", "end_date": "2026-02-01T00:00:00Z"}

    for answer in (
        await client.get(f"{GOALS}/{owner['goal_id']}/full"),
        await client.get(f"{TASKS}/statistics", params=times),
        await client.get(f"{TASKS}/{uuid4()}"),
        await client.post(f"{TASKS}/bulk-update-state", json={"task_ids": [task], "new_status": "done"}),
        await client.delete(f"{TASKS}/{task}"),
    ):
        assert "etag" not in answer.headers


async def test_text_of_the_caller_is_never_taken_for_the_version(client_1_2: httpx.AsyncClient) -> None:
    sly = '","updated_at":"2001-01-01T00:00:00+00:00","'
    user = make_user_data() | {"name": sly, "profile": {"updated_at": "2001-01-01T00:00:00+00:00", sly: [sly]}}
    created = await client_1_2.post(f"{USERS}/", json=user)

    assert created.headers["etag"] == f'"1.2-{created.json()["updated_at"]}"'


@pytest.mark.parametrize("contract", CONTRACTS)
async def test_a_row_that_is_unchanged_is_304(clients: Clients, contract: str, owner: dict[str, str]) -> None:
    client, path = clients[contract], f"{GOALS}/{owner['goal_id']}"
    etag = (await client.get(path)).headers["etag"]

    for sent in (etag, f'"other", {etag}', f"W/{etag}", "*"):
        for method in ("GET", "HEAD"):
            answer = await client.request(method, path, headers={"If-None-Match": sent})
            assert (answer.status_code, answer.content) == (304, b"")
            assert answer.headers["etag"] == etag
            assert answer.headers["cache-control"] == "no-store"
    for sent in ('"other"', etag.replace(contract, "9.9")):
        assert (await client.get(path, headers={"If-None-Match": sent})).status_code == 200
    await client.patch(path, json={"title": "Swim"})
    assert (await client.get(path, headers={"If-None-Match": etag})).status_code == 200
    assert (await client.get(f"{GOALS}/{uuid4()}", headers={"If-None-Match": "*"})).status_code == 404


def _conditional_writes(contract: str, ids: World, flags: str) -> list[tuple[str, str, Row | None]]:
    conversation = f"/api/v1/conversations/{ids['conversation']}"
    writes: list[tuple[str, str, Row | None]] = [
        ("PATCH", f"{USERS}/{ids['user']}", {"name": "Ada"}),
        ("PATCH", f"{GOALS}/{ids['goal']}", {"title": "Swim"}),
        ("PATCH", f"{TASKS}/{ids['task']}", {"title": "Swim"}),
        ("PATCH", f"{TASKS}/{ids['task']}", {}),
        ("PATCH", f"{TASKS}/{ids['task']}/calendar-event", {"calendar_event_id": "event-1"}),
        ("PATCH", conversation, {"status": "closed"}),
        ("PUT", flags, {"escalation_speed": 3}),
        ("DELETE", f"{TASKS}/{ids['task']}", None),
        ("DELETE", f"{GOALS}/{ids['goal']}", None),
    ]
    if contract == "1.2":
        writes[6:6] = [("PATCH", f"{conversation}/voice", {"extracted_intent": "plan"})]
        writes.insert(-1, ("DELETE", f"/api/v1/messages/{ids['message']}", None))
    return writes


@pytest.fixture
async def ids(clients: Clients, owner: dict[str, str]) -> World:
    """A user with one row of each kind."""
    client, of_1_0 = clients["1.2"], clients["1.0"]
    conversation = await create(of_1_0, "conversations", owner)
    message = {"conversation_id": conversation["id"], "role": "user", "content": "Hello"}
    return {
        "user": owner["user_id"],
        "goal": owner["goal_id"],
        "task": (await create(client, "tasks", owner | {"title": "Run"}))["id"],
        "conversation": conversation["id"],
        "message": (await create(client, "messages", message))["id"],
    }


@pytest.mark.parametrize("contract", CONTRACTS)
async def test_a_write_with_if_match_changes_that_version_and_no_other(clients: Clients, contract: str, ids: World) -> None:
    client = clients[contract]
    for method, path, body in _conditional_writes(contract, ids, await put_flags(client)):
        row = path.removesuffix("/voice").removesuffix("/calendar-event")
        before = await client.get(row)
        etag = before.headers["etag"]
        other_contract = etag.replace(contract, "1.0" if contract == "1.2" else "1.2")
        for sent in (STALE[contract], f"W/{etag}", other_contract, '"x"', '""', f'"{contract}-"'):
            stale = await client.request(method, path, json=body, headers={"If-Match": sent})
            assert (stale.status_code, stale.json()["detail"]) == (
                412,
                "The row has changed since: If-Match does not name its ETag.",
            ), (method, path, sent)
        assert (await client.get(row)).text == before.text
        unknown = row.rpartition("/")[0] + f"/{uuid4()}" + path.removeprefix(row)
        for sent in (etag, "*"):
            assert (await client.request(method, unknown, json=body, headers={"If-Match": sent})).status_code == 404

        written = await client.request(method, path, json=body, headers={"If-Match": f'"x", {etag}'})

        assert written.status_code == (204 if method == "DELETE" else 200), written.text
        if method != "DELETE":
            assert written.text == (await client.get(row)).text
            assert (written.headers["etag"] == etag) is (body == {})
            assert (await client.request(method, path, json=body, headers={"If-Match": "*"})).status_code == 200


async def test_a_task_is_moved_and_finished_only_in_the_version_that_was_read(
    client_1_2: httpx.AsyncClient, owner: dict[str, str]
) -> None:
    task = await client_1_2.post(f"{TASKS}/", json=owner | {"title": "Run"})
    path = f"{TASKS}/{task.json()['id']}"
    move = {"scheduled_at": "2030-01-01T09:00:00Z", "expected_scheduled_at": None}

    async def post(what: str, body: Row, etag: str) -> httpx.Response:
        return await client_1_2.post(f"{path}/{what}", json=body, headers={"If-Match": etag})

    moved = await post("move", move, task.headers["etag"])
    stale = [await post(what, body, task.headers["etag"]) for what, body in (("move", move), ("finish", {"new_status": "done"}))]
    finished = await post("finish", {"new_status": "done"}, moved.headers["etag"])

    assert [answer.status_code for answer in (moved, *stale, finished)] == [200, 412, 412, 200]
    assert "etag" not in finished.headers
    assert (await client_1_2.get(path)).json() == finished.json()["task"]


async def test_a_conditional_write_is_refused_as_any_other(client_1_2: httpx.AsyncClient, owner: dict[str, str]) -> None:
    path = f"{GOALS}/{owner['goal_id']}"
    headers = {"If-Match": (await client_1_2.get(path)).headers["etag"]}

    for body in ({"parent_goal_id": str(uuid4())}, {"title": "x" * 501}, {"surprise": 1}):
        alone, conditional = await client_1_2.patch(path, json=body), await client_1_2.patch(path, json=body, headers=headers)
        assert (conditional.status_code, conditional.text) == (alone.status_code, alone.text)
        assert alone.status_code == 422


@pytest.mark.parametrize("sent", ["x", "1.2-2026", '"x', '"a" "b"', "", ",", '*, "x"', '"a b"', "W/*"])
async def test_a_malformed_condition_is_400(client_1_2: httpx.AsyncClient, owner: dict[str, str], sent: str) -> None:
    path = f"{GOALS}/{owner['goal_id']}"

    for name, method in (("If-Match", "PATCH"), ("If-Match", "DELETE"), ("If-None-Match", "GET")):
        answer = await client_1_2.request(method, path, headers={name: sent} | JSON, content=b'{"title": "x"}')
        assert (answer.status_code, answer.json()["detail"]) == (400, f"{name} is * or a list of ETags, each in double quotes.")


async def test_a_condition_that_no_row_can_meet_is_400(client_1_2: httpx.AsyncClient) -> None:
    answer = await client_1_2.post(f"{USERS}/", json=make_user_data(), headers={"If-Match": "*"})

    assert answer.status_code == 400
    assert "If-Match" in answer.json()["detail"]


@pytest.mark.parametrize("contract", CONTRACTS)
async def test_of_twenty_callers_who_change_the_same_version_one_wins(
    clients: Clients, contract: str, owner: dict[str, str]
) -> None:
    client = clients[contract]
    task = await create(client, "tasks", owner | {"title": "Run"})
    path = f"{TASKS}/{task['id']}"
    headers = {"If-Match": f'"{contract}-{task["updated_at"]}"'}

    answers = await asyncio.gather(*(client.patch(path, json={"title": str(nth)}, headers=headers) for nth in range(20)))

    assert sorted(answer.status_code for answer in answers) == [200, *[412] * 19]
    [winner] = [answer for answer in answers if answer.status_code == 200]
    assert (await client.get(path)).text == winner.text


async def test_no_addition_is_lost_if_callers_read_and_change_with_if_match(client_1_2: httpx.AsyncClient) -> None:
    user = await create(client_1_2, "users", make_user_data() | {"profile": {"count": 0}})
    path = f"{USERS}/{user['id']}"

    async def add(times: int) -> int:
        losses = 0
        while times:
            read = await client_1_2.get(path)
            body = {"profile": {"count": read.json()["profile"]["count"] + 1}}
            written = await client_1_2.patch(path, json=body, headers={"If-Match": read.headers["etag"]})
            assert written.status_code in (200, 412)
            times -= written.status_code == 200
            losses += written.status_code == 412
        return losses

    losses = await asyncio.gather(*(add(3) for _ in range(10)))

    assert (await client_1_2.get(path)).json()["profile"] == {"count": 30}
    assert sum(losses)  # There was something to lose.
