"""Reads on a standby: the same bytes, never older than the position that is sent, and no standby is needed."""

import asyncio
import re
import socket
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from time import monotonic, perf_counter
from uuid import uuid4

import httpx
import pytest

from dao_service.client import FluxClient
from dao_service.generated.contract_1_2 import UserCreate
from local_stack import LocalStack, free_port
from local_stack.database import fetch_rows
from local_stack.http_servers import Adapter
from local_stack.processes import wait_until
from tests.conftest import GATEWAYS, gateway_environment, make_user_data, make_world
from tests.rest.endpoints import ENDPOINTS
from tests.scale.standby import Standby

pytestmark = pytest.mark.scale
WRITTEN_AT = "X-Flux-Written-At"
QUERIES = {
    "/messages/": {"conversation_id": "conversation", "limit": "1"},
    "/tasks/by-timerange": {"user_id": "user", "start_time": "2026-01-01T00:00:00Z", "end_time": "2027-01-01T00:00:00Z"},
    "/tasks/": {"user_id": "user"},
    "/tasks/statistics": {"user_id": "user", "start_date": "2026-01-01T00:00:00Z", "end_date": "2027-01-01T00:00:00Z"},
    "/tasks/statistics/by-tag": {"user_id": "user", "start_time": "2026-01-01T00:00:00Z", "end_time": "2027-01-01T00:00:00Z"},
    "/tasks/statistics/weekly": {"user_id": "user", "weeks": "3", "time_zone": "Asia/Kolkata"},
    "/patterns/": {"page": "1", "page_size": "3"},
}


@pytest.fixture(scope="module")
def without(primary: LocalStack) -> Iterator[Adapter]:
    with primary.adapter() as adapter:
        yield adapter


@pytest.fixture(scope="module")
def reading(primary: LocalStack, standby: Standby) -> Iterator[Mapping[str, Adapter]]:
    """An adapter over each gateway that reads from the standby."""
    replicas = {"DATABASE_REPLICA_URLS": standby.postgres.url, "POSTGREST_REPLICA_URLS": standby.postgrest.url}
    with ExitStack() as adapters:
        yield {
            gateway: adapters.enter_context(primary.adapter(environment=gateway_environment(primary, gateway) | urls))
            for gateway, urls in (
                ("postgrest", {"POSTGREST_REPLICA_URLS": replicas["POSTGREST_REPLICA_URLS"]}),
                ("postgres", replicas),
            )
        }


@pytest.fixture(scope="module")
async def rows(without: Adapter) -> Mapping[str, str]:
    async with httpx.AsyncClient(base_url=without.url, timeout=30) as client:
        return await make_world(client)


def caller(adapter: Adapter, contract: str = "1.2") -> httpx.Client:
    return httpx.Client(base_url=f"{adapter.url}/api/v1", timeout=20, headers={"X-Flux-Contract": contract})


def _query(contract: str, path: str, rows: Mapping[str, str]) -> dict[str, str]:
    """The parameters of a path, with the ids of these rows."""
    query = QUERIES.get(path, {"user_id": "user"} if "/statistics" in path else {})
    suffix = "_at" if contract == "1.2" else "_time"
    return {name.replace("_time", suffix) if name != "time_zone" else name: rows.get(value, value) for name, value in query.items()}


def caught_up(primary: LocalStack, standby: Standby) -> bool:
    position = "select public.get_wal_position() as position"
    return fetch_rows(primary.database_url, position) <= fetch_rows(standby.postgres.url, position)


def reads_of(adapter: Adapter) -> dict[str, float]:
    text = httpx.get(f"{adapter.url}/metrics").text
    return {place: float(number) for place, number in re.findall(r'^flux_reads_total\{place="(\w+)"\} (\S+)', text, re.MULTILINE)}


def database_calls(adapter: Adapter) -> dict[str, float]:
    text = httpx.get(f"{adapter.url}/metrics").text
    found = re.findall(r'^flux_database_call_seconds_count\{operation="(\w+)",outcome="ok"\} (\S+)', text, re.MULTILINE)
    return {operation: float(number) for operation, number in found}


@pytest.mark.parametrize("gateway", GATEWAYS)
def test_a_standby_answers_every_get_with_the_primarys_bytes(
    gateway: str, reading: Mapping[str, Adapter], without: Adapter, rows: Mapping[str, str], primary: LocalStack, standby: Standby
) -> None:
    assert wait_until(lambda: caught_up(primary, standby), 5)
    before, asked = reads_of(reading[gateway]), 0
    for contract, paths in ENDPOINTS.items():
        with caller(reading[gateway], contract) as reader, caller(without, contract) as control:
            for path in [path for path, methods in paths.items() if "GET" in methods]:
                filled = re.sub(r"\{(\w+)_id\}", lambda name: rows.get(name[1], str(uuid4())), path)
                query = _query(contract, path, rows)
                read, expected = reader.get(filled, params=query), control.get(filled, params=query)
                assert (read.status_code, read.content) == (expected.status_code, expected.content), (contract, filled)
                assert read.status_code in (200, 404), read.text
                asked += 1
    assert reads_of(reading[gateway])["standby"] - before.get("standby", 0) == asked
    assert reads_of(reading[gateway]).get("primary", 0) == before.get("primary", 0)


@pytest.mark.parametrize("gateway", GATEWAYS)
async def test_a_read_with_the_position_of_a_write_is_never_older(
    gateway: str, reading: Mapping[str, Adapter], standby: Standby
) -> None:
    async with httpx.AsyncClient(base_url=f"{reading[gateway].url}/api/v1", timeout=20) as client:
        user = (await client.post("/users/", json=make_user_data())).json()
        one = f"/users/{user['id']}"
        standby.pause_replay()
        try:
            stale = controls = 0
            for name in map(str, range(30)):
                written = await client.patch(one, json={"name": name})
                position = {WRITTEN_AT: written.headers[WRITTEN_AT]}
                found = await asyncio.gather(*(client.get(one, headers=position) for _ in range(10)))
                stale += sum(read.json().get("name") != name for read in found)
                controls += (await client.get(one)).json().get("name") != name
            async with FluxClient(reading[gateway].url) as flux:
                created = await flux.users.create(UserCreate(email=f"{uuid4().hex}@example.com"))
                assert await flux.users.get(created.id) == created
        finally:
            standby.resume_replay()

    assert stale == 0
    assert controls == 30, "the test proves nothing: a read without a position was not stale"


@pytest.mark.parametrize("gateway", GATEWAYS)
def test_a_read_after_a_write_is_answered_by_the_standby_once_it_has_caught_up(
    gateway: str, reading: Mapping[str, Adapter]
) -> None:
    before = reads_of(reading[gateway]).get("standby", 0)
    deadline = monotonic() + 15
    with caller(reading[gateway]) as client:
        while monotonic() < deadline and reads_of(reading[gateway]).get("standby", 0) - before < 15:
            written = client.post("/users/", json=make_user_data())
            read = client.get(f"/users/{written.json()['id']}", headers={WRITTEN_AT: written.headers[WRITTEN_AT]})
            assert read.content == written.content

    assert reads_of(reading[gateway])["standby"] - before >= 15


@pytest.mark.parametrize("gateway", GATEWAYS)
def test_standbys_that_hang_or_are_down_cost_no_read(gateway: str, primary: LocalStack) -> None:
    with socket.create_server(("127.0.0.1", 0)) as hangs:
        ports = (hangs.getsockname()[1], free_port())
        urls = {
            "DATABASE_REPLICA_URLS": ",".join(f"postgresql://postgres:postgres@127.0.0.1:{port}/postgres" for port in ports),
            "POSTGREST_REPLICA_URLS": ",".join(f"http://127.0.0.1:{port}" for port in ports),
        }
        chosen = ["DATABASE_REPLICA_URLS" if gateway == "postgres" else "POSTGREST_REPLICA_URLS"]
        environment = gateway_environment(primary, gateway) | {name: urls[name] for name in chosen}
        with primary.adapter(environment=environment) as adapter, caller(adapter) as client:
            seconds = []
            for _ in range(20):
                begun = perf_counter()
                assert client.get("/users/").status_code == 200
                seconds.append(perf_counter() - begun)
            ready = httpx.get(f"{adapter.url}/ready").status_code
            log = adapter.log.read_text()

    assert ready == 200
    assert max(seconds) < 2
    assert sorted(seconds)[10] < 0.5
    assert "Standby 1 is left alone for 1 s" in log
    assert "Standby 2 is left alone for 1 s" in log


def test_a_malformed_position_is_refused_with_a_sentence(without: Adapter, reading: Mapping[str, Adapter]) -> None:
    for adapter in (without, *reading.values()):
        with caller(adapter) as client:
            refused = client.get("/users/", headers={WRITTEN_AT: "0/16B3748"})
            assert refused.status_code == 400
            assert refused.json()["detail"].startswith("X-Flux-Written-At is the value")


@pytest.mark.parametrize("gateway", GATEWAYS)
def test_without_standbys_a_write_is_one_call_and_its_answer_has_no_position(gateway: str, primary: LocalStack) -> None:
    with primary.adapter(environment=gateway_environment(primary, gateway)) as adapter, caller(adapter) as client:
        before = database_calls(adapter)
        written = client.post("/users/", json=make_user_data())
        client.get(f"/users/{written.json()['id']}", headers={WRITTEN_AT: "0" * 16})
        after, reads = database_calls(adapter), reads_of(adapter)

    assert WRITTEN_AT not in written.headers
    made = {operation: number - before.get(operation, 0) for operation, number in after.items()}
    assert made == {"call": 1, "insert": 1, "select": 1}, "one call is that of /metrics"
    assert reads == {"standby": 0, "primary": 0}
