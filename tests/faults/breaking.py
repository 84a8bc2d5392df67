"""Breaking a stack, and waiting until it has recovered."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

import httpx

from fault_drills.sessions import holding
from local_stack import LocalStack
from local_stack.database import execute_script
from local_stack.http_servers import Adapter
from local_stack.processes import wait_until
from tests.conftest import make_user_data

USERS = "/api/v1/users/"
PATTERNS = "/api/v1/patterns/"
LOCK_TIMEOUT, STATEMENT_TIMEOUT = "500ms", "1s"


def caller_of(adapter: Adapter) -> httpx.Client:
    return httpx.Client(base_url=adapter.url, timeout=20)


def await_recovery(caller: httpx.Client) -> None:
    assert wait_until(lambda: caller.get("/ready").status_code == 200, 40), "it does not recover"
    assert caller.get(USERS).status_code == 200


def create_user(caller: httpx.Client) -> str:
    response = caller.post(USERS, json=make_user_data())
    assert response.status_code == 201, response.text
    return str(response.json()["id"])


def lock(stack: LocalStack, statement: str) -> AbstractContextManager[None]:
    """An open transaction of another connection that holds the locks of a statement."""
    return holding(stack.database_url, statement)


@contextmanager
def patient_database(stack: LocalStack) -> Iterator[None]:
    """The database without its time limits, so that only those of the service apply."""
    execute_script(stack.database_url, time_limits("20s", "20s"))
    restart_connections(stack)
    try:
        yield
    finally:
        execute_script(stack.database_url, time_limits(LOCK_TIMEOUT, STATEMENT_TIMEOUT))
        restart_connections(stack)


def time_limits(lock: str, statement: str) -> str:
    return f"alter role service_role set lock_timeout = '{lock}'; alter role service_role set statement_timeout = '{statement}'"


def restart_connections(stack: LocalStack) -> None:
    """Restart connections: settings of roles apply to new ones, and PostgREST reads them at start."""
    stack.postgrest.kill()
    end_connections = "select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid() and state is not null"
    execute_script(stack.database_url, end_connections)
    stack.postgrest.start()
