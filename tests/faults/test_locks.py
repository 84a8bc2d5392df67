"""Calls that wait for a lock leave connections to all others."""

import statistics
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

import httpx
import pytest

from local_stack import LocalStack
from local_stack.database import fetch_rows
from local_stack.http_servers import Adapter
from local_stack.processes import wait_until
from tests.conftest import gateway_environment, make_task_data
from tests.faults.breaking import USERS, await_recovery, caller_of, create_user, lock, patient_database

TASKS = "/api/v1/tasks/"
WAITING = 20
CONNECTIONS = 9


@pytest.fixture(scope="module", params=["postgrest", "postgres"])
def patient(broken_stack: LocalStack, request: pytest.FixtureRequest) -> Iterator[Adapter]:
    """An adapter with few connections, over a database that waits long for locks."""
    limits = {"GATEWAY_CONNECTIONS": str(CONNECTIONS), "GATEWAY_TIMEOUT_SECONDS": "3"}
    with (
        patient_database(broken_stack),
        broken_stack.adapter(environment=gateway_environment(broken_stack, request.param) | limits) as adapter,
    ):
        yield adapter


@contextmanager
def _waiting(requests: list[httpx.Request]) -> Iterator[list[Future[httpx.Response]]]:
    with (
        httpx.Client(timeout=30, limits=httpx.Limits(max_connections=None)) as caller,
        ThreadPoolExecutor(len(requests)) as threads,
    ):
        yield [threads.submit(caller.send, request) for request in requests]


def _lock_waiters(stack: LocalStack) -> int:
    return len(fetch_rows(stack.database_url, "select pid from pg_stat_activity where wait_event_type = 'Lock'"))


def _seconds_of(caller: httpx.Client, requests: list[httpx.Request]) -> list[float]:
    seconds = []
    for request in requests:
        begun = time.monotonic()
        response = caller.send(request)
        seconds.append(time.monotonic() - begun)
        assert response.status_code == 200, response.text
    return seconds


def _p99(seconds: list[float]) -> float:
    return statistics.quantiles(seconds, n=100)[98]


def test_a_locked_table_does_not_delay_callers_of_other_tables(patient: Adapter, broken_stack: LocalStack) -> None:
    with caller_of(patient) as caller:
        await_recovery(caller)
        user = create_user(caller)
        writes = [caller.build_request("POST", TASKS, json=make_task_data(user)) for _ in range(WAITING)]
        reads = [caller.build_request("GET", TASKS, params={"user_id": user}) for _ in range(WAITING)]
        with lock(broken_stack, "lock table public.tasks"), _waiting(writes + reads) as answers:
            others = [caller.build_request("GET", f"{USERS}{user}") for _ in range(60)]
            others += [caller.build_request("GET", USERS, params={"limit": 5}) for _ in range(60)]
            seconds = _seconds_of(caller, others)
            ready = caller.get("/ready")
            assert not all(answer.done() for answer in answers)

    assert _p99(seconds) < 0.25
    assert ready.status_code == 200
    assert {answer.result().status_code for answer in answers} <= {200, 201, 503, 504}


def test_a_locked_row_does_not_delay_changes_of_other_rows(patient: Adapter, broken_stack: LocalStack) -> None:
    with caller_of(patient) as caller:
        await_recovery(caller)
        locked, others = create_user(caller), [create_user(caller) for _ in range(4)]
        rename = [caller.build_request("PATCH", f"{USERS}{locked}", json={"name": f"Ada {n}"}) for n in range(WAITING)]
        statement = f"select from public.users where id = '{locked}' for update"
        with lock(broken_stack, statement), _waiting(rename) as answers:
            changes = [
                caller.build_request("PATCH", f"{USERS}{others[n % len(others)]}", json={"name": f"Bo {n}"}) for n in range(80)
            ]
            seconds = _seconds_of(caller, changes)
            ready = caller.get("/ready")
            assert not all(answer.done() for answer in answers)

    assert _p99(seconds) < 0.25
    assert ready.status_code == 200
    assert {answer.result().status_code for answer in answers} <= {200, 503, 504}


def test_readiness_does_not_wait_for_requests_that_hold_every_other_connection(patient: Adapter, broken_stack: LocalStack) -> None:
    with caller_of(patient) as caller:
        await_recovery(caller)
        user = create_user(caller)
        reads = [
            caller.build_request("GET", path, params={"user_id": user})
            for path in (TASKS, "/api/v1/goals/")
            for _ in range(WAITING)
        ]
        with lock(broken_stack, "lock table public.tasks, public.goals"), _waiting(reads) as answers:
            assert wait_until(lambda: _lock_waiters(broken_stack) == CONNECTIONS - 1, 10)
            seconds = []
            for _ in range(3):
                begun = time.monotonic()
                assert caller.get("/ready").json() == {"status": "ready"}
                seconds.append(time.monotonic() - begun)
            assert not any(answer.done() for answer in answers)

    assert max(seconds) < 0.5
