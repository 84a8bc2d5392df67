"""Two writers of one row: both changes are kept, through either contract."""

import asyncio
import json
from typing import Any

import pytest

from tests.concurrency.races import WRITERS, Race, make_tasks
from tests.locks import Database
from tests.owners import Owner


@pytest.mark.parametrize(
    ("held", "waits", "left"),
    [
        pytest.param(
            "update public.tasks set description = 'of 1.2'",
            "update v1_0.tasks set title = 'of 1.0'",
            {"description": "of 1.2", "title": "of 1.0"},
            id="1.2 a field that 1.0 lacks, 1.0 the title",
        ),
        pytest.param(
            "update public.tasks set title = 'of 1.2'",
            "update v1_0.tasks set priority = 'important'",
            {"title": "of 1.2", "priority": "important"},
            id="1.2 the title, 1.0 the priority",
        ),
        pytest.param(
            "update public.tasks set status = 'done', completed_at = '2030-01-01Z'",
            "update v1_0.tasks set title = 'of 1.0'",
            {"status": "done", "completed_at": "2030-01-01T00:00:00+00:00", "title": "of 1.0"},
            id="1.2 the status, 1.0 the title",
        ),
        pytest.param(
            "update public.tasks set status = 'cancelled'",
            "update v1_0.tasks set calendar_event_id = 'cal-1'",
            {"status": "cancelled", "calendar_event_id": "cal-1"},
            id="1.2 a status that 1.0 lacks, 1.0 the event",
        ),
        pytest.param(
            "update v1_0.tasks set title = 'of 1.0'",
            "update public.tasks set status = 'missed'",
            {"title": "of 1.0", "status": "missed"},
            id="1.0 the title, 1.2 the status",
        ),
        pytest.param(
            "update v1_0.tasks set state = 'completed'",
            "update v1_0.tasks set title = 'of 1.0'",
            {"status": "done", "title": "of 1.0"},
            id="1.0 the state, 1.0 the title",
        ),
        pytest.param(
            "update public.tasks set scheduled_at = '2030-01-01T12:00Z'",
            "update v1_0.tasks set end_time = '2030-01-01T13:00:00.5Z'",
            {
                "scheduled_at": "2030-01-01T12:00:00+00:00",
                "scheduled_end_at": "2030-01-01T13:00:00.5+00:00",
                "duration_minutes": 61,
            },
            id="1.2 the start, 1.0 the end",
        ),
        pytest.param(
            "update v1_0.tasks set start_time = '2030-01-01T12:00Z', end_time = '2030-01-01T13:00:00.5Z'",
            "update public.tasks set title = 'of 1.2'",
            {"title": "of 1.2", "scheduled_end_at": "2030-01-01T13:00:00.5+00:00", "duration_minutes": 61},
            id="1.0 the end, 1.2 the title",
        ),
        pytest.param(
            "update v1_0.tasks set start_time = '2030-01-01T12:00Z', end_time = '2030-01-01T13:00:00.5Z'",
            "update v1_0.tasks set title = 'of 1.0'",
            {"title": "of 1.0", "scheduled_end_at": "2030-01-01T13:00:00.5+00:00", "duration_minutes": 61},
            id="1.0 the end, 1.0 the title",
        ),
        pytest.param(
            "select public.set_calendar_event('{task}', 'cal-1') from public.tasks",
            "select v1_0.set_calendar_event('{task}', 'cal-2') from public.tasks",
            {"calendar_event_id": "cal-2"},
            id="both the event",
        ),
    ],
)
async def test_two_concurrent_changes_of_one_task_are_both_kept(
    held: str, waits: str, left: dict[str, Any], race: Race, database: Database, owner: Owner
) -> None:
    of_task = f" where id = '{owner.task}'"

    outcome = await race.run(held.format(task=owner.task) + of_task, waits.format(task=owner.task) + of_task)

    assert outcome in {"UPDATE 1", "SELECT 1"}
    columns = ", ".join(f"'{column}', {column}" for column in left)
    found = await database.fetchval(
        f"select jsonb_build_object({columns}) = $1::jsonb from public.tasks where id = $2", json.dumps(left), owner.task
    )
    assert found is True


async def test_a_change_to_a_task_that_is_being_deleted_changes_nothing(race: Race, database: Database, owner: Owner) -> None:
    for table in ("v1_0.tasks", "public.tasks"):
        [task] = await make_tasks(database, owner, 1)

        outcome = await race.run(
            f"delete from public.tasks where id = '{task}'",
            f"update {table} set title = 'y' where id = '{task}'",
        )

        assert outcome == "UPDATE 0"


async def test_two_concurrent_closes_of_one_voice_session_are_both_kept(race: Race, database: Database, owner: Owner) -> None:
    outcome = await race.run(
        f"""select public.close_voice_session('{owner.conversation}', '{{"extracted_intent": "x", "duration_seconds": 1}}')""",
        f"""select public.close_voice_session('{owner.conversation}', '{{"duration_seconds": 2}}')""",
    )

    assert outcome == "SELECT 1"
    closed = await database.fetchrow(
        "select extracted_intent, duration_seconds from public.conversations where id = $1", owner.conversation
    )
    assert closed is not None
    assert tuple(closed) == ("x", 2)


async def test_the_later_of_two_changes_has_the_later_updated_at(race: Race, database: Database, owner: Owner) -> None:
    change = "update public.goals set title = '{}' where id = '{}'"
    await race.holder.execute("begin")
    await race.holder.execute(change.format("first", owner.goal))
    first_at = await race.holder.fetchval("select updated_at from public.goals where id = $1", owner.goal)

    async with race.meanwhile(lambda: race.waiter.execute(change.format("second", owner.goal))):
        committing_at = await database.fetchval("select clock_timestamp()")

    second_at = await database.fetchval("select updated_at from public.goals where id = $1", owner.goal)
    assert first_at < committing_at < second_at


async def test_messages_written_at_once_into_one_conversation_are_all_kept(
    connections: list[Database], database: Database, owner: Owner
) -> None:
    async def write(connection: Database) -> None:
        for _ in range(20):
            await connection.execute(
                "insert into public.messages (conversation_id, role, content) values ($1, 'user', 'x')",
                owner.conversation,
            )

    await asyncio.gather(*map(write, connections))

    count, latest = await database.fetchrow(
        "select count(*), max(created_at) from public.messages where conversation_id = $1", owner.conversation
    ) or (0, None)
    assert count == WRITERS * 20 + 1
    assert latest == await database.fetchval("select last_message_at from public.conversations where id = $1", owner.conversation)


async def test_a_message_committed_late_does_not_move_last_message_at_backwards(
    race: Race, database: Database, owner: Owner
) -> None:
    await database.execute("update public.conversations set last_message_at = null where id = $1", owner.conversation)
    insert = "insert into public.messages (conversation_id, role, content, created_at) values ('{}', 'user', 'x', '{}')"

    outcome = await race.run(
        insert.format(owner.conversation, "2020-01-02Z"),
        insert.format(owner.conversation, "2020-01-01Z"),
    )

    assert outcome == "INSERT 0 1"
    last = await database.fetchval("select last_message_at from public.conversations where id = $1", owner.conversation)
    assert last.isoformat() == "2020-01-02T00:00:00+00:00"
