"""What callers see while a part of the stack fails, and that it recovers by itself. On a stack of its own, which it breaks."""

import asyncio
import os
import signal
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
import pytest

from local_stack import LocalStack
from local_stack.database import execute_script, fetch_rows
from local_stack.http_servers import Adapter
from local_stack.processes import wait_until
from tests.conftest import gateway_environment, make_user_data
from tests.contract.answers import refused

USERS = "/api/v1/users/"
PATTERNS = "/api/v1/patterns/"
LOCK_TIMEOUT, STATEMENT_TIMEOUT = "500ms", "1s"
# What is hard to provoke is injected where it would arise: a pattern of type "slow" takes long, one that is a SQLSTATE raises it.
FAULTS = """
create function private.inject_fault() returns trigger language plpgsql set search_path = '' as $$
begin
  if new.pattern_type = 'slow' then
    perform pg_catalog.pg_sleep(20);
  elsif new.pattern_type is not null then
    raise exception using errcode = new.pattern_type, message = 'relation "users" ' || new.description, detail = new.description;
  end if;
  return new;
end;
$$;
create trigger inject_fault before insert on public.patterns for each row execute function private.inject_fault();
"""
GATEWAYS_AND_VICTIMS = [("postgrest", "postgrest"), ("postgrest", "postgres"), ("postgres", "postgres")]


@pytest.fixture(scope="module")
def broken_stack() -> Iterator[LocalStack]:
    with LocalStack() as stack:
        execute_script(stack.database_url, FAULTS + _time_limits(LOCK_TIMEOUT, STATEMENT_TIMEOUT))
        _restart_connections(stack)
        yield stack


@pytest.fixture(scope="module")
def adapters(broken_stack: LocalStack) -> Iterator[Mapping[str, Adapter]]:
    """An adapter over each gateway, with few connections and little patience."""
    limits = {"GATEWAY_CONNECTIONS": "3", "GATEWAY_TIMEOUT_SECONDS": "2"}
    started: dict[str, Adapter] = {}
    try:
        for gateway in ("postgrest", "postgres"):
            started[gateway] = broken_stack.adapter(environment=gateway_environment(broken_stack, gateway) | limits)
            started[gateway].start()
        yield started
    finally:
        for adapter in started.values():
            adapter.stop()


@pytest.fixture(params=["postgrest", "postgres"])
def caller(adapters: Mapping[str, Adapter], request: pytest.FixtureRequest) -> Iterator[httpx.Client]:
    """A caller of each adapter in turn."""
    with _caller(adapters[request.param]) as opened:
        yield opened


@pytest.fixture(params=GATEWAYS_AND_VICTIMS, ids=lambda case: f"{case[1]} behind {case[0]}")
def victim(request: pytest.FixtureRequest, broken_stack: LocalStack) -> Any:
    """A part that a gateway needs, running again at the end."""
    part = broken_stack.postgrest if request.param[1] == "postgrest" else broken_stack.postgres
    yield part
    if not part.running:
        part.start()


@pytest.fixture
def its_caller(victim: Any, request: pytest.FixtureRequest, adapters: Mapping[str, Adapter]) -> Iterator[httpx.Client]:
    """A caller of the adapter that needs the victim."""
    with _caller(adapters[request.node.callspec.params["victim"][0]]) as opened:
        yield opened


def _caller(adapter: Adapter) -> httpx.Client:
    return httpx.Client(base_url=adapter.url, timeout=20)


def _await_recovery(caller: httpx.Client) -> None:
    assert wait_until(lambda: caller.get("/ready").status_code == 200, 40), "it does not recover"
    assert caller.get(USERS).status_code == 200


@contextmanager
def _lock(stack: LocalStack, statement: str) -> Iterator[None]:
    """Another connection's transaction that holds what the statement locks."""
    loop = asyncio.new_event_loop()
    connection = loop.run_until_complete(asyncpg.connect(stack.database_url))
    try:
        loop.run_until_complete(connection.execute(f"begin; {statement}"))
        yield
        loop.run_until_complete(connection.execute("rollback"))
    finally:
        loop.run_until_complete(connection.close())
        loop.close()


# Killed under load ----------------------------------------------------------------------------------------------------


class Load:
    """Writers that create users as fast as they can, each in a thread, and what they were answered."""

    def __init__(self, url: str, writers: int = 4) -> None:
        self.acknowledged: list[str] = []
        self.refusals: list[httpx.Response] = []
        self.failures: list[BaseException] = []
        self._url = url
        self._changed = threading.Condition()
        self._stopped = threading.Event()
        self._threads = [threading.Thread(target=self._write) for _ in range(writers)]

    def __enter__(self) -> "Load":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        for thread in self._threads:
            thread.join()

    def await_acknowledged(self, more: int) -> None:
        self._await(self.acknowledged, more)

    def await_refused(self, more: int) -> None:
        self._await(self.refusals, more)

    def _await(self, answers: list[Any], more: int) -> None:
        enough = len(answers) + more
        with self._changed:
            assert self._changed.wait_for(lambda: self.failures or len(answers) >= enough, 40), "the load stands still"

    def _write(self) -> None:
        try:
            with httpx.Client(base_url=self._url, timeout=30) as caller:
                while not self._stopped.is_set():
                    data = make_user_data()
                    response = caller.post(USERS, json=data)
                    with self._changed:
                        if response.status_code == 201:
                            self.acknowledged.append(data["email"])
                        else:
                            self.refusals.append(response)
                        self._changed.notify_all()
        except BaseException as failure:
            with self._changed:
                self.failures.append(failure)
                self._changed.notify_all()
            raise


def test_a_part_that_is_killed_under_load_loses_no_acknowledged_write(
    victim: Any, its_caller: httpx.Client, broken_stack: LocalStack
) -> None:
    _await_recovery(its_caller)
    with Load(str(its_caller.base_url)) as load:
        load.await_acknowledged(30)
        victim.kill()
        load.await_refused(8)
        victim.start()
        load.await_acknowledged(30)

    assert load.failures == []
    for response in load.refusals:
        refused(response, 503)
        assert response.headers["retry-after"].isdigit()
    stored = {row["email"] for row in fetch_rows(broken_stack.database_url, "select email from public.users")}
    assert set(load.acknowledged) <= stored
    _await_recovery(its_caller)


# Unreachable ----------------------------------------------------------------------------------------------------------


def test_while_a_part_is_stopped_callers_get_503_and_afterwards_it_recovers_by_itself(
    victim: Any, its_caller: httpx.Client
) -> None:
    _await_recovery(its_caller)
    user = its_caller.post(USERS, json=make_user_data()).json()
    victim.stop()

    for method, path, body in (
        ("GET", USERS, None),
        ("GET", f"{USERS}{user['id']}", None),
        ("POST", USERS, make_user_data()),
        ("PATCH", f"{USERS}{user['id']}", {"onboarded": True}),
        ("DELETE", f"{USERS}{user['id']}", None),
        ("POST", "/api/v1/tasks/bulk-update-state", {"task_ids": [str(uuid4())], "new_status": "done"}),
    ):
        response = its_caller.request(method, path, json=body)
        refused(response, 503)
        assert response.headers["retry-after"].isdigit()
    _is_not_ready_in_time(its_caller)
    # What needs no database is answered as ever.
    refused(its_caller.post(USERS, json={}), 422, "email")
    refused(its_caller.get("/api/v1/no-such-path"), 404)

    victim.start()
    _await_recovery(its_caller)
    assert its_caller.get(f"{USERS}{user['id']}").json() == user


def _is_not_ready_in_time(caller: httpx.Client) -> None:
    started = time.monotonic()
    response = caller.get("/ready")
    seconds = time.monotonic() - started

    assert response.status_code == 503
    assert seconds < 2
    assert response.headers["retry-after"].isdigit()
    assert response.json().keys() == {"status", "detail"}
    assert response.json()["status"] == "not_ready"
    assert response.json()["detail"].strip()
    assert caller.get("/health").json() == {"status": "ok"}


def test_a_data_api_that_does_not_answer_is_503_and_not_ready_within_two_seconds(
    adapters: Mapping[str, Adapter], broken_stack: LocalStack
) -> None:
    pid = broken_stack.postgrest.pid
    assert pid is not None
    with _caller(adapters["postgrest"]) as caller:
        _await_recovery(caller)
        os.kill(pid, signal.SIGSTOP)
        try:
            _is_not_ready_in_time(caller)
            started = time.monotonic()
            response = caller.get(USERS)
            seconds = time.monotonic() - started
        finally:
            os.kill(pid, signal.SIGCONT)

        refused(response, 503)
        assert response.headers["retry-after"].isdigit()
        assert seconds < 5
        _await_recovery(caller)


def test_a_database_that_does_not_answer_is_not_ready_within_two_seconds(caller: httpx.Client, broken_stack: LocalStack) -> None:
    with _patient_database(broken_stack):
        _await_recovery(caller)
        with _lock(broken_stack, "lock table public.users"):
            _is_not_ready_in_time(caller)
    _await_recovery(caller)


@contextmanager
def _patient_database(stack: LocalStack) -> Iterator[None]:
    """Without its time limits, so that only the service's own are left."""
    execute_script(stack.database_url, _time_limits("20s", "20s"))
    _restart_connections(stack)
    try:
        yield
    finally:
        execute_script(stack.database_url, _time_limits(LOCK_TIMEOUT, STATEMENT_TIMEOUT))
        _restart_connections(stack)


def _time_limits(lock: str, statement: str) -> str:
    return f"alter role service_role set lock_timeout = '{lock}'; alter role service_role set statement_timeout = '{statement}'"


def _restart_connections(stack: LocalStack) -> None:
    """Roles' settings take effect with new connections, and where PostgREST reads them anew."""
    stack.postgrest.kill()
    end_connections = "select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid() and state is not null"
    execute_script(stack.database_url, end_connections)
    stack.postgrest.start()


# Too slow, too many ---------------------------------------------------------------------------------------------------


def _user(caller: httpx.Client) -> str:
    response = caller.post(USERS, json=make_user_data())
    assert response.status_code == 201, response.text
    return str(response.json()["id"])


def test_a_statement_that_waits_too_long_for_a_lock_is_504(caller: httpx.Client, broken_stack: LocalStack) -> None:
    _await_recovery(caller)
    user = _user(caller)
    with _lock(broken_stack, f"update public.users set name = 'Held' where id = '{user}'"):
        refused(caller.patch(f"{USERS}{user}", json={"onboarded": True}), 504)

    assert caller.get(f"{USERS}{user}").json()["onboarded"] is False
    assert caller.patch(f"{USERS}{user}", json={"onboarded": True}).status_code == 200


def test_a_statement_that_takes_too_long_is_504_and_leaves_nothing(caller: httpx.Client) -> None:
    _await_recovery(caller)
    user = _user(caller)

    refused(caller.post(PATTERNS, json={"user_id": user, "pattern_type": "slow"}), 504)

    assert caller.get(PATTERNS, params={"user_id": user}).json()["total"] == 0


def _write_slowly(caller: httpx.Client, writers: int, **fields: str) -> list[tuple[httpx.Response, float]]:
    """What each writer is answered, and after how many seconds."""
    user = _user(caller)
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


def test_more_callers_than_connections_get_503_and_none_hangs(caller: httpx.Client) -> None:
    _await_recovery(caller)

    # Large bodies share no call, so each needs a connection.
    answers = _write_slowly(caller, 12, description="x" * 20_000)

    assert {response.status_code for response, _ in answers} == {503, 504}
    assert all(response.headers["retry-after"].isdigit() for response, _ in answers if response.status_code == 503)
    assert max(seconds for _, seconds in answers) < 6
    _await_recovery(caller)


def test_what_took_too_long_together_is_not_tried_again(caller: httpx.Client) -> None:
    _await_recovery(caller)

    answers = _write_slowly(caller, 12)

    assert {response.status_code for response, _ in answers} == {504}
    # They wait 20 ms for the first call, and then as long as that.
    assert max(seconds for _, seconds in answers) < 1.5 * min(seconds for _, seconds in answers)
    _await_recovery(caller)


def test_a_data_api_without_free_connections_is_503(adapters: Mapping[str, Adapter], broken_stack: LocalStack) -> None:
    before = dict(broken_stack.postgrest.settings)
    broken_stack.postgrest.settings |= {"PGRST_DB_POOL": "1", "PGRST_DB_POOL_ACQUISITION_TIMEOUT": "1"}
    try:
        with _patient_database(broken_stack), _caller(adapters["postgrest"]) as caller:
            _await_recovery(caller)
            user = _user(caller)
            slow = threading.Thread(target=lambda: caller.post(PATTERNS, json={"user_id": user, "pattern_type": "slow"}))
            slow.start()
            assert wait_until(lambda: _running_statements(broken_stack) == 1, 10)
            response = caller.get(USERS)
            slow.join()
    finally:
        broken_stack.postgrest.settings = before
        _restart_connections(broken_stack)

    refused(response, 503)
    assert response.headers["retry-after"].isdigit()


def _running_statements(stack: LocalStack) -> int:
    """How many of the service's connections are at work or hold a transaction open."""
    rows = fetch_rows(
        stack.database_url,
        "select pid from pg_stat_activity where state <> 'idle' and backend_type = 'client backend' and pid <> pg_backend_pid()"
        " and usename in ('authenticator', 'postgres') and datname = current_database()",
    )
    return len(rows)


def test_callers_who_leave_in_the_middle_leave_no_connection_behind(caller: httpx.Client, broken_stack: LocalStack) -> None:
    _await_recovery(caller)
    user = _user(caller)
    head = (
        f"PATCH {USERS}{user} HTTP/1.1\r\nHost: {caller.base_url.host}\r\nContent-Type: application/json\r\n"
        "Content-Length: 19\r\n\r\n"
    )
    with _lock(broken_stack, f"update public.users set name = 'Held' where id = '{user}'"):
        for sent in (head, head + '{"onboarded"', head + '{"onboarded": true}') * 6:
            with socket.create_connection((str(caller.base_url.host), caller.base_url.port or 80)) as connection:
                connection.sendall(sent.encode())
        assert wait_until(lambda: _running_statements(broken_stack) > 1, 10), "no statement of theirs began"

    assert wait_until(lambda: _running_statements(broken_stack) == 0, 20), "a statement goes on"
    _await_recovery(caller)
    started = time.monotonic()
    assert [caller.get(f"{USERS}{user}").status_code for _ in range(6)] == [200] * 6
    assert time.monotonic() - started < 2


# What the database reports --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("XX000", 500),
        ("42P01", 500),
        ("42501", 500),
        ("P0001", 500),
        ("40P01", 503),
        ("53300", 503),
        ("53200", 503),
        ("57P01", 503),
        ("25006", 503),
        ("57014", 504),
        ("55P03", 504),
        ("22003", 422),
        ("22P02", 422),
        ("23514", 422),
        ("23505", 409),
    ],
)
def test_an_error_of_the_database_has_its_status_and_shows_nothing_of_it(
    code: str, status: int, caller: httpx.Client, broken_stack: LocalStack
) -> None:
    _await_recovery(caller)
    secret, request_id = uuid4().hex, uuid4().hex
    data = {"user_id": _user(caller), "pattern_type": code, "description": secret}

    response = caller.post(PATTERNS, json=data, headers={"X-Request-ID": request_id})

    refused(response, status)
    assert secret not in response.text
    assert ("retry-after" in response.headers) == (status == 503)
    log = broken_stack.home / "logs" / "adapter.log"
    assert wait_until(lambda: request_id in log.read_text(), 5), "there is no log line"
    line = next(line for line in log.read_text().splitlines() if request_id in line)
    assert f'"status":{status}' in line
    assert (code in line) == (status == 500)
    assert secret not in log.read_text()
