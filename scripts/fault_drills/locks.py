"""Locked tables, and a migration behind a long reader: callers of other tables do not wait."""

import shutil
import statistics
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import httpx

from local_stack import LocalStack
from local_stack.migrations import migrate
from local_stack.project import SUPABASE

from .finding import Finding
from .sessions import holding

_MOST_SECONDS = 0.25
_READY_SECONDS = 2.5


@contextmanager
def asking(url: str, path: str, callers: int) -> Iterator[None]:
    """Callers who ask again and again."""
    ended = threading.Event()

    def ask() -> None:
        with httpx.Client(base_url=url, timeout=30) as caller:
            while not ended.is_set():
                caller.get(path)

    with ThreadPoolExecutor(callers) as threads:
        for _ in range(callers):
            threads.submit(ask)
        try:
            yield
        finally:
            ended.set()


class _Asked(NamedTuple):
    seconds: list[float]
    failed: Counter[str]

    @property
    def longest(self) -> float:
        return max(self.seconds)

    @property
    def p99(self) -> float:
        return statistics.quantiles(self.seconds, n=100)[98] if len(self.seconds) > 1 else self.longest

    @property
    def failures(self) -> str:
        return "".join(f", {why} {count} times" for why, count in self.failed.items())


def _ask_until(url: str, path: str, end: float) -> _Asked:
    """Ask at least once, one request after the other."""
    seconds: list[float] = []
    failed: Counter[str] = Counter()
    with httpx.Client(base_url=url, timeout=30) as caller:
        while not seconds or time.monotonic() < end:
            begun = time.monotonic()
            try:
                status = caller.get(path).status_code
            except httpx.HTTPError as error:
                failed[f"{path} {type(error).__name__}"] += 1
            else:
                failed.update([f"{path} {status}"] if status != 200 else [])
            seconds.append(time.monotonic() - begun)
    return _Asked(seconds, failed)


def a_locked_table(stack: LocalStack, environment: dict[str, str], *, callers: int, seconds: float) -> Finding:
    """Callers wait for a locked table; others ask for users."""
    with (
        stack.adapter(environment=environment) as adapter,
        asking(adapter.url, "/api/v1/tasks/", callers),
        holding(stack.database_url, "lock table public.tasks"),
    ):
        end = time.monotonic() + seconds
        others = _ask_until(adapter.url, "/api/v1/users/?limit=5", end - seconds / 4)
        ready = _ask_until(adapter.url, "/ready", max(end, time.monotonic() + 1))
    return Finding(
        f"a table locked for {seconds:.0f} s with {callers} callers who wait for it",
        f"others' p99 {others.p99 * 1000:.0f} ms{others.failures}, /ready within {ready.longest * 1000:.0f} ms{ready.failures}",
        f"below {_MOST_SECONDS * 1000:.0f} ms, within {_READY_SECONDS} s, none fails",
        others.p99 < _MOST_SECONDS and ready.longest < _READY_SECONDS and not (others.failed or ready.failed),
    )


def a_migration_behind_a_reader(stack: LocalStack, environment: dict[str, str], *, reader_seconds: float) -> Finding:
    """A migration changes a table that a long transaction reads, while callers list it. The stack has to be the drill's own."""
    with tempfile.TemporaryDirectory() as folder, stack.adapter(environment=environment) as adapter:
        supabase = Path(folder) / "supabase"
        shutil.copytree(SUPABASE, supabase)
        migration = supabase / "migrations" / "20991231000000_half_life.sql"
        migration.write_text("set lock_timeout = '300ms';\nalter table public.patterns add column half_life integer;\n")
        migrating = threading.Thread(target=migrate, args=(stack.database_url, supabase))
        with holding(stack.database_url, "select from public.patterns"):
            migrating.start()
            asked = _ask_until(adapter.url, "/api/v1/patterns/", time.monotonic() + reader_seconds)
        migrating.join(60)
        applied = not migrating.is_alive()
    return Finding(
        f"a migration of a table that a transaction reads for {reader_seconds:.0f} s",
        f"callers wait {asked.longest:.2f} s at most{asked.failures}; {'applied' if applied else 'not applied'} afterwards",
        "below 1 s, none fails, applied",
        asked.longest < 1 and not asked.failed and applied,
    )
