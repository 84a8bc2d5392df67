"""Method 2 of the guides, as they print it: each example in a process of its own, which says nothing on its standard error."""

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from dao_service.core.database import SessionFactory
from dao_service.v1_0.dao.dao_registry import get_goal_dao, get_user_dao
from dao_service.v1_0.schemas.goal import GoalCreateDTO
from dao_service.v1_0.schemas.user import UserCreateDTO
from local_stack import LocalStack
from local_stack.database import fetch_rows
from tests.in_process.sessions import direct_environment, run_python

GUIDES = Path(__file__).parent
EMAILS = ("direct@example.com", "uow@example.com")


def example(version: str, name: str) -> str:
    return (GUIDES / version / f"{name}.py.txt").read_text()


def in_words_of_1_0(source: str) -> str:
    return source.replace("from dao_service.", "from dao_service.v1_0.")


@pytest.fixture
def clean_stack(stack: LocalStack) -> Iterator[LocalStack]:
    """Without the users that the examples create."""
    delete = "delete from public.users where email = any ($1) returning email"
    fetch_rows(stack.database_url, delete, EMAILS)
    yield stack
    fetch_rows(stack.database_url, delete, EMAILS)


def counts(stack: LocalStack, email: str) -> list[int]:
    """How many goals, milestones and tasks the user has."""
    query = """
        select count(distinct goals.id) as goals, count(distinct milestones.id) as milestones, count(distinct tasks.id) as tasks
        from public.users
        left join public.goals on goals.user_id = users.id
        left join public.milestones on milestones.goal_id = goals.id
        left join public.tasks on tasks.user_id = users.id
        where users.email = $1
    """
    [row] = fetch_rows(stack.database_url, query, email)
    return list(row.values())


@pytest.mark.parametrize(("version", "made"), [("1.0", [1, 1, 2]), ("1.2", [1, 0, 0])])
def test_the_direct_api_example(clean_stack: LocalStack, version: str, made: list[int]) -> None:
    output = run_python(example(version, "direct_api"), direct_environment(clean_stack))
    assert output.startswith("Created user: ")
    assert counts(clean_stack, "direct@example.com") == made


@pytest.mark.parametrize(("version", "made"), [("1.0", [1, 1, 1]), ("1.2", [1, 0, 1])])
def test_the_unit_of_work_example(clean_stack: LocalStack, version: str, made: list[int]) -> None:
    call = "\nimport asyncio\nasyncio.run(atomic_multi_entity_creation())\n"
    run_python(example(version, "unit_of_work") + call, direct_environment(clean_stack))
    assert counts(clean_stack, "uow@example.com") == made


async def test_the_low_level_example(stack: LocalStack, sessions: SessionFactory) -> None:
    async with sessions() as db:
        user = await get_user_dao().create(db, UserCreateDTO(name="Ada", email=f"{uuid4().hex}@example.com"))
        goal = await get_goal_dao().create(db, GoalCreateDTO(user_id=user.id, title="Run"))
        await db.commit()
    source = in_words_of_1_0(example("1.0", "low_level_dao"))
    for row in (user, goal):
        source = source.replace('UUID("...")', f'UUID("{row.id}")', 1)
    source += """
import asyncio
done = asyncio.run(low_level_dao_access())
print(done["task"].state, done["updated"], done["stats"].by_state["scheduled"])
"""
    made = "scheduled 0 1\n"
    assert run_python(source, direct_environment(stack)) == made


@pytest.mark.parametrize("version", ["1.0", "1.2"])
def test_the_unit_tests_of_schemas(version: str) -> None:
    source = example(version, "schema_test")
    source = in_words_of_1_0(source) if version == "1.0" else source
    run_python(source + "\ntest_task_create_dto_validation()\n", {})
