"""The same requests in two dialects: our REST contract and PostgREST's API."""

from collections.abc import Callable
from typing import Any, Protocol
from urllib.parse import urlencode

from .traffic import Answer, Request, comparable

Ask = Callable[[Request], Answer]
PAGE = 100
CHAT_PAGE = 50
WEEKS = 12
_MADE_NEW = ("id", "created_at", "updated_at", "completed_at", "goal_id", "milestone_id")


class Dialect(Protocol):
    """The requests of the benchmark. Ids are UUIDs, times are ISO 8601 with an offset."""

    def get_task(self, task: str) -> Request: ...

    def list_tasks(self) -> Request:
        """The newest 100."""

    def list_tasks_of(self, user: str) -> Request:
        """The newest 100 of one user."""

    def deep_page(self, page: int, ask: Ask) -> Request:
        """A page of 100 far from the first, in the contender's cheapest way. `ask` calls the contender."""

    def time_range(self, user: str, start: str, end: str) -> Request: ...

    def statistics(self, user: str, start: str, end: str) -> Request: ...

    def weekly_statistics(self, user: str, until: str) -> Request: ...

    def newest_messages(self, conversation: str) -> Request:
        """The newest 50 of a conversation, oldest first."""

    def conversations_of(self, user: str) -> Request:
        """50 of one user, by their last message."""

    def create_task(self, row: dict[str, Any]) -> Request: ...

    def patch_task(self, task: str, changes: dict[str, Any]) -> Request: ...

    def bulk_update(self, tasks: list[str], status: str) -> Request: ...

    def create_structure(self, structure: dict[str, Any]) -> Request: ...

    def claim(self, limit: int) -> Request:
        """Claim deliveries."""

    def start_delivery(self, delivery: str, attempt: int) -> Request: ...

    def finish_delivery(self, delivery: str, attempt: int) -> Request: ...


def _whole(answer: Answer) -> object:
    return comparable(answer.json)


def _listed(rows: list[dict[str, Any]], total: int) -> object:
    """Which rows, not their values: earlier requests may have changed some."""
    return [row["id"] for row in rows], [sorted(row) for row in rows], total


def _created(answer: Answer) -> object:
    return comparable(answer.json, "id", "created_at", "updated_at")


def _patched(changes: dict[str, Any]) -> Callable[[Answer], object]:
    """Only the changed fields: earlier requests may have changed the others."""

    def gist(answer: Answer) -> object:
        row = answer.json
        return row["id"], sorted(row), {name: row[name] for name in changes}

    return gist


def _structure(answer: Answer) -> object:
    goal = comparable(answer.json, *_MADE_NEW)
    for part, key in (("milestones", "week_number"), ("tasks", "title")):
        goal[part] = sorted(goal[part], key=lambda row: row[key])
    return goal


class Rest:
    """The REST contract 1.2."""

    keyset: bool

    def __init__(self, *, keyset: bool) -> None:
        """`keyset`: lists take `after`."""
        self.keyset = keyset

    def get_task(self, task: str) -> Request:
        return Request("GET", f"/api/v1/tasks/{task}", _whole)

    def list_tasks(self) -> Request:
        return self._list("tasks", limit=PAGE)

    def list_tasks_of(self, user: str) -> Request:
        return self._list("tasks", user_id=user, limit=PAGE)

    def deep_page(self, page: int, ask: Ask) -> Request:
        if not self.keyset:
            return self._list("tasks", skip=(page - 1) * PAGE, limit=PAGE)
        before = ask(self._list("tasks", skip=(page - 2) * PAGE, limit=PAGE))
        return self._list("tasks", after=before.json["next_cursor"], limit=PAGE)

    def time_range(self, user: str, start: str, end: str) -> Request:
        return self._get("tasks/by-timerange", user_id=user, start_at=start, end_at=end)

    def statistics(self, user: str, start: str, end: str) -> Request:
        return self._get("tasks/statistics", user_id=user, start_date=start, end_date=end)

    def weekly_statistics(self, user: str, until: str) -> Request:
        return self._get("tasks/statistics/weekly", user_id=user, weeks=WEEKS, until=until)

    def newest_messages(self, conversation: str) -> Request:
        return self._get("messages/", conversation_id=conversation, limit=CHAT_PAGE)

    def conversations_of(self, user: str) -> Request:
        return self._list("conversations", user_id=user, order="last_message", limit=CHAT_PAGE)

    def create_task(self, row: dict[str, Any]) -> Request:
        return Request("POST", "/api/v1/tasks/", _created, row)

    def patch_task(self, task: str, changes: dict[str, Any]) -> Request:
        return Request("PATCH", f"/api/v1/tasks/{task}", _patched(changes), changes)

    def bulk_update(self, tasks: list[str], status: str) -> Request:
        return Request("POST", "/api/v1/tasks/bulk-update-state", _whole, {"task_ids": tasks, "new_status": status})

    def create_structure(self, structure: dict[str, Any]) -> Request:
        return Request("POST", "/api/v1/goals/with-structure", _structure, structure)

    def claim(self, limit: int) -> Request:
        return Request("POST", "/api/v1/dispatches/claim", _whole, {"worker": "worker", "limit": limit})

    def start_delivery(self, delivery: str, attempt: int) -> Request:
        return Request("POST", f"/api/v1/dispatches/{delivery}/start", _whole, {"attempt": attempt})

    def finish_delivery(self, delivery: str, attempt: int) -> Request:
        body = {"attempt": attempt, "outcome": "sent", "external_id": delivery}
        return Request("POST", f"/api/v1/dispatches/{delivery}/finish", _whole, body)

    def _list(self, collection: str, **query: Any) -> Request:
        def gist(answer: Answer) -> object:
            return _listed(answer.json["items"], answer.json["total"])

        return Request("GET", f"/api/v1/{collection}/?{urlencode(query)}", gist)

    def _get(self, path: str, **query: Any) -> Request:
        return Request("GET", f"/api/v1/{path}?{urlencode(query)}", _whole)


class DataApi:
    """PostgREST's API, called with the service key, and with an exact count if a list has a total."""

    def __init__(self, key: str) -> None:
        self._key = ("Authorization", f"Bearer {key}")
        self._one_row = ("Accept", "application/vnd.pgrst.object+json")
        self._returning = ("Prefer", "return=representation")

    def get_task(self, task: str) -> Request:
        return Request("GET", f"/tasks?id=eq.{task}", _whole, headers=(self._key, self._one_row))

    def list_tasks(self) -> Request:
        return self._list("tasks", "")

    def list_tasks_of(self, user: str) -> Request:
        return self._list("tasks", f"user_id=eq.{user}&")

    def deep_page(self, page: int, ask: Ask) -> Request:  # noqa: ARG002 - PostgREST has no cursors
        return self._list("tasks", f"offset={(page - 1) * PAGE}&")

    def time_range(self, user: str, start: str, end: str) -> Request:
        start, end = start.replace("+", "%2B"), end.replace("+", "%2B")
        query = f"user_id=eq.{user}&scheduled_at=gte.{start}&scheduled_at=lte.{end}&order=scheduled_at,id"
        return Request("GET", f"/tasks?{query}", _whole, headers=(self._key,))

    def statistics(self, user: str, start: str, end: str) -> Request:
        query = urlencode({"user_id": user, "start_date": start, "end_date": end})
        return Request("GET", f"/rpc/get_task_statistics?{query}", _whole, headers=(self._key,))

    def weekly_statistics(self, user: str, until: str) -> Request:
        query = urlencode({"user_id": user, "weeks": WEEKS, "until": until})
        return Request("GET", f"/rpc/get_weekly_statistics?{query}", _whole, headers=(self._key,))

    def newest_messages(self, conversation: str) -> Request:
        def gist(answer: Answer) -> object:
            return comparable(answer.json[::-1])

        query = f"conversation_id=eq.{conversation}&order=created_at.desc,id.desc&limit={CHAT_PAGE}"
        return Request("GET", f"/messages?{query}", gist, headers=(self._key,))

    def conversations_of(self, user: str) -> Request:
        return self._list("conversations", f"user_id=eq.{user}&", "last_message_at.desc.nullslast", CHAT_PAGE)

    def create_task(self, row: dict[str, Any]) -> Request:
        return Request("POST", "/tasks", _created, row, (self._key, self._one_row, self._returning))

    def patch_task(self, task: str, changes: dict[str, Any]) -> Request:
        return Request("PATCH", f"/tasks?id=eq.{task}", _patched(changes), changes, (self._key, self._one_row, self._returning))

    def bulk_update(self, tasks: list[str], status: str) -> Request:
        return self._call("bulk_update_task_status", {"task_ids": tasks, "new_status": status})

    def create_structure(self, structure: dict[str, Any]) -> Request:
        return self._call("create_goal_with_structure", structure, _structure)

    def claim(self, limit: int) -> Request:
        return self._call("claim_dispatches", {"worker": "worker", "limit": limit})

    def start_delivery(self, delivery: str, attempt: int) -> Request:
        return self._call("start_dispatch", {"dispatch_id": delivery, "attempt": attempt})

    def finish_delivery(self, delivery: str, attempt: int) -> Request:
        body = {"dispatch_id": delivery, "attempt": attempt, "outcome": "sent", "external_id": delivery}
        return self._call("finish_dispatch", body)

    def _call(self, function: str, body: dict[str, Any], gist: Callable[[Answer], object] = _whole) -> Request:
        return Request("POST", f"/rpc/{function}", gist, body, (self._key,))

    def _list(self, table: str, query: str, order: str = "created_at.desc", limit: int = PAGE) -> Request:
        def gist(answer: Answer) -> object:
            return _listed(answer.json, int(answer.headers["content-range"].partition("/")[2]))

        path = f"/{table}?{query}order={order},id.desc&limit={limit}"
        return Request("GET", path, gist, headers=(self._key, ("Prefer", "count=exact")))
