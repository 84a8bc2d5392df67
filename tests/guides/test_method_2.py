"""Method 2 of both guides and their unit tests of schemas, as the guides print them, all in one process of Python."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from local_stack import LocalStack
from local_stack.database import fetch_rows
from tests.guides.blocks import block
from tests.in_process.sessions import direct_environment, run_python

DIRECT, UNIT_OF_WORK, LOW_LEVEL = "Basic Direct API Usage", "Using the Unit of Work Pattern", "Direct DAO Access (Low-Level)"
BLOCKS = {
    ("1.0", DIRECT): "",  # runs itself
    ("1.2", DIRECT): "",
    ("1.0", UNIT_OF_WORK): "asyncio.run(atomic_multi_entity_creation())",
    ("1.2", UNIT_OF_WORK): "asyncio.run(atomic_multi_entity_creation())",
    ("1.0", LOW_LEVEL): "asyncio.run(low_level_dao_access())",
    ("1.0", "Unit Test Pattern (Direct API)"): "test_task_create_dto_validation()",
    ("1.2", "Unit Test Pattern (Schema Validation)"): "test_task_create_dto_validation()",
}
"""The blocks of the guides, in the order in which they run, and what calls the function that each defines."""

DRIVER = """
import asyncio, contextlib, io, json, os, warnings

import asyncpg
from pydantic import BaseModel

FORGET = "delete from public.users where email in ('direct@example.com', 'uow@example.com')"
COUNT = '''
    select count(distinct goals.id) as goals, count(distinct milestones.id) as milestones, count(distinct tasks.id) as tasks
    from public.users
    left join public.goals on goals.user_id = users.id
    left join public.milestones on milestones.goal_id = goals.id
    left join public.tasks on tasks.user_id = users.id
    where users.email in ('direct@example.com', 'uow@example.com')
'''


async def ask(statement):
    connection = await asyncpg.connect(os.environ["DATABASE_URL"].replace("+asyncpg", ""))
    try:
        return [tuple(row) for row in await connection.fetch(statement)]
    finally:
        await connection.close()


def plain(value):
    return value.model_dump(mode="json") if isinstance(value, BaseModel) else str(value)


ran = []
for name, text, call in json.loads(BLOCKS):
    printed, namespace = io.StringIO(), {"__name__": name}
    asyncio.run(ask(FORGET))
    with contextlib.redirect_stdout(printed):
        exec(compile(text, name, "exec"), namespace)
        answer = eval(call, namespace | {"asyncio": asyncio}) if call else None
    ran.append({"printed": printed.getvalue(), "answer": answer, "made": asyncio.run(ask(COUNT))[0]})
asyncio.run(ask(FORGET))
print(json.dumps(ran, default=plain))
"""

Ran = dict[str, Any]


@pytest.fixture(scope="module")
def ran(stack: LocalStack) -> Callable[[str, str], Ran]:
    """What a block printed, what its function returned, and how many goals, milestones and tasks it made."""
    statement = """
        with made as (insert into public.users (email) values ('low-level@example.com') returning id)
        insert into public.goals (user_id, title) select id, 'Run' from made returning user_id, id as goal_id
    """
    [existing] = fetch_rows(stack.database_url, statement)
    texts = {}
    for key in BLOCKS:
        texts[key] = block(*key)
        for row_id in existing.values():
            # The block's user and goal are placeholders: `UUID("...")  # existing user`.
            texts[key] = texts[key].replace('UUID("...")', f'UUID("{row_id}")', 1)
    blocks = json.dumps([(" ".join(key), texts[key], call) for key, call in BLOCKS.items()])
    printed = run_python(f"BLOCKS = {blocks!r}\n{DRIVER}", direct_environment(stack))
    fetch_rows(stack.database_url, "delete from public.users where email = 'low-level@example.com' returning id")
    answers = dict(zip(BLOCKS, json.loads(printed), strict=True))
    return lambda version, heading: answers[version, heading]


def test_the_direct_example_of_1_0(ran: Callable[[str, str], Ran]) -> None:
    block = ran("1.0", DIRECT)
    assert block["made"] == [1, 1, 2]
    assert "Created user: " in block["printed"]
    assert block["printed"].endswith("  Milestones: 1\n  Tasks: 2\n")


def test_the_direct_example_of_1_2(ran: Callable[[str, str], Ran]) -> None:
    block = ran("1.2", DIRECT)
    assert block["made"] == [1, 0, 0]
    assert "Created goal: " in block["printed"]


def test_the_unit_of_work_of_1_0(ran: Callable[[str, str], Ran]) -> None:
    block = ran("1.0", UNIT_OF_WORK)
    task = block["answer"]["task"]
    assert block["made"] == [1, 1, 1]
    assert task["milestone_id"] == block["answer"]["milestone"]["id"]
    assert (task["state"], task["start_time"], task["trigger_type"]) == ("scheduled", None, "time")


def test_the_unit_of_work_of_1_2(ran: Callable[[str, str], Ran]) -> None:
    block = ran("1.2", UNIT_OF_WORK)
    assert block["made"] == [1, 0, 1]
    assert block["answer"]["task"]["status"] == "pending"


def test_the_low_level_example_of_1_0(ran: Callable[[str, str], Ran]) -> None:
    answer = ran("1.0", LOW_LEVEL)["answer"]
    assert (answer["task"]["title"], answer["task"]["state"], answer["updated"]) == ("DAO-level task", "scheduled", 0)
    # The block counts from this time on the first of the month, so on that day it finds nothing.
    found = answer["stats"]["total_tasks"]
    assert answer["stats"]["by_state"] == ({"scheduled": 1, "drifted": 0, "completed": 0, "missed": 0} if found else {})
    assert answer["stats"]["by_status"].get("pending", 0) == found


@pytest.mark.parametrize(
    ("version", "heading"),
    [("1.0", "Unit Test Pattern (Direct API)"), ("1.2", "Unit Test Pattern (Schema Validation)")],
)
def test_a_unit_test_of_schemas_passes(version: str, heading: str, ran: Callable[[str, str], Ran]) -> None:
    assert ran(version, heading)["made"] == [0, 0, 0]
