"""Conversations: messages, closing a voice session, and last_message_at."""

import asyncio
import secrets
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from tests.answers import named_fields, refused
from tests.conftest import Clients, create, make_goal_data, make_task_data
from tests.contract.kinds import Instant, Kind, Object, Reference, Whole, World, is_same, resolve, wrong_values
from tests.contract.resources import CONVERSATIONS_1_2, GOAL, MESSAGES_1_2, NOTE, TASK
from tests.locks import Database

CONVERSATIONS = "/api/v1/conversations/"
MESSAGES = "/api/v1/messages/"
SESSION: dict[str, Kind] = {
    "extracted_intent": NOTE,
    "intent_payload": Object(),
    "linked_goal_id": GOAL,
    "linked_task_id": TASK,
    "ended_at": Instant(),
    "duration_seconds": Whole(0),
}
Row = dict[str, Any]


@pytest.fixture
async def conversation(client_1_2: httpx.AsyncClient, world: World) -> Row:
    return await create(client_1_2, "conversations", CONVERSATIONS_1_2.minimal(world))


async def _get(client: httpx.AsyncClient, conversation: Row) -> Row:
    row: Row = (await client.get(f"{CONVERSATIONS}{conversation['id']}")).json()
    return row


async def _say(client: httpx.AsyncClient, conversation: Row, content: str = "Hello", **fields: Any) -> Row:
    return await create(client, "messages", {"conversation_id": conversation["id"], "role": "user", "content": content, **fields})


async def _messages(client: httpx.AsyncClient, conversation_id: str) -> list[Row]:
    response = await client.get(MESSAGES, params={"conversation_id": conversation_id})
    assert response.status_code == 200, response.text
    rows: list[Row] = response.json()
    return rows


# Messages -------------------------------------------------------------------------------------------------------------


async def test_messages_are_a_plain_array_oldest_first(client_1_2: httpx.AsyncClient, conversation: Row, world: World) -> None:
    said = [await _say(client_1_2, conversation, str(nth)) for nth in range(3)]
    await _say(client_1_2, {"id": world["strangers_conversation"]})

    assert await _messages(client_1_2, conversation["id"]) == said
    assert await _messages(client_1_2, conversation["id"].upper()) == said
    assert {frozenset(message) for message in said} == {MESSAGES_1_2.shown}


async def test_all_of_1500_messages_are_returned(client_1_2: httpx.AsyncClient, conversation: Row, database: Database) -> None:
    await database.execute(
        """
        insert into public.messages (conversation_id, role, content, created_at)
        select $1, 'user', nth::text, $2::timestamptz + (nth * 7919 % 1500) * interval '1 second' from generate_series(1, 1500) nth
        """,
        UUID(conversation["id"]),
        datetime(2026, 3, 1, tzinfo=UTC),
    )

    messages = await _messages(client_1_2, conversation["id"])

    times = [datetime.fromisoformat(message["created_at"]) for message in messages]
    assert times == [datetime(2026, 3, 1, tzinfo=UTC) + timedelta(seconds=nth) for nth in range(1500)]


async def test_messages_created_at_the_same_time_are_ordered_by_id(
    client_1_2: httpx.AsyncClient, conversation: Row, database: Database
) -> None:
    said = [(await _say(client_1_2, conversation))["id"] for _ in range(6)]
    await database.execute(
        "update public.messages set created_at = '2026-01-01Z' where conversation_id = $1", UUID(conversation["id"])
    )

    assert [message["id"] for message in await _messages(client_1_2, conversation["id"])] == sorted(said)


async def test_a_conversation_without_messages_has_an_empty_array(client_1_2: httpx.AsyncClient, conversation: Row) -> None:
    assert await _messages(client_1_2, conversation["id"]) == []


@pytest.mark.parametrize("query", ["", "?conversation_id=", "?conversation_id=x"])
async def test_messages_are_listed_for_one_conversation_only(query: str, client_1_2: httpx.AsyncClient) -> None:
    refused(await client_1_2.get(f"{MESSAGES}{query}"), 422, "conversation_id")


@pytest.mark.parametrize("name", ["skip", "after", "page", "role", "user_id"])
async def test_the_list_of_messages_takes_no_other_parameter(name: str, client_1_2: httpx.AsyncClient, conversation: Row) -> None:
    response = await client_1_2.get(MESSAGES, params={"conversation_id": conversation["id"], name: "1"})

    refused(response, 422, name)


async def test_a_message_cannot_be_changed(client_1_2: httpx.AsyncClient, conversation: Row) -> None:
    message = await _say(client_1_2, conversation)

    refused(await client_1_2.patch(f"{MESSAGES}{message['id']}", json={"content": "Bye"}), 405)

    assert (await client_1_2.get(f"{MESSAGES}{message['id']}")).json() == message


async def test_a_new_message_sets_last_message_at(client_1_2: httpx.AsyncClient, conversation: Row) -> None:
    assert conversation["last_message_at"] is None

    first = await _say(client_1_2, conversation)
    after_first = await _get(client_1_2, conversation)
    second = await _say(client_1_2, conversation)
    after_second = await _get(client_1_2, conversation)

    assert after_first["last_message_at"] == first["created_at"]
    assert after_second["last_message_at"] == second["created_at"] > first["created_at"]
    assert after_second["updated_at"] > after_first["updated_at"] > conversation["updated_at"]


async def test_a_new_message_replaces_a_last_message_at_in_the_future(client_1_2: httpx.AsyncClient, conversation: Row) -> None:
    to_come = {"last_message_at": "2999-01-01T00:00:00Z"}
    assert (await client_1_2.patch(f"{CONVERSATIONS}{conversation['id']}", json=to_come)).status_code == 200

    said = await _say(client_1_2, conversation)

    assert (await _get(client_1_2, conversation))["last_message_at"] == said["created_at"]


async def test_messages_sent_at_once_leave_the_latest_last_message_at(client_1_2: httpx.AsyncClient, conversation: Row) -> None:
    said = await asyncio.gather(*(_say(client_1_2, conversation, str(nth)) for nth in range(12)))

    assert (await _get(client_1_2, conversation))["last_message_at"] == max(message["created_at"] for message in said)
    assert len(await _messages(client_1_2, conversation["id"])) == 12


async def test_a_message_to_an_unknown_conversation_is_refused(client_1_2: httpx.AsyncClient) -> None:
    message = {"conversation_id": str(uuid4()), "role": "user", "content": "Hello"}

    refused(await client_1_2.post(MESSAGES, json=message), 422, "conversation_id")


async def test_a_long_message_is_kept(client_1_2: httpx.AsyncClient, conversation: Row) -> None:
    content = secrets.token_hex(30_000)

    message = await _say(client_1_2, conversation, content)

    assert message["content"] == content
    assert (await _messages(client_1_2, conversation["id"]))[0]["content"] == content


@pytest.mark.parametrize("length", [256, 512])
async def test_a_long_thread_id_is_kept(length: int, client_1_2: httpx.AsyncClient, world: World) -> None:
    thread = secrets.token_hex(length // 2)
    data = CONVERSATIONS_1_2.minimal(world, langgraph_thread_id=thread)

    row = await create(client_1_2, "conversations", data)

    assert row["langgraph_thread_id"] == thread
    refused(await client_1_2.post(CONVERSATIONS, json=data), 409, "langgraph_thread_id")


# The voice session ----------------------------------------------------------------------------------------------------


async def _close(client: httpx.AsyncClient, conversation: Row, session: Row) -> Row:
    response = await client.patch(f"{CONVERSATIONS}{conversation['id']}/voice", json=session)
    assert response.status_code == 200, response.text
    row: Row = response.json()
    return row


@pytest.fixture
async def closed(client_1_2: httpx.AsyncClient, conversation: Row, world: World) -> Row:
    """A conversation whose voice session is closed, with every field."""
    return await _close(client_1_2, conversation, {name: resolve(kind.accepted[0], world) for name, kind in SESSION.items()})


async def test_closing_a_voice_session_writes_its_outcome(client_1_2: httpx.AsyncClient, conversation: Row, world: World) -> None:
    session = {name: resolve(kind.accepted[0], world) for name, kind in SESSION.items()}

    row = await _close(client_1_2, conversation, session)

    assert [name for name in session if not is_same(SESSION[name], session[name], row[name])] == []
    assert {name: row[name] for name in conversation if name not in {*session, "updated_at"}} == {
        name: conversation[name] for name in conversation if name not in {*session, "updated_at"}
    }
    assert row["updated_at"] > conversation["updated_at"]
    assert await _get(client_1_2, conversation) == row


@pytest.mark.parametrize("name", SESSION)
async def test_a_field_of_a_voice_session_changes_alone_and_null_clears_it(
    name: str, client_1_2: httpx.AsyncClient, closed: Row, world: World
) -> None:
    kind = SESSION[name]
    for value in (*kind.accepted, None):
        sent = resolve(value, world)

        row = await _close(client_1_2, closed, {name: sent})

        assert is_same(kind, sent, row[name])
        assert {each: row[each] for each in SESSION if each != name} == {each: closed[each] for each in SESSION if each != name}


@pytest.mark.one_gateway
async def test_values_that_a_voice_session_cannot_hold_are_refused_and_all_named(
    client_1_2: httpx.AsyncClient, conversation: Row, world: World
) -> None:
    for wrong in wrong_values(SESSION, world):
        response = await client_1_2.patch(f"{CONVERSATIONS}{conversation['id']}/voice", json=wrong)

        refused(response, 422, about=wrong)
        assert named_fields(response) == wrong.keys(), response.text

    assert await _get(client_1_2, conversation) == conversation


@pytest.mark.parametrize(("name", "kind"), [("linked_goal_id", GOAL), ("linked_task_id", TASK)])
async def test_a_voice_session_links_to_rows_of_its_user_alone(
    name: str, kind: Reference, client_1_2: httpx.AsyncClient, conversation: Row, world: World
) -> None:
    for wrong in kind.refused_by_the_database:
        body = {name: resolve(wrong, world)}

        refused(await client_1_2.patch(f"{CONVERSATIONS}{conversation['id']}/voice", json=body), 422, name)

    assert await _get(client_1_2, conversation) == conversation


async def test_closing_a_voice_session_without_fields_changes_nothing(client_1_2: httpx.AsyncClient, closed: Row) -> None:
    assert await _close(client_1_2, closed, {}) == closed


@pytest.mark.one_gateway
@pytest.mark.parametrize(
    "name", ["status", "voice_session_id", "langgraph_thread_id", "user_id", "conversation_id", "no_such", "id"]
)
async def test_a_voice_session_has_no_other_field(name: str, client_1_2: httpx.AsyncClient, conversation: Row) -> None:
    refused(await client_1_2.patch(f"{CONVERSATIONS}{conversation['id']}/voice", json={name: None}), 422, name)


async def test_deleting_the_goal_and_task_that_a_voice_session_links_to_clears_the_links(
    client_1_2: httpx.AsyncClient, conversation: Row, world: World
) -> None:
    goal = await create(client_1_2, "goals", make_goal_data(world["user"]))
    task = await create(client_1_2, "tasks", make_task_data(world["user"]))
    await _close(client_1_2, conversation, {"linked_goal_id": goal["id"], "linked_task_id": task["id"]})

    assert (await client_1_2.delete(f"/api/v1/goals/{goal['id']}")).status_code == 204
    assert (await client_1_2.delete(f"/api/v1/tasks/{task['id']}")).status_code == 204

    left = await _get(client_1_2, conversation)
    assert (left["linked_goal_id"], left["linked_task_id"]) == (None, None)


async def test_1_0_has_neither_voice_sessions_nor_messages(clients: Clients, conversation: Row) -> None:
    older = clients["1.0"]

    refused(await older.patch(f"{CONVERSATIONS}{conversation['id']}/voice", json={"extracted_intent": "plan"}), 404)
    refused(await older.get(MESSAGES, params={"conversation_id": conversation["id"]}), 404)
