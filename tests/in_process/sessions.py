"""Sessions for tests, and what a fault must not leave behind."""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, TypeAlias
from uuid import uuid4

import asyncpg

from dao_service.core.database import DatabaseSession, SessionFactory
from dao_service.dao.dao_registry import get_task_dao, get_user_dao
from dao_service.errors import NotFoundError
from dao_service.in_process.session import Session
from dao_service.schemas.task import TaskCreateDTO, TaskDTO
from dao_service.schemas.user import UserCreateDTO, UserDTO
from local_stack import LocalStack

Database: TypeAlias = "asyncpg.Connection[asyncpg.Record]"
CONNECTIONS = 3
APPLICATION = "flux-dao-service"


def direct_environment(stack: LocalStack, *, timeout_seconds: float = 10) -> Mapping[str, str]:
    """What a process sets to use the in-process API on this stack, with a pool of `CONNECTIONS`."""
    return {
        "DATABASE_URL": stack.database_url.replace("postgresql:", "postgresql+asyncpg:"),
        "GATEWAY_CONNECTIONS": str(CONNECTIONS),
        "GATEWAY_TIMEOUT_SECONDS": str(timeout_seconds),
    }


def new_user(**fields: Any) -> UserCreateDTO:
    """What creates a user, under an address of its own."""
    return UserCreateDTO(email=f"{uuid4().hex}@example.com", **fields)


async def exists(sessions: SessionFactory, user: UserDTO) -> bool:
    """Whether others see the user."""
    async with sessions() as db:
        try:
            await get_user_dao().get_by_id(db, user.id)
        except NotFoundError:
            return False
        return True


async def assert_nothing_is_left(sessions: SessionFactory, database: Database) -> None:
    """The pool can hand out all of its connections at once, and no transaction is open."""
    async with asyncio.timeout(10), AsyncExitStack() as held:
        opened = [await held.enter_async_context(sessions()) for _ in range(CONNECTIONS)]
        await asyncio.gather(*(get_user_dao().get_all(db, limit=1) for db in opened))
    open_transactions = await database.fetch(
        "select state, query from pg_stat_activity where application_name = $1 and state like 'idle in transaction%'", APPLICATION
    )
    assert open_transactions == []


async def add_user(sessions: SessionFactory, **fields: Any) -> UserDTO:
    """A user that everybody sees."""
    async with sessions() as db:
        user = await get_user_dao().create(db, new_user(**fields))
        await db.commit()
    return user


async def in_a_session(sessions: SessionFactory, call: Callable[[DatabaseSession], Awaitable[Any]]) -> Any:
    """What the call answers, in a transaction of its own that is committed."""
    async with sessions() as db:
        result = await call(db)
        await db.commit()
    return result


async def add_task(sessions: SessionFactory) -> TaskDTO:
    """A task that everybody sees, of a user of its own."""
    user = await add_user(sessions)
    made: TaskDTO = await in_a_session(sessions, lambda db: get_task_dao().create(db, TaskCreateDTO(user_id=user.id, title="Run")))
    return made


async def until(condition: Callable[[], bool]) -> None:
    """Let other tasks go on until it holds."""
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - what it asks about tells nobody
            await asyncio.sleep(0)


def has_a_queue(sessions: SessionFactory) -> bool:
    """Whether someone waits for a connection. asyncpg keeps that to itself."""
    pool: Any = sessions._gateway and sessions._gateway._pool
    return bool(pool and pool._queue._getters)


@asynccontextmanager
async def locked(stack: LocalStack, task: TaskDTO) -> AsyncIterator[None]:
    """Nobody else can write the task meanwhile."""
    holder = await asyncpg.connect(stack.database_url)
    try:
        async with holder.transaction():
            await holder.execute("select from public.tasks where id = $1 for update", task.id)
            yield
    finally:
        await holder.close()


async def backend_of(db: Session) -> int:
    """The process of Postgres that serves the session."""
    async with db.connection() as connection:
        process: int = await connection.fetchval("select pg_backend_pid()")
    return process


async def terminate(database: Database, process: int) -> None:
    """End a connection from the other side."""
    assert await database.fetchval("select pg_terminate_backend($1, 5000)", process)


RUNNING = """
import asyncio
from contextlib import asynccontextmanager

@asynccontextmanager
async def running(app):
    events, answers = asyncio.Queue(), asyncio.Queue()
    lifespan = asyncio.create_task(app({"type": "lifespan", "state": {}}, events.get, answers.put))
    await events.put({"type": "lifespan.startup"})
    await answers.get()
    yield
    await events.put({"type": "lifespan.shutdown"})
    await lifespan
"""
"""Source of a context manager that starts an ASGI application and shuts it down, as a server does."""


def run_python(source: str, environment: Mapping[str, str]) -> str:
    """Run it in a process of its own, which must end well and without a word on its standard error. Answers what it printed."""
    inherited = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME")}
    done = subprocess.run(
        [sys.executable, "-W", "always", "-c", source],
        env={**inherited, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stderr == ""
    assert done.returncode == 0
    return done.stdout
