"""PostgREST called directly with Supabase's client and a user's token, as a front-end developer does."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias
from uuid import uuid4

import httpx
import pytest
from postgrest.exceptions import APIError
from postgrest.types import CountMethod
from supabase import AsyncClient

from local_stack import LocalStack
from tests.locks import Database
from tests.owners import answer, client_with, sign_up, signed_in

Row: TypeAlias = dict[str, Any]


@pytest.fixture
async def user_id(database: Database) -> str:
    """The id of a user who has just signed up."""
    user_id = str(uuid4())
    await sign_up(database, user_id)
    return user_id


@pytest.fixture
async def browser(stack: LocalStack, user_id: str) -> AsyncIterator[AsyncClient]:
    """Their client."""
    async with signed_in(stack, user_id) as client:
        yield client


async def insert(client: AsyncClient, table: str, row: Row, schema: str = "public") -> Row:
    [created] = await answer(client.schema(schema).from_(table).insert(row))
    return dict(created)


# Signing up ----------------------------------------------------------------------------------------------------------


async def test_users_see_their_own_row_after_signing_up(stack: LocalStack, database: Database) -> None:
    user_id = str(uuid4())
    await sign_up(database, user_id, name="Ada")

    async with signed_in(stack, user_id) as client:
        user = await answer(client.table("users").select("*").single())

    assert user["id"] == user_id
    assert user["email"] == f"{user_id}@example.com"
    assert user["name"] == "Ada"
    assert user["onboarded"] is False


async def test_contract_1_0_shows_a_user_who_signed_up(browser: AsyncClient, user_id: str) -> None:
    user = await answer(browser.schema("v1_0").from_("users").select("*").single())

    assert set(user) == {"id", "name", "email", "preferences", "demo_mode", "created_at", "updated_at"}
    assert user["id"] == user_id


@pytest.mark.parametrize("schema", ["public", "v1_0"])
async def test_users_cannot_create_a_row_of_users(schema: str, stack: LocalStack) -> None:
    user_id = str(uuid4())
    async with signed_in(stack, user_id, email=f"{user_id}@example.com") as client:
        with pytest.raises(APIError) as refused:
            await insert(client, "users", {"id": user_id, "name": "x", "email": f"{user_id}@example.com"}, schema)

    assert refused.value.code == "42501"


@pytest.mark.parametrize("schema", ["public", "v1_0"])
async def test_users_change_every_field_of_their_row_but_the_address(schema: str, browser: AsyncClient, user_id: str) -> None:
    users = browser.schema(schema).from_("users")

    with pytest.raises(APIError) as refused:
        await users.update({"name": "Ada", "email": f"other-{user_id}@example.com"}).eq("id", user_id).execute()
    [renamed] = await answer(users.update({"name": "Ada"}).eq("id", user_id))

    assert refused.value.code == "42501"
    assert (renamed["name"], renamed["email"]) == ("Ada", f"{user_id}@example.com")


async def test_users_can_finish_onboarding(browser: AsyncClient, user_id: str) -> None:
    change = {"onboarded": True, "profile": {"timezone": "Europe/Stockholm"}}

    [user] = await answer(browser.table("users").update(change).eq("id", user_id))
    found = await answer(browser.table("users").select("id").eq("profile->>timezone", "Europe/Stockholm"))

    assert change.items() <= user.items()
    assert found == [{"id": user_id}]


async def test_deleting_a_user_deletes_all_of_their_rows(browser: AsyncClient, user_id: str, database: Database) -> None:
    goal = await insert(browser, "goals", {"user_id": user_id, "title": "Run"})

    await browser.table("users").delete().eq("id", user_id).execute()

    assert await database.fetchval("select count(*) from public.goals where id = $1", goal["id"]) == 0


# Reading and writing -------------------------------------------------------------------------------------------------


async def test_a_new_row_comes_back_with_its_defaults(browser: AsyncClient, user_id: str) -> None:
    goal = await insert(browser, "goals", {"user_id": user_id, "title": "Run"})

    assert goal["status"] == "active"
    assert goal["target_weeks"] == 6
    assert goal["created_at"] == goal["updated_at"]


async def test_a_caller_can_choose_the_id_of_a_row(browser: AsyncClient, user_id: str) -> None:
    goal_id = str(uuid4())

    assert (await insert(browser, "goals", {"id": goal_id, "user_id": user_id, "title": "Run"}))["id"] == goal_id


async def test_rows_are_created_together_or_not_at_all(browser: AsyncClient, user_id: str) -> None:
    rows = [{"user_id": user_id, "title": title} for title in ("First", "Second", "")]

    with pytest.raises(APIError):
        await browser.table("tasks").insert(rows).execute()
    created = await answer(browser.table("tasks").insert(rows[:2]))

    assert [row["title"] for row in created] == ["First", "Second"]
    assert (await browser.table("tasks").select("*", count=CountMethod.exact, head=True).execute()).count == 2


@pytest.mark.parametrize(
    ("schema", "table", "values"),
    [
        ("public", "goals", {"status": ("pipeline", "active"), "target_weeks": (2, 6)}),
        (
            "public",
            "tasks",
            {
                "status": ("done", "pending"),
                "priority": ("important", "standard"),
                "trigger_type": ("location", "time"),
                "is_recurring": (True, False),
            },
        ),
        ("public", "conversations", {"messages": ([1], []), "status": ("closed", "open")}),
        ("public", "messages", {"metadata": ({"a": 1}, {}), "input_modality": ("voice", "text")}),
        ("public", "milestones", {"status": ("done", "pending")}),
        ("v1_0", "tasks", {"state": ("completed", "scheduled"), "trigger_type": ("on_leaving_home", "time")}),
    ],
)
async def test_rows_created_together_take_defaults_for_what_they_lack(
    schema: str, table: str, values: dict[str, tuple[Any, Any]], browser: AsyncClient, user_id: str
) -> None:
    goal = await insert(browser, "goals", {"user_id": user_id, "title": "Run"})
    thread = {"user_id": user_id, "langgraph_thread_id": f"{user_id}:1", "context_type": "goal"}
    conversation = await insert(browser, "conversations", thread)
    required: Row = {
        "conversations": {"user_id": user_id, "context_type": "goal"},
        "messages": {"conversation_id": conversation["id"], "role": "user", "content": "x"},
        "milestones": {"goal_id": goal["id"], "week_number": 1, "title": "x"},
    }.get(table, {"user_id": user_id, "title": "x"} | ({"goal_id": goal["id"]} if schema == "v1_0" else {}))

    def new(nth: int) -> Row:
        return required | ({"langgraph_thread_id": f"{user_id}:1{nth}"} if table == "conversations" else {})

    rows = [new(0) | {name: sent for name, (sent, _) in values.items()}, new(1)]
    created = await answer(browser.schema(schema).from_(table).insert(rows, default_to_null=False))

    expected = [{name: each[nth] for name, each in values.items()} for nth in (0, 1)]
    assert [{name: row[name] for name in values} for row in created] == expected


async def test_a_change_keeps_the_fields_that_are_not_sent(browser: AsyncClient, user_id: str) -> None:
    task = await insert(browser, "tasks", {"user_id": user_id, "title": "Run", "description": "Slowly"})

    [changed] = await answer(browser.table("tasks").update({"title": "Walk"}).eq("id", task["id"]))

    assert changed.pop("updated_at") > task.pop("updated_at")
    assert changed == task | {"title": "Walk"}


async def test_a_done_task_has_completed_at(browser: AsyncClient, user_id: str) -> None:
    task = await insert(browser, "tasks", {"user_id": user_id, "title": "Run"})
    table = browser.table("tasks")

    [done] = await answer(table.update({"status": "done"}).eq("id", task["id"]))
    [undone] = await answer(table.update({"status": "pending"}).eq("id", task["id"]))

    assert done["completed_at"] >= task["created_at"]
    assert undone["completed_at"] is None


async def test_a_deleted_row_is_gone(browser: AsyncClient, user_id: str) -> None:
    task = await insert(browser, "tasks", {"user_id": user_id, "title": "Run"})

    deleted = await answer(browser.table("tasks").delete().eq("id", task["id"]))

    assert deleted == [task]
    assert await answer(browser.table("tasks").select("*")) == []


async def test_rows_are_filtered_ordered_and_paged(browser: AsyncClient, user_id: str) -> None:
    tasks = [{"user_id": user_id, "title": f"Task {nth}", "status": "done" if nth % 2 else "pending"} for nth in range(10)]
    await browser.table("tasks").insert(tasks).execute()

    page = (
        await browser.table("tasks")
        .select("title", count=CountMethod.exact)
        .eq("status", "done")
        .order("created_at", desc=True)
        .range(1, 2)
        .execute()
    )
    either = await answer(browser.table("tasks").select("title").or_('title.eq."Task 0",title.like.*3'))

    assert page.data == [{"title": "Task 7"}, {"title": "Task 5"}]
    assert page.count == 5
    assert sorted(row["title"] for row in either) == ["Task 0", "Task 3"]


async def test_lists_can_be_filtered_by_their_entries(browser: AsyncClient, user_id: str) -> None:
    for tags in (["health", "running"], ["learning"], None):
        await insert(browser, "goals", {"user_id": user_id, "title": "x", "class_tags": tags})

    found = await answer(browser.table("goals").select("class_tags").contains("class_tags", ["health"]))

    assert found == [{"class_tags": ["health", "running"]}]


# Versions --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("schema", "table"), [("public", "tasks"), ("public", "goals"), ("v1_0", "goals")])
async def test_a_change_can_be_tied_to_the_version_that_was_read(
    browser: AsyncClient, user_id: str, schema: str, table: str
) -> None:
    row = await insert(browser, table, {"user_id": user_id, "title": "Run"}, schema)

    async def change(title: str) -> list[Row]:
        rows = browser.schema(schema).from_(table).update({"title": title})
        return list(await answer(rows.eq("id", row["id"]).eq("updated_at", row["updated_at"])))

    titles = [[changed["title"] for changed in await change(title)] for title in ("Swim", "Rest")]

    assert titles == [["Swim"], []]


# Embedding -----------------------------------------------------------------------------------------------------------


async def test_goals_come_with_their_tasks_and_milestones(browser: AsyncClient, user_id: str) -> None:
    goal = await insert(browser, "goals", {"user_id": user_id, "title": "Run"})
    week = await insert(browser, "milestones", {"goal_id": goal["id"], "week_number": 1, "title": "First"})
    task = {"user_id": user_id, "goal_id": goal["id"], "title": "Run 3 km"}
    await insert(browser, "tasks", task | {"milestone_id": week["id"]})
    await insert(browser, "tasks", task | {"title": "Buy shoes"})

    columns = "title, milestones(title, tasks(title)), tasks(title)"
    goals = await answer(browser.table("goals").select(columns).order("created_at", foreign_table="tasks"))

    assert goals == [
        {
            "title": "Run",
            "milestones": [{"title": "First", "tasks": [{"title": "Run 3 km"}]}],
            "tasks": [{"title": "Run 3 km"}, {"title": "Buy shoes"}],
        }
    ]


@pytest.mark.parametrize("hint", ["parent", "parent:parent_goal_id"])
async def test_a_goal_comes_with_its_parent(hint: str, browser: AsyncClient, user_id: str) -> None:
    whole = await insert(browser, "goals", {"user_id": user_id, "title": "Get fit"})
    await insert(browser, "goals", {"user_id": user_id, "title": "Run", "parent_goal_id": whole["id"]})

    goals = await answer(browser.table("goals").select(f"title, {hint}(title)").order("title"))

    assert goals == [{"title": "Get fit", "parent": None}, {"title": "Run", "parent": {"title": "Get fit"}}]


async def test_a_conversation_comes_with_either_of_its_goals(browser: AsyncClient, user_id: str) -> None:
    first, second = [await insert(browser, "goals", {"user_id": user_id, "title": title}) for title in ("Run", "Walk")]
    thread = {"user_id": user_id, "langgraph_thread_id": f"{user_id}:1", "context_type": "goal", "goal_id": first["id"]}
    conversation = await insert(browser, "conversations", thread)
    linked = {"conversation_id": conversation["id"], "session": {"linked_goal_id": second["id"]}}
    await browser.rpc("close_voice_session", linked).execute()

    columns = "goal:goals!conversations_goal_id_fkey(title), linked:goals!conversations_linked_goal_id_fkey(title)"
    assert await answer(browser.table("conversations").select(columns)) == [{"goal": {"title": "Run"}, "linked": {"title": "Walk"}}]
    with pytest.raises(APIError) as ambiguous:
        await browser.table("conversations").select("goals(title)").execute()
    assert "goals!conversations_goal_id_fkey" in (ambiguous.value.hint or "")


async def test_a_task_comes_with_its_goal_and_its_notifications(browser: AsyncClient, user_id: str, database: Database) -> None:
    goal = await insert(browser, "goals", {"user_id": user_id, "title": "Run"})
    task = await insert(browser, "tasks", {"user_id": user_id, "goal_id": goal["id"], "title": "Run 3 km"})
    await database.execute("insert into public.notification_log (task_id, channel) values ($1, 'push')", task["id"])

    columns = "title, goals(title), users(id), notification_log(channel)"

    assert await answer(browser.table("tasks").select(columns)) == [
        {
            "title": "Run 3 km",
            "goals": {"title": "Run"},
            "users": {"id": user_id},
            "notification_log": [{"channel": "push"}],
        }
    ]


async def test_a_conversation_comes_with_its_messages_in_order(browser: AsyncClient, user_id: str) -> None:
    thread = {"user_id": user_id, "langgraph_thread_id": f"{user_id}:{uuid4()}", "context_type": "goal"}
    conversation = await insert(browser, "conversations", thread)
    message = {"conversation_id": conversation["id"], "role": "user"}
    await insert(browser, "messages", message | {"content": "Hello"})
    latest = await insert(browser, "messages", message | {"content": "How are you?"})

    found = await answer(
        browser.table("conversations")
        .select("last_message_at, messages(content)")
        .order("created_at", foreign_table="messages", desc=True)
        .single()
    )

    assert found["last_message_at"] == latest["created_at"]
    assert found["messages"] == [{"content": "How are you?"}, {"content": "Hello"}]


async def test_goals_full_returns_the_same_as_the_adapter(browser: AsyncClient, user_id: str) -> None:
    goal = await insert(browser, "goals", {"user_id": user_id, "title": "Run"})
    task = await insert(browser, "tasks", {"user_id": user_id, "goal_id": goal["id"], "title": "Run 3 km"})

    full = await answer(browser.table("goals_full").select("*").eq("id", goal["id"]).single())

    assert full == goal | {"milestones": [], "tasks": [task]}


async def test_goals_of_contract_1_0_come_with_their_tasks(browser: AsyncClient, user_id: str) -> None:
    goal = await insert(browser, "goals", {"user_id": user_id, "title": "Run", "category": "health"}, "v1_0")
    await insert(browser, "tasks", {"user_id": user_id, "goal_id": goal["id"], "title": "Run 3 km"}, "v1_0")

    goals = await answer(browser.schema("v1_0").from_("goals").select("title, tasks(title, state)"))

    assert goals == [{"title": "Run", "tasks": [{"title": "Run 3 km", "state": "scheduled"}]}]


# Upserts -------------------------------------------------------------------------------------------------------------


async def test_an_upsert_that_ignores_existing_rows_is_accepted(browser: AsyncClient, user_id: str) -> None:
    pattern = await insert(browser, "patterns", {"user_id": user_id, "description": "First"})
    rows = [{"id": pattern["id"], "user_id": user_id}, {"id": str(uuid4()), "user_id": user_id}]

    created = await answer(browser.table("patterns").upsert(rows, ignore_duplicates=True))

    assert [row["id"] for row in created] == [rows[1]["id"]]
    [kept] = await answer(browser.table("patterns").select("description").eq("id", pattern["id"]))
    assert kept["description"] == "First"


async def test_an_upsert_that_overwrites_existing_rows_is_refused(browser: AsyncClient, user_id: str) -> None:
    """It would also set id and user_id, which never change. Callers update by id instead."""
    pattern = await insert(browser, "patterns", {"user_id": user_id, "description": "First"})

    with pytest.raises(APIError) as refused:
        await browser.table("patterns").upsert(pattern | {"description": "Second"}).execute()

    assert refused.value.code == "42501"


# Functions -----------------------------------------------------------------------------------------------------------


async def test_tasks_of_a_time_range_by_rpc(browser: AsyncClient, user_id: str) -> None:
    start = datetime(2030, 1, 1, tzinfo=UTC)
    rows = [
        {"user_id": user_id, "title": f"{hour} o'clock", "scheduled_at": (start + timedelta(hours=hour)).isoformat()}
        for hour in (9, 7, 8, 20)
    ]
    await browser.table("tasks").insert(rows).execute()
    window = {
        "user_id": user_id,
        "start_at": (start + timedelta(hours=7)).isoformat(),
        "end_at": (start + timedelta(hours=9)).isoformat(),
    }

    posted = await answer(browser.rpc("get_tasks_by_timerange", window))
    got = await answer(browser.rpc("get_tasks_by_timerange", window, get=True))

    assert [task["title"] for task in posted] == ["7 o'clock", "8 o'clock", "9 o'clock"]
    assert got == posted


async def test_a_time_range_with_more_tasks_than_the_row_limit_is_complete(browser: AsyncClient, user_id: str) -> None:
    rows = [{"user_id": user_id, "title": "x", "scheduled_at": "2030-01-01T00:00:00Z"}] * 1500
    await browser.table("tasks").insert(rows).execute()
    window = {"user_id": user_id, "start_at": "2030-01-01T00:00:00Z", "end_at": "2030-01-01T00:00:00Z"}

    assert len(await answer(browser.table("tasks").select("id"))) == 1000
    assert len(await answer(browser.rpc("get_tasks_by_timerange", window))) == 1500


async def test_statistics_bulk_updates_and_calendar_events_by_rpc(browser: AsyncClient, user_id: str) -> None:
    created = await answer(browser.table("tasks").insert([{"user_id": user_id, "title": "x"}] * 3))
    ids = [task["id"] for task in created]
    year = {"user_id": user_id, "start_date": "2000-01-01T00:00:00Z", "end_date": "2100-01-01T00:00:00Z"}

    bulk = {"task_ids": ids[:2], "new_status": "done"}
    event = {"task_id": ids[2], "calendar_event_id": "cal-1"}

    assert await answer(browser.rpc("bulk_update_task_status", bulk)) == {"updated_count": 2}
    assert (await answer(browser.rpc("set_calendar_event", event)))["calendar_event_id"] == "cal-1"
    assert await answer(browser.rpc("get_task_statistics", year, get=True)) == {
        "user_id": user_id,
        "total_tasks": 3,
        "by_status": {"pending": 1, "done": 2, "missed": 0, "rescheduled": 0, "cancelled": 0},
        "completion_rate": 0.6667,
    }


@pytest.mark.parametrize("thread", ["{other}:1", "onboarding-{other}", "{user}", "legacy-{other}", " {user}:1"])
async def test_a_thread_begins_with_the_id_of_its_user(thread: str, browser: AsyncClient, user_id: str) -> None:
    thread_id = thread.format(user=user_id, other=uuid4())

    with pytest.raises(APIError) as refused:
        await insert(browser, "conversations", {"user_id": user_id, "langgraph_thread_id": thread_id, "context_type": "goal"})

    assert refused.value.code == "42501"


async def test_a_conversation_of_contract_1_0_keeps_its_thread(browser: AsyncClient, user_id: str) -> None:
    goal = await insert(browser, "goals", {"user_id": user_id, "title": "Run"})

    conversation = await insert(browser, "conversations", {"user_id": user_id, "goal_id": goal["id"]}, "v1_0")

    [shown] = await answer(browser.table("conversations").select("langgraph_thread_id"))
    assert shown["langgraph_thread_id"] == f"legacy-{conversation['id']}"


@pytest.mark.parametrize("role", ["assistant", "system", "function"])
async def test_users_speak_as_users_only(role: str, browser: AsyncClient, user_id: str) -> None:
    thread = {"user_id": user_id, "langgraph_thread_id": f"{user_id}:{uuid4()}", "context_type": "goal"}
    conversation = await insert(browser, "conversations", thread)

    with pytest.raises(APIError) as refused:
        await insert(browser, "messages", {"conversation_id": conversation["id"], "role": role, "content": "x"})

    assert refused.value.code == "42501"


async def test_users_read_the_notification_log_and_do_not_write_it(browser: AsyncClient, user_id: str, database: Database) -> None:
    task = await insert(browser, "tasks", {"user_id": user_id, "title": "Run 3 km"})
    await database.execute("insert into public.notification_log (task_id, channel) values ($1, 'push')", task["id"])
    log = browser.table("notification_log")

    for write in (
        log.insert({"task_id": task["id"], "channel": "push"}),
        log.update({"response": "x"}).eq("task_id", task["id"]),
        log.delete().eq("task_id", task["id"]),
    ):
        with pytest.raises(APIError) as refused:
            await write.execute()
        assert refused.value.code == "42501"
    assert await answer(log.select("channel, response")) == [{"channel": "push", "response": None}]


async def test_a_voice_session_is_closed_by_rpc(browser: AsyncClient, user_id: str) -> None:
    thread = {"user_id": user_id, "langgraph_thread_id": f"{user_id}:{uuid4()}", "context_type": "voice"}
    conversation = await insert(browser, "conversations", thread)
    session = {"extracted_intent": "new_goal", "duration_seconds": 60}

    arguments = {"conversation_id": conversation["id"], "session": session}
    closed = await answer(browser.rpc("close_voice_session", arguments))

    assert session.items() <= closed.items()


@pytest.mark.parametrize("schema", ["public", "v1_0"])
async def test_a_goal_with_its_structure_by_rpc(schema: str, browser: AsyncClient, user_id: str) -> None:
    arguments: Row = {
        "goal": {"user_id": user_id, "title": "Run"},
        "milestones": [{"week_number": 1, "title": "First", "tasks": [{"title": "Run 3 km"}]}],
    }

    created = await answer(browser.schema(schema).rpc("create_goal_with_structure", arguments))
    shown = await answer(browser.schema(schema).from_("goals_full").select("*").single())

    assert created == shown
    assert created["tasks"][0]["milestone_id"] == created["milestones"][0]["id"]


async def test_demo_flags_are_put_by_rpc(browser: AsyncClient, user_id: str) -> None:
    for speed in (2, 3):
        arguments = {"user_id": user_id, "escalation_speed": speed}
        flags = await answer(browser.rpc("put_demo_flags", arguments))

        assert flags["escalation_speed"] == speed
    assert len(await answer(browser.table("demo_flags").select("*"))) == 1


async def test_contract_1_0_by_rpc(browser: AsyncClient, user_id: str) -> None:
    old = browser.schema("v1_0")
    goal = await insert(browser, "goals", {"user_id": user_id, "title": "Run"}, "v1_0")
    task = {"user_id": user_id, "goal_id": goal["id"], "title": "x", "start_time": "2030-01-01T12:00:00+00:00"}
    created = await insert(browser, "tasks", task | {"end_time": "2030-01-01T12:30:00.5+00:00"}, "v1_0")
    day = {"user_id": user_id, "start_time": "2030-01-01T00:00:00Z", "end_time": "2030-01-02T00:00:00Z"}
    drifted: Row = {"task_ids": [created["id"]], "new_state": "drifted"}

    bulk = await answer(old.rpc("bulk_update_task_state", drifted))
    [found] = await answer(old.rpc("get_tasks_by_timerange", day))
    [of_1_2] = await answer(browser.table("tasks").select("*"))

    assert bulk == {"updated_count": 1}
    assert found == created | {"state": "drifted", "updated_at": found["updated_at"]}
    assert (of_1_2["status"], of_1_2["duration_minutes"]) == ("rescheduled", 31)
    assert of_1_2["scheduled_end_at"] == "2030-01-01T12:30:00.5+00:00"


async def test_a_task_is_changed_through_contract_1_0(browser: AsyncClient, user_id: str) -> None:
    goal = await insert(browser, "goals", {"user_id": user_id, "title": "Run"})
    task = await insert(browser, "tasks", {"user_id": user_id, "goal_id": goal["id"], "title": "x"})
    await browser.table("tasks").update({"status": "cancelled", "description": "y"}).eq("id", task["id"]).execute()

    [changed] = await answer(browser.schema("v1_0").from_("tasks").update({"title": "z"}).eq("id", task["id"]))
    [of_1_2] = await answer(browser.table("tasks").select("title, status, description"))

    assert (changed["title"], changed["state"]) == ("z", "missed")
    assert of_1_2 == {"title": "z", "status": "cancelled", "description": "y"}


# Errors --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("row", "code", "named"),
    [
        ({"title": ""}, "23514", "title_length"),
        ({"title": "x", "status": "scheduled"}, "23514", "task_status_word"),
        ({"title": "x", "milestone_id": str(uuid4())}, "23514", "milestone_needs_its_goal"),
        ({"title": "x", "description": "𝄞" * 20_001}, "23514", "free_text_length"),
        ({"title": "x", "location_trigger": "𝄞" * 5001}, "23514", "note_length"),
        ({"title": "x", "recurrence_rule": "𝄞" * 5001}, "23514", "note_length"),
        ({"title": "x", "shared_with_goal_ids": [str(uuid4())] * 1001}, "23514", "uuid_list_size"),
        ({"title": "x", "goal_id": str(uuid4())}, "23503", "tasks_goal_id_fkey"),
        ({"title": None}, "23502", "title"),
        ({"title": "x", "duration_minutes": "long"}, "22P02", "integer"),
        ({"title": "x", "scheduled_at": "soon"}, "22007", "timestamp"),
        ({"title": "x", "nonsense": 1}, "PGRST204", "nonsense"),
        ({"title": "x", "created_at": "2020-01-01T00:00:00Z"}, "42501", "tasks"),
    ],
)
async def test_an_error_has_a_readable_message(row: Row, code: str, named: str, browser: AsyncClient, user_id: str) -> None:
    with pytest.raises(APIError) as refused:
        await insert(browser, "tasks", {"user_id": user_id} | row)

    assert refused.value.code == code
    assert refused.value.message is not None
    assert named in refused.value.message


async def test_the_error_of_a_structure_gives_the_place(browser: AsyncClient, user_id: str) -> None:
    milestones = [{"week_number": 1, "title": "x"}, {"week_number": 2, "title": "x", "tasks": [{"title": ""}]}]
    arguments = {"goal": {"user_id": user_id, "title": "Run"}, "milestones": milestones}

    with pytest.raises(APIError) as refused:
        await browser.rpc("create_goal_with_structure", arguments).execute()

    assert refused.value.code == "23514"
    assert refused.value.details == "at milestones[1].tasks[0].title"
    assert await answer(browser.table("goals").select("*")) == []


async def test_a_range_that_ends_before_it_starts_is_400(browser: AsyncClient, user_id: str) -> None:
    backwards = {"user_id": user_id, "start_at": "2030-01-02T00:00:00Z", "end_at": "2030-01-01T00:00:00Z"}

    with pytest.raises(APIError) as refused:
        await browser.rpc("get_tasks_by_timerange", backwards).execute()

    assert refused.value.code == "PT400"
    assert refused.value.message == "The range ends before it starts."


async def test_a_single_row_that_does_not_exist_is_an_error(browser: AsyncClient) -> None:
    with pytest.raises(APIError) as refused:
        await browser.table("goals").select("*").eq("id", str(uuid4())).single().execute()

    assert refused.value.code == "PGRST116"


async def test_a_function_that_writes_cannot_be_called_by_get(browser: AsyncClient, user_id: str) -> None:
    with pytest.raises(APIError):
        await browser.rpc("put_demo_flags", {"user_id": user_id}, get=True).execute()

    assert await answer(browser.table("demo_flags").select("*")) == []


@pytest.mark.parametrize("schema", ["private", "auth", "extensions", "pg_catalog"])
async def test_other_schemas_are_not_exposed(schema: str, browser: AsyncClient) -> None:
    with pytest.raises(APIError) as refused:
        await browser.schema(schema).from_("users").select("*").execute()

    assert refused.value.code == "PGRST106"


# Documentation -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("schema", ["public", "v1_0"])
async def test_the_data_api_documents_itself(schema: str, stack: LocalStack, user_id: str) -> None:
    headers = {"apikey": stack.anon_key, "Authorization": f"Bearer {stack.mint(user_id)}", "Accept-Profile": schema}
    async with httpx.AsyncClient(base_url=f"{stack.api_url}/rest/v1", headers=headers, verify=False) as client:
        document = (await client.get("/")).json()

    undescribed = [name for name, table in document["definitions"].items() if not table.get("description")]

    assert undescribed == []
    assert {"/tasks", "/goals_full", "/rpc/get_task_statistics"} <= set(document["paths"])
    assert "/rpc/list_page" not in document["paths"]


# The service ---------------------------------------------------------------------------------------------------------


async def test_the_service_reads_and_writes_everyones_rows(stack: LocalStack, browser: AsyncClient, user_id: str) -> None:
    async with client_with(stack, stack.service_role_key) as service:
        task = await insert(service, "tasks", {"user_id": user_id, "title": "From an agent"})
        page = await answer(service.rpc("list_page", {"resource": "public.tasks", "filters": {"user_id": user_id}}))

    assert page["items"] == [task]
    assert await answer(browser.table("tasks").select("*")) == [task]


@pytest.mark.parametrize("field", ["created_at", "updated_at"])
async def test_even_services_cannot_set_created_at(field: str, stack: LocalStack, user_id: str) -> None:
    async with client_with(stack, stack.service_role_key) as service:
        with pytest.raises(APIError) as refused:
            await insert(service, "tasks", {"user_id": user_id, "title": "x", field: "2020-01-01T00:00:00Z"})

    assert refused.value.code == "42501"


@pytest.mark.parametrize("email", ["not an email", " ", "jane@example.com ", "jane\u3000@example.com"])
@pytest.mark.parametrize("schema", ["public", "v1_0"])
async def test_an_address_needs_its_form_at_the_data_api_too(email: str, schema: str, stack: LocalStack) -> None:
    async with client_with(stack, stack.service_role_key) as service:
        with pytest.raises(APIError) as refused:
            await insert(service, "users", {"name": "Jane", "email": email}, schema)

    assert refused.value.code == "23514"
    assert "email_address" in str(refused.value.message)
