"""What direct callers get wrong. A null counts as the default, or is refused; each refusal names its field."""

import re
from collections.abc import AsyncIterator, Callable
from typing import Any
from uuid import UUID

import httpx
import pytest

from dao_service.generated import SCHEMAS
from local_stack import LocalStack
from tests.database.test_row_level_security import CALLS, Call
from tests.locks import Database
from tests.owners import Owner, make_owner

FUNCTIONS = {schema.name: schema.functions for schema in SCHEMAS.values()}
_NEW_EACH_TIME = re.compile(r"[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}|\d{4}-\d\d-\d\d[T ][\d:.+]+|legacy-\S+")


@pytest.fixture(scope="module")
async def service(stack: LocalStack) -> AsyncIterator[httpx.AsyncClient]:
    """The Data API with the service's key."""
    key = stack.service_role_key
    headers = {"apikey": key, "Authorization": f"Bearer {key}"}
    async with httpx.AsyncClient(base_url=stack.api_url + "/rest/v1", headers=headers) as client:
        yield client


@pytest.mark.parametrize("call", [call for call in CALLS if call.function != "ensure_user"], ids=str)
async def test_null_is_the_default_or_is_refused_with_its_field(call: Call, service: httpx.AsyncClient, database: Database) -> None:
    function = FUNCTIONS[call.schema][call.function]
    # What other tests left would be claimed by one call and not by the next.
    await database.execute("delete from public.dispatches where outcome is null")
    owner = await make_owner(database)

    async def answer(without: str | None = None, **changed: Any) -> httpx.Response:
        body = call.arguments(owner if function.read_only else await make_owner(database)) | changed
        body.pop(without or "", None)
        return await service.post(f"/rpc/{call.function}", json=body, headers={"Content-Profile": call.schema})

    for name, argument in function.arguments.model_fields.items():
        nulled = await answer(**{name: None})
        if not argument.is_required():
            usual = await answer(without=name)
            assert (nulled.status_code, _without_new(nulled)) == (usual.status_code, _without_new(usual)), name
        elif type(None) in getattr(argument.annotation, "__args__", ()):
            assert nulled.status_code in (200, 409), name
        else:
            assert nulled.status_code == 422, name
            assert (nulled.json()["code"], nulled.json()["details"]) == ("PT422", f"at {name}")


def _without_new(response: httpx.Response) -> str:
    return _NEW_EACH_TIME.sub("", response.text)


def _message(*messages: Any) -> Callable[[Owner], Any]:
    return lambda o: {"conversation_id": o.conversation, "messages": list(messages)}


def _pattern(**changed: Any) -> Callable[[Owner], Any]:
    return lambda o: {"pattern": {"user_id": o.user, "pattern_type": "time", "pattern_key": "mornings"} | changed}


def _next(**changed: Any) -> Callable[[Owner], Any]:
    fields = {"scheduled_at": "2026-03-09T09:00:00Z", "occurrence_at": "2026-03-09T09:00:00Z"} | changed
    return lambda o: {"task_id": o.task, "new_status": "done", "expected_status": "done", "next": fields}


def _structure(goal: dict[str, Any] | None = None, **milestone: Any) -> Callable[[Owner], Any]:
    milestones = [{"week_number": 1, "title": "x"} | milestone]
    return lambda o: {"goal": {"user_id": o.user, "title": "x"} | (goal or {}), "milestones": milestones}


def _statistics(**arguments: Any) -> Callable[[Owner], Any]:
    return lambda o: {"user_id": o.user} | arguments


FIRST, LAST = "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"


@pytest.mark.parametrize(
    ("function", "arguments", "field"),
    [
        ("put_pattern", lambda o: {}, "pattern_key"),
        ("put_pattern", lambda o: {"pattern": 5}, "pattern"),
        ("put_pattern", lambda o: {"pattern": []}, "pattern"),
        ("put_pattern", _pattern(pattern_key=5), "pattern_key"),
        ("put_pattern", _pattern(pattern_type=None), "pattern_type"),
        ("put_pattern", _pattern(confidence="1"), "confidence"),
        ("put_pattern", _pattern(confidence=2), "confidence"),
        ("put_pattern", _pattern(user_id="x"), "user_id"),
        ("put_pattern", _pattern(nonsense=1), "nonsense"),
        ("append_messages", _message(None), "messages[0]"),
        ("append_messages", _message({}), "messages[0].content"),
        ("append_messages", _message({"role": None, "content": "x"}), "messages[0].role"),
        ("append_messages", _message({"role": "user", "content": "x"}, {"role": "user", "content": 5}), "messages[1].content"),
        ("append_messages", _message({"role": "user", "content": "x", "tokens_used": -1}), "messages[0].tokens_used"),
        ("append_messages", _message({"role": "user", "content": "x", "nonsense": 1}), "messages[0].nonsense"),
        ("finish_task", lambda o: {"task_id": o.task, "new_status": "done", "expected_status": "done", "next": 5}, "next"),
        ("finish_task", _next(title=5), "next.title"),
        ("finish_task", _next(duration_minutes=0), "next.duration_minutes"),
        ("finish_task", _next(occurrence_at="soon"), "next.occurrence_at"),
        ("close_voice_session", lambda o: {"conversation_id": o.conversation, "session": {"ended_at": 5}}, "ended_at"),
        ("create_goal_with_structure", _structure({"id": str(UUID(int=1))}), "goal.id"),
        ("create_goal_with_structure", _structure({"nonsense": 1}), "goal.nonsense"),
        ("create_goal_with_structure", _structure(id=str(UUID(int=1))), "milestones[0].id"),
        ("create_goal_with_structure", _structure(goal_id=str(UUID(int=1))), "milestones[0].goal_id"),
        ("create_goal_with_structure", _structure(tasks={}), "milestones[0].tasks"),
        ("create_goal_with_structure", _structure(tasks=[5]), "milestones[0].tasks[0]"),
        ("create_goal_with_structure", _structure(tasks=[{"title": "x", "user_id": None}]), "milestones[0].tasks[0].user_id"),
        ("create_goal_with_structure", _structure(tasks=[{"title": ""}]), "milestones[0].tasks[0].title"),
        ("get_daily_statistics", _statistics(until=FIRST, days=2), "until"),
        ("get_daily_statistics", _statistics(until=LAST, days=1, time_zone="Asia/Tokyo"), "until"),
        ("get_weekly_statistics", _statistics(until=FIRST, time_zone="America/New_York"), "until"),
    ],
)
async def test_a_refusal_names_its_field(
    function: str, arguments: Callable[[Owner], Any], field: str, stack: LocalStack, database: Database
) -> None:
    owner = await make_owner(database)
    headers = {"apikey": stack.anon_key, "Authorization": f"Bearer {stack.mint(owner.user)}"}

    async with httpx.AsyncClient(base_url=stack.api_url + "/rest/v1", headers=headers) as client:
        answer = await client.post(f"/rpc/{function}", json=arguments(owner))

    assert (answer.status_code // 100, answer.json()["details"]) == (4, f"at {field}"), answer.text
