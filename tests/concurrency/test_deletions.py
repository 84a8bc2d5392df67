"""Rows that are deleted while others are added to them."""

import asyncpg
import pytest

from tests.concurrency.races import Race
from tests.locks import Database
from tests.owners import Owner

ADDITIONS = {
    "a task": (
        "insert into public.tasks (user_id, goal_id, title) values ('{user}', '{goal}', 'late')",
        "select count(*) from public.tasks where title = 'late' and user_id = '{user}'",
    ),
    "a task of 1.0": (
        "insert into v1_0.tasks (user_id, goal_id, title) values ('{user}', '{goal}', 'late')",
        "select count(*) from public.tasks where title = 'late' and user_id = '{user}'",
    ),
    "a milestone": (
        "insert into public.milestones (goal_id, week_number, title) values ('{goal}', 9, 'late')",
        "select count(*) from public.milestones where title = 'late' and goal_id = '{goal}'",
    ),
    "a conversation": (
        "insert into v1_0.conversations (user_id, goal_id, status) values ('{user}', '{goal}', 'late')",
        "select count(*) from public.conversations where status = 'late' and user_id = '{user}'",
    ),
}
every_addition = pytest.mark.parametrize(("add", "count"), ADDITIONS.values(), ids=ADDITIONS)


def _statements(owner: Owner, *statements: str) -> list[str]:
    return [statement.format(user=owner.user, goal=owner.goal, task=owner.task) for statement in statements]


@every_addition
async def test_a_row_added_to_a_goal_just_before_its_deletion_is_deleted_with_it(
    add: str, count: str, race: Race, database: Database, owner: Owner
) -> None:
    addition, deletion, left = _statements(owner, add, "delete from public.goals where id = '{goal}'", count)

    assert await race.run(addition, deletion) == "DELETE 1"
    assert await database.fetchval(left) == 0


@every_addition
async def test_nothing_is_added_to_a_goal_that_is_being_deleted(
    add: str, count: str, race: Race, database: Database, owner: Owner
) -> None:
    addition, deletion, left = _statements(owner, add, "delete from public.goals where id = '{goal}'", count)

    assert isinstance(await race.run(deletion, addition), asyncpg.ForeignKeyViolationError)
    assert await database.fetchval(left) == 0


async def test_a_link_to_a_task_that_is_deleted_at_once_is_cleared(race: Race, database: Database, owner: Owner) -> None:
    link, deletion = _statements(
        owner,
        "update public.conversations set linked_task_id = '{task}' where user_id = '{user}'",
        "delete from public.tasks where id = '{task}'",
    )

    assert await race.run(link, deletion) == "DELETE 1"
    assert await database.fetchval(
        "select linked_task_id is null and user_id is not null from public.conversations where id = $1",
        owner.conversation,
    )


async def test_a_structure_for_a_user_who_is_being_deleted_is_refused_at_its_goal(
    race: Race, database: Database, owner: Owner
) -> None:
    outcome = await race.run(
        f"delete from public.users where id = '{owner.user}'",
        f"""select public.create_goal_with_structure('{{"user_id": "{owner.user}", "title": "x"}}')""",
    )

    assert isinstance(outcome, asyncpg.ForeignKeyViolationError)
    assert outcome.detail == "at goal"


async def test_one_of_two_deletions_of_a_goal_finds_it(race: Race, database: Database, owner: Owner) -> None:
    deletion = f"delete from public.goals where id = '{owner.goal}'"

    assert await race.run(deletion, deletion) == "DELETE 0"
    assert await database.fetchval("select count(*) from public.tasks where id = $1", owner.task) == 0
