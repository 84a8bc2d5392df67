"""The rows of the benchmark: generated in the server, the same in every run."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, TypeVar
from uuid import UUID

if TYPE_CHECKING:
    import asyncpg

Result = TypeVar("Result")

TASKS_OF_A_USER = 100
TASKS_OF_THE_HEAVY_USER = 5_000
CREATED_FROM = datetime(2025, 1, 1, tzinfo=UTC)
CREATED_UNTIL = datetime(2025, 11, 1, tzinfo=UTC)
SCHEDULED_FROM = datetime(2025, 6, 1, tzinfo=UTC)
BETWEEN_TASKS = timedelta(minutes=30)


def stable_id(kind: str, number: int) -> str:
    """Equals `md5(kind || ' ' || number)::uuid`: scattered like random ids."""
    return str(UUID(hashlib.md5(f"{kind} {number}".encode(), usedforsecurity=False).hexdigest()))


@dataclass(frozen=True)
class Dataset:
    """This many tasks, a hundred per user, and one heavy user with 5,000 more.

    Users are numbered from 0, the heavy one last. The first half of the others is only read, the second half is written.
    The heavy user has as many conversations as there are others, and one of them has a tenth as many messages as there are tasks.
    """

    tasks: int

    @property
    def users(self) -> int:
        """The number of users without the heavy one."""
        return self.tasks // TASKS_OF_A_USER

    @property
    def read_users(self) -> range:
        return range(self.users // 2)

    @property
    def written_users(self) -> range:
        return range(self.users // 2, self.users)

    @property
    def heavy_user(self) -> str:
        return self.user(self.users)

    @property
    def long_conversation(self) -> str:
        return stable_id("conversation", 0)

    @property
    def pages(self) -> int:
        """The number of pages of 100 in a list of all tasks."""
        return (self.tasks + TASKS_OF_THE_HEAVY_USER) // 100

    def user(self, number: int) -> str:
        return stable_id("user", number)

    def goal(self, user: int) -> str:
        return stable_id("goal", user)

    def task(self, user: int, place: int) -> str:
        """The id of an ordinary user's task. `place` counts from 0."""
        return stable_id("task", user + place * self.users)

    def tasks_of(self, user: int) -> Iterator[str]:
        return (self.task(user, place) for place in range(TASKS_OF_A_USER))

    def window(self, first: int, rows: int) -> tuple[str, str]:
        """A time range with exactly `rows` tasks of the heavy user, from number `first`."""
        start = SCHEDULED_FROM + first * BETWEEN_TASKS
        return start.isoformat(), (start + (rows - 1) * BETWEEN_TASKS).isoformat()


_LOAD = """
insert into public.users (id, email, name, onboarded, profile, created_at, updated_at)
select md5('user ' || n)::uuid, 'user-' || n || '@example.com', 'User ' || n, true, '{{"timezone": "Europe/Berlin"}}', at, at
from generate_series(0, {users}) as n, lateral (select timestamptz '{created_from}' + n * interval '1 second') as moment (at);

set session_replication_role = replica;

insert into public.goals (id, user_id, title, description, class_tags, activated_at, target_weeks, created_at, updated_at)
select
  md5('goal ' || n)::uuid, md5('user ' || n)::uuid, 'Run a half marathon', 'In under two hours, without an injury.',
  '{{health,running}}', at, 8, at, at
from generate_series(0, {users}) as n, lateral (select timestamptz '{created_from}' + n * interval '1 second') as moment (at);

insert into public.milestones (id, goal_id, week_number, title, created_at, updated_at)
select md5('milestone ' || n || ' ' || week)::uuid, md5('goal ' || n)::uuid, week, 'Week ' || week, at, at
from generate_series(0, {users}) as n, generate_series(1, 4) as week,
  lateral (select timestamptz '{created_from}' + n * interval '1 second') as moment (at);

insert into public.tasks (
  id, user_id, goal_id, milestone_id, title, description, status, scheduled_at, scheduled_end_at, duration_minutes, completed_at,
  created_at, updated_at
)
select
  md5(task.key)::uuid,
  md5('user ' || task.owner)::uuid,
  md5('goal ' || task.owner)::uuid,
  md5('milestone ' || task.owner || ' ' || task.place % 4 + 1)::uuid,
  'Run ' || task.place % 9 + 3 || ' km',
  repeat('At an easy pace, along the river and back. ', task.sentences),
  case
    when chance < 40 then 'pending' when chance < 75 then 'done' when chance < 90 then 'missed' when chance < 96 then 'rescheduled'
    else 'cancelled'
  end,
  start, start + interval '30 minutes', 30, case when chance between 40 and 74 then start + interval '25 minutes' end,
  at, at
from (
  select
    'task ' || n as key, n % {users} as owner, n / {users} as place, n % 3 as sentences,
    n::double precision / {tasks} as age
  from generate_series(0, {tasks} - 1) as n
  union all
  select 'heavy task ' || n, {users}, n, 6, n::double precision / {heavy_tasks} from generate_series(0, {heavy_tasks} - 1) as n
) as task,
  lateral (
    select
      timestamptz '{created_from}' + age * (timestamptz '{created_until}' - timestamptz '{created_from}'),
      timestamptz '{scheduled_from}' + task.place * interval '{between_tasks} minutes',
      (task.place * 37 + task.owner) % 100
  ) as derived (at, start, chance);

insert into public.conversations (id, user_id, langgraph_thread_id, context_type, last_message_at, created_at, updated_at)
select md5('conversation ' || n)::uuid, md5('user ' || {users})::uuid, 'thread ' || n, 'goal', at, at, at
from generate_series(0, {users} - 1) as n, lateral (select timestamptz '{created_from}' + n * interval '1 minute') as moment (at);

insert into public.messages (id, conversation_id, role, content, created_at)
select
  md5('message ' || n)::uuid, md5('conversation 0')::uuid, case n % 2 when 0 then 'assistant' else 'user' end,
  repeat('The run along the river was easy today. ', n % 5 + 1), timestamptz '{created_from}' + n * interval '1 minute'
from generate_series(0, {tasks} / 10 - 1) as n;

set session_replication_role = origin;
"""
_COUNTED = ("users", "goals", "milestones", "tasks", "conversations", "patterns", "notification_log")


def load(url: str, dataset: Dataset) -> None:
    """Replace the rows of the database."""

    async def replace(connection: "asyncpg.Connection") -> None:
        await connection.execute("truncate public.users cascade")
        # Building an index over all rows is faster than adding a million rows to it.
        indexes = await connection.fetch(
            "select indexrelid::regclass::text as name, pg_get_indexdef(indexrelid) as definition from pg_index "
            "where indrelid = 'public.tasks'::regclass and not indisunique"
        )
        await connection.execute("".join(f"drop index {index['name']};" for index in indexes))
        await connection.execute(
            _LOAD.format(
                users=dataset.users,
                tasks=dataset.tasks,
                heavy_tasks=TASKS_OF_THE_HEAVY_USER,
                created_from=CREATED_FROM.isoformat(),
                created_until=CREATED_UNTIL.isoformat(),
                scheduled_from=SCHEDULED_FROM.isoformat(),
                between_tasks=BETWEEN_TASKS.seconds // 60,
            )
        )
        await connection.execute("".join(f"{index['definition']};" for index in indexes))
        # The triggers that keep the totals were off.
        await connection.execute("".join(f"select private.recount_rows('public.{name}');" for name in _COUNTED))
        await connection.execute("vacuum (analyze)")
        await connection.execute("checkpoint")

    with_connection(url, replace)


def restore(url: str) -> None:
    """Delete the rows created since loading, and vacuum the indexes."""

    async def delete(connection: "asyncpg.Connection") -> None:
        await connection.execute("delete from public.goals where created_at > $1", CREATED_UNTIL)
        await connection.execute("delete from public.tasks where created_at > $1", CREATED_UNTIL)
        await connection.execute("vacuum (index_cleanup on) public.goals, public.milestones, public.tasks, private.row_counts")
        await connection.execute("checkpoint")

    with_connection(url, delete)


def with_connection(url: str, use: "Callable[[asyncpg.Connection], Awaitable[Result]]") -> Result:
    import asyncpg  # noqa: PLC0415 - the command imports this module before anything is installed

    async def connect_and_use() -> Result:
        connection = await asyncpg.connect(url)
        try:
            return await use(connection)
        finally:
            await connection.close()

    return asyncio.run(connect_and_use())
