"""Conversations and messages: what callers get, the queries, the routers."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import AwareDatetime, Field
from sqlalchemy import ColumnElement, func, literal_column, select

from .database import Session
from .models import Conversation, Message
from .schemas import Page, Row

conversations = APIRouter(prefix="/conversations", tags=["conversations"])
messages = APIRouter(prefix="/messages", tags=["messages"])
# Word for word as in the index, which is not used for a parameter.
_NEVER: ColumnElement[datetime] = literal_column("timestamptz '0001-01-01 00:00:00+00'")


class ConversationRead(Row):
    """A conversation."""

    id: UUID
    user_id: UUID
    langgraph_thread_id: str
    context_type: str
    goal_id: UUID | None
    messages: list[Any]
    status: str
    last_message_at: AwareDatetime | None
    voice_session_id: str | None
    extracted_intent: str | None
    intent_payload: dict[str, Any] | None
    linked_goal_id: UUID | None
    linked_task_id: UUID | None
    ended_at: AwareDatetime | None
    duration_seconds: int | None
    created_at: AwareDatetime
    updated_at: AwareDatetime
    title: str | None


class MessageRead(Row):
    """A message."""

    id: UUID
    conversation_id: UUID
    role: Literal["user", "assistant", "system", "function"]
    content: str
    input_modality: Literal["voice", "text"]
    metadata: Annotated[dict[str, Any] | None, Field(validation_alias="details")]
    created_at: AwareDatetime
    agent_node: str | None
    provider: str | None
    tokens_used: int


@conversations.get("/", response_model=Page[ConversationRead])
async def list_conversations(
    session: Session,
    user_id: UUID,
    order: Literal["last_message"] | None = None,
    skip: Annotated[int, Query(ge=0)] = 0,
    limit: Annotated[int, Query(ge=1, le=100)] = 100,
) -> Any:
    latest = func.coalesce(Conversation.last_message_at, _NEVER) if order else Conversation.created_at
    mine = select(Conversation).where(Conversation.user_id == user_id)
    found = await session.scalars(mine.order_by(latest.desc(), Conversation.id.desc()).offset(skip).limit(limit))
    items = [ConversationRead.model_validate(row) for row in found]
    total = await session.scalar(select(func.count()).select_from(mine.subquery())) or 0
    return Page[ConversationRead](
        items=items, total=total, page=skip // limit + 1, page_size=limit, has_next=skip + limit < total, has_prev=skip > 0
    )


@messages.get("/", response_model=list[MessageRead])
async def list_messages(session: Session, conversation_id: UUID, limit: Annotated[int, Query(ge=1, le=100)] = 100) -> Any:
    of_conversation = select(Message).where(Message.conversation_id == conversation_id)
    newest = await session.scalars(of_conversation.order_by(Message.created_at.desc(), Message.id.desc()).limit(limit))
    return [MessageRead.model_validate(row) for row in reversed(newest.all())]
