"""Callers who ask for large answers: those who do not read them, and many at once."""

import asyncio
import contextlib
import socket
import time
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx

from local_stack import LocalStack
from local_stack.database import execute_script
from local_stack.http_servers import Adapter

from .finding import Finding

_MIB = 1024 * 1024
_RANGE = "start_at=2026-01-01T00:00:00Z&end_at=2036-01-01T00:00:00Z"
_SLICE_SECONDS = 0.05


def user_with_tasks(stack: LocalStack, tasks: int) -> str:
    """The path of an answer with this many tasks, of about 700 bytes each."""
    user = f"{tasks:08d}-0000-4000-8000-000000000000"
    execute_script(
        stack.database_url,
        f"""
        insert into public.users (id, email) values ('{user}', '{user}@example.com') on conflict do nothing;
        insert into public.tasks (user_id, title, scheduled_at, description)
        select '{user}', 'Task ' || number, timestamptz '2026-01-01T00:00:00Z' + number * interval '1 minute', repeat('d', 100)
        from generate_series(1, {tasks}) as number
        where not exists (select from public.tasks where tasks.user_id = '{user}');
        """,  # noqa: S608 (our own values)
    )
    return f"/api/v1/tasks/by-timerange?user_id={user}&{_RANGE}"


def memory(adapter: Adapter) -> int:
    """Resident bytes of the service."""
    return int(Path(f"/proc/{adapter.pid}/statm").read_text().split()[1]) * 4096


@contextlib.contextmanager
def _peak_memory(adapter: Adapter) -> Iterator[list[int]]:
    """The most that the service has held meanwhile, as a list with one number."""
    peak, ended = [memory(adapter)], False

    def watch() -> None:
        while not ended:
            peak[0] = max(peak[0], memory(adapter))
            time.sleep(_SLICE_SECONDS)

    with ThreadPoolExecutor(1) as thread:
        watching = thread.submit(watch)
        try:
            yield peak
        finally:
            ended = True
            watching.result()


@contextlib.asynccontextmanager
async def _who_do_not_read(adapter: Adapter, path: str, readers: int) -> AsyncIterator[list[socket.socket]]:
    """Connections that have asked, whose kernel buffers are small."""
    loop, opened = asyncio.get_running_loop(), []
    try:
        for _ in range(readers):
            reader = socket.socket()
            opened.append(reader)
            reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            reader.setblocking(False)
            await loop.sock_connect(reader, ("127.0.0.1", adapter.port))
            await loop.sock_sendall(reader, f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
        yield opened
    finally:
        for reader in opened:
            reader.close()


def answers_that_nobody_reads(stack: LocalStack, environment: dict[str, str], *, readers: int, tasks: int) -> Finding:
    """Callers who ask for a large answer and do not read it."""
    path = user_with_tasks(stack, tasks)

    async def drill(adapter: Adapter) -> int:
        async with httpx.AsyncClient(base_url=adapter.url, timeout=60) as other:
            size = len((await other.get(path)).content)
            async with _who_do_not_read(adapter, path, readers):
                # Those who do not read have their answers before this one.
                assert len((await other.get(path)).content) == size
        return size

    with stack.adapter(environment=environment) as adapter, _peak_memory(adapter) as peak:
        size = asyncio.run(drill(adapter))
    return Finding(
        f"{readers} callers who do not read an answer of {size / _MIB:.1f} MiB",
        f"{peak[0] // _MIB} MiB at most",
        "at most 384 MiB",
        peak[0] < 384 * _MIB,
    )


def many_large_answers(stack: LocalStack, environment: dict[str, str], *, callers: int, tasks: int) -> Finding:
    """Callers who ask for the largest answer at once and read it."""
    path = user_with_tasks(stack, tasks)

    async def drill(adapter: Adapter) -> list[httpx.Response]:
        async with httpx.AsyncClient(base_url=adapter.url, timeout=90) as caller:
            return await asyncio.gather(*(caller.get(path) for _ in range(callers)))

    with stack.adapter(environment=environment) as adapter, _peak_memory(adapter) as peak:
        begun = time.monotonic()
        answers = asyncio.run(drill(adapter))
        seconds = time.monotonic() - begun
    complete = sum(answer.status_code == 200 and len(answer.json()) == tasks for answer in answers)
    return Finding(
        f"{callers} answers of {tasks:,} tasks ({len(answers[0].content) / _MIB:.1f} MiB) at once",
        f"{complete} complete in {seconds:.1f} s, {peak[0] // _MIB} MiB at most",
        "all complete, at most 384 MiB",
        complete == callers and peak[0] < 384 * _MIB,
    )
