"""Parts that are killed, stopped or silent: what callers see, and that the service recovers by itself."""

import os
import signal
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx

from local_stack import LocalStack
from local_stack.database import fetch_rows
from local_stack.http_servers import Adapter
from tests.answers import refused
from tests.conftest import make_user_data
from tests.faults.breaking import USERS, await_recovery, caller_of, lock


class Load:
    """Writers that create users as fast as they can, each in a thread, and the responses."""

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
    await_recovery(its_caller)
    with Load(str(its_caller.base_url)) as load:
        load.await_acknowledged(30)
        victim.kill()
        load.await_refused(8)
        victim.start()
        load.await_acknowledged(30)

    assert load.failures == []
    for response in load.refusals:
        if response.status_code == 504:  # Sent without a response: the outcome is unknown.
            assert "Idempotency-Key" in refused(response, 504)["detail"]
            assert "retry-after" not in response.headers
        else:
            refused(response, 503)
            assert response.headers["retry-after"].isdigit()
    stored = {row["email"] for row in fetch_rows(broken_stack.database_url, "select email from public.users")}
    assert set(load.acknowledged) <= stored
    await_recovery(its_caller)


def test_callers_get_503_while_a_part_is_stopped_and_the_service_recovers_by_itself(victim: Any, its_caller: httpx.Client) -> None:
    await_recovery(its_caller)
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
    # Requests that need no database succeed.
    refused(its_caller.post(USERS, json={}), 422, "email")
    refused(its_caller.get("/api/v1/no-such-path"), 404)

    victim.start()
    await_recovery(its_caller)
    assert its_caller.get(f"{USERS}{user['id']}").json() == user


def _is_not_ready_in_time(caller: httpx.Client, seconds_at_most: float = 2) -> None:
    started = time.monotonic()
    response = caller.get("/ready")
    seconds = time.monotonic() - started

    assert response.status_code == 503
    assert seconds < seconds_at_most
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
    with caller_of(adapters["postgrest"]) as caller:
        await_recovery(caller)
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
        await_recovery(caller)


def test_a_database_whose_processes_hang_is_answered_within_the_limit(
    adapters: Mapping[str, Adapter], broken_stack: LocalStack
) -> None:
    postmaster = broken_stack.postgres.pid
    assert postmaster is not None
    with caller_of(adapters["postgres"]) as caller:
        await_recovery(caller)
        children = Path(f"/proc/{postmaster}/task/{postmaster}/children").read_text().split()
        hanging = [postmaster, *map(int, children)]
        for pid in hanging:
            os.kill(pid, signal.SIGSTOP)
        try:
            _is_not_ready_in_time(caller, 2.5)
            started = time.monotonic()
            response = caller.get(USERS)
            seconds = time.monotonic() - started
        finally:
            for pid in hanging:
                os.kill(pid, signal.SIGCONT)

        refused(response, 503)
        assert seconds < 2 + 1  # the adapters' limit, and one second
        await_recovery(caller)


def test_a_locked_table_leaves_the_service_ready(caller: httpx.Client, broken_stack: LocalStack) -> None:
    await_recovery(caller)
    with lock(broken_stack, "lock table public.users"):
        assert caller.get("/ready").status_code == 200
