"""The engine, and one session per request."""

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import Depends
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine

from .settings import settings

engine = create_async_engine(settings.database_url, pool_size=settings.pool_size, max_overflow=0)
AsyncSessionLocal = async_sessionmaker(engine, expire_on_commit=False)


async def open_session() -> AsyncIterator[AsyncSession]:
    """The request's session."""
    async with AsyncSessionLocal() as session:
        yield session


Session = Annotated[AsyncSession, Depends(open_session)]
