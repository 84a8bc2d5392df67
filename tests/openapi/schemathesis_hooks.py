"""Rules that schemathesis cannot read in a schema: existing rows, and fields that have to agree.

A request that should be accepted gets references to existing rows of one user and parameters that do not contradict each other.
One that should be refused is not changed. schemathesis loads this module in its own process, see `test_openapi.py`.
"""

import os
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import httpx
import schemathesis
from hypothesis import strategies
from schemathesis import Case, GenerationMode, HookContext

_REFERENCES = frozenset(
    ("user_id", "goal_id", "linked_goal_id", "parent_goal_id", "milestone_id", "task_id", "linked_task_id", "conversation_id")
)
_OF_STORED_ROWS = frozenset(("IfMatch", "IfNoneMatch", "IdempotencyKey"))
_client = httpx.Client(
    base_url=os.environ["FLUX_URL"], headers={"X-Flux-Service-Key": os.environ["FLUX_SERVICE_KEY"], "X-Flux-Contract": "1.2"}
)
_rows: dict[str, str] = {}

_offsets = strategies.sampled_from(("Z", "+00:00", "+05:45", "-03:30", "+14:00", "-12:00"))
_moments = strategies.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30))  # noqa: DTZ001 (the offset comes after)
schemathesis.openapi.format("date-time", strategies.builds(lambda moment, offset: moment.isoformat() + offset, _moments, _offsets))


@schemathesis.hook
def before_load_schema(context: HookContext, raw_schema: dict[str, Any]) -> None:
    """Leave out the headers whose values have to fit what is stored: no invented ETag is a row's."""
    raw_schema["paths"].pop("/api/v1/users/{user_id}/sign-in", None)  # Needs an account, which Supabase Auth makes.
    for methods in raw_schema["paths"].values():
        for operation in methods.values():
            headers = operation.get("parameters", [])
            operation["parameters"] = [each for each in headers if each.get("$ref", "").rpartition("/")[2] not in _OF_STORED_ROWS]


@schemathesis.hook
def before_call(context: HookContext, case: Case[Any], kwargs: dict[str, Any]) -> None:
    """Make a request that satisfies its schema satisfy the database too."""
    if case.meta is None or case.meta.generation.mode is not GenerationMode.POSITIVE:
        return
    _fit_path(case.path_parameters)
    if case.query:
        _make_consistent(case.query)
    if isinstance(case.body, dict):
        if case.operation.method.upper() == "PATCH":
            _leave_references(case.body)
        else:
            _refer_to_rows(case.body)
        if isinstance(following := case.body.get("next"), dict):
            _leave_references(following)
        for part in (case.body, *_structure(case.body)):
            _agree(part)
            if "milestones" in case.body and isinstance(part.get("shared_with_goal_ids"), list):
                del part["shared_with_goal_ids"][100:]  # The lists of a structure have a limit together.
        if "user_id" in case.path_parameters:
            case.body.pop("user_id", None)
            if case.operation.method.upper() == "PUT":
                case.path_parameters["user_id"] = _world()["user_id"]


def _fit_path(parameters: dict[str, Any]) -> None:
    # A link may take an id from a row in which the reference is null.
    parameters |= {name: str(uuid4()) for name, value in parameters.items() if value in (None, "None")}
    if "dispatch_id" in parameters:  # Callers plan deliveries by task, and the answer has no ids.
        parameters["dispatch_id"] = _world()["dispatch_id"]


def _make_consistent(query: dict[str, Any]) -> None:
    query.pop("after", None)
    query.pop("before", None)
    if "time_zone" in query:
        query["time_zone"] = "Europe/Berlin"
    for name in [name for name, value in query.items() if value in ("", [], [""])]:
        del query[name]  # Sent as an empty text, it would be no word.
    if query.keys() & {"skip", "limit"}:
        query.pop("page", None)
        query.pop("page_size", None)
    ranges = [("start_at", "end_at"), ("start_time", "end_time"), ("start_date", "end_date")]
    ranges += [("scheduled_from", "scheduled_before"), ("start_time_from", "start_time_before")]
    for start, end in ranges:
        if start in query and end in query and _moment(query[start]) > _moment(query[end]):
            query[start], query[end] = query[end], query[start]


def _refer_to_rows(body: dict[str, Any]) -> None:
    if isinstance(goal := body.get("goal"), dict):
        _refer_to_rows(goal)
    if found := body.keys() & _REFERENCES:
        world = _world()
        body |= {name: world[name] for name in found}
    if "milestone_id" in body and "goal_id" not in body:
        del body["milestone_id"]


def _leave_references(body: dict[str, Any]) -> None:
    # They would have to belong to the same user as the changed row.
    for name in _REFERENCES:
        body.pop(name, None)


def _structure(body: dict[str, Any]) -> list[dict[str, Any]]:
    entries = [each for name in ("dispatches", "messages") for each in body.get(name) or () if isinstance(each, dict)]
    return entries + [task for milestone in body.get("milestones") or () for task in milestone.get("tasks") or ()]


def _agree(row: dict[str, Any]) -> None:
    if row.get("status") != "done":
        row.pop("completed_at", None)
    if "email" in row:
        row["email"] = f"{uuid4().hex}@example.com"  # Its schema does not say which characters are white space.
    if "timezone" in row:
        row["timezone"] = "Europe/Berlin"
    if "task_id" in row:
        row["task_id"] = _world()["task_id"]
    if row.get("outcome") == "sent":
        row.pop("retry_at", None)
    if row.get("end_time") is not None:
        row.pop("end_time")


def _world() -> dict[str, str]:
    """Rows of one user by the field that refers to them. Requests may delete them, so missing ones are created again."""
    if not _is_whole():
        user = _create("users/", email=f"{uuid4().hex}@example.com")["id"]
        goal = _create("goals/", user_id=user, title="Run")["id"]
        milestone = _create("milestones/", goal_id=goal, week_number=1, title="Run")["id"]
        task = _create("tasks/", user_id=user, goal_id=goal, milestone_id=milestone, title="Run")["id"]
        parent = _create("goals/", user_id=user, title="Move")["id"]
        thread = _create("conversations/", user_id=user, langgraph_thread_id=uuid4().hex, context_type="goal")["id"]
        _rows.update(user_id=user, milestone_id=milestone, parent_goal_id=parent, conversation_id=thread)
        _rows.update(task_id=task, linked_task_id=task, goal_id=goal, linked_goal_id=goal)
        plan = {"task_id": task, "channel": "push", "dedupe_key": uuid4().hex, "due_at": "2099-01-01T00:00:00Z"}
        _create("dispatches/", dispatches=[plan])
        (delivery,) = _client.get("/api/v1/dispatches/", params={"task_id": task}).raise_for_status().json()["items"]
        _rows["dispatch_id"] = delivery["id"]
    return _rows


def _is_whole() -> bool:
    if not _rows:
        return False
    goal = _client.get(f"/api/v1/goals/{_rows['goal_id']}/full")
    parent = _client.get(f"/api/v1/goals/{_rows['parent_goal_id']}")
    # Other requests add milestones to the goal, so that any milestone proves little.
    found = {row["id"] for each in ("milestones", "tasks") for row in goal.json().get(each, ())}
    return goal.is_success and parent.is_success and {_rows["milestone_id"], _rows["task_id"]} <= found


def _create(path: str, **row: Any) -> dict[str, Any]:
    created: dict[str, Any] = _client.post(f"/api/v1/{path}", json=row).raise_for_status().json()
    return created


def _moment(value: Any) -> datetime:
    moment = datetime.fromisoformat(str(value))
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
