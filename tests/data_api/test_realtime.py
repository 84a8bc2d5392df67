"""supabase/optional/realtime.sql, against a stand-in of what Supabase Realtime has in the database."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from dao_service.generated import SCHEMAS
from local_stack.project import ROOT
from tests.locks import Database
from tests.owners import Owner, make_owner

REALTIME = (ROOT / "supabase" / "optional" / "realtime.sql").read_text()
# As in Supabase: the same columns, arguments and grants. Delivery to listeners is Realtime's own.
STAND_IN = """
create schema realtime;
grant usage on schema realtime to authenticated;
create table realtime.messages (topic text, extension text, payload jsonb, event text, private boolean default false);
alter table realtime.messages enable row level security;
grant select on realtime.messages to authenticated;
create function realtime.topic() returns text language sql stable
as $$ select nullif(current_setting('realtime.topic', true), '') $$;
grant execute on function realtime.topic() to authenticated;
create function realtime.broadcast_changes(
  topic_name text, event_name text, operation text, table_name text, table_schema text,
  new record, old record, level text default 'ROW'
) returns void language plpgsql as $$
begin
  insert into realtime.messages (topic, extension, event, private, payload)
  values (topic_name, 'broadcast', event_name, true, jsonb_build_object(
    'operation', operation, 'table', table_name, 'schema', table_schema, 'record', to_jsonb(new), 'old_record', to_jsonb(old)
  ));
end
$$;
"""


@pytest.fixture
async def realtime(database: Database) -> AsyncIterator[Database]:
    """A transaction in which changes are broadcast; it is rolled back."""
    transaction = database.transaction()
    await transaction.start()
    await database.execute(STAND_IN)
    await database.execute(REALTIME)
    await database.execute(REALTIME)
    yield database
    await transaction.rollback()


async def sent(database: Database) -> list[tuple[str, str, str]]:
    """Topic, operation and table of what was sent since the last look."""
    rows = await database.fetch("select topic, event, payload ->> 'table' as name from realtime.messages order by 3, 2")
    await database.execute("delete from realtime.messages")
    return [tuple(row) for row in rows]


async def test_each_change_goes_to_the_topic_of_the_rows_user(realtime: Database) -> None:
    owner = await make_owner(realtime)
    topic = f"user:{owner.user}"
    tables = [*SCHEMAS["1.2"].relations.keys() - {"goals_full"}]
    assert [each for each in await sent(realtime) if each[1] == "INSERT"] == [(topic, "INSERT", table) for table in sorted(tables)]

    await realtime.execute(
        "insert into public.messages (conversation_id, role, content) values ($1, 'user', 'Hi')", owner.conversation
    )
    found = {(table, operation) for _, operation, table in await sent(realtime)}
    assert found == {("messages", "INSERT"), ("conversations", "UPDATE")}

    await realtime.execute("update public.milestones set title = 'Week one' where id = $1", owner.milestone)
    assert await sent(realtime) == [(topic, "UPDATE", "milestones")]

    await realtime.execute("delete from public.users where id = $1", owner.user)
    assert (topic, "DELETE", "users") in await sent(realtime)


async def test_a_change_carries_the_row_as_it_is_and_was(realtime: Database) -> None:
    owner = await make_owner(realtime)
    await sent(realtime)

    await realtime.execute("update public.tasks set title = 'Swim' where id = $1", owner.task)

    payload: dict[str, Any] = json.loads(await realtime.fetchval("select payload from realtime.messages"))
    assert (payload["operation"], payload["schema"], payload["table"]) == ("UPDATE", "public", "tasks")
    assert (payload["old_record"]["title"], payload["record"]["title"]) == ("Task", "Swim")


async def test_a_user_listens_to_their_own_topic_alone(realtime: Database) -> None:
    maya, jonas = await make_owner(realtime), await make_owner(realtime)

    assert await _heard(realtime, maya, f"user:{maya.user}") == {f"user:{maya.user}", f"user:{jonas.user}"}
    assert await _heard(realtime, maya, f"user:{jonas.user}") == set()
    assert await _heard(realtime, maya, "user:") == set()


async def _heard(database: Database, user: Owner, topic: str) -> set[str]:
    """What row-level security lets a user read who joins a topic. Realtime asks so whether the user may listen to that topic."""
    async with database.transaction():
        await database.execute("select set_config('realtime.topic', $1, true)", topic)
        claims = json.dumps({"sub": user.user, "role": "authenticated"})
        await database.execute("select set_config('request.jwt.claims', $1, true)", claims)
        await database.execute("set local role authenticated")
        found = {row["topic"] for row in await database.fetch("select topic from realtime.messages")}
        await database.execute("reset role")
    return found
