"""The tests that the guides tell their readers to write, as printed, with the fixtures and factories of the guides."""

from collections.abc import AsyncIterator
from types import SimpleNamespace
from uuid import uuid4

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from dao_service.core.database import DatabaseSession
from dao_service.errors import NotFoundError
from dao_service.schemas.user import UserCreateDTO
from dao_service.services.dao_user_service import DaoUserService
from tests.guides.blocks import VERSIONS, block

INTEGRATION, FACTORIES = "Integration Test Pattern (HTTP)", "Test Data Factories"


@pytest.fixture(autouse=True)
async def _no_test_has_run(database: "asyncpg.Connection[asyncpg.Record]") -> AsyncIterator[None]:
    forget = "delete from public.users where email = 'test@example.com'"
    await database.execute(forget)
    yield
    await database.execute(forget)


# pytest collects what the blocks define: a function of 1.0, a class of 1.2.
for _version in VERSIONS:
    exec(compile(block(_version, INTEGRATION), f"guide {_version}", "exec"))


def test_the_integration_tests_of_both_guides_are_collected() -> None:
    assert {"test_create_and_retrieve_task", "TestMyFeature"} <= globals().keys()


@pytest.mark.parametrize("version", VERSIONS)
def test_the_factories_make_test_data(version: str) -> None:
    made = SimpleNamespace(user_id=str(uuid4()), goal_id=str(uuid4()))
    exec(block(version, FACTORIES), vars(made))
    assert made.user_data["email"].endswith("@example.com")
    assert made.goal_data["user_id"] == made.task_data["user_id"] == made.user_id
    assert made.task_data["goal_id"] == made.goal_id
    assert made.task_data.get("state") == ("completed" if version == "1.0" else None)


@pytest.mark.usefixtures("setup_database")
async def test_a_session_and_an_engine_see_the_database(db_session: DatabaseSession, test_engine: AsyncEngine) -> None:
    user = await DaoUserService().create_user(db_session, UserCreateDTO(email="test@example.com"))
    async with test_engine.connect() as connection:
        seen = await connection.execute(text("select count(*) from public.users where email = 'test@example.com'"))
        assert seen.scalar_one() == 0
    await db_session.rollback()
    with pytest.raises(NotFoundError):
        await DaoUserService().get_user(db_session, user.id)
