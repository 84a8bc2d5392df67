"""The fixtures that the guides name, for tests that are written as the guides say."""

from collections.abc import AsyncIterator

import httpx
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from dao_service.contracts import CONTRACTS, DEFAULT_CONTRACT
from dao_service.core.database import DatabaseSession, SessionFactory
from dao_service.errors import DataServiceError
from dao_service.operations import Operation
from dao_service.validation import read_body, read_query
from local_stack import LocalStack


@pytest.fixture
async def client(service_url: str) -> AsyncIterator[httpx.AsyncClient]:
    """A client whose requests are each in the contract whose words they use, as calls in process are."""

    async def name_contract(request: httpx.Request) -> None:
        request.headers["X-Flux-Contract"] = _contract_of(request)

    async with httpx.AsyncClient(base_url=service_url, event_hooks={"request": [name_contract]}, timeout=30) as opened:
        yield opened


@pytest.fixture
async def db_session(sessions: SessionFactory) -> AsyncIterator[DatabaseSession]:
    """A session, which is rolled back after the test unless the test commits."""
    async with sessions() as opened:
        yield opened


@pytest.fixture(scope="session")
def setup_database(stack: LocalStack) -> None:
    """The database of the run, which is new."""


@pytest.fixture(scope="session")
async def test_engine(stack: LocalStack) -> AsyncIterator[AsyncEngine]:
    """SQLAlchemy's engine on the database, without a pool."""
    engine = create_async_engine(stack.database_url.replace("postgresql:", "postgresql+asyncpg:"), poolclass=NullPool)
    yield engine
    await engine.dispose()


def _contract_of(request: httpx.Request) -> str:
    """The default contract, unless only another takes the request."""
    others = [name for name in CONTRACTS if name != DEFAULT_CONTRACT]
    return next((name for name in [DEFAULT_CONTRACT, *others] if _takes(name, request)), DEFAULT_CONTRACT)


def _takes(contract: str, request: httpx.Request) -> bool:
    try:
        for operation in CONTRACTS[contract].operations:
            if _is_asked(operation, request):
                read_query(operation.query, request.url.query)
                if operation.body:
                    read_body(operation.body, request.content)
                return True
    except DataServiceError:
        pass
    return False


def _is_asked(operation: Operation, request: httpx.Request) -> bool:
    asked, path = request.url.path.removeprefix("/api/v1").split("/"), operation.path.split("/")
    alike = all(own.startswith("{") or own == part for own, part in zip(path, asked, strict=False))
    return operation.method == request.method and len(asked) == len(path) and alike
