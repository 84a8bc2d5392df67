"""`uvicorn sqlalchemy_service.main:app`."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from sqlalchemy import text

from . import api, chat
from .database import Session, engine


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    yield
    await engine.dispose()


app = FastAPI(title="Flux DAO service over SQLAlchemy", lifespan=lifespan)
app.include_router(api.tasks, prefix="/api/v1")
app.include_router(api.goals, prefix="/api/v1")
app.include_router(chat.conversations, prefix="/api/v1")
app.include_router(chat.messages, prefix="/api/v1")


@app.get("/ready")
async def ready(session: Session) -> dict[str, str]:
    await session.execute(text("select 1"))
    return {"status": "ready"}
