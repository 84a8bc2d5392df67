"""Requests and database calls in /metrics, of one worker and of several."""

import asyncio
import os
import signal
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from dao_service.errors import UnavailableError
from dao_service.gateway.observed import ObservedGateway
from dao_service.generated.contract_1_2 import TASKS
from dao_service.observing.metrics import FOLDER, Metrics
from dao_service.observing.traces import Traces
from local_stack import LocalStack, free_port
from local_stack.http_servers import Adapter, status_of
from local_stack.processes import Server
from tests.conftest import make_user_data

OLD_CALLER = {"X-Flux-Service-Key": "goal-planner-key-abc"}
Sample = tuple[str, ...]


@pytest.fixture
def adapter(stack: LocalStack) -> Iterator[Adapter]:
    """A new adapter, whose counters are 0."""
    with stack.adapter() as started:
        yield started


def _read(text: str, name: str, *labels: str) -> Counter[Sample]:
    """The samples of a metric by these labels; 0 for a missing one."""
    found: Counter[Sample] = Counter()
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if sample.name == name:
                found[tuple(sample.labels[label] for label in labels)] += int(sample.value)
    return found


def _requests(text: str) -> Counter[Sample]:
    """The counted requests without those for readiness and metrics, which the tests themselves make."""
    found = _read(text, "flux_request_seconds_count", "contract", "method", "route", "status")
    return Counter({labels: count for labels, count in found.items() if labels[2] not in ("/ready", "/metrics")})


def _calls(text: str, calls: str = "gateway") -> Counter[Sample]:
    return _read(text, f"flux_{calls}_call_seconds_count", "operation", "outcome")


async def test_requests_are_counted_by_route_method_status_and_contract(adapter: Adapter) -> None:
    async with httpx.AsyncClient(base_url=adapter.url) as caller:
        created = await caller.post("/api/v1/users/", json=make_user_data())
        for _ in range(3):
            await caller.get(f"/api/v1/users/{created.json()['id']}", headers=OLD_CALLER)
        await caller.get(f"/api/v1/users/{uuid4()}")
        await caller.get("/api/v1/users/1")
        await caller.get("/api/v1/users/", headers={"X-Flux-Service-Key": "unknown"})
        for path in ("/health", "/docs", "/nowhere"):
            await caller.get(path)
        text = (await caller.get("/metrics")).text

    assert _requests(text) == {
        ("1.2", "POST", "/users/", "201"): 1,
        ("1.0", "GET", "/users/{user_id}", "200"): 3,
        ("1.2", "GET", "/users/{user_id}", "404"): 1,
        ("1.2", "GET", "/users/{user_id}", "422"): 1,
        ("none", "GET", "none", "403"): 1,
        ("none", "GET", "/health", "200"): 1,
        ("none", "GET", "/docs", "200"): 1,
        ("none", "GET", "none", "404"): 1,
    }


async def test_unknown_paths_and_methods_share_a_label(adapter: Adapter) -> None:
    async with httpx.AsyncClient(base_url=adapter.url) as caller:
        for path in ("first", "second"):
            await caller.get(f"/api/v1/{path}/")
            await caller.request("PROPFIND", f"/api/v1/{path}/")
        text = (await caller.get("/metrics")).text

    assert _requests(text) == {("1.2", "GET", "none", "404"): 2, ("1.2", "other", "none", "404"): 2}


async def test_calls_are_counted_by_operation_and_outcome(adapter: Adapter) -> None:
    async with httpx.AsyncClient(base_url=adapter.url) as caller:
        before = (await caller.get("/metrics")).text
        data = make_user_data()
        for _ in range(2):
            await caller.post("/api/v1/users/", json=data)
        await caller.get("/api/v1/users/")
        await caller.patch(f"/api/v1/users/{uuid4()}", json={"name": "Lena"})
        text = (await caller.get("/metrics")).text

    for calls in ("gateway", "database"):
        assert _calls(text, calls) - _calls(before, calls) == {
            ("insert", "ok"): 1,
            ("insert", "conflict"): 1,
            ("call", "ok"): 2,  # the list, and what the scrape asks
            ("update", "not_found"): 1,
        }
        assert _read(text, f"flux_{calls}_calls_in_progress") == {(): 0}
    assert _read(text, "flux_gateway_connections") == {(): 20}


async def test_the_requests_that_share_a_database_call_can_be_counted(adapter: Adapter) -> None:
    async with httpx.AsyncClient(base_url=adapter.url) as caller, asyncio.timeout(30):
        users = [(await caller.post("/api/v1/users/", json=make_user_data())).json()["id"] for _ in range(10)]
        calls = _calls((await caller.get("/metrics")).text, "database")["call", "ok"]
        rounds = 0
        while True:  # until several requests have shared a call
            rounds += 1
            await asyncio.gather(*(caller.get(f"/api/v1/users/{user}") for user in users))
            text = (await caller.get("/metrics")).text
            # Each look at the metrics calls the function that tells how far deliveries are behind.
            if shared := _calls(text, "database")["call", "ok"] - calls - rounds:
                break

    assert _calls(text)["select", "ok"] == 10 * rounds
    assert _calls(text, "database")["select", "ok"] + shared < 10 * rounds


class _Broken:
    """A gateway that waits and then fails as if the database were unreachable."""

    def __init__(self) -> None:
        self.go_on = asyncio.Event()

    async def select(self, *_: Any) -> bytes:
        await self.go_on.wait()
        raise UnavailableError("The database cannot be reached.")


async def test_a_call_is_in_progress_until_it_fails() -> None:
    broken, metrics = _Broken(), Metrics()
    gateway = ObservedGateway(broken, "gateway", metrics, Traces())  # type: ignore[arg-type] # it has only the operation that the test calls
    calls = [asyncio.create_task(gateway.select(TASKS, "")) for _ in range(3)]
    await asyncio.sleep(0)
    meanwhile = metrics.text().decode()
    broken.go_on.set()
    await asyncio.wait(calls)

    assert all(isinstance(call.exception(), UnavailableError) for call in calls)
    assert _read(meanwhile, "flux_gateway_calls_in_progress") == {(): 3}
    assert _calls(metrics.text().decode()) == {("select", "unavailable"): 3}
    assert _read(metrics.text().decode(), "flux_gateway_calls_in_progress") == {(): 0}


async def _get_users(url: str, times: int) -> None:
    for _ in range(times):
        # Over a connection of its own, so that any worker may take it.
        async with httpx.AsyncClient(base_url=url) as caller:
            assert (await caller.get("/api/v1/users/")).status_code == 200


async def test_workers_count_together_even_after_one_has_died(stack: LocalStack) -> None:
    route = ("1.2", "GET", "/users/", "200")
    with stack.adapter(environment={"WEB_CONCURRENCY": "2"}) as adapter:
        await _get_users(adapter.url, 20)
        before = await _agreed(adapter, lambda text: _requests(text)[route] == 20)
        workers = _workers_of(adapter)
        os.kill(workers[0], signal.SIGKILL)
        await _agreed(adapter, lambda _: len(set(_workers_of(adapter)) - {workers[0]}) == 2)
        await _get_users(adapter.url, 5)
        after = await _agreed(adapter, lambda text: _requests(text)[route] == 25)

    assert _read(before, "flux_gateway_connections") == {(): 40}
    assert _read(after, "flux_gateway_connections") == {(): 40}


def test_workers_started_by_uvicorn_count_separately(stack: LocalStack, tmp_path: Path) -> None:
    port = free_port()
    server = Server("the adapter", tmp_path / "adapter.log")
    command = [sys.executable, "-m", "uvicorn", "dao_service.main:app", "--port", str(port), "--workers", "2"]
    inherited = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
    server.spawn(command, env=inherited | stack.adapter_environment())
    try:
        server.await_ready(lambda: status_of(port, "/ready") == 200)
        text = httpx.get(f"http://127.0.0.1:{port}/metrics").text
    finally:
        server.stop()

    assert _read(text, "flux_gateway_connections") == {(): 20}
    assert "process_cpu_seconds_total" in text


def test_an_invalid_file_of_counts_is_ignored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(FOLDER, str(tmp_path))
    for number, content in enumerate(("{", "[]", "{}", '{"counts": {"flux_other": []}, "gauges": {}}')):
        (tmp_path / f"{number}.json").write_text(content)
    metrics = Metrics()
    metrics.count_call("gateway", "select", "ok", 0.1)

    assert _calls(metrics.text().decode()) == {("select", "ok"): 1}


def test_the_service_goes_on_if_the_folder_of_counts_disappears(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(FOLDER, str(tmp_path / "gone"))
    metrics = Metrics()
    metrics.count_call("gateway", "select", "ok", 0.1)
    metrics.close()

    assert _calls(metrics.text().decode()) == {("select", "ok"): 1}


async def _agreed(adapter: Adapter, fits: Callable[[str], bool]) -> str:
    """The text of /metrics once ten scrapes in a row, of either worker, satisfy the condition and include both workers."""
    in_a_row = 0
    async with asyncio.timeout(60):
        while True:
            async with httpx.AsyncClient(base_url=adapter.url) as caller:
                try:
                    text = (await caller.get("/metrics")).text
                except httpx.TransportError:  # of the worker that was killed
                    continue
            in_a_row = in_a_row + 1 if fits(text) and _read(text, "flux_gateway_connections") == {(): 40} else 0
            if in_a_row == 10:
                return text


def _workers_of(adapter: Adapter) -> list[int]:
    """The ids of uvicorn's worker processes."""
    children = Path(f"/proc/{adapter.pid}/task/{adapter.pid}/children").read_text().split()
    return [int(pid) for pid in children if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()]
