"""What one user's statistics and conversations cost in Postgres, beside few rows of others and beside many."""

import time
from collections.abc import Mapping
from statistics import median
from typing import TYPE_CHECKING

from local_stack import LocalStack

from .dataset import Dataset, load, with_connection
from .measurement import Bench
from .results import Row, Say

if TYPE_CHECKING:
    import asyncpg

_IDS = {"(user)": "90000000-0000-4000-8000-000000000001", "(conversation)": "90000000-0000-4000-8000-000000000002"}
_MANY = 100  # times the smallest size: 10,000 and 1,000,000 tasks
_TASKS_OF_THE_USER = """
insert into public.users (id, email, timezone) values ('(user)', 'many-tasks@example.com', 'Europe/Berlin');
insert into public.tasks (user_id, title, status, scheduled_at)
select
  '(user)', 'Run', case when n % 3 = 0 then 'done' else 'pending' end,
  timestamptz '2026-01-01Z' - n * (interval '400 days' / {tasks})
from generate_series(1, {tasks}) as n;
vacuum (analyze) public.users, public.tasks;
"""
_CHAT = """
insert into public.users (id, email) values ('(user)', 'many-messages@example.com');
set session_replication_role = replica;
insert into public.conversations (id, user_id, langgraph_thread_id, last_message_at)
select
  case n when 1 then '(conversation)' else gen_random_uuid() end, '(user)', 'thread ' || n,
  timestamptz '2026-01-01Z' - n * interval '1 minute'
from generate_series(1, {rows}) as n;
insert into public.messages (conversation_id, role, content, created_at)
select '(conversation)', 'user', repeat('Good morning. ', 10), timestamptz '2026-01-01Z' - n * interval '1 minute'
from generate_series(1, {rows}) as n;
select private.recount_rows('public.conversations');
vacuum (analyze) public.conversations, public.messages;
"""
_STATISTICS = {
    "12 weeks": "select public.get_weekly_statistics('(user)', 12, '2026-01-01Z')",
    "a year of days": "select public.get_daily_statistics('(user)', 365, '2026-01-01Z')",
    "the streak": "select public.get_streak('(user)', '2026-01-01Z')",
}
_READS = {
    "the newest 50 messages": "select public.list_messages('(conversation)', 50)",
    "50 conversations by last message": """
        select public.list_page('public.conversations', '{"user_id": "(user)"}', 50, 0, null, 'last_message_at')
    """,
}


def measure_statistics(bench: Bench, stack: LocalStack, dataset: Dataset, rounds: int, say: Say) -> list[Row]:
    found = []
    for tasks in (dataset.tasks, dataset.tasks * _MANY):
        load(stack.database_url, Dataset(tasks))
        fill = _TASKS_OF_THE_USER.format(tasks=dataset.tasks)
        found.append(_milliseconds(bench, stack, fill, _STATISTICS, rounds))
    return _compared(found, say, f", {dataset.tasks:,} tasks")


def measure_chat(bench: Bench, stack: LocalStack, dataset: Dataset, rounds: int, say: Say) -> list[Row]:
    found = []
    for rows in (dataset.tasks // 10, dataset.tasks * 10):
        load(stack.database_url, Dataset(dataset.tasks))
        found.append(_milliseconds(bench, stack, _CHAT.format(rows=rows), _READS, rounds))
    return _compared(found, say, "")


def _milliseconds(bench: Bench, stack: LocalStack, fill: str, statements: Mapping[str, str], rounds: int) -> dict[str, float]:
    """Fills the database; the median of each statement, which take turns."""

    async def ask(connection: "asyncpg.Connection") -> dict[str, float]:
        for command in _with_ids(fill).strip().split(";\n"):
            await connection.execute(command)
        prepared = {name: await connection.prepare(_with_ids(statement)) for name, statement in statements.items()}
        taken: dict[str, list[float]] = {name: [] for name in statements}
        end = time.monotonic() + bench.seconds * rounds
        while time.monotonic() < end or not all(taken.values()):
            for name, statement in prepared.items():
                begun = time.monotonic()
                await statement.fetchval()
                taken[name].append(time.monotonic() - begun)
        return {name: median(seconds) * 1000 for name, seconds in taken.items()}

    return with_connection(stack.database_url, ask)


def _with_ids(sql: str) -> str:
    for name, value in _IDS.items():
        sql = sql.replace(name, value)
    return sql


def _compared(found: list[dict[str, float]], say: Say, of: str) -> list[Row]:
    few, many = found
    for name in few:
        say(f"{name:34} {few[name]:8.2f} ms {many[name]:8.2f} ms")
    return [[name + of, few[name], many[name], many[name] / few[name]] for name in few]
