"""A stack that tests break, with faults on demand, and an adapter over each gateway."""

from collections.abc import Iterator, Mapping
from typing import Any

import httpx
import pytest

from local_stack import LocalStack
from local_stack.database import execute_script
from local_stack.http_servers import Adapter
from tests.conftest import gateway_environment
from tests.faults.breaking import LOCK_TIMEOUT, STATEMENT_TIMEOUT, caller_of, restart_connections, time_limits

# Errors that are hard to provoke are injected in the database: a pattern of type "slow" takes long, one with a SQLSTATE raises it.
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


@pytest.fixture(scope="package")
def broken_stack() -> Iterator[LocalStack]:
    with LocalStack() as stack:
        execute_script(stack.database_url, FAULTS + time_limits(LOCK_TIMEOUT, STATEMENT_TIMEOUT))
        restart_connections(stack)
        yield stack


@pytest.fixture(scope="package")
def adapters(broken_stack: LocalStack) -> Iterator[Mapping[str, Adapter]]:
    """An adapter over each gateway, with few connections and short limits."""
    limits = {"GATEWAY_CONNECTIONS": "4", "GATEWAY_TIMEOUT_SECONDS": "2"}
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
    with caller_of(adapters[request.param]) as opened:
        yield opened


@pytest.fixture(params=GATEWAYS_AND_VICTIMS, ids=lambda case: f"{case[1]} behind {case[0]}")
def victim(request: pytest.FixtureRequest, broken_stack: LocalStack) -> Any:
    """A part that a gateway needs. It runs again after the test."""
    part = broken_stack.postgrest if request.param[1] == "postgrest" else broken_stack.postgres
    yield part
    if not part.running:
        part.start()


@pytest.fixture
def its_caller(victim: Any, request: pytest.FixtureRequest, adapters: Mapping[str, Adapter]) -> Iterator[httpx.Client]:
    """A caller of the adapter that needs the victim."""
    with caller_of(adapters[request.node.callspec.params["victim"][0]]) as opened:
        yield opened
