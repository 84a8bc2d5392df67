"""Statements that take too long, and more callers than connections."""

import socket
import threading
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

import httpx

from local_stack import LocalStack
from local_stack.database import fetch_rows
from local_stack.http_servers import Adapter
from local_stack.processes import wait_until
from tests.answers import refused
from tests.faults.breaking import (
    PATTERNS,
    USERS,
    await_recovery,
    caller_of,
    create_user,
    lock,
    patient_database,
    restart_connections,
)


def test_a_statement_that_waits_too_long_for_a_lock_is_504(caller: httpx.Client, broken_stack: LocalStack) -> None:
    await_recovery(caller)
    user = create_user(caller)
    with lock(broken_stack, f"update public.users set name = 'Held' where id = '{user}'"):
        refused(caller.patch(f"{USERS}{user}", json={"onboarded": True}), 504)

    assert caller.get(f"{USERS}{user}").json()["onboarded"] is False
    assert caller.patch(f"{USERS}{user}", json={"onboarded": True}).status_code == 200


def test_a_statement_that_takes_too_long_is_504_and_leaves_nothing(caller: httpx.Client) -> None:
    await_recovery(caller)
    user = create_user(caller)

    refused(caller.post(PATTERNS, json={"user_id": user, "pattern_type": "slow"}), 504)

    assert caller.get(PATTERNS, params={"user_id": user}).json()["total"] == 0


def _write_slowly(caller: httpx.Client, writers: int, **fields: str) -> list[tuple[httpx.Response, float]]:
    """The response to each writer, and its seconds."""
    user = create_user(caller)
    connected = threading.Barrier(writers)

    def write(_: int) -> tuple[httpx.Response, float]:
        with httpx.Client(base_url=caller.base_url, timeout=20) as own:
            own.get("/health")
            connected.wait(10)
            started = time.monotonic()
            response = own.post(PATTERNS, json={"user_id": user, "pattern_type": "slow", **fields})
        return response, time.monotonic() - started

    with ThreadPoolExecutor(writers) as pool:
        return list(pool.map(write, range(writers)))


def test_callers_beyond_the_connection_limit_get_503_and_none_hangs(caller: httpx.Client) -> None:
    await_recovery(caller)

    # Large bodies share no call, so each needs a connection.
    answers = _write_slowly(caller, 12, description="x" * 20_000)

    assert {response.status_code for response, _ in answers} == {503, 504}
    assert all(response.headers["retry-after"].isdigit() for response, _ in answers if response.status_code == 503)
    assert max(seconds for _, seconds in answers) < 6
    await_recovery(caller)


def test_a_shared_call_that_took_too_long_is_not_retried(caller: httpx.Client) -> None:
    await_recovery(caller)

    answers = _write_slowly(caller, 12)

    assert {response.status_code for response, _ in answers} == {504}
    # They wait 20 ms for the first call and share the next.
    assert max(seconds for _, seconds in answers) < 1.5 * min(seconds for _, seconds in answers)
    await_recovery(caller)


def test_a_data_api_without_free_connections_is_503(adapters: Mapping[str, Adapter], broken_stack: LocalStack) -> None:
    before = dict(broken_stack.postgrest.settings)
    broken_stack.postgrest.settings |= {"PGRST_DB_POOL": "1", "PGRST_DB_POOL_ACQUISITION_TIMEOUT": "1"}
    try:
        with patient_database(broken_stack), caller_of(adapters["postgrest"]) as caller:
            await_recovery(caller)
            user = create_user(caller)
            slow = threading.Thread(target=lambda: caller.post(PATTERNS, json={"user_id": user, "pattern_type": "slow"}))
            slow.start()
            assert wait_until(lambda: _running_statements(broken_stack) == 1, 10)
            response = caller.get(USERS)
            slow.join()
    finally:
        broken_stack.postgrest.settings = before
        restart_connections(broken_stack)

    refused(response, 503)
    assert response.headers["retry-after"].isdigit()


def _running_statements(stack: LocalStack) -> int:
    """The number of the service's connections that are active or hold a transaction open."""
    rows = fetch_rows(
        stack.database_url,
        "select pid from pg_stat_activity where state <> 'idle' and backend_type = 'client backend' and pid <> pg_backend_pid()"
        " and usename in ('authenticator', 'postgres') and datname = current_database()",
    )
    return len(rows)


def test_callers_who_disconnect_midway_leave_no_connection_in_use(caller: httpx.Client, broken_stack: LocalStack) -> None:
    await_recovery(caller)
    user = create_user(caller)
    head = (
        f"PATCH {USERS}{user} HTTP/1.1\r\nHost: {caller.base_url.host}\r\nContent-Type: application/json\r\n"
        "Content-Length: 19\r\n\r\n"
    )
    with lock(broken_stack, f"update public.users set name = 'Held' where id = '{user}'"):
        for sent in (head, head + '{"onboarded"', head + '{"onboarded": true}') * 6:
            with socket.create_connection((str(caller.base_url.host), caller.base_url.port or 80)) as connection:
                connection.sendall(sent.encode())
        assert wait_until(lambda: _running_statements(broken_stack) > 1, 10), "no statement of theirs began"

    assert wait_until(lambda: _running_statements(broken_stack) == 0, 20), "a statement goes on"
    await_recovery(caller)
    started = time.monotonic()
    assert [caller.get(f"{USERS}{user}").status_code for _ in range(6)] == [200] * 6
    assert time.monotonic() - started < 2
