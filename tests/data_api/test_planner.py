"""The planner's estimates, which are made from the rows of all users, reach no answer."""

from collections.abc import AsyncIterator
from uuid import uuid4

import asyncpg
import httpx
import pytest

from local_stack import LocalStack
from tests.locks import Database
from tests.owners import make_owner

REFUSAL = "Planned and estimated counts are not available. Use count=exact."
FORMS = {
    "one line": ["count={}"],
    "with others": ["return=representation, count={}"],
    "the first of two lines": ["count={}", "return=representation"],
    "the second of two lines": ["return=representation", "count={}"],
}


@pytest.fixture
async def attacker(stack: LocalStack, database: Database) -> AsyncIterator[httpx.AsyncClient]:
    """A user with a row of everything, in a database that the planner has statistics of."""
    owner = await make_owner(database)
    await database.execute("analyze public.goals, public.tasks, public.messages")
    headers = {"apikey": stack.anon_key, "Authorization": f"Bearer {stack.mint(owner.user)}"}
    async with httpx.AsyncClient(base_url=f"{stack.api_url}/rest/v1", headers=headers, verify=False) as client:
        yield client


def preferring(lines: list[str], *others: tuple[str, str]) -> list[tuple[str, str]]:
    return [("Prefer", line) for line in lines] + list(others)


async def _columns(database: Database) -> list[asyncpg.Record]:
    """Each column of each exposed relation."""
    return await database.fetch(
        """
        select nspname as schema, relname as relation, attname as column, format_type(atttypid, atttypmod) as type
        from pg_attribute
        inner join pg_class on attrelid = pg_class.oid and relkind in ('r', 'v')
        inner join pg_namespace on relnamespace = pg_namespace.oid
        where nspname in ('public', 'v1_0') and attnum > 0 and not attisdropped
        """
    )


async def test_no_column_can_be_bisected_with_planned_counts(attacker: httpx.AsyncClient, database: Database) -> None:
    """Whatever is compared with whatever, no answer has a count, so there is no step to find."""
    columns = await _columns(database)
    assert len(columns) > 100

    for column in columns:
        answer = await attacker.head(
            f"/{column['relation']}",
            params={column["column"]: "not.is.null", "select": column["column"]},
            headers=preferring(["count=planned"], ("Accept-Profile", column["schema"])),
        )
        assert (answer.status_code, answer.headers.get("content-range")) == (400, None), column


@pytest.mark.parametrize("bound", ["00000000-0000-0000-0000-000000000000", "80000000-0000-0000-0000-000000000000", str(uuid4())])
@pytest.mark.parametrize("lines", FORMS.values(), ids=FORMS)
async def test_a_planned_count_is_400_in_every_form(lines: list[str], bound: str, attacker: httpx.AsyncClient) -> None:
    below = {"id": f"lt.{bound}"}
    embedded = {"select": "id,tasks(id,notification_log(id))", "tasks.id": f"lt.{bound}"}

    for params in (below, embedded):
        for path, schema in (("/goals", "public"), ("/users", "public"), ("/goals", "v1_0")):
            if params is embedded and (path, schema) != ("/goals", "public"):
                continue
            headers = preferring([line.format("planned") for line in lines], ("Accept-Profile", schema))
            answer = await attacker.get(path, params=params, headers=headers)

            assert (answer.status_code, answer.json()["message"]) == (400, REFUSAL)
            assert "content-range" not in answer.headers


@pytest.mark.parametrize("lines", FORMS.values(), ids=FORMS)
async def test_an_estimated_count_is_never_the_planners(lines: list[str], attacker: httpx.AsyncClient) -> None:
    headers = preferring([line.format("estimated") for line in lines])

    answer = await attacker.get("/goals", params={"id": f"lt.{uuid4()}"}, headers=headers)

    # The Data API counts up to its row limit before it asks the planner: such a count is exact.
    assert answer.status_code == 400 or answer.headers["content-range"] in ("*/0", "0-0/1")


async def test_an_estimate_of_many_rows_is_400_in_every_form(attacker: httpx.AsyncClient, database: Database) -> None:
    [goal] = (await attacker.get("/goals")).json()
    await database.execute(
        "insert into public.milestones (goal_id, week_number, title) select $1, nth, 'x' from generate_series(1, 1001) as nth",
        goal["id"],
    )

    for lines in FORMS.values():
        headers = preferring([line.format("estimated") for line in lines])
        assert (await attacker.head("/milestones", headers=headers)).status_code == 400


@pytest.mark.parametrize("count", ["planned", "estimated"])
@pytest.mark.parametrize(("form", "lines"), FORMS.items(), ids=FORMS)
async def test_calls_and_writes_have_no_estimate(form: str, lines: list[str], count: str, attacker: httpx.AsyncClient) -> None:
    """PostgREST ignores the preference here. It shows the database the last header line only."""
    headers = preferring([line.format(count) for line in lines])
    nobody, conversation = {"id": f"lt.{uuid4()}"}, {"conversation_id": str(uuid4())}
    answers = [
        await attacker.post("/rpc/list_messages", json=conversation, headers=headers),
        await attacker.get("/rpc/list_messages", params=conversation, headers=headers),
        await attacker.post("/rpc/get_goal_progress", json={"goal_id": str(uuid4())}, headers=headers),
        await attacker.patch("/goals", params=nobody, json={"title": "x"}, headers=headers),
        await attacker.patch("/goals", params=nobody, json={"title": "x"}, headers=[*headers, ("Content-Profile", "v1_0")]),
        await attacker.delete("/tasks", params=nobody, headers=headers),
    ]

    for answer in answers:
        # If there is a count, it is one of rows: the user has one of each.
        assert answer.headers.get("content-range", "*/*").rpartition("/")[2] in ("*", "0", "1"), answer.request
        if form != "the first of two lines":
            assert (answer.status_code, answer.json()["message"]) == (400, REFUSAL), answer.request


async def test_calls_and_writes_count_exactly(attacker: httpx.AsyncClient) -> None:
    answer = await attacker.patch("/goals", params={"title": "neq."}, json={"title": "x"}, headers={"Prefer": "count=exact"})

    assert (answer.status_code, answer.headers["content-range"]) == (204, "0-0/1")


async def test_plans_are_off(attacker: httpx.AsyncClient) -> None:
    answer = await attacker.get("/goals", headers={"Accept": "application/vnd.pgrst.plan+json"})

    assert answer.status_code in (406, 415)


async def test_an_exact_count_is_that_of_the_callers_rows(attacker: httpx.AsyncClient) -> None:
    answer = await attacker.get("/goals", headers={"Prefer": "count=exact"})

    assert (answer.status_code, answer.headers["content-range"]) == (200, "0-0/1")
