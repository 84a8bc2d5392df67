"""Sessions for the in-process tests, and checks that nothing is left behind."""

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
from dao_service.in_process.session_and_savepoints import Session
from dao_service.schemas.task import TaskCreateDTO, TaskDTO
from dao_service.schemas.user import UserCreateDTO, UserDTO
from local_stack import LocalStack

Database: TypeAlias = "asyncpg.Connection[asyncpg.Record]"
CONNECTIONS = 3
APPLICATION = "flux-dao-service"


def direct_environment(stack: LocalStack, *, timeout_seconds: float = 10) -> Mapping[str, str]:
    """The environment of a process that uses the in-process API on this stack, with a pool of `CONNECTIONS`."""
    return {
        "DATABASE_URL": stack.database_url.replace("postgresql:", "postgresql+asyncpg:"),
        "GATEWAY_CONNECTIONS": str(CONNECTIONS),
        "GATEWAY_TIMEOUT_SECONDS": str(timeout_seconds),
    }


def new_user(**fields: Any) -> UserCreateDTO:
    """The body that creates a user with a unique address."""
    return UserCreateDTO(email=f"{uuid4().hex}@example.com", **fields)


async def exists(sessions: SessionFactory, user: UserDTO) -> bool:
    """Whether the user is committed."""
    async with sessions() as db:
        try:
            await get_user_dao().get_by_id(db, user.id)
        except NotFoundError:
            return False
        return True


async def assert_nothing_is_left(sessions: SessionFactory, database: Database) -> None:
    """Check that all connections of the pool are free and no transaction is open."""
    async with asyncio.timeout(10), AsyncExitStack() as held:
        opened = [await held.enter_async_context(sessions()) for _ in range(CONNECTIONS)]
        await asyncio.gather(*(get_user_dao().get_all(db, limit=1) for db in opened))
    open_transactions = await database.fetch(
        "select state, query from pg_stat_activity where application_name = $1 and state like 'idle in transaction%'", APPLICATION
    )
    assert open_transactions == []


async def add_user(sessions: SessionFactory, **fields: Any) -> UserDTO:
    """A committed user."""
    async with sessions() as db:
        user = await get_user_dao().create(db, new_user(**fields))
        await db.commit()
    return user


async def in_a_session(sessions: SessionFactory, call: Callable[[DatabaseSession], Awaitable[Any]]) -> Any:
    """Run the call in a transaction, commit it, and return the result."""
    async with sessions() as db:
        result = await call(db)
        await db.commit()
    return result


async def add_task(sessions: SessionFactory) -> TaskDTO:
    """A committed task of a new user."""
    user = await add_user(sessions)
    made: TaskDTO = await in_a_session(sessions, lambda db: get_task_dao().create(db, TaskCreateDTO(user_id=user.id, title="Run")))
    return made


async def until(condition: Callable[[], bool]) -> None:
    """Let other tasks run until the condition holds."""
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - the condition has no event
            await asyncio.sleep(0)


def has_a_queue(sessions: SessionFactory) -> bool:
    """Whether a task waits for a connection. asyncpg has no public way to ask."""
    pool: Any = sessions._gateway and sessions._gateway._pool
    return bool(pool and pool._queue._getters)


@asynccontextmanager
async def locked(stack: LocalStack, task: TaskDTO) -> AsyncIterator[None]:
    """Lock the row of the task."""
    holder = await asyncpg.connect(stack.database_url)
    try:
        async with holder.transaction():
            await holder.execute("select from public.tasks where id = $1 for update", task.id)
            yield
    finally:
        await holder.close()


async def backend_of(db: Session) -> int:
    """The id of the session's server process."""
    async with db.connection() as connection:
        process: int = await connection.fetchval("select pg_backend_pid()")
    return process


async def terminate(database: Database, process: int) -> None:
    """End a connection from the server's side."""
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
    """Run a program in a new process and return its output. It must succeed and print nothing to standard error."""
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
