"""Chat: several messages at once, the newest page of a conversation, conversations by their last message."""

from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from tests.answers import refused
from tests.conftest import create
from tests.contract.pages import ids_of, list_page, walk
from tests.contract.test_dispatches import post
from tests.locks import Database

CONVERSATIONS = "/api/v1/conversations/"
MESSAGES = "/api/v1/messages/"
Row = dict[str, Any]


@pytest.fixture
async def conversation(client_1_2: httpx.AsyncClient, user: Row) -> Row:
    return await create(client_1_2, "conversations", {"user_id": user["id"], "langgraph_thread_id": uuid4().hex})


def turns(*contents: str) -> list[Row]:
    return [{"role": ("user", "assistant")[nth % 2], "content": content} for nth, content in enumerate(contents)]


async def test_messages_are_appended_in_their_order_or_not_at_all(client_1_2: httpx.AsyncClient, conversation: Row) -> None:
    path, hundred = f"{CONVERSATIONS}{conversation['id']}/messages", turns(*map(str, range(100)))

    appended = await post(client_1_2, path, {"messages": hundred, "title_if_empty": "A hundred"}, 201)
    wrong = {"messages": [*turns("x"), {"role": "user", "content": "x", "tokens_used": -1}]}
    refused(await client_1_2.post(path, json=wrong), 422, "messages[1].tokens_used")

    assert [message["content"] for message in appended] == list(map(str, range(100)))
    assert (await client_1_2.get(MESSAGES, params={"conversation_id": conversation["id"]})).json() == appended
    now = (await client_1_2.get(f"{CONVERSATIONS}{conversation['id']}")).json()
    assert (now["title"], now["last_message_at"]) == ("A hundred", appended[-1]["created_at"])
    await post(client_1_2, path, {"messages": turns("x"), "title_if_empty": "Another"}, 201)
    assert (await client_1_2.get(f"{CONVERSATIONS}{conversation['id']}")).json()["title"] == "A hundred"


@pytest.mark.one_gateway
async def test_messages_that_cannot_be_appended_are_named(client_1_2: httpx.AsyncClient, conversation: Row) -> None:
    path = f"{CONVERSATIONS}{conversation['id']}/messages"

    refused(await client_1_2.post(path, json={"messages": []}), 422, "messages")
    refused(await client_1_2.post(path, json={"messages": turns(*["x"] * 101)}), 422, "messages")
    refused(await client_1_2.post(path, json={"messages": [{"content": "x"}]}), 422, "messages[0].role")
    own = {"role": "user", "content": "x", "conversation_id": conversation["id"]}
    refused(await client_1_2.post(path, json={"messages": [own]}), 422, "messages[0].conversation_id")
    refused(await client_1_2.post(f"{CONVERSATIONS}{uuid4()}/messages", json={"messages": turns("x")}), 404)


async def test_the_newest_messages_are_read_page_by_page(client_1_2: httpx.AsyncClient, conversation: Row) -> None:
    path = f"{CONVERSATIONS}{conversation['id']}/messages"
    all_of_them = await post(client_1_2, path, {"messages": turns(*"abcdefg")}, 201)

    async def contents(**params: str) -> str:
        response = await client_1_2.get(MESSAGES, params={"conversation_id": conversation["id"], **params})
        assert response.status_code == 200, response.text
        return "".join(message["content"] for message in response.json())

    assert await contents(limit="3") == "efg"
    assert await contents(limit="3", before=all_of_them[4]["id"]) == "bcd"
    assert await contents(before=all_of_them[1]["id"]) == "a"
    assert await contents(limit="100") == await contents() == "abcdefg"
    unknown = await client_1_2.get(MESSAGES, params={"conversation_id": conversation["id"], "before": str(uuid4())})
    refused(unknown, 422, "before")
    for wrong in ("0", "101", "x"):
        refused(await client_1_2.get(MESSAGES, params={"conversation_id": conversation["id"], "limit": wrong}), 422, "limit")


async def test_conversations_are_listed_by_their_last_message(client_1_2: httpx.AsyncClient, user: Row, database: Database) -> None:
    made = [
        (await create(client_1_2, "conversations", {"user_id": user["id"], "langgraph_thread_id": uuid4().hex}))["id"]
        for _ in range(6)
    ]
    times = {made[0]: "2027-03-03Z", made[1]: "2027-03-01Z", made[2]: "2027-03-02Z", made[3]: "2027-03-02Z"}
    for conversation, time in times.items():
        await database.execute(
            "update public.conversations set last_message_at = $1::text::timestamptz where id = $2", time, UUID(conversation)
        )
    same_time, without = sorted(made[2:4], reverse=True), sorted(made[4:], reverse=True)

    page = await list_page(client_1_2, CONVERSATIONS, user_id=user["id"], order="last_message")

    assert ids_of(page) == [made[0], *same_time, made[1], *without]
    assert await walk(client_1_2, CONVERSATIONS, user_id=user["id"], order="last_message", limit=1) == ids_of(page)
    cursor = (await list_page(client_1_2, CONVERSATIONS, user_id=user["id"], limit=2))["next_cursor"]
    other_order = {"user_id": user["id"], "order": "last_message", "after": cursor}
    refused(await client_1_2.get(CONVERSATIONS, params=other_order), 400)
    refused(await client_1_2.get(CONVERSATIONS, params={"order": "created_at"}), 422, "order")
