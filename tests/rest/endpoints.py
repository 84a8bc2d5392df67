"""CONTRACT.md's endpoint tables as data: the paths under /api/v1 of each contract, and their methods."""

from typing import Any

import pytest

ALL = {"GET", "POST"}
ONE = {"GET", "PATCH", "DELETE"}
OF_BOTH = {
    "/users/": ALL,
    "/users/{user_id}": ONE,
    "/goals/": ALL,
    "/goals/{goal_id}": ONE,
    "/goals/{goal_id}/full": {"GET"},
    "/goals/with-structure": {"POST"},
    "/milestones/": ALL,
    "/milestones/{milestone_id}": ONE,
    "/tasks/": ALL,
    "/tasks/{task_id}": ONE,
    "/tasks/{task_id}/calendar-event": {"PATCH"},
    "/tasks/by-timerange": {"GET"},
    "/tasks/statistics": {"GET"},
    "/tasks/bulk-update-state": {"POST"},
    "/conversations/": ALL,
    "/conversations/{conversation_id}": {"GET", "PATCH"},
    "/demo-flags/{user_id}": {"GET", "PUT"},
}
OF_1_2 = {
    "/users/{user_id}/sign-in": {"PUT"},
    "/conversations/{conversation_id}/voice": {"PATCH"},
    "/messages/": ALL,
    "/messages/{message_id}": {"GET", "DELETE"},
    "/patterns/": ALL,
    "/patterns/{pattern_id}": ONE,
    "/notification-log/": ALL,
    "/patterns/by-key": {"PUT"},
    "/notification-log/{notification_id}": ONE,
    "/notification-log/responses": {"POST"},
    "/conversations/{conversation_id}/messages": {"POST"},
    "/dispatches/": ALL,
    "/dispatches/claim": {"POST"},
    "/dispatches/cancel": {"POST"},
    "/dispatches/{dispatch_id}": {"GET"},
    "/dispatches/{dispatch_id}/start": {"POST"},
    "/dispatches/{dispatch_id}/finish": {"POST"},
    "/dispatches/{dispatch_id}/extend": {"POST"},
    "/tasks/{task_id}/finish": {"POST"},
    "/tasks/{task_id}/move": {"POST"},
    "/tasks/statistics/weekly": {"GET"},
    "/tasks/statistics/daily": {"GET"},
    "/tasks/statistics/streak": {"GET"},
    "/tasks/statistics/by-tag": {"GET"},
    "/goals/{goal_id}/advance": {"POST"},
    "/goals/{goal_id}/progress": {"GET"},
    "/users/{user_id}/export": {"GET"},
}

ENDPOINTS = {"1.0": OF_BOTH, "1.2": OF_BOTH | OF_1_2}
Endpoint = tuple[str, str, str]
"""Contract, method, path."""
BODIES = {
    "/users/{user_id}": {},
    "/goals/{goal_id}": {"title": "Run"},
    "/tasks/{task_id}/calendar-event": {"calendar_event_id": "event-1"},
    "/conversations/{conversation_id}/voice": {"extracted_intent": "plan"},
    "/conversations/{conversation_id}/messages": {"messages": [{"role": "user", "content": "Hello"}]},
    "/dispatches/{dispatch_id}/start": {"attempt": 1},
    "/dispatches/{dispatch_id}/finish": {"attempt": 1, "outcome": "sent"},
    "/dispatches/{dispatch_id}/extend": {"attempt": 1, "lease_seconds": 60},
    "/tasks/{task_id}/finish": {"new_status": "done"},
    "/tasks/{task_id}/move": {"scheduled_at": "2026-03-01T10:00:00Z", "expected_scheduled_at": None},
    "/users/{user_id}/sign-in": {"auth_user_id": "00000000-0000-4000-8000-000000000000"},
}
"""The bodies for paths with an id; an empty object for all others."""
BODY_OPTIONAL = "/goals/{goal_id}/advance"
"""No field of its body is required, so that the body may be empty."""


def endpoints(*, with_id: bool | None = None, with_body: bool | None = None) -> list[Any]:
    """Each endpoint of each contract, as a parameter."""
    return [
        pytest.param((contract, method, path), id=f"{contract} {method} {path}")
        for contract, paths in ENDPOINTS.items()
        for path, methods in paths.items()
        for method in sorted(methods)
        if with_id in (None, "{" in path) and with_body in (None, method in ("POST", "PATCH", "PUT"))
    ]


def url_of(path: str, key: object) -> str:
    """The full path, with this id if it takes one."""
    start, _, rest = path.partition("{")
    return f"/api/v1{start}{key}{rest.partition('}')[2]}" if rest else f"/api/v1{path}"


def own_row(path: str) -> str:
    """The name in `world` of a row for a path with an id."""
    return {"user_id": "user", "goal_id": "goal", "milestone_id": "milestone", "task_id": "task"}.get(
        path.partition("{")[2].partition("}")[0], "conversation"
    )
