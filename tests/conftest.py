"""The real stack of most tests: Postgres, PostgREST, and an adapter over each gateway. One stack per pytest process.

Tests share the database, so each creates its own users and looks only at them. Those that use a stack are marked
`integration` here; the others are the unit tests of the guides' pipeline, and starting Postgres is an error in them.
"""

import inspect
import re
import ssl
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, ExitStack
from functools import cache
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
import pytest

from dao_service.core.database import SessionFactory
from dao_service.tests.conftest import make_goal_data as make_goal_data
from dao_service.tests.conftest import make_task_data as make_task_data
from dao_service.tests.conftest import make_user_data as make_user_data
from local_stack import LocalStack, Postgres, free_port
from tests.contract.kinds import World
from tests.in_process.sessions import direct_environment
from tests.locks import Database

pytest_plugins = ["tests.guides.fixtures", "tests.running"]
_UUID = re.compile(r"[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}|[0-9a-f]{32}")
JSON = {"Content-Type": "application/json"}
"""What a body that a test writes by hand is declared as."""
GATEWAYS = ("postgrest", "postgres")
Clients = Mapping[str, httpx.AsyncClient]


@cache
def _gives_a_stack(fixture: pytest.FixtureDef[Any]) -> bool:
    """Decided by the annotated return type, so that no list has to be kept."""
    return LocalStack.__name__ in str(inspect.signature(fixture.func).return_annotation)


# First: `-m` chooses by the marks in a hook of the same name.
@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if isinstance(item, pytest.Function):
            fixtures = [each for found in item._fixtureinfo.name2fixturedefs.values() for each in found]
            if any(map(_gives_a_stack, fixtures)):
                item.add_marker("integration")


def _refuse_to_start(_: Postgres) -> None:
    pytest.fail("a unit test starts Postgres: mark it as integration, or let it have its stack from a fixture")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        if not item.get_closest_marker("integration"):
            patch.setattr(Postgres, "start", _refuse_to_start)
        return (yield)


@pytest.fixture(scope="session", autouse=True)
def certificates_read_once() -> Iterator[None]:
    """One context of certificates for all clients: reading them takes each client longer than most requests, which are http."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ssl, "create_default_context", cache(ssl.create_default_context))
        yield


@pytest.fixture(scope="session")
def stack() -> Iterator[LocalStack]:
    """Postgres with the migrations, and PostgREST. Tests that stop a part of it start a stack of their own."""
    with LocalStack() as running:
        yield running


@pytest.fixture(scope="module")
def migrated() -> Iterator[LocalStack]:
    """Postgres with the migrations, for a module of its own: no other client is connected to its database."""
    with LocalStack().database_first() as stack:
        yield stack


def gateway_environment(stack: LocalStack, gateway: str) -> dict[str, str]:
    """The settings with which an adapter of the stack uses this gateway of `GATEWAYS`."""
    return {"DATABASE_URL": stack.database_url.replace("postgresql:", "postgresql+asyncpg:")} if gateway == "postgres" else {}


def pytest_make_parametrize_id(val: object) -> str | None:
    """Keep random ids out of the names of tests: parallel processes must collect the same names."""
    return _UUID.sub("id", val) if isinstance(val, str) and _UUID.search(val) else None


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run each test that calls the service over each gateway, and those marked `one_gateway` over the first alone."""
    if "service_url" in metafunc.fixturenames:
        once = metafunc.definition.get_closest_marker("one_gateway")
        metafunc.parametrize("service_url", GATEWAYS[:1] if once else GATEWAYS, indirect=True)


@pytest.fixture(scope="session")
def service_urls(stack: LocalStack) -> Iterator[Mapping[str, str]]:
    """The URL of an adapter for each gateway."""
    with ExitStack() as adapters:
        started = {each: stack.adapter(environment=gateway_environment(stack, each)) for each in GATEWAYS}
        yield {gateway: adapters.enter_context(adapter).url for gateway, adapter in started.items()}


@pytest.fixture
def service_url(service_urls: Mapping[str, str], request: pytest.FixtureRequest) -> str:
    """The URL of the adapter over this test's gateway."""
    return service_urls[request.param]


@pytest.fixture(scope="session")
async def clients_of_all(service_urls: Mapping[str, str]) -> AsyncIterator[Mapping[str, Clients]]:
    """A client of each contract, for each gateway. Those of 1.2 send no service key, those of 1.0 send one of the guides' keys."""
    headers = {"1.0": {"X-Flux-Service-Key": "goal-planner-key-abc"}, "1.2": {}}
    async with AsyncExitStack() as opened:

        async def client(url: str, contract: str) -> httpx.AsyncClient:
            return await opened.enter_async_context(httpx.AsyncClient(base_url=url, timeout=30, headers=headers[contract]))

        yield {gateway: {contract: await client(url, contract) for contract in headers} for gateway, url in service_urls.items()}


@pytest.fixture
def clients(clients_of_all: Mapping[str, Clients], service_url: str, request: pytest.FixtureRequest) -> Clients:
    """A client of each contract."""
    return clients_of_all[request.node.callspec.params["service_url"]]


@pytest.fixture
def client_1_0(clients: Clients) -> httpx.AsyncClient:
    """A client of contract 1.0."""
    return clients["1.0"]


@pytest.fixture
def client_1_2(clients: Clients) -> httpx.AsyncClient:
    """A client of contract 1.2."""
    return clients["1.2"]


@pytest.fixture(scope="session")
def shared_clients(clients_of_all: Mapping[str, Clients]) -> Clients:
    """Clients that create the rows which many tests share, over the first gateway."""
    return clients_of_all[GATEWAYS[0]]


@pytest.fixture
async def database(stack: LocalStack) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    """A superuser's connection, for what no door can do: reading every table, and changing created_at."""
    connection = await asyncpg.connect(stack.database_url)
    yield connection
    await connection.close()


@pytest.fixture
async def sessions(stack: LocalStack, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[SessionFactory]:
    """In-process sessions on a small pool."""
    for name, value in direct_environment(stack).items():
        monkeypatch.setenv(name, value)
    factory = SessionFactory()
    yield factory
    await factory.dispose()


@pytest.fixture
async def no_database(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[SessionFactory]:
    """In-process sessions whose database does not answer."""
    monkeypatch.setenv("DATABASE_URL", f"postgresql://postgres@127.0.0.1:{free_port()}/postgres")
    factory = SessionFactory()
    yield factory
    await factory.dispose()


async def create(client: httpx.AsyncClient, resource: str, data: dict[str, Any]) -> dict[str, Any]:
    """Create a row, which must succeed, and return it."""
    response = await client.post(f"/api/v1/{resource}/", json=data)
    assert response.status_code == 201, response.text
    row: dict[str, Any] = response.json()
    return row


@pytest.fixture
async def user(client_1_2: httpx.AsyncClient) -> dict[str, Any]:
    """A new user."""
    return await create(client_1_2, "users", make_user_data())


@pytest.fixture
async def goal(client_1_2: httpx.AsyncClient, user: dict[str, Any]) -> dict[str, Any]:
    """A new goal of `user`."""
    return await create(client_1_2, "goals", make_goal_data(user["id"]))


@pytest.fixture
async def holder(stack: LocalStack) -> AsyncIterator[Database]:
    """A superuser's connection in a transaction, to hold locks that others wait for. Rolled back unless the test commits."""
    connection = await asyncpg.connect(stack.database_url)
    await connection.execute("begin")
    yield connection
    await connection.close()


@pytest.fixture(scope="session")
async def world(shared_clients: Clients) -> World:
    """Rows that other rows can refer to. Tests do not change them."""
    return await make_world(shared_clients["1.2"])


async def make_world(client: httpx.AsyncClient) -> World:
    """A user with one row of everything that can be referred to, and another user's rows, which must not be."""

    async def make(resource: str, data: dict[str, Any]) -> str:
        return str((await create(client, resource, data))["id"])

    ids: dict[str, str] = {}
    for prefix in ("", "strangers_"):
        user = ids[f"{prefix}user" if not prefix else "stranger"] = await make("users", make_user_data())
        goal = ids[f"{prefix}goal"] = await make("goals", make_goal_data(user))
        other_goal = ids[f"{prefix}other_goal"] = await make("goals", make_goal_data(user))
        ids[f"{prefix}task"] = await make("tasks", make_task_data(user, goal))
        for name, owner in (("milestone", goal), ("other_goals_milestone", other_goal)):
            milestone = {"goal_id": owner, "week_number": 1, "title": "First week"}
            ids[f"{prefix}{name}"] = await make("milestones", milestone)
        conversation = {"user_id": user, "langgraph_thread_id": uuid4().hex, "context_type": "voice"}
        ids[f"{prefix}conversation"] = await make("conversations", conversation)
    return ids


@pytest.fixture
async def owner(client_1_2: httpx.AsyncClient) -> dict[str, str]:
    """A new user with a goal, as fields of a task."""
    user = await create(client_1_2, "users", make_user_data())
    goal = await create(client_1_2, "goals", make_goal_data(user["id"]))
    return {"user_id": user["id"], "goal_id": goal["id"]}
