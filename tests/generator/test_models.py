"""The generated models: accepted and refused values, and their JSON schemas."""

import json
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from pydantic import MISSING, BaseModel, TypeAdapter, ValidationError

from dao_service.bindings import AnyFunction, AnyRelation, Filters, Input, Relation, Row
from dao_service.generated import contract_1_0, contract_1_2, vocabulary
from dao_service.generated.contract_1_2 import (
    BulkUpdateTaskStatusArguments,
    Conversation,
    ConversationFunctionUpdate,
    DemoFlagsCreate,
    GetTasksByTimerangeArguments,
    GoalCreate,
    GoalFull,
    Page,
    PatternCreate,
    SetCalendarEventArguments,
    Task,
    TaskCreate,
    TaskFilters,
    TaskUpdate,
    UserCreate,
)

USER = "11111111-1111-4111-8111-111111111111"
NEW_TASK = {"user_id": USER, "title": "Run 3 km"}


def problems_of(model: type[BaseModel], body: dict[str, Any]) -> dict[str, str]:
    """The kind of problem of each field when the adapter validates a JSON body."""
    with pytest.raises(ValidationError) as caught:
        model.model_validate_json(json.dumps(body), strict=True)
    return {".".join(map(str, problem["loc"])): problem["type"] for problem in caught.value.errors()}


def accepted(model: type[BaseModel], body: dict[str, Any]) -> dict[str, Any]:
    """The fields that the model passes on from a JSON body."""
    return json.loads(model.model_validate_json(json.dumps(body), strict=True).model_dump_json(exclude_unset=True))  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"status": "finished"}, "enum"),
        ({"status": None}, "enum"),
        ({"title": ""}, "string_too_short"),
        ({"title": "x" * 501}, "string_too_long"),
        ({"title": None}, "string_type"),
        ({"title": 5}, "string_type"),
        ({"mood": "good"}, "extra_forbidden"),
        ({"id": USER}, "extra_forbidden"),
        ({"created_at": "2026-01-01T00:00:00Z"}, "extra_forbidden"),
        ({"scheduled_end_at": "2026-01-01T00:00:00Z"}, "extra_forbidden"),
        ({"duration_minutes": 0}, "greater_than_equal"),
        ({"duration_minutes": 2**31}, "less_than_equal"),
        ({"duration_minutes": "5"}, "int_type"),
        ({"is_recurring": "yes"}, "bool_type"),
        ({"is_recurring": None}, "bool_type"),
        ({"goal_id": "not-a-uuid"}, "uuid_parsing"),
        ({"scheduled_at": "2026-01-01T00:00:00"}, "timezone_aware"),
        ({"scheduled_at": "2026-01-01T00:00:00+02:00:00"}, "datetime_from_date_parsing"),
        ({"scheduled_at": "yesterday"}, "datetime_from_date_parsing"),
        ({"scheduled_at": 1700000000}, "timestamp"),
        ({"scheduled_at": "1700000000"}, "timestamp"),
        ({"scheduled_at": "-1.5"}, "timestamp"),
        ({"scheduled_at": "0001-01-01T00:00:00+05:00"}, "greater_than_equal"),
        ({"scheduled_at": "9999-12-31T23:00:00-05:00"}, "less_than_equal"),
        ({"shared_with_goal_ids": ["x"]}, "uuid_parsing"),
    ],
)
def test_a_task_that_breaks_a_rule_is_refused_and_the_field_is_named(fields: dict[str, Any], problem: str) -> None:
    found = problems_of(TaskCreate, NEW_TASK | fields)
    assert list(found.values()) == [problem]
    assert next(iter(found)).startswith(next(iter(fields)))


def test_all_problems_are_reported_at_once() -> None:
    assert problems_of(TaskCreate, {"title": "", "mood": 1}) == {
        "user_id": "missing",
        "title": "string_too_short",
        "mood": "extra_forbidden",
    }


@pytest.mark.parametrize(
    "fields",
    [
        {"title": "x" * 500},
        {"title": "🏃" * 500},
        {"description": None, "goal_id": None, "scheduled_at": None},
        {"scheduled_at": "2026-01-01T09:00:00+05:30"},
        {"status": "done", "priority": "must-not-miss", "trigger_type": "location"},
        {"shared_with_goal_ids": []},
        {"duration_minutes": 2**31 - 1},
    ],
)
def test_a_valid_task_is_accepted_unchanged(fields: dict[str, Any]) -> None:
    assert accepted(TaskCreate, NEW_TASK | fields) == NEW_TASK | fields


@pytest.mark.parametrize(
    ("model", "body", "problem"),
    [
        (PatternCreate, {"user_id": USER, "confidence": 1.01}, "less_than_equal"),
        (PatternCreate, {"user_id": USER, "confidence": -0.01}, "greater_than_equal"),
        (PatternCreate, {"user_id": USER, "data": []}, "dict_type"),
        (DemoFlagsCreate, {"user_id": USER, "escalation_speed": -1}, "greater_than_equal"),
        (GoalCreate, {"user_id": USER, "title": "Run", "class_tags": ["a", None]}, "string_type"),
        (UserCreate, {"email": ""}, "string_too_short"),
        (UserCreate, {"email": "x@" + "x" * 254}, "string_too_long"),
        (UserCreate, {"email": "ada@example.com\u3000"}, "string_pattern_mismatch"),
        (UserCreate, {"email": "ada@example.com", "profile": {"a": "x" * 65_529}}, "json_too_large"),
        (BulkUpdateTaskStatusArguments, {"task_ids": [], "new_status": "done"}, "too_short"),
        (BulkUpdateTaskStatusArguments, {"task_ids": [USER] * 10_001, "new_status": "done"}, "too_long"),
    ],
)
def test_ranges_shapes_and_sizes_come_from_the_database(model: type[BaseModel], body: dict[str, Any], problem: str) -> None:
    assert list(problems_of(model, body).values()) == [problem]


@pytest.mark.parametrize("speed", ["NaN", "Infinity", "1e400"])
def test_a_number_that_is_not_finite_is_refused(speed: str) -> None:
    with pytest.raises(ValidationError):
        DemoFlagsCreate.model_validate_json(f'{{"user_id": "{USER}", "escalation_speed": {speed}}}', strict=True)


def test_defaults_are_those_of_the_database() -> None:
    task = TaskCreate(user_id=UUID(USER), title="Run")
    assert (task.status, task.priority, task.trigger_type, task.is_recurring) == ("pending", "standard", "time", False)
    goal = GoalCreate(user_id=UUID(USER), title="Run")
    assert (goal.status, goal.target_weeks, goal.description) == ("active", 6, None)
    assert UserCreate(email="a@example.com").preferences == {}
    assert DemoFlagsCreate(user_id=UUID(USER)).escalation_speed == 1.0
    properties = UserCreate.model_json_schema()["properties"]
    assert properties["preferences"]["default"] == {}
    assert properties["onboarded"]["default"] is False


def test_defaults_are_not_shared_between_instances() -> None:
    UserCreate(email="a@example.com").preferences["theme"] = "dark"
    assert UserCreate(email="b@example.com").preferences == {}


def test_an_update_distinguishes_unset_fields_from_null() -> None:
    assert accepted(TaskUpdate, {}) == {}
    assert TaskUpdate().description is MISSING
    assert accepted(TaskUpdate, {"description": None}) == {"description": None}
    assert TaskUpdate(description=None).model_dump() == {"description": None}
    assert set(problems_of(TaskUpdate, {"title": None}).values()) == {"string_type"}
    assert set(problems_of(TaskUpdate, {"status": None}).values()) == {"enum"}


@pytest.mark.parametrize("field", ["user_id", "id", "created_at", "updated_at", "scheduled_end_at"])
def test_an_update_has_no_fixed_field(field: str) -> None:
    assert field not in TaskUpdate.model_fields


def test_an_optional_field_without_null_has_no_default_in_the_schema() -> None:
    properties = TaskUpdate.model_json_schema()["properties"]
    assert properties["title"] == {
        "description": "What is to be done.",
        "maxLength": 500,
        "minLength": 1,
        "title": "Title",
        "type": "string",
    }
    assert {"type": "null"} in properties["description"]["anyOf"]
    assert not any("default" in each for each in properties.values())
    assert "required" not in TaskUpdate.model_json_schema()


def test_the_model_of_a_voice_session_has_the_fields_that_only_it_writes() -> None:
    assert list(ConversationFunctionUpdate.model_fields) == [
        "extracted_intent",
        "intent_payload",
        "linked_goal_id",
        "linked_task_id",
        "ended_at",
        "duration_seconds",
    ]
    assert accepted(ConversationFunctionUpdate, {"extracted_intent": None}) == {"extracted_intent": None}
    assert "extracted_intent" in Conversation.model_fields


def test_the_filters_of_a_list_are_foreign_keys_enumerations_and_tagged_columns() -> None:
    assert set(TaskFilters.model_fields) == {
        "user_id",
        "goal_id",
        "milestone_id",
        "status",
        "priority",
        "trigger_type",
        "escalation_policy",
        "conversation_id",
        "scheduled_from",
        "scheduled_before",
    }
    assert set(contract_1_2.ConversationFilters.model_fields) >= {"user_id", "langgraph_thread_id", "context_type"}
    assert contract_1_2.USERS.comparisons == contract_1_0.USERS.comparisons == {"email": ("email", "ignoring_case")}
    assert contract_1_0.TASKS.comparisons["scheduled_from"] == ("start_time", "from")
    assert TaskFilters.model_validate({"status": "done"}).model_dump(mode="json") == {"status": ["done"]}
    assert TaskFilters.model_validate({"status": "done,missed"}).model_dump(mode="json") == {"status": ["done", "missed"]}
    with pytest.raises(ValidationError):
        TaskFilters.model_validate({"title": "Run"})


def test_a_function_argument_may_be_null_if_null_clears_a_column() -> None:
    assert accepted(SetCalendarEventArguments, {"task_id": USER, "calendar_event_id": None})["calendar_event_id"] is None
    assert problems_of(SetCalendarEventArguments, {"task_id": USER}) == {"calendar_event_id": "missing"}
    assert problems_of(GetTasksByTimerangeArguments, {"user_id": USER, "start_at": None, "end_at": "2026-01-01T00:00:00Z"}) == {
        "start_at": "datetime_type"
    }


def test_a_row_ignores_a_column_that_it_does_not_know() -> None:
    stamp = "2026-01-01T00:00:00+00:00"
    fields: dict[str, Any] = dict.fromkeys(Task.model_fields) | NEW_TASK
    fields |= {"id": USER, "status": "done", "priority": "standard", "trigger_type": "time", "is_recurring": False}
    fields |= {"escalation_policy": "standard"}
    task = Task.model_validate(fields | {"created_at": stamp, "updated_at": stamp, "added_later": 1})
    assert task.created_at == datetime(2026, 1, 1, tzinfo=UTC)
    assert not hasattr(task, "added_later")
    page = {"items": [task], "total": 1, "page": 1, "page_size": 100, "has_next": False, "has_prev": False}
    assert "next_cursor" not in Page[Task].model_validate(page).model_dump()
    assert Page[Task].model_validate(page | {"next_cursor": "x"}).next_cursor == "x"


def test_a_goal_in_full_holds_rows() -> None:
    assert GoalFull.model_fields["tasks"].annotation == list[Task]
    assert contract_1_2.RELATIONS["goals_full"].create is None


def test_each_contract_uses_its_own_words() -> None:
    assert contract_1_0.TaskState("drifted")
    assert "status" not in contract_1_0.Task.model_fields
    assert contract_1_0.UserCreate.model_fields["name"].is_required()
    assert contract_1_0.TaskCreate.model_fields["goal_id"].is_required()
    assert contract_1_0.CONSTRAINTS["end_not_before_start"].field == "end_time"
    assert contract_1_2.CONSTRAINTS["end_not_before_start"].field == "scheduled_end_at"
    assert "conversations_langgraph_thread_id_key" not in contract_1_0.CONSTRAINTS


def test_messages_about_constraints_are_written_for_callers() -> None:
    said = {name: (each.kind, each.field, each.message) for name, each in contract_1_2.CONSTRAINTS.items()}
    assert said["users_email_key"] == ("unique", "email", "A user with this email exists already.")
    assert said["tasks_goal_id_fkey"] == ("reference", "goal_id", "goal_id names no goal of this user.")
    assert said["tasks_milestone_id_fkey"][2] == "milestone_id names no milestone of this goal."
    assert said["patterns_user_id_fkey"][2] == "user_id names no user."
    assert said["goal_is_not_its_own_parent"] == ("check", "parent_goal_id", "A goal cannot be its own parent.")
    assert "goals_id_user_id_key" not in said


@pytest.mark.parametrize("contract", [contract_1_0, contract_1_2])
def test_every_relation_and_function_of_a_contract_has_a_complete_binding(contract: Any) -> None:
    relations: dict[str, AnyRelation] = contract.RELATIONS
    functions: dict[str, AnyFunction] = contract.FUNCTIONS
    for name, relation in relations.items():
        assert relation.name == name
        assert isinstance(relation, Relation)
        assert relation.key in relation.column_types
        assert issubclass(relation.row, Row)
        assert list(relation.column_types) == list(relation.row.model_fields)
        assert issubclass(relation.filters, Filters)
        assert relation.description
    for name, function in functions.items():
        assert function.name == name
        assert issubclass(function.arguments, Input)
        assert list(function.argument_types) == list(function.arguments.model_fields)
        assert function.description
        TypeAdapter(function.result).json_schema()
    described = [field.description for relation in relations.values() for field in relation.row.model_fields.values()]
    assert all(described)


def test_reading_functions_are_read_only_and_writing_ones_not() -> None:
    assert {name for name, each in contract_1_2.FUNCTIONS.items() if each.read_only} == {
        "call_each",
        "check_access",
        "export_user",
        "get_daily_statistics",
        "get_dispatch_backlog",
        "get_goal_progress",
        "get_statistics_by_tag",
        "get_streak",
        "get_task_statistics",
        "get_tasks_by_timerange",
        "get_wal_position",
        "get_weekly_statistics",
        "list_messages",
        "list_page",
        "select_each",
    }


def test_enumerations_are_strings() -> None:
    assert vocabulary.TaskPriority.MUST_NOT_MISS.value == "must-not-miss"
    assert [str(word) for word in vocabulary.TaskStatus] == ["pending", "done", "missed", "rescheduled", "cancelled"]
    assert vocabulary.TaskStatus.__doc__ == "Where a task stands."
