"""Users who own one row of every resource, and the clients that front-end developers use."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import astuple, dataclass, field
from typing import Any
from uuid import uuid4

import httpx
from supabase import AsyncClient, AsyncClientOptions, create_async_client

from local_stack import LocalStack
from tests.locks import Database


def _new_id() -> str:
    return str(uuid4())


@dataclass(frozen=True)
class Owner:
    """The ids of a user and of their rows. Demo flags have the user's id."""

    user: str = field(default_factory=_new_id)
    goal: str = field(default_factory=_new_id)
    milestone: str = field(default_factory=_new_id)
    task: str = field(default_factory=_new_id)
    conversation: str = field(default_factory=_new_id)
    message: str = field(default_factory=_new_id)
    pattern: str = field(default_factory=_new_id)
    notification: str = field(default_factory=_new_id)
    dispatch: str = field(default_factory=_new_id)

    @property
    def ids(self) -> set[str]:
        return set(astuple(self))


SCHEDULED_AT = "2026-03-02T09:00:00Z"
"""When the owner's task, which is done, was scheduled: on a Monday."""
_ROWS = """
with
  new_user as (insert into public.users (id, email, name) values ($1, $1::uuid || '@example.com', 'Someone')),
  flags as (insert into public.demo_flags (user_id) values ($1)),
  goal as (insert into public.goals (id, user_id, title) values ($2, $1, 'Goal')),
  milestone as (insert into public.milestones (id, goal_id, week_number, title) values ($3, $2, 1, 'Week 1')),
  task as (
    insert into public.tasks (id, user_id, goal_id, milestone_id, title, status, scheduled_at, duration_minutes, class_tags)
    values ($4, $1, $2, $3, 'Task', 'done', '2026-03-02T09:00:00Z', 30, '{health}')
  ),
  conversation as (
    insert into public.conversations (id, user_id, langgraph_thread_id, context_type, goal_id)
    values ($5, $1, 'thread-' || $5::uuid, 'goal', $2)
  ),
  message as (insert into public.messages (id, conversation_id, role, content) values ($6, $5, 'user', 'Hello')),
  pattern as (insert into public.patterns (id, user_id, pattern_type, pattern_key) values ($7, $1, 'time', 'mornings')),
  notification as (insert into public.notification_log (id, task_id, channel) values ($8, $4, 'push'))
insert into public.dispatches (id, user_id, task_id, channel, dedupe_key, due_at) values ($9, $1, $4, 'push', 'reminder', now())
"""


async def make_owner(database: Database) -> Owner:
    """A new user with one row of everything. `database` is a superuser's connection."""
    owner = Owner()
    await database.execute(_ROWS, *astuple(owner))
    return owner


async def sign_up(
    database: Database, user_id: str, *, email: str | None = "", confirmed: bool = True, name: str | None = None
) -> None:
    """Sign a user up as Supabase Auth does. `email` is one of their own if it is ""."""
    await database.execute(
        "insert into auth.users (id, email, email_confirmed_at, raw_user_meta_data)"
        " values ($1, $2, case when $3 then now() end, $4)",
        user_id,
        f"{user_id}@example.com" if email == "" else email,
        confirmed,
        f'{{"name": "{name}"}}' if name else "{}",
    )


async def rows_of(database: Database, owner: Owner) -> dict[str, str]:
    """All rows of a user, read as superuser, to show that nothing has changed."""
    found = await database.fetch(
        """
        select 'user' as kind, to_jsonb(t)::text as row from public.users as t where id = $1
        union all select 'demo flags', to_jsonb(t)::text from public.demo_flags as t where user_id = $1
        union all select 'goal', to_jsonb(t)::text from public.goals as t where user_id = $1
        union all select 'milestone', to_jsonb(t)::text from public.milestones as t where goal_id = $2
        union all select 'task', to_jsonb(t)::text from public.tasks as t where user_id = $1
        union all select 'conversation', to_jsonb(t)::text from public.conversations as t where user_id = $1
        union all select 'message', to_jsonb(t)::text from public.messages as t where conversation_id = $3
        union all select 'pattern', to_jsonb(t)::text from public.patterns as t where user_id = $1
        union all select 'notification', to_jsonb(t)::text from public.notification_log as t where task_id = $4
        union all select 'dispatch', to_jsonb(t)::text from public.dispatches as t where user_id = $1
        """,
        owner.user,
        owner.goal,
        owner.conversation,
        owner.task,
    )
    rows = {row["kind"]: row["row"] for row in found}
    assert len(rows) == len(found), "a row has come into the owner's"
    return rows


@asynccontextmanager
async def client_with(stack: LocalStack, token: str | None = None) -> AsyncIterator[AsyncClient]:
    """Supabase's own client with the project's public key and, if given, a user's token."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    # Loading certificates takes longer than most tests, and http needs none.
    async with httpx.AsyncClient(timeout=30, verify=False) as transport:
        options = AsyncClientOptions(headers=headers, httpx_client=transport)
        yield await create_async_client(stack.api_url, stack.anon_key, options)


@asynccontextmanager
async def signed_in(stack: LocalStack, user_id: str, **claims: Any) -> AsyncIterator[AsyncClient]:
    """The client of a signed-in user."""
    async with client_with(stack, stack.mint(user_id, claims=claims)) as client:
        yield client


async def answer(request: Any) -> Any:
    """The data of the client's answer: rows, a row, or a function's result."""
    return (await request.execute()).data
