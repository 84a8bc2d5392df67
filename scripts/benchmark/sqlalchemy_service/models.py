"""The tables of the migrations. Values that the database fills in are fetched with `returning`, without another query."""

from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import ARRAY, FetchedValue, ForeignKey, ForeignKeyConstraint, Text, Uuid
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship


class Base(DeclarativeBase):
    """Base of the models."""

    type_annotation_map = {  # noqa: RUF012 (SQLAlchemy's own form)
        datetime: TIMESTAMP(timezone=True),
        dict[str, Any]: JSONB,
        list[str]: ARRAY(Text),
        list[UUID]: ARRAY(Uuid),
    }
    __mapper_args__ = {"eager_defaults": True}  # noqa: RUF012 (SQLAlchemy's own form)


class User(Base):
    """A user, as far as the service reads it."""

    __tablename__ = "users"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    timezone: Mapped[str]


class Goal(Base):
    """A goal of a user."""

    __tablename__ = "goals"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    user_id: Mapped[UUID]
    title: Mapped[str]
    description: Mapped[str | None]
    class_tags: Mapped[list[str] | None]
    status: Mapped[str] = mapped_column(server_default=FetchedValue())
    parent_goal_id: Mapped[UUID | None]
    pipeline_order: Mapped[int | None]
    activated_at: Mapped[datetime | None]
    completed_at: Mapped[datetime | None]
    target_weeks: Mapped[int] = mapped_column(server_default=FetchedValue())
    plan_json: Mapped[dict[str, Any] | None]
    category: Mapped[str | None]
    timeline: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(server_default=FetchedValue())
    updated_at: Mapped[datetime] = mapped_column(server_default=FetchedValue(), server_onupdate=FetchedValue())

    milestones: Mapped[list["Milestone"]] = relationship(order_by="Milestone.week_number")


class Milestone(Base):
    """A weekly step of a goal."""

    __tablename__ = "milestones"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    goal_id: Mapped[UUID] = mapped_column(ForeignKey("goals.id"))
    week_number: Mapped[int]
    title: Mapped[str]
    status: Mapped[str] = mapped_column(server_default=FetchedValue())
    created_at: Mapped[datetime] = mapped_column(server_default=FetchedValue())
    updated_at: Mapped[datetime] = mapped_column(server_default=FetchedValue(), server_onupdate=FetchedValue())

    tasks: Mapped[list["Task"]] = relationship()


class Task(Base):
    """A task of a user."""

    __tablename__ = "tasks"
    __table_args__ = (ForeignKeyConstraint(["milestone_id", "goal_id"], ["milestones.id", "milestones.goal_id"]),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    user_id: Mapped[UUID]
    goal_id: Mapped[UUID | None]
    milestone_id: Mapped[UUID | None]
    title: Mapped[str]
    description: Mapped[str | None]
    status: Mapped[str] = mapped_column(server_default=FetchedValue())
    priority: Mapped[str] = mapped_column(server_default=FetchedValue())
    scheduled_at: Mapped[datetime | None]
    scheduled_end_at: Mapped[datetime | None] = mapped_column(server_default=FetchedValue(), server_onupdate=FetchedValue())
    duration_minutes: Mapped[int | None]
    trigger_type: Mapped[str] = mapped_column(server_default=FetchedValue())
    location_trigger: Mapped[str | None]
    is_recurring: Mapped[bool] = mapped_column(server_default=FetchedValue())
    recurrence_rule: Mapped[str | None]
    calendar_event_id: Mapped[str | None]
    shared_with_goal_ids: Mapped[list[UUID] | None]
    reminder_sent_at: Mapped[datetime | None]
    whatsapp_sent_at: Mapped[datetime | None]
    call_sent_at: Mapped[datetime | None]
    completed_at: Mapped[datetime | None] = mapped_column(server_default=FetchedValue(), server_onupdate=FetchedValue())
    escalation_policy: Mapped[str] = mapped_column(server_default=FetchedValue())
    class_tags: Mapped[list[str] | None]
    conversation_id: Mapped[UUID | None]
    canonical_scheduled_at: Mapped[datetime | None]
    series_id: Mapped[UUID | None]
    occurrence_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(server_default=FetchedValue())
    updated_at: Mapped[datetime] = mapped_column(server_default=FetchedValue(), server_onupdate=FetchedValue())


class Conversation(Base):
    """A thread between a user and the agents."""

    __tablename__ = "conversations"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID]
    langgraph_thread_id: Mapped[str]
    context_type: Mapped[str]
    goal_id: Mapped[UUID | None]
    messages: Mapped[list[Any]] = mapped_column(JSONB)
    status: Mapped[str]
    last_message_at: Mapped[datetime | None]
    voice_session_id: Mapped[str | None]
    extracted_intent: Mapped[str | None]
    intent_payload: Mapped[dict[str, Any] | None]
    linked_goal_id: Mapped[UUID | None]
    linked_task_id: Mapped[UUID | None]
    ended_at: Mapped[datetime | None]
    duration_seconds: Mapped[int | None]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    title: Mapped[str | None]


class Message(Base):
    """What was said in a conversation."""

    __tablename__ = "messages"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    conversation_id: Mapped[UUID]
    role: Mapped[str]
    content: Mapped[str]
    input_modality: Mapped[str]
    details: Mapped[dict[str, Any] | None] = mapped_column("metadata")
    created_at: Mapped[datetime]
    agent_node: Mapped[str | None]
    provider: Mapped[str | None]
    tokens_used: Mapped[int]
