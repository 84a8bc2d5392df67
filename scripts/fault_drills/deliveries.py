"""Deliveries: each is sent once, even if the workers are killed at any moment."""

import asyncio
import random
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import asyncpg

from local_stack import LocalStack
from local_stack.project import ROOT

from .finding import Finding

_SURVIVORS = 4
_LIVES_AT_MOST_SECONDS = 2.0
_PLAN = """
with owner as (
  insert into public.users (email) values (gen_random_uuid() || '@example.com') returning id
), task as (
  insert into public.tasks (user_id, title) select id, 'Run' from owner returning id, user_id
)
insert into public.dispatches (user_id, task_id, channel, dedupe_key, due_at)
select task.user_id, task.id, 'push', nth::text, statement_timestamp() from task, generate_series(1, $1::int) as nth
"""


def deliver_once(stack: LocalStack, *, workers: int, due: int) -> Finding:
    """Nobody is killed."""
    sent, outcomes = asyncio.run(_deliver(stack, due, killed=0, survivors=workers, resend=False))
    return Finding(
        f"{workers} workers, {due:,} deliveries due",
        f"{len(sent):,} sent, {_doubled(sent)} of them more than once; outcomes {dict(outcomes)}",
        "each sent once",
        len(sent) == due and not _doubled(sent) and outcomes == {"sent": due},
    )


def deliver_while_killed(stack: LocalStack, *, killed: int, due: int, resend: bool) -> Finding:
    """Workers with leases of a second are killed at random moments; a few others deliver what is left."""
    sent, outcomes = asyncio.run(_deliver(stack, due, killed=killed, survivors=_SURVIVORS, resend=resend))
    unknown, doubled = outcomes["unknown"], _doubled(sent)
    unsent = due - len(sent)
    drill = f"{killed} workers killed at random moments, {due} deliveries due" + (", with resend_unknown" if resend else "")
    figure = f"{outcomes['sent']} sent, {unknown} unknown, {unsent} never with the provider, {doubled} more than once"
    if resend:
        return Finding(drill, figure, "all sent", outcomes == {"sent": due} and not unsent and doubled <= killed)
    right = "none more than once; whatever may have been sent is unknown, and nothing else"
    complete = outcomes["sent"] + unknown == due and unsent <= unknown <= killed
    return Finding(drill, figure, right, complete and not doubled)


def _doubled(sent: Counter[str]) -> int:
    return sum(times > 1 for times in sent.values())


async def _deliver(stack: LocalStack, due: int, *, killed: int, survivors: int, resend: bool) -> tuple[Counter[str], Counter[str]]:
    """How often the provider got each delivery, and the outcomes."""
    provider = stack.home / "provider.txt"
    provider.unlink(missing_ok=True)
    dice = random.Random(due)  # noqa: S311 - chooses moments
    connection = await asyncpg.connect(stack.database_url)
    try:
        await connection.execute("delete from public.dispatches")
        await connection.execute(_PLAN, due)
        lives = [dice.uniform(0, _LIVES_AT_MOST_SECONDS) for _ in range(killed)]
        await asyncio.gather(*(_live(stack, provider, seconds, resend=resend) for seconds in lives))
        async with AsyncExitStack() as opened:
            for _ in range(survivors):
                await opened.enter_async_context(_worker(stack, provider, resend=resend))
            while await connection.fetchval("select exists (select from public.dispatches where outcome is null)"):  # noqa: ASYNC110 - other processes write
                await asyncio.sleep(0.1)
        found = await connection.fetch("select outcome::text from public.dispatches")
    finally:
        await connection.close()
    return Counter(provider.read_text().split()), Counter(row["outcome"] for row in found)


async def _live(stack: LocalStack, provider: Path, seconds: float, *, resend: bool) -> None:
    async with _worker(stack, provider, resend=resend):
        await asyncio.sleep(seconds)


@asynccontextmanager
async def _worker(stack: LocalStack, provider: Path, *, resend: bool) -> AsyncIterator[None]:
    """A worker that has connected. It is killed at the end."""
    command = [sys.executable, "-m", "fault_drills.delivery_worker", stack.database_url, str(provider), "resend" if resend else ""]
    process = await asyncio.create_subprocess_exec(*command, cwd=ROOT / "scripts", stdout=asyncio.subprocess.PIPE)
    try:
        assert process.stdout is not None
        assert await process.stdout.readline() == b"ready\n"
        yield
    finally:
        process.kill()
        await process.wait()
