"""Mixed load for a long time, while each part in turn is killed and started again."""

import asyncio
import contextlib
import itertools
import random
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

import httpx

from local_stack import LocalStack
from local_stack.database import fetch_rows
from local_stack.http_servers import Adapter
from local_stack.processes import ServerPart

from .finding import Finding

_TASKS = "/api/v1/tasks/"
_PAUSE_SECONDS = 0.2
_BETWEEN_SECONDS = 0.02
_AWAY_SECONDS = 1.0
_MIB = 1024 * 1024
_ENDED_WITHIN_SECONDS = 60
_MAY_GROW = 64 * _MIB


@dataclass
class _Load:
    user: str = ""
    ends: float = 0
    acknowledged: list[str] = field(default_factory=list)
    statuses: Counter[int | str] = field(default_factory=Counter)


async def _ask(load: _Load, caller: httpx.AsyncClient, method: str, path: str, **options: object) -> httpx.Response | None:
    """A response, or None if there is none."""
    try:
        response = await caller.request(method, path, **options)  # type: ignore[arg-type]
    except httpx.HTTPError as error:
        load.statuses[type(error).__name__] += 1
        return None
    load.statuses[response.status_code] += 1
    return response


async def _write(load: _Load, caller: httpx.AsyncClient) -> None:
    """Create tasks. Each is retried with its key until it is acknowledged."""
    while time.monotonic() < load.ends:
        await asyncio.sleep(_BETWEEN_SECONDS)
        title, key = str(uuid4()), {"Idempotency-Key": str(uuid4())}
        until = time.monotonic() + _ENDED_WITHIN_SECONDS
        while time.monotonic() < until:
            response = await _ask(load, caller, "POST", _TASKS, json={"user_id": load.user, "title": title}, headers=key)
            if response is not None and response.status_code == 201:
                load.acknowledged.append(title)
                await _ask(load, caller, "PATCH", f"{_TASKS}{response.json()['id']}", json={"status": "done"})
                break
            await asyncio.sleep(_PAUSE_SECONDS)


async def _read(load: _Load, caller: httpx.AsyncClient) -> None:
    while time.monotonic() < load.ends:
        await asyncio.sleep(_BETWEEN_SECONDS)
        path = random.choice([_TASKS, f"/api/v1/users/{load.user}", "/ready"])  # noqa: S311 (no secret)
        response = await _ask(load, caller, "GET", path, params={"user_id": load.user} if path == _TASKS else None)
        if response is None or response.status_code != 200:
            await asyncio.sleep(_PAUSE_SECONDS)


def _kill_and_start(part: ServerPart, start: Callable[[], None]) -> None:
    part.kill()
    time.sleep(_AWAY_SECONDS)
    start()


async def _kill_in_turn(stack: LocalStack, adapter: Adapter, load: _Load, every: float) -> int:
    """How many parts were killed."""
    parts: list[tuple[ServerPart, Callable[[], None]]] = [
        (stack.postgrest, stack.postgrest.start),
        (stack.postgres, stack.postgres.start),
        (adapter, lambda: adapter.start(ready_path="/health")),
    ]
    for kills in itertools.count():
        await asyncio.sleep(every)
        if time.monotonic() > load.ends - every / 2:
            return kills
        await asyncio.to_thread(_kill_and_start, *parts[kills % len(parts)])
    raise AssertionError("unreachable")


def _size(stack: LocalStack, adapter: Adapter) -> tuple[int, int]:
    """Resident bytes of the service and PostgREST, and connections in Postgres."""
    pages = sum(int(Path(f"/proc/{part.pid}/statm").read_text().split()[1]) for part in (adapter, stack.postgrest))
    rows = fetch_rows(stack.database_url, "select from pg_stat_activity where backend_type = 'client backend'")
    return pages * 4096, len(rows)


async def _ready(caller: httpx.AsyncClient) -> None:
    async with asyncio.timeout(_ENDED_WITHIN_SECONDS):
        while True:
            with contextlib.suppress(httpx.HTTPError):
                if (await caller.get("/ready")).status_code == 200:
                    return
            await asyncio.sleep(_PAUSE_SECONDS)


def soak(
    stack: LocalStack, environment: dict[str, str], *, seconds: float, kill_every: float, writers: int, readers: int
) -> Finding:
    """Kill PostgREST, Postgres and the service in turn. The stack has to be the drill's own."""
    load = _Load()

    async def drill(adapter: Adapter) -> tuple[int, tuple[int, int], tuple[int, int]]:
        async with httpx.AsyncClient(base_url=adapter.url, timeout=30) as caller:
            created = await caller.post("/api/v1/users/", json={"email": f"{uuid4()}@example.com"})
            load.user = created.json()["id"]
            load.ends = time.monotonic() + min(kill_every, seconds)

            async def work() -> None:
                await asyncio.gather(
                    *(_write(load, caller) for _ in range(writers)), *(_read(load, caller) for _ in range(readers))
                )

            await work()
            before = _size(stack, adapter)
            load.ends = time.monotonic() + seconds
            working = asyncio.create_task(work())
            kills = await _kill_in_turn(stack, adapter, load, kill_every)
            await working
            await _ready(caller)
            return kills, before, _size(stack, adapter)

    with stack.adapter(environment=environment) as adapter:
        kills, (bytes_before, connections_before), (bytes_after, connections_after) = asyncio.run(drill(adapter))
    rows = fetch_rows(stack.database_url, "select title, count(*) as rows from public.tasks group by title")
    stored = {row["title"]: row["rows"] for row in rows}
    lost = sum(title not in stored for title in load.acknowledged)
    doubled = sum(stored.get(title, 0) > 1 for title in load.acknowledged)
    bugs = load.statuses[500]
    return Finding(
        f"{seconds:.0f} s of mixed load, {kills} kills in turn",
        f"{lost} of {len(load.acknowledged):,} acknowledged writes lost, {doubled} doubled, {bugs} bugs (500), "
        f"memory {bytes_before // _MIB} → {bytes_after // _MIB} MiB, connections {connections_before} → {connections_after}",
        "0 lost, 0 doubled, no 500, memory and connections flat",
        not (lost or doubled or bugs)
        and kills > 0
        and bytes_after < bytes_before + _MAY_GROW
        and connections_after <= connections_before + 5,
    )
