"""The DTOs of requests and answers."""

from datetime import date
from typing import Annotated, Any, Generic, Literal, TypeVar
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

GoalStatus = Literal["active", "completed", "abandoned", "pipeline"]
TaskStatus = Literal["pending", "done", "missed", "rescheduled", "cancelled"]
TASK_STATUSES: tuple[TaskStatus, ...] = ("pending", "done", "missed", "rescheduled", "cancelled")
EscalationPolicy = Literal["silent", "standard", "aggressive"]
TaskPriority = Literal["standard", "important", "must-not-miss"]
TriggerType = Literal["time", "location"]
Title = Annotated[str, Field(min_length=1, max_length=500)]
Label = Annotated[str, Field(min_length=1, max_length=255)]
Minutes = Annotated[int, Field(ge=1)]


class Input(BaseModel):
    """Base of what callers send."""

    model_config = ConfigDict(extra="forbid")


class Row(BaseModel):
    """Base of what callers get."""

    model_config = ConfigDict(from_attributes=True)


class TaskFields(Input):
    """Fields of every new task."""

    title: Title
    description: str | None = None
    status: TaskStatus = "pending"
    priority: TaskPriority = "standard"
    scheduled_at: AwareDatetime | None = None
    duration_minutes: Minutes | None = None
    trigger_type: TriggerType = "time"
    location_trigger: str | None = None
    is_recurring: bool = False
    recurrence_rule: str | None = None
    calendar_event_id: Label | None = None
    shared_with_goal_ids: list[UUID] | None = None
    reminder_sent_at: AwareDatetime | None = None
    whatsapp_sent_at: AwareDatetime | None = None
    call_sent_at: AwareDatetime | None = None
    completed_at: AwareDatetime | None = None
    escalation_policy: EscalationPolicy = "standard"
    class_tags: list[str] | None = None
    conversation_id: UUID | None = None
    canonical_scheduled_at: AwareDatetime | None = None
    series_id: UUID | None = None
    occurrence_at: AwareDatetime | None = None


class TaskCreate(TaskFields):
    """A new task."""

    user_id: UUID
    goal_id: UUID | None = None
    milestone_id: UUID | None = None


class TaskUpdate(Input):
    """Changes to a task."""

    goal_id: UUID | None = None
    milestone_id: UUID | None = None
    title: Title | None = None
    description: str | None = None
    status: TaskStatus | None = None
    priority: TaskPriority | None = None
    scheduled_at: AwareDatetime | None = None
    duration_minutes: Minutes | None = None
    trigger_type: TriggerType | None = None
    location_trigger: str | None = None
    is_recurring: bool | None = None
    recurrence_rule: str | None = None
    calendar_event_id: Label | None = None
    shared_with_goal_ids: list[UUID] | None = None
    reminder_sent_at: AwareDatetime | None = None
    whatsapp_sent_at: AwareDatetime | None = None
    call_sent_at: AwareDatetime | None = None
    completed_at: AwareDatetime | None = None
    escalation_policy: EscalationPolicy | None = None
    class_tags: list[str] | None = None
    conversation_id: UUID | None = None
    canonical_scheduled_at: AwareDatetime | None = None
    series_id: UUID | None = None
    occurrence_at: AwareDatetime | None = None


class TaskRead(Row):
    """A task."""

    id: UUID
    user_id: UUID
    goal_id: UUID | None
    milestone_id: UUID | None
    title: str
    description: str | None
    status: TaskStatus
    priority: TaskPriority
    scheduled_at: AwareDatetime | None
    scheduled_end_at: AwareDatetime | None
    duration_minutes: int | None
    trigger_type: TriggerType
    location_trigger: str | None
    is_recurring: bool
    recurrence_rule: str | None
    calendar_event_id: str | None
    shared_with_goal_ids: list[UUID] | None
    reminder_sent_at: AwareDatetime | None
    whatsapp_sent_at: AwareDatetime | None
    call_sent_at: AwareDatetime | None
    completed_at: AwareDatetime | None
    escalation_policy: EscalationPolicy
    class_tags: list[str] | None
    conversation_id: UUID | None
    canonical_scheduled_at: AwareDatetime | None
    series_id: UUID | None
    occurrence_at: AwareDatetime | None
    created_at: AwareDatetime
    updated_at: AwareDatetime


class GoalCreate(Input):
    """A new goal."""

    user_id: UUID
    title: Title
    description: str | None = None
    class_tags: list[str] | None = None
    status: GoalStatus = "active"
    target_weeks: Annotated[int, Field(ge=1)] = 6
    plan_json: dict[str, Any] | None = None
    category: str | None = None
    timeline: str | None = None


class MilestoneStructure(Input):
    """A milestone of a new goal, with its tasks."""

    week_number: Annotated[int, Field(ge=1)]
    title: Title
    status: str = "pending"
    tasks: list[TaskFields] = []


class GoalStructureCreate(Input):
    """A new goal with its milestones and their tasks."""

    goal: GoalCreate
    milestones: list[MilestoneStructure] = []


class MilestoneRead(Row):
    """A milestone."""

    id: UUID
    goal_id: UUID
    week_number: int
    title: str
    status: str
    created_at: AwareDatetime
    updated_at: AwareDatetime


class GoalFullRead(Row):
    """A goal with all its milestones and tasks."""

    id: UUID
    user_id: UUID
    title: str
    description: str | None
    class_tags: list[str] | None
    status: GoalStatus
    parent_goal_id: UUID | None
    pipeline_order: int | None
    activated_at: AwareDatetime | None
    completed_at: AwareDatetime | None
    target_weeks: int
    plan_json: dict[str, Any] | None
    category: str | None
    timeline: str | None
    created_at: AwareDatetime
    updated_at: AwareDatetime
    milestones: list[MilestoneRead]
    tasks: list[TaskRead]


class TaskStatistics(BaseModel):
    """A user's tasks by status."""

    user_id: UUID
    total_tasks: int
    by_status: dict[str, int]
    completion_rate: float


class TaskWeek(BaseModel):
    """A user's tasks of a week by status."""

    week: date
    total_tasks: int
    by_status: dict[str, int]
    completion_rate: float


class BulkUpdate(Input):
    """Up to 100 tasks and their new status."""

    task_ids: Annotated[list[UUID], Field(min_length=1, max_length=100)]
    new_status: TaskStatus


class BulkUpdateResult(BaseModel):
    """The number of tasks updated."""

    updated_count: int


RowT = TypeVar("RowT")


class Page(BaseModel, Generic[RowT]):
    """The envelope of the lists."""

    items: list[RowT]
    total: int
    page: int
    page_size: int
    has_next: bool
    has_prev: bool
