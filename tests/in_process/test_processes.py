"""The start and end of a process that uses the in-process API: settings, the extra, event loops."""

import pytest

from dao_service.core.database import SessionFactory
from dao_service.settings import SettingsError
from local_stack import LocalStack
from tests.in_process.sessions import RUNNING, direct_environment, run_python

# Before any other import: as if the extra were not installed.
WITHOUT_ASYNCPG = "import sys; sys.modules['asyncpg'] = None\n"


def test_each_event_loop_gets_a_pool_that_ends_with_it(stack: LocalStack) -> None:
    source = """
import asyncio, uvloop
from dao_service.core.database import AsyncSessionLocal
from dao_service.services.dao_user_service import DaoUserService

async def main():
    async with AsyncSessionLocal() as db:
        await DaoUserService().list_users(db, limit=1)
    return len(asyncio.all_tasks())

print(asyncio.run(main()), asyncio.run(main()), uvloop.run(main()))
"""
    assert run_python(source, direct_environment(stack)) == "1 1 1\n"


@pytest.mark.parametrize("environment", [{}, {"SUPABASE_URL": "http://localhost", "SUPABASE_SERVICE_ROLE_KEY": "key"}])
def test_a_missing_database_url_is_named(environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DATABASE_URL", raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match="DATABASE_URL: is not set"):
        SessionFactory()()


def test_a_wrong_database_url_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "mysql://root:secret@localhost")
    with pytest.raises(SettingsError, match=r"DATABASE_URL: is not a postgresql:// URL") as raised:
        SessionFactory()()
    assert "secret" not in repr(raised.value)


async def test_the_settings_are_read_again_after_dispose(stack: LocalStack, monkeypatch: pytest.MonkeyPatch) -> None:
    sessions = SessionFactory()
    for name, value in direct_environment(stack).items():
        monkeypatch.setenv(name, value)
    sessions()
    monkeypatch.delenv("DATABASE_URL")
    sessions()
    await sessions.dispose()
    with pytest.raises(SettingsError):
        sessions()


def test_a_missing_extra_is_named() -> None:
    source = """
import dao_service.schemas.user, dao_service.schemas.task
try:
    from dao_service.core.database import AsyncSessionLocal
except ModuleNotFoundError as error:
    print(error)
"""
    assert "pip install 'flux-dao-service[direct]'" in run_python(WITHOUT_ASYNCPG + source, {})


def test_the_rest_service_over_the_data_api_needs_no_extra(stack: LocalStack) -> None:
    source = """
import httpx
from dao_service.main import app

async def main():
    async with running(app), httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://-") as client:
        print((await client.get("/ready")).json(), (await client.get("/api/v1/users/")).status_code)

asyncio.run(main())
"""
    environment = {**stack.adapter_environment(), "LOG_LEVEL": "error"}
    assert run_python(WITHOUT_ASYNCPG + RUNNING + source, environment) == "{'status': 'ready'} 200\n"


def test_the_rest_service_over_postgres_names_the_missing_extra(stack: LocalStack) -> None:
    source = """
try:
    import dao_service.main
except ModuleNotFoundError as error:
    print(error)
"""
    assert "flux-dao-service[direct]" in run_python(WITHOUT_ASYNCPG + source, direct_environment(stack))
