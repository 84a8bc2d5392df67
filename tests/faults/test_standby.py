"""A standby: reads are answered, and writes say that they can be tried again."""

import socket
from collections.abc import Iterator

import httpx
import pytest

from dao_service.tests.conftest import make_user_data
from local_stack import LocalStack
from local_stack.database import execute_script
from tests.conftest import GATEWAYS, gateway_environment


@pytest.fixture(scope="module")
def standby() -> Iterator[LocalStack]:
    """A database with one user that has become a hot standby, and PostgREST on it."""
    # A standby takes no LISTEN.
    stack = LocalStack(postgrest_settings={"PGRST_DB_CHANNEL_ENABLED": "false"})
    with stack.database_first():
        execute_script(stack.database_url, "insert into public.users (email) values ('ada@example.com')")
        stack.postgres.stop()
        (stack.postgres.data / "standby.signal").touch()
        stack.postgres.start()
        stack.start_data_api()
        yield stack


@pytest.mark.parametrize("gateway", GATEWAYS)
def test_a_standby_answers_reads_and_refuses_writes_with_503(gateway: str, standby: LocalStack) -> None:
    with (
        standby.adapter(environment=gateway_environment(standby, gateway)) as adapter,
        httpx.Client(base_url=f"{adapter.url}/api/v1", timeout=10) as caller,
    ):
        read = caller.get("/users/")
        [user] = read.json()["items"]
        one = f"/users/{user['id']}"
        writes = [
            caller.post("/users/", json=make_user_data()),
            caller.patch(one, json={"name": "Ada"}),
            caller.delete(one),
            caller.put(f"/demo-flags/{user['id']}", json={}),
        ]

    assert (read.status_code, user["email"]) == (200, "ada@example.com")
    assert [write.status_code for write in writes] == [503] * 4
    assert all("Retry-After" in write.headers for write in writes)


def test_a_host_that_hangs_and_a_standby_are_passed_by(standby: LocalStack, stack: LocalStack) -> None:
    with socket.create_server(("127.0.0.1", 0)) as hangs:  # it takes connections and never answers
        ports = (hangs.getsockname()[1], standby.postgres.port, stack.postgres.port)
        hosts = ",".join(f"127.0.0.1:{port}" for port in ports)
        url = f"postgresql://postgres:postgres@{hosts}/postgres?target_session_attrs=primary"
        limits = {"DATABASE_URL": url, "GATEWAY_TIMEOUT_SECONDS": "4"}
        # It has started once /ready, which gives a host less time than the gateway does, has answered.
        with stack.adapter(environment=limits) as adapter, httpx.Client(base_url=f"{adapter.url}/api/v1", timeout=10) as caller:
            created = caller.post("/users/", json=make_user_data())

    assert created.status_code == 201
