"""Examples of what the operations take and answer, for the OpenAPI documents.

A value goes by the name of its field, or else by its type. Ids are those of `supabase/seed.sql`, so that an example can be sent
as it stands where that is loaded.
"""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, TypeAdapter

_USER = "11111111-1111-4111-8111-111111111111"
_GOAL = "11111111-aaaa-4000-8000-000000000001"
_MILESTONE = "11111111-bbbb-4000-8000-000000000002"
_TASK = "11111111-cccc-4000-8000-000000000003"
_CONVERSATION = "11111111-dddd-4000-8000-000000000001"

# "Task.title" goes before "title". None is an example too: of a column that is empty.
_BY_NAME: Mapping[str, Any] = {
    "user_id": _USER,
    "goal_id": _GOAL,
    "milestone_id": _MILESTONE,
    "task_id": _TASK,
    "task_ids": [_TASK, "11111111-cccc-4000-8000-000000000004"],
    "conversation_id": _CONVERSATION,
    "message_id": "11111111-1212-4000-8000-000000000001",
    "pattern_id": "11111111-eeee-4000-8000-000000000001",
    "notification_id": "11111111-ffff-4000-8000-000000000001",
    "linked_goal_id": _GOAL,
    "linked_task_id": _TASK,
    "parent_goal_id": None,
    "shared_with_goal_ids": None,
    "User.id": _USER,
    "Goal.id": _GOAL,
    "Milestone.id": _MILESTONE,
    "Task.id": _TASK,
    "Conversation.id": _CONVERSATION,
    "Message.id": "11111111-1212-4000-8000-000000000001",
    "Pattern.id": "11111111-eeee-4000-8000-000000000001",
    "NotificationLog.id": "11111111-ffff-4000-8000-000000000001",
    "created_at": "2026-11-20T18:03:11.482907+00:00",
    "updated_at": "2026-11-20T18:03:11.482907+00:00",
    "start_date": "2026-11-01T00:00:00Z",
    "end_date": "2026-11-30T23:59:59Z",
    "start_at": "2026-11-23T00:00:00+01:00",
    "end_at": "2026-11-29T23:59:59+01:00",
    "start_time": "2026-11-24T06:30:00+00:00",
    "end_time": "2026-11-24T07:15:00+00:00",
    "scheduled_at": "2026-11-24T06:30:00+00:00",
    "scheduled_end_at": "2026-11-24T07:15:00+00:00",
    "duration_minutes": 45,
    "completed_at": None,
    "reminder_sent_at": None,
    "whatsapp_sent_at": None,
    "call_sent_at": None,
    "ended_at": "2026-11-20T18:03:35+00:00",
    "duration_seconds": 24,
    "last_message_at": "2026-11-20T18:03:29.117400+00:00",
    "activated_at": "2026-11-02T07:00:00+00:00",
    "sent_at": "2026-11-24T06:00:00+00:00",
    "responded_at": "2026-11-24T06:04:12+00:00",
    "virtual_now": "2026-12-24T18:00:00+00:00",
    "escalation_speed": 60.0,
    "email": "lena@example.com",
    "name": "Lena Hoff",
    "profile": {"timezone": "Europe/Stockholm", "chronotype": "early"},
    "preferences": {"timezone": "Europe/Stockholm"},
    "notification_preferences": {"channels": ["push", "whatsapp"], "quiet_hours": {"from": "21:30", "to": "06:30"}},
    "Goal.title": "Run a half marathon",
    "Goal.description": "Finish the city half marathon in under two hours.",
    "class_tags": ["health", "running"],
    "pipeline_order": None,
    "target_weeks": 8,
    "plan_json": {"weekly_runs": 3, "long_run_day": "sunday"},
    "category": "health",
    "timeline": "8 weeks",
    "week_number": 3,
    "Milestone.title": "First long run: 12 km",
    "Milestone.status": "pending",
    "Task.title": "Intervals, 6 of 400 m",
    "Task.description": "On the track, two minutes between them.",
    "location_trigger": None,
    "recurrence_rule": None,
    "calendar_event_id": "cal-maya-0002",
    "langgraph_thread_id": "thread-2026-11-20-planning",
    "voice_session_id": "voice-session-7f3a",
    "Conversation.messages": [{"role": "user", "content": "Are six weeks enough?"}],
    "Conversation.status": "open",
    "extracted_intent": "reschedule_task",
    "intent_payload": {"reason": "rain", "move_by_days": 1},
    "content": "It rained on Sunday. Can we move the long run?",
    "metadata": {"confidence": 0.94},
    "pattern_type": "time_of_day",
    "Pattern.description": "Runs before eight are done, those after six in the evening are missed.",
    "data": {"done_before_8": 9, "missed_after_18": 4},
    "confidence": 0.86,
    "response": "on_my_way",
    "total_tasks": 8,
    "by_status": {"pending": 2, "done": 4, "missed": 1, "rescheduled": 1, "cancelled": 0},
    "by_state": {"scheduled": 2, "drifted": 1, "completed": 4, "missed": 1},
    "completion_rate": 0.5,
    "updated_count": 2,
    "total": 1,
    "page": 1,
    "page_size": 100,
    "next_cursor": None,
    "detail": "There is no row with this id.",
    "Problem.field": "title",
    "Problem.message": "This field is required.",
}
_BY_FORMAT: Mapping[str, Any] = {"uuid": _USER, "date-time": "2026-11-24T06:30:00+00:00"}
_BY_TYPE: Mapping[str, Any] = {"string": "text", "integer": 1, "number": 0.5, "boolean": False, "object": {}, "null": None}
_SUFFIXES = ("FunctionUpdate", "Structure", "Create", "Update", "Full")

Schema = dict[str, Any]


def example_of(kind: Any) -> Any:
    """What an operation may take or answer where its declaration says `kind`.

    Of what creates something, the fields that a caller would give; of what changes it, two or three.
    """
    schema = TypeAdapter(kind).json_schema()
    definitions = schema.get("$defs", {})
    if isinstance(kind, type) and issubclass(kind, BaseModel) and "required" not in schema and "Function" not in kind.__name__:
        return _change(schema, definitions)
    return _example(schema, definitions, "")


def parameter_example(name: str) -> Any:
    """The example of a parameter in a path or query, None where it has none."""
    return _BY_NAME.get(name)


def _change(schema: Schema, definitions: Schema) -> Any:
    properties: Schema = schema["properties"]
    words: dict[str, list[str]] = {name: _resolved(field, definitions).get("enum", []) for name, field in properties.items()}
    telling = [name for name in properties if name == "title" or words[name]] or list(properties)
    examples = _fields({**schema, "properties": {name: properties[name] for name in telling[:2]}}, definitions)
    return examples | {name: words[name][1] for name in examples if words[name]}


def _example(schema: Schema, definitions: Schema, name: str) -> Any:
    schema = _resolved(schema, definitions)
    if name in _BY_NAME:
        return _BY_NAME[name]
    if schema.get("default") not in (None, [], {}):
        return schema["default"]
    if "enum" in schema:
        return schema["enum"][0]
    if "properties" in schema:
        return _fields(schema, definitions)
    if "anyOf" in schema:
        return _example(schema["anyOf"][0], definitions, name)
    if schema.get("type") == "array":
        return [_example(schema["items"], definitions, "")] if schema.get("items") else []
    return _BY_FORMAT.get(schema.get("format", ""), _BY_TYPE.get(schema.get("type", ""), {}))


def _fields(schema: Schema, definitions: Schema) -> dict[str, Any]:
    owner, required = schema.get("title", ""), set(schema.get("required", ()))
    for suffix in _SUFFIXES:
        owner = owner.removesuffix(suffix)
    examples = {}
    for name, field in schema["properties"].items():
        of_owner = f"{owner}.{name}"
        value = _example(field, definitions, of_owner if of_owner in _BY_NAME else name)
        if value is not None or name in required:
            examples[name] = value
    return examples


def _resolved(schema: Schema, definitions: Schema) -> Schema:
    """The schema with what it refers to, where it refers to something."""
    target = schema.get("$ref")
    return {**definitions[target.rpartition("/")[2]], **schema} if target else schema
