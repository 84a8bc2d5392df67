"""Nothing is doubled: a `POST` with an `Idempotency-Key` happens once."""

import asyncio
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import httpx
import orjson
import pytest

from dao_service.contracts import CONTRACTS
from dao_service.core.database import SessionFactory
from dao_service.dao.dao_registry import get_task_dao
from dao_service.errors import InvalidError
from dao_service.gateway.guarded import once
from dao_service.schemas.task import TaskCreateDTO
from dao_service.tests.conftest import make_user_data
from tests.conftest import Clients, create
from tests.in_process.sessions import add_user, in_a_session
from tests.locks import Database

USERS, TASKS = "/api/v1/users/", "/api/v1/tasks/"
Row = dict[str, Any]
COUNTS = {"bulk-update-state", "dispatches", "cancel"}
"""The last words of paths whose answer is a count, which is nobody's data."""


def key(text: str | None = None) -> dict[str, str]:
    return {"Idempotency-Key": text or str(uuid4())}


def _of_both(owner: dict[str, str], state: str) -> dict[str, Row]:
    structure = {"goal": {"user_id": owner["user_id"], "title": "Run"}, "milestones": [{"week_number": 1, "title": "One"}]}
    return {
        "goals/": {"user_id": owner["user_id"], "title": "Run"},
        "goals/with-structure": structure,
        "milestones/": {"goal_id": owner["goal_id"], "week_number": 1, "title": "One"},
        "tasks/": owner | {"title": "Run"},
        "tasks/bulk-update-state": {"task_ids": [owner["task_id"]], f"new_{state}": "missed"},
    }


async def _posts(client: httpx.AsyncClient, contract: str, owner: dict[str, str]) -> dict[str, Row]:
    """A body for each `POST`, by path. `owner` has a user, a goal and a task."""
    if contract == "1.0":
        task = {name: owner[name] for name in ("user_id", "goal_id")}
        return {
            "users/": make_user_data() | {"name": "Ada"},
            "conversations/": task,
            **_of_both(owner, "state"),
            "tasks/": task | {"title": "x"},
        }
    conversation = {"user_id": owner["user_id"], "context_type": "goal"}
    thread = (await create(client, "conversations", conversation | {"langgraph_thread_id": uuid4().hex}))["id"]
    message: Row = {"role": "user", "content": "Hello"}
    task_id = owner["task_id"]
    plan = {"task_id": task_id, "channel": "push", "dedupe_key": "x", "due_at": "2200-01-01T00:00:00Z"}
    fields = {"user_id": owner["user_id"], "goal_id": owner["goal_id"]}
    return {  # In this order: the task is moved while it is pending, and finished after it is missed.
        f"tasks/{task_id}/move": {"scheduled_at": "2030-01-01T09:00:00Z", "expected_scheduled_at": None},
        "users/": make_user_data(),
        **_of_both(owner, "status"),
        "tasks/": fields | {"title": "Run"},
        "conversations/": conversation | {"langgraph_thread_id": uuid4().hex},
        f"conversations/{thread}/messages": {"messages": [message, message]},
        "messages/": message | {"conversation_id": thread},
        "patterns/": {"user_id": owner["user_id"]},
        "notification-log/": {"task_id": task_id, "channel": "push"},
        "notification-log/responses": {
            "channel": "push",
            "external_id": uuid4().hex,
            "response_id": uuid4().hex,
            "response": "yes",
        },
        "dispatches/": {"dispatches": [plan]},
        "dispatches/cancel": {"task_id": task_id},
        f"tasks/{task_id}/finish": {"new_status": "done", "expected_status": "missed"},
        f"goals/{owner['goal_id']}/advance": {},
    }


@pytest.mark.parametrize("contract", CONTRACTS)
async def test_every_post_happens_once_and_its_answer_goes_with_the_user(
    clients: Clients, contract: str, owner: dict[str, str], database: Database
) -> None:
    client = clients[contract]
    owner["task_id"] = (await create(clients["1.2"], "tasks", owner | {"title": "Run"}))["id"]
    posts = await _posts(client, contract, owner)
    left, users = [], [owner["user_id"]]
    for path, body in posts.items():
        sent = key()
        first, again = [await client.post(f"/api/v1/{path}", json=body, headers=sent) for _ in range(2)]
        assert first.is_success, (path, first.text)
        assert (again.status_code, again.content) == (first.status_code, first.content), path
        assert (first.headers.get("idempotency-replayed"), again.headers["idempotency-replayed"]) == (None, "true")
        assert again.headers.get("etag") == first.headers.get("etag")
        if path == "users/":
            users.append(first.json()["id"])
        if path.strip("/").rpartition("/")[2] in COUNTS or path.endswith("responses"):
            left.append(sent["Idempotency-Key"])

    for user in users:
        await clients["1.2"].delete(f"{USERS}{user}")
    kept = await database.fetch(
        "select key from private.kept_answers where kept_at > now() - interval '1 minute' and user_id is null"
    )
    assert {row["key"] for row in kept} >= {*left}
    assert await database.fetchval("select count(*) from private.kept_answers where user_id::text = any($1)", users) == 0


async def test_every_post_of_the_contracts_but_a_claim_can_be_repeated(database: Database) -> None:
    for contract in CONTRACTS.values():
        for operation in contract.operations:
            if operation.method == "POST":
                plain = operation.path == f"/{operation.resource}/" and operation.name.startswith("create_")
                name = f"{operation.resource.replace('-', '_')}" if plain else operation.name
                called = f"{'insert' if plain else 'call'} {contract.schema}.{name}"
                assert await database.fetchval("select private.is_repeatable($1)", called) is operation.repeatable
                assert operation.repeatable is (operation.path != "/dispatches/claim")


async def test_a_refused_request_keeps_nothing(client_1_2: httpx.AsyncClient, owner: dict[str, str]) -> None:
    headers = key()
    refused = await client_1_2.post(TASKS, json={"user_id": str(uuid4()), "title": "Run"}, headers=headers)
    created = await client_1_2.post(TASKS, json=owner | {"title": "Run"}, headers=headers)

    assert (refused.status_code, created.status_code) == (422, 201)
    assert "idempotency-replayed" not in created.headers


async def test_a_key_is_for_one_request_of_one_caller(clients: Clients, owner: dict[str, str]) -> None:
    client, body, headers = clients["1.2"], owner | {"title": "Run"}, key()
    first = await client.post(TASKS, json=body, headers=headers)
    other = {"X-Flux-Contract": "1.0"}

    for answer in (
        await client.post(TASKS, json=body | {"title": "Swim"}, headers=headers),
        await client.post("/api/v1/goals/", json={"user_id": owner["user_id"], "title": "Run"}, headers=headers),
        await client.post(TASKS, json=body, headers=headers | other),
    ):
        assert (answer.status_code, answer.json()["detail"]) == (422, "This Idempotency-Key was used for another request.")
    another_caller = await client.post(TASKS, json=body, headers=headers | {"X-Flux-Service-Key": "scheduler-key-def", **other})
    assert another_caller.status_code == 201
    assert another_caller.json()["id"] != first.json()["id"]
    assert (await client.get(TASKS, params={"user_id": owner["user_id"]})).json()["total"] == 2


@pytest.mark.parametrize("sent", ["", "x" * 256, "a b", "not-a-uuid", "ä"])
async def test_a_malformed_key_is_400(clients: Clients, sent: str) -> None:
    keys = [] if sent == "not-a-uuid" else [{"X-Flux-Service-Key": "scheduler-key-def", "X-Flux-Contract": "1.2"}]

    for headers in ({}, *keys):
        answer = await clients["1.2"].post(
            USERS,
            json=make_user_data(),
            headers={b"Idempotency-Key": sent.encode()} | {k.encode(): v.encode() for k, v in headers.items()},
        )
        assert answer.status_code == 400, answer.text
        assert "Idempotency-Key" in answer.json()["detail"]


async def test_any_visible_characters_are_a_key_with_a_service_key(client_1_0: httpx.AsyncClient) -> None:
    body, headers = make_user_data() | {"name": "Ada"}, key("".join(map(chr, range(0x21, 0x7F))) + uuid4().hex)

    first, again = [await client_1_0.post(USERS, json=body, headers=headers) for _ in range(2)]

    assert (first.status_code, again.status_code, again.content) == (201, 201, first.content)


async def test_a_claim_takes_no_key(client_1_2: httpx.AsyncClient) -> None:
    answer = await client_1_2.post("/api/v1/dispatches/claim", json={"worker": "w"}, headers=key())

    assert (answer.status_code, answer.json()["detail"]) == (400, "This request takes no Idempotency-Key.")


async def test_while_a_request_is_under_way_others_get_409(
    client_1_2: httpx.AsyncClient, owner: dict[str, str], holder: Database
) -> None:
    headers, body = key(), orjson.dumps(owner | {"title": "Run"})
    first = once(b"", headers["Idempotency-Key"], b"POST", b"1.2", b"/tasks/", b"", body)
    await holder.execute("insert into private.kept_answers (caller, key, digest) values ($1, $2, $3)", *first)
    headers["Content-Type"] = "application/json"

    waits = await client_1_2.post(TASKS, content=body, headers=headers)
    await holder.execute("rollback")
    created = await client_1_2.post(TASKS, content=body, headers=headers)

    assert (waits.status_code, waits.headers["retry-after"]) == (409, "1")
    assert waits.json()["detail"] == "A request with this Idempotency-Key is under way."
    assert created.status_code == 201


async def test_requests_at_once_under_one_key_make_one_row(client_1_2: httpx.AsyncClient, owner: dict[str, str]) -> None:
    headers = key()

    answers = await asyncio.gather(*(client_1_2.post(TASKS, json=owner | {"title": "Run"}, headers=headers) for _ in range(10)))

    assert {answer.status_code for answer in answers} <= {201, 409}
    assert len({answer.content for answer in answers if answer.status_code == 201}) == 1
    assert (await client_1_2.get(TASKS, params={"user_id": owner["user_id"]})).json()["total"] == 1


async def test_a_hundred_posts_whose_connection_drops_are_not_doubled_by_retries(
    client_1_2: httpx.AsyncClient, service_url: str, owner: dict[str, str]
) -> None:
    url = urlsplit(service_url)

    async def send_and_drop(body: bytes, headers: dict[str, str]) -> None:
        _, writer = await asyncio.open_connection(url.hostname, url.port)
        lines = {"Host": url.netloc, "Content-Type": "application/json", "Content-Length": str(len(body))} | headers
        head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
        writer.write(f"POST {TASKS} HTTP/1.1\r\n{head}\r\n".encode() + body)
        await writer.drain()
        writer.close()

    async def post(nth: int) -> bool:
        body, headers = orjson.dumps(owner | {"title": str(nth)}), key()
        await send_and_drop(body, headers)
        while True:
            answer = await client_1_2.post(TASKS, content=body, headers=headers | {"Content-Type": "application/json"})
            if answer.status_code == 201:
                return "idempotency-replayed" in answer.headers
            assert answer.status_code in (409, 503)

    replayed = await asyncio.gather(*map(post, range(100)))

    assert (await client_1_2.get(TASKS, params={"user_id": owner["user_id"], "limit": 1})).json()["total"] == 100
    assert any(replayed)  # Dropped requests were carried out.


@pytest.mark.one_gateway
async def test_answers_are_kept_for_a_day_and_purged_after_it(
    client_1_2: httpx.AsyncClient, owner: dict[str, str], database: Database
) -> None:
    body = owner | {"title": "Run"}
    old, older, new = key(), key(), key()
    for headers in (old, older):
        await client_1_2.post(TASKS, json=body, headers=headers)
    age = "update private.kept_answers set kept_at = kept_at - $1::text::interval where key = $2"
    await database.execute(age, "23 hours", old["Idempotency-Key"])
    await database.execute(age, "25 hours", older["Idempotency-Key"])

    answers = [await client_1_2.post(TASKS, json=body, headers=headers) for headers in (old, new)]
    left = await database.fetch("select key from private.kept_answers where user_id::text = $1", owner["user_id"])

    assert ["idempotency-replayed" in answer.headers for answer in answers] == [True, False]
    assert {row["key"] for row in left} == {old["Idempotency-Key"], new["Idempotency-Key"]}


async def test_in_process_a_write_happens_once_too(sessions: SessionFactory) -> None:
    user, sent = await add_user(sessions), uuid4()
    tasks = get_task_dao()

    def add(title: str) -> Any:
        return in_a_session(
            sessions, lambda db: tasks.create(db, TaskCreateDTO(user_id=user.id, title=title), idempotency_key=sent)
        )

    assert await add("Run") == await add("Run")
    with pytest.raises(InvalidError, match="another request"):
        await add("Swim")
    page = await in_a_session(sessions, lambda db: tasks.get_all(db, user_id=user.id))
    assert page.total == 1
