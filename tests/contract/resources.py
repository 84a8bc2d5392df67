"""CONTRACT.md's field tables as data, written by hand: nothing here comes from the generated code."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.contract.kinds import (
    Anything,
    Email,
    Flag,
    Instant,
    Kind,
    Named,
    Now,
    Number,
    Object,
    Reference,
    Text,
    Texts,
    Uuid,
    Uuids,
    Whole,
    Words,
    World,
    Zone,
    resolve,
)

TITLE = Text(1, 500)
LABEL = Text(1, 255)
KEY = Text(1, 255, unique=True)
TEXT = Text(0, 20_000)
NOTE = Text(0, 5000)
SHORT = Text(0, 255)
USER = Reference("user")
GOAL = Reference("goal", foreign=("strangers_goal",))
TASK = Reference("task", foreign=("strangers_task",))
CONVERSATION = Reference("conversation", foreign=("strangers_conversation",))
MILESTONE = Reference("milestone", foreign=("strangers_milestone", "other_goals_milestone"))
GOAL_STATUSES = ("active", "completed", "abandoned", "pipeline")
TASK_STATUSES = ("pending", "done", "missed", "rescheduled", "cancelled")
TASK_STATES = ("scheduled", "drifted", "completed", "missed")
PRIORITIES = ("standard", "important", "must-not-miss")
EVERYTHING = frozenset({"list", "get", "create", "update", "delete"})


@dataclass(frozen=True)
class Field:
    """A field of a resource.

    A `fixed` field does not change after creation. `beside` are fields that have to be sent with this one. `may_be_null`: it has a
    default, and holds null too.
    """

    name: str
    kind: Kind
    default: Any = None
    required: bool = False
    fixed: bool = False
    beside: Mapping[str, Any] = field(default_factory=dict)
    may_be_null: bool = False

    @property
    def nullable(self) -> bool:
        return self.may_be_null or (not self.required and self.default is None)

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True)
class Resource:
    """A resource of a contract. `read_only` fields are shown and cannot be sent."""

    contract: str
    name: str
    fields: tuple[Field, ...]
    filters: tuple[str, ...] = ()
    read_only: frozenset[str] = frozenset()
    methods: frozenset[str] = EVERYTHING
    full: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.contract} {self.name}"

    @property
    def path(self) -> str:
        return f"/api/v1/{self.name}/"

    @property
    def stamps(self) -> frozenset[str]:
        return frozenset({"id", "created_at", "updated_at"} if "update" in self.methods else {"id", "created_at"})

    @property
    def shown(self) -> frozenset[str]:
        """All fields of a row."""
        return frozenset(each.name for each in self.fields) | self.read_only | self.stamps

    @property
    def owner(self) -> str:
        """A filter of its list that excludes most rows of other tests."""
        return next(name for name in ("user_id", "goal_id", "task_id") if name in self.filters)

    def field(self, name: str) -> Field:
        return next(each for each in self.fields if each.name == name)

    def minimal(self, world: World, **fields: Any) -> dict[str, Any]:
        """The body that creates a row with the required fields and `fields`."""
        required = {each.name: each.kind.accepted[0] for each in self.fields if each.required}
        return {name: resolve(value, world) for name, value in (required | fields).items()}

    def complete(self, world: World) -> dict[str, Any]:
        """The body that creates a row with every field, each different from its default."""
        values = {each.name: each.kind.accepted[0] for each in self.fields} | dict(self.full)
        return {name: resolve(value, world) for name, value in values.items()}


def _users(contract: str, *fields: Field) -> Resource:
    return Resource(contract, "users", (Field("email", Email(), required=True), *fields))


def _milestones(contract: str) -> Resource:
    fields = (
        Field("goal_id", Reference("goal"), required=True),
        Field("week_number", Whole(1), required=True),
        Field("title", TITLE, required=True),
        Field("status", SHORT, "pending"),
    )
    return Resource(contract, "milestones", fields, filters=("goal_id",))


OF_USER = Field("user_id", USER, required=True, fixed=True)
PREFERENCES = (Field("preferences", Object(), {}), Field("demo_mode", Flag(), False))
CATEGORY = (Field("category", SHORT), Field("timeline", SHORT))
TASK_OF_BOTH = (
    OF_USER,
    Field("milestone_id", MILESTONE, beside={"goal_id": Named("goal")}),
    Field("title", TITLE, required=True),
    Field("priority", Words(PRIORITIES), "standard"),
    Field("is_recurring", Flag(), False),
    Field("calendar_event_id", LABEL),
)

USERS_1_2 = _users(
    "1.2",
    Field("name", LABEL),
    Field("onboarded", Flag(), False),
    Field("profile", Object(), {}, may_be_null=True),
    Field("notification_preferences", Object(), {}, may_be_null=True),
    Field("timezone", Zone(), "UTC"),
    Field("push_subscription", Object()),
    Field("phone_verified", Flag(), False),
    Field("whatsapp_opt_in_at", Instant()),
    Field("monthly_token_usage", Object(), {}),
    *PREFERENCES,
)
GOALS_1_2 = Resource(
    "1.2",
    "goals",
    (
        OF_USER,
        Field("title", TITLE, required=True),
        Field("description", TEXT),
        Field("class_tags", Texts()),
        Field("status", Words(GOAL_STATUSES), "active"),
        Field("parent_goal_id", GOAL),
        Field("pipeline_order", Whole()),
        Field("activated_at", Instant()),
        Field("completed_at", Instant()),
        Field("target_weeks", Whole(1), 6),
        Field("plan_json", Object(256)),
        *CATEGORY,
    ),
    filters=("user_id", "status", "parent_goal_id"),
)
MILESTONES_1_2 = _milestones("1.2")
TASKS_1_2 = Resource(
    "1.2",
    "tasks",
    (
        *TASK_OF_BOTH,
        Field("goal_id", GOAL),
        Field("description", TEXT),
        Field("status", Words(TASK_STATUSES, others=("scheduled", "drifted", "completed")), "pending"),
        Field("scheduled_at", Instant()),
        Field("duration_minutes", Whole(1)),
        Field("trigger_type", Words(("time", "location"), others=("on_leaving_home",)), "time"),
        Field("location_trigger", NOTE),
        Field("reminder_sent_at", Instant()),
        Field("whatsapp_sent_at", Instant()),
        Field("call_sent_at", Instant()),
        Field("completed_at", Instant(), beside={"status": "done"}),
        Field("recurrence_rule", NOTE),
        Field("shared_with_goal_ids", Uuids()),
        Field("escalation_policy", Words(("standard", "silent", "aggressive")), "standard"),
        Field("class_tags", Texts()),
        Field("conversation_id", CONVERSATION),
        Field("canonical_scheduled_at", Instant()),
        Field("series_id", Uuid()),
        Field("occurrence_at", Instant()),
    ),
    filters=("user_id", "goal_id", "milestone_id", "status", "priority", "trigger_type", "escalation_policy", "conversation_id"),
    read_only=frozenset({"scheduled_end_at"}),
    full={"status": "done"},
)
CONVERSATIONS_1_2 = Resource(
    "1.2",
    "conversations",
    (
        OF_USER,
        Field("langgraph_thread_id", Text(1, 512, unique=True), required=True, fixed=True),
        Field("context_type", Words(("general", "goal", "task", "onboarding", "reschedule", "voice")), "general"),
        Field("title", TITLE),
        Field("last_message_at", Instant()),
        Field("voice_session_id", SHORT),
        Field("goal_id", GOAL),
        Field("messages", Anything(), []),
        Field("status", SHORT, "open"),
    ),
    filters=("user_id", "goal_id", "context_type"),
    read_only=frozenset({"extracted_intent", "intent_payload", "linked_goal_id", "linked_task_id", "ended_at", "duration_seconds"}),
    methods=EVERYTHING - {"delete"},
)
MESSAGES_1_2 = Resource(
    "1.2",
    "messages",
    (
        Field("conversation_id", Reference("conversation"), required=True, fixed=True),
        Field("role", Words(("user", "assistant", "system", "function", "summary")), required=True),
        Field("content", Text(1, 60_000), required=True),
        Field("input_modality", Words(("text", "voice")), "text"),
        Field("metadata", Object(), {}, may_be_null=True),
        Field("agent_node", LABEL),
        Field("provider", LABEL),
        Field("tokens_used", Whole(0), 0),
    ),
    methods=frozenset({"get", "create", "delete"}),
)
PATTERNS_1_2 = Resource(
    "1.2",
    "patterns",
    (
        OF_USER,
        Field("pattern_type", SHORT),
        Field("pattern_key", KEY),
        Field("description", TEXT),
        Field("data", Object()),
        Field("confidence", Number(1)),
    ),
    filters=("user_id",),
)
NOTIFICATION_LOG_1_2 = Resource(
    "1.2",
    "notification-log",
    (
        Field("task_id", Reference("task"), required=True, fixed=True),
        Field("channel", Words(("push", "whatsapp", "call")), required=True),
        Field("sent_at", Instant(), Now(), may_be_null=True),
        Field("response", NOTE),
        Field("responded_at", Instant()),
        Field("external_id", KEY),
        Field("response_id", KEY),
    ),
    filters=("task_id", "channel"),
)

USERS_1_0 = _users("1.0", Field("name", LABEL, required=True), *PREFERENCES)
GOALS_1_0 = Resource(
    "1.0",
    "goals",
    (
        OF_USER,
        Field("title", TITLE, required=True),
        *CATEGORY,
        Field("status", Words(GOAL_STATUSES), "active"),
    ),
    filters=("user_id", "status"),
)
MILESTONES_1_0 = _milestones("1.0")
TASKS_1_0 = Resource(
    "1.0",
    "tasks",
    (
        *TASK_OF_BOTH,
        Field("goal_id", GOAL, required=True),
        Field("state", Words(TASK_STATES, others=("pending", "rescheduled", "done", "cancelled")), "scheduled"),
        Field("start_time", Instant()),
        # Without the year 9999: the duration in minutes has 32 bits.
        Field("end_time", Instant(accepted=Instant().accepted[:-1]), beside={"start_time": "1969-01-01T00:00:00Z"}),
        Field("trigger_type", Words(("time", "on_leaving_home"), others=("location",)), "time"),
    ),
    filters=("user_id", "goal_id", "milestone_id", "state", "priority", "trigger_type"),
)
CONVERSATIONS_1_0 = Resource(
    "1.0",
    "conversations",
    (
        OF_USER,
        Field("goal_id", GOAL, required=True),
        Field("messages", Anything(), []),
        Field("status", SHORT, "open"),
    ),
    filters=("user_id", "goal_id"),
    methods=EVERYTHING - {"delete"},
)

RESOURCES = (
    USERS_1_2,
    GOALS_1_2,
    MILESTONES_1_2,
    TASKS_1_2,
    CONVERSATIONS_1_2,
    MESSAGES_1_2,
    PATTERNS_1_2,
    NOTIFICATION_LOG_1_2,
    USERS_1_0,
    GOALS_1_0,
    MILESTONES_1_0,
    TASKS_1_0,
    CONVERSATIONS_1_0,
)
"""Resources with plain operations. Demo flags have none."""
LISTED = tuple(resource for resource in RESOURCES if "list" in resource.methods)
CHANGEABLE = tuple(resource for resource in RESOURCES if "update" in resource.methods)
FILTERED = tuple(resource for resource in LISTED if resource.filters)
