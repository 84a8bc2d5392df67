"""Failover under load: the primary's machine is gone, hangs, or hands over, and no acknowledged write is lost."""

import asyncio
import contextlib
import os
import re
import signal
import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from uuid import uuid4

import aiohttp
import httpx

from local_stack import LocalStack, migrations
from local_stack.database import fetch_rows
from local_stack.ports import LOOPBACK
from local_stack.postgres import PASSWORD
from local_stack.processes import wait_until
from local_stack.project import ROOT, api_config

from .finding import Finding
from .patroni import TTL_SECONDS, Cluster, Node, children_of, cluster

_LIMIT_SECONDS = 10.0  # GATEWAY_TIMEOUT_SECONDS
_WRITERS = 4
_BEFORE_SECONDS, _HELD_BACK_SECONDS, _AFTER_SECONDS = 3.0, 2.0, 10.0


@dataclass
class _Load:
    """What the writers of one adapter saw."""

    acknowledged: list[str] = field(default_factory=list)
    moments: list[float] = field(default_factory=list)
    slowest: float = 0.0
    others: Counter[str] = field(default_factory=Counter)

    @property
    def gap(self) -> float:
        """The longest time without an acknowledged write."""
        return max(late - early for early, late in zip(self.moments, self.moments[1:], strict=False))


async def _write(load: _Load, session: aiohttp.ClientSession, ended: asyncio.Event) -> None:
    while not ended.is_set():
        email = f"{uuid4()}@example.com"
        begun = time.monotonic()
        try:
            async with session.post("/api/v1/users/", json={"email": email}) as response:
                status = response.status
        except (aiohttp.ClientError, TimeoutError) as error:
            load.others[type(error).__name__] += 1
            continue
        finally:
            load.slowest = max(load.slowest, time.monotonic() - begun)
        if status == 201:
            load.acknowledged.append(email)
            load.moments.append(time.monotonic())
        else:
            load.others[str(status)] += 1
            await asyncio.sleep(0.1)


async def _under_load(urls: list[str], fault: Callable[[], None]) -> list[_Load]:
    """Writers on each adapter until the fault has passed and writes go on."""
    loads, ended = [_Load() for _ in urls], asyncio.Event()
    async with contextlib.AsyncExitStack() as opened:
        writers = []
        for load, url in zip(loads, urls, strict=True):
            session = await opened.enter_async_context(aiohttp.ClientSession(url, timeout=aiohttp.ClientTimeout(60)))
            writers += [asyncio.create_task(_write(load, session, ended)) for _ in range(_WRITERS)]
        await asyncio.sleep(_BEFORE_SECONDS)
        await asyncio.to_thread(fault)
        begun = time.monotonic()
        await asyncio.to_thread(wait_until, lambda: all(load.moments[-1] > begun + 1 for load in loads), 3 * TTL_SECONDS)
        await asyncio.sleep(_AFTER_SECONDS)
        ended.set()
        await asyncio.gather(*writers)
    return loads


def _gone(leader: Node, found: Cluster) -> None:
    """The network holds replication back for a moment, and then the machine is gone."""
    postmaster = int((leader.home / "data" / "postmaster.pid").read_text().split("\n", 1)[0])
    for pid in children_of(postmaster):
        with contextlib.suppress(OSError):
            if b"walsender" in _title(pid):
                os.kill(pid, signal.SIGSTOP)
    time.sleep(_HELD_BACK_SECONDS)
    leader.send(signal.SIGKILL)
    assert wait_until(lambda: (new := found.leader()) is not None and new is not leader, 3 * TTL_SECONDS)


def _title(pid: int) -> bytes:
    return Path(f"/proc/{pid}/cmdline").read_bytes()


def _hung(leader: Node, found: Cluster) -> None:
    leader.send(signal.SIGSTOP)
    assert wait_until(lambda: any(node.status().get("role") == "primary" for node in found.nodes if node is not leader), 60)
    time.sleep(3)
    leader.send(signal.SIGCONT)


def _switched(leader: Node, _: Cluster) -> None:
    url = f"http://{LOOPBACK}:{leader.rest_port}/switchover"
    httpx.post(url, json={"leader": leader.name}, timeout=60).raise_for_status()


FAULTS = {"switchover": _switched, "machine hung": _hung, "machine gone": _gone}


def failover(stack: LocalStack, fault: str, *, synchronous: bool = True) -> Finding:
    """One fault under load, through adapters over both gateways. `stack` has not been started: its Postgres is not used."""
    with cluster(stack.home) as found, ExitStack() as opened:
        urls = _adapters(stack, found, opened)
        if not synchronous:
            settings = {"synchronous_mode": False, "synchronous_mode_strict": False}
            httpx.patch(f"http://{LOOPBACK}:{found.nodes[0].rest_port}/config", json=settings, timeout=20).raise_for_status()
            waits = "select 1 where current_setting('synchronous_standby_names') <> ''"
            assert wait_until(lambda: not fetch_rows(found.url, waits), 60)
        leader = found.await_whole()
        assert _named_in_rules() - _series_of(found) == set()
        loads = asyncio.run(_under_load(urls, partial(FAULTS[fault], leader, found)))
        stored = Counter(row["email"] for row in fetch_rows(found.url, "select email from public.users"))
        totals = {httpx.get(f"{url}/api/v1/users/", timeout=20).json()["total"] for url in urls}

    acknowledged = [email for load in loads for email in load.acknowledged]
    lost = sum(email not in stored for email in acknowledged)
    gap, slowest = max(load.gap for load in loads), max(load.slowest for load in loads)
    exact = totals == {stored.total()}
    gaps = " and ".join(f"{load.gap:.1f} s" for load in loads)
    answers = f"slowest answer {slowest:.1f} s, totals {'' if exact else 'not '}exact"
    figure = f"{lost} of {len(acknowledged):,} lost, longest gap {gaps}, {answers}"
    if not synchronous:
        return Finding(f"{fault}, asynchronous control", figure, "some lost", lost > 0)
    return Finding(
        f"{fault}, synchronous",
        figure,
        f"0 lost, gap at most {TTL_SECONDS + 5} s, slowest {_LIMIT_SECONDS + 1:.0f} s, totals exact",
        not lost and gap <= TTL_SECONDS + 5 and slowest <= _LIMIT_SECONDS + 1 and exact,
    )


def _named_in_rules() -> set[str]:
    """The series of Patroni's that deploy/prometheus names."""
    files = (ROOT / "deploy" / "prometheus" / name for name in ("patroni_alerts.yml", "dashboard.json"))
    return set(re.findall(r"\bpatroni_\w+", " ".join(file.read_text() for file in files)))


def _series_of(found: Cluster) -> set[str]:
    """The series that every Patroni of the cluster has."""
    texts = [httpx.get(f"http://{LOOPBACK}:{node.rest_port}/metrics", timeout=5).text for node in found.nodes]
    return set.intersection(*(set(re.findall(r"^(patroni_\w+)\{", text, re.MULTILINE)) for text in texts))


def _adapters(stack: LocalStack, found: Cluster, opened: ExitStack) -> list[str]:
    """The URLs of an adapter over PostgREST and one over asyncpg, both behind HAProxy."""
    migrations.bootstrap(found.url, auto_expose=True)
    behind_haproxy = {"PGRST_DB_URI": f"postgresql://authenticator:{PASSWORD}@{LOOPBACK}:{found.port}/postgres"}
    migrations.migrate(found.url)
    api = api_config()
    stack.postgrest.configure(api, migrations.existing_schemas(found.url, api.schemas), behind_haproxy)
    stack.postgrest.start()
    limit = {"GATEWAY_TIMEOUT_SECONDS": str(_LIMIT_SECONDS)}
    over: tuple[dict[str, str], ...] = ({}, {"DATABASE_URL": found.url})
    return [opened.enter_context(stack.adapter(environment=limit | gateway)).url for gateway in over]
