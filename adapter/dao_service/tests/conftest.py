"""The guides' factories of test data, for tests of this service and of its callers."""

from typing import Any
from uuid import uuid4


def make_user_data(**fields: Any) -> dict[str, Any]:
    """The body that creates a user, under an address of its own."""
    return {"email": f"{uuid4().hex}@example.com", **fields}


def make_goal_data(user_id: str, **fields: Any) -> dict[str, Any]:
    """The body that creates a goal."""
    return {"user_id": user_id, "title": "Run a half marathon", **fields}


def make_task_data(user_id: str, goal_id: str | None = None, **fields: Any) -> dict[str, Any]:
    """The body that creates a task."""
    return {"user_id": user_id, "goal_id": goal_id, "title": "Run 3 km", **fields}
