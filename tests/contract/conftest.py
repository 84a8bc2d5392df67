"""Callers by contract, and the rows that tests refer to."""

from collections.abc import AsyncIterator, Mapping
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
import pytest

from local_stack import LocalStack
from tests.conftest import create, make_goal_data, make_task_data, make_user_data
from tests.contract.kinds import World
from tests.locks import Database

Callers = Mapping[str, httpx.AsyncClient]


@pytest.fixture(scope="session")
def callers(client: httpx.AsyncClient, client_1_0: httpx.AsyncClient) -> Callers:
    """A caller of each contract."""
    return {"1.0": client_1_0, "1.2": client}


@pytest.fixture
async def holder(stack: LocalStack) -> AsyncIterator[Database]:
    """A superuser's connection in a transaction, to hold what other connections wait for. Unless committed, it is rolled back."""
    connection = await asyncpg.connect(stack.database_url)
    await connection.execute("begin")
    yield connection
    await connection.close()


@pytest.fixture(scope="session")
async def world(client: httpx.AsyncClient) -> World:
    """Rows that other rows can name. Tests leave them as they are."""
    return await make_world(client)


async def make_world(client: httpx.AsyncClient) -> World:
    """A user with a row of everything that can be named, and another user's rows, which may not be."""

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
async def owner(client: httpx.AsyncClient) -> dict[str, str]:
    """A new user with a goal, as fields of a task."""
    user = await create(client, "users", make_user_data())
    goal = await create(client, "goals", make_goal_data(user["id"]))
    return {"user_id": user["id"], "goal_id": goal["id"]}


@pytest.fixture
def older(callers: Callers) -> httpx.AsyncClient:
    """A caller of 1.0."""
    return callers["1.0"]


@pytest.fixture
def newer(callers: Callers) -> httpx.AsyncClient:
    """A caller of 1.2."""
    return callers["1.2"]
