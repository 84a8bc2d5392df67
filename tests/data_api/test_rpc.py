"""`dao_service.rpc`: the functions and relations of both contracts, typed, over supabase-py."""

import ast
import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from postgrest import AsyncPostgrestClient
from pydantic import ValidationError
from supabase import AsyncClient

from dao_service import rpc
from dao_service.bindings import RESULT
from dao_service.errors import (
    BadRequestError,
    ConflictError,
    ForbiddenError,
    InvalidError,
    NotFoundError,
    UnavailableError,
    UnknownOutcomeError,
)
from dao_service.generated import SCHEMAS
from dao_service.generated.contract_1_2 import (
    AppendMessagesMessage,
    GoalCreate,
    MilestoneCreate,
    NotificationLogCreate,
    PatternCreate,
    TaskCreate,
    TaskUpdate,
    UserCreate,
)
from dao_service.generated.vocabulary import MessageRole, NotificationChannel, TaskStatus
from dao_service.rpc import at_least, less_than, not_equal, one_of, v1_0
from local_stack import LocalStack
from tests.locks import Database
from tests.owners import Owner, make_owner, signed_in

SCHEMAS_BY_NAME = {schema.name: schema for schema in SCHEMAS.values()}
LONG_AGO, LATER = datetime(2020, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)


@pytest.fixture
async def owner(database: Database) -> Owner:
    return await make_owner(database)


@pytest.fixture
async def client(stack: LocalStack, owner: Owner) -> AsyncIterator[AsyncClient]:
    """supabase-py, signed in as the owner."""
    async with signed_in(stack, owner.user) as client:
        yield client


@pytest.fixture
async def service(stack: LocalStack) -> AsyncIterator[AsyncPostgrestClient]:
    """postgrest-py with the service's key."""
    key = stack.service_role_key
    async with AsyncPostgrestClient(
        stack.api_url + "/rest/v1", headers={"apikey": key, "Authorization": f"Bearer {key}"}
    ) as client:
        yield client


async def test_a_table_returns_models_and_filters_by_its_columns(client: AsyncClient, owner: Owner) -> None:
    first, second = await rpc.tasks(client).insert(
        TaskCreate(user_id=UUID(owner.user), title="Read"),
        TaskCreate(user_id=UUID(owner.user), title="Write", scheduled_at=datetime(2026, 11, 24, 6, 30, tzinfo=UTC)),
    )
    table = rpc.tasks(client)

    assert (first.status, second.title) == (TaskStatus.PENDING, "Write")
    assert await table.get(second.id) == second
    assert await table.select(scheduled_at=at_least(LONG_AGO), id=one_of([first.id, second.id])) == [second]
    assert await table.select(scheduled_at=None, id=one_of([first.id, second.id])) == [first]
    assert await table.select(title=not_equal("Read"), goal_id=None) == [second]
    assert [each.title for each in await table.select(order="title", descending=True, limit=1, offset=1)] == ["Task"]
    assert await table.select(created_at=less_than(LONG_AGO)) == []

    [changed] = await table.update(TaskUpdate(duration_minutes=30), id=first.id)
    assert (changed.duration_minutes, changed.title) == (30, "Read")
    assert [each.id for each in await table.delete(id=first.id)] == [first.id]
    with pytest.raises(NotFoundError):
        await table.get(first.id)


async def test_every_relation_of_both_contracts_is_a_table(client: AsyncClient, owner: Owner) -> None:
    for schema, module in (("public", rpc), ("v1_0", v1_0)):
        for name, relation in SCHEMAS_BY_NAME[schema].relations.items():
            rows = await getattr(module, name)(client).select()
            assert all(isinstance(row, relation.row) for row in rows), name
            assert len(rows) == 1, name
    assert (await v1_0.tasks(client).get(owner.task)).state == "completed"


async def test_a_function_answers_with_its_model(client: AsyncClient, owner: Owner) -> None:
    statistics = await rpc.get_task_statistics(client, user_id=owner.user, start_date=LONG_AGO, end_date=LATER)
    assert (statistics.total_tasks, statistics.by_status) == (
        1,
        {"pending": 0, "done": 1, "missed": 0, "rescheduled": 0, "cancelled": 0},
    )
    [task] = await rpc.get_tasks_by_timerange(client, user_id=owner.user, start_at=LONG_AGO, end_at=LATER)
    assert str(task.id) == owner.task
    [older] = await v1_0.get_tasks_by_timerange(client, user_id=owner.user, start_time=LONG_AGO, end_time=LATER)
    assert str(older.id) == owner.task
    assert (await rpc.bulk_update_task_status(client, task_ids=[owner.task], new_status=TaskStatus.DONE)).updated_count == 1
    assert (await rpc.set_calendar_event(client, task_id=owner.task, calendar_event_id="event")).calendar_event_id == "event"
    assert [message.content for message in await rpc.list_messages(client, conversation_id=owner.conversation)] == ["Hello"]


async def test_every_argument_of_a_function_that_reads_arrives(client: AsyncClient, owner: Owner) -> None:
    first, second = await rpc.append_messages(
        client,
        conversation_id=owner.conversation,
        messages=[AppendMessagesMessage(role=MessageRole.USER, content=content) for content in ("One", "Two")],
    )

    assert await rpc.list_messages(client, conversation_id=owner.conversation, limit=1) == [second]
    assert await rpc.list_messages(client, conversation_id=owner.conversation, limit=1, before=second.id) == [first]


async def test_an_argument_over_its_limit_is_named_and_not_sent(client: AsyncClient, owner: Owner) -> None:
    with pytest.raises(ValidationError) as refused:
        await rpc.get_weekly_statistics(client, user_id=owner.user, weeks=105)
    assert [error["loc"] for error in refused.value.errors()] == [("weeks",)]


async def test_row_level_security_decides_what_a_call_sees(client: AsyncClient, database: Database) -> None:
    other = await make_owner(database)

    assert await rpc.goals(client).select(user_id=other.user) == []
    assert (await rpc.get_task_statistics(client, user_id=other.user, start_date=LONG_AGO, end_date=LATER)).total_tasks == 0
    assert await rpc.tasks(client).update(TaskUpdate(title="Mine"), id=other.task) == []
    with pytest.raises(ForbiddenError, match="may not"):
        await rpc.goals(client).insert(GoalCreate(user_id=UUID(other.user), title="Yours"))


async def test_errors_are_those_of_the_rest_api(service: AsyncPostgrestClient, owner: Owner) -> None:
    with pytest.raises(ConflictError) as taken:
        await rpc.users(service).insert(UserCreate(email=f"{owner.user}@example.com"))
    assert [problem["field"] for problem in taken.value.errors] == ["email"]

    with pytest.raises(InvalidError) as unknown:
        await rpc.milestones(service).insert(MilestoneCreate(goal_id=uuid4(), week_number=1, title="Week 1"))
    assert [problem["field"] for problem in unknown.value.errors] == ["goal_id"]

    with pytest.raises(BadRequestError, match="which rows"):
        await rpc.tasks(service).delete()
    with pytest.raises(NotFoundError):
        await rpc.set_calendar_event(service, task_id=uuid4(), calendar_event_id=None)


async def test_a_token_that_is_not_valid_is_forbidden(stack: LocalStack) -> None:
    headers = {"apikey": stack.anon_key, "Authorization": "Bearer nonsense"}
    async with AsyncPostgrestClient(stack.api_url + "/rest/v1", headers=headers) as client:
        with pytest.raises(ForbiddenError):
            await rpc.tasks(client).select()


async def test_an_unreachable_data_api_is_unavailable_and_a_write_was_not_sent(unused_tcp_port: int) -> None:
    async with AsyncPostgrestClient(f"http://127.0.0.1:{unused_tcp_port}", retry_enabled=False) as client:
        with pytest.raises(UnavailableError):
            await rpc.tasks(client).select()
        with pytest.raises(UnavailableError):
            await rpc.patterns(client).insert(PatternCreate(user_id=uuid4()))
        with pytest.raises(UnavailableError):
            await rpc.notification_log(client).insert(NotificationLogCreate(task_id=uuid4(), channel=NotificationChannel.PUSH))


async def test_the_outcome_of_a_write_whose_answer_is_lost_is_unknown() -> None:
    async def hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    async with await asyncio.start_server(hang_up, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        async with AsyncPostgrestClient(f"http://127.0.0.1:{port}", retry_enabled=False) as client:
            with pytest.raises(UnknownOutcomeError):
                await rpc.tasks(client).delete(id=uuid4())


@pytest.mark.parametrize("contract", SCHEMAS)
def test_every_function_of_the_database_has_a_binding(contract: str) -> None:
    schema = SCHEMAS[contract]
    module = rpc if schema.name == "public" else v1_0
    defined = {
        node.name for node in ast.parse(Path(str(module.__file__)).read_text()).body if isinstance(node, ast.AsyncFunctionDef)
    }
    assert defined == {name for name, function in schema.functions.items() if function.media_type == RESULT}
