"""SIGTERM under load: callers behind a load balancer notice nothing."""

import asyncio
import contextlib
from collections import Counter
from dataclasses import dataclass, field
from uuid import uuid4

import aiohttp

from local_stack import LocalStack

from .finding import Finding

_USERS = "/api/v1/users/"
_PROBE_EVERY_SECONDS = 0.1


@dataclass
class _Balancer:
    """Sends requests as long as its probe of `/ready` succeeds."""

    sends: bool = True
    answered: int = 0
    failures: Counter[str] = field(default_factory=Counter)


async def _probe(balancer: _Balancer, session: aiohttp.ClientSession) -> None:
    while balancer.sends:
        ready = False
        with contextlib.suppress(aiohttp.ClientError):
            async with session.get("/ready") as response:
                ready = response.status == 200
        balancer.sends = ready
        await asyncio.sleep(_PROBE_EVERY_SECONDS)


async def _call(balancer: _Balancer, session: aiohttp.ClientSession) -> None:
    key = ""
    while balancer.sends:
        try:
            request = session.get(f"{_USERS}{key}") if key else session.post(_USERS, json={"email": f"{uuid4()}@example.com"})
            async with request as response:
                row = await response.json()
                if response.status in (200, 201):
                    balancer.answered += 1
                else:
                    balancer.failures[str(response.status)] += 1
                key = "" if key else row.get("id", "")
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            balancer.failures[type(error).__name__] += 1


async def _under_load(url: str, callers: int, stop: "asyncio.Future[None]") -> _Balancer:
    balancer = _Balancer()
    # aiohttp sends a GET again if an idle connection turns out to be closed. It never does so with a POST.
    async with aiohttp.ClientSession(url, connector=aiohttp.TCPConnector(limit=0), timeout=aiohttp.ClientTimeout(30)) as session:
        await asyncio.gather(_probe(balancer, session), stop, *(_call(balancer, session) for _ in range(callers)))
    return balancer


def stop_under_load(
    stack: LocalStack, environment: dict[str, str], *, workers: int, callers: int, seconds: float, drain_seconds: float = 1
) -> Finding:
    """Stop the service after this many seconds of load."""
    settings = environment | {"WEB_CONCURRENCY": str(workers), "DRAIN_SECONDS": str(drain_seconds)}

    async def drill() -> _Balancer:
        async def stop() -> None:
            await asyncio.sleep(seconds)
            await asyncio.to_thread(adapter.stop)

        return await _under_load(adapter.url, callers, asyncio.ensure_future(stop()))

    with stack.adapter(environment=settings) as adapter:
        found = asyncio.run(drill())
    failed = found.failures.total()
    return Finding(
        f"SIGTERM with {workers} worker{'s' if workers > 1 else ''} and {callers} callers",
        f"{failed} failed, {found.answered:,} answered" + (f" ({dict(found.failures)})" if failed else ""),
        "0 failed",
        not failed and found.answered > callers,
    )
