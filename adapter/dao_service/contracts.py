"""The table of all operations, by contract.

A contract is a schema of the database. It has the plain operations of its resources and a few special ones, each of which is one
function of the database. The generated modules declare the parameters, bodies and answers; this table adds methods and paths.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import create_model

from dao_service.bindings import AnyFunction, AnyRelation, Constraint, Schema
from dao_service.bodies import arguments_beside, arguments_without, changes_of
from dao_service.generated import DEFAULT_CONTRACT as DEFAULT_CONTRACT
from dao_service.generated import SCHEMAS
from dao_service.generated import contract_1_2 as v1_2
from dao_service.list_parameters import Paging
from dao_service.operations import (
    Operation,
    ask,
    create_row,
    delete_row,
    get_row,
    list_rows,
    perform,
    update_row,
)

ALL = "list get create update delete"


@dataclass(frozen=True)
class Contract:
    """A contract: its name in `X-Flux-Contract`, its schema, its operations."""

    name: str
    schema: str
    operations: tuple[Operation, ...]
    relations: Mapping[str, AnyRelation]
    constraints: Mapping[str, Constraint]

    @property
    def resources(self) -> dict[str, str]:
        """The description of each resource, by the first segment of its paths."""
        names = dict.fromkeys(operation.resource for operation in self.operations)
        return {name: self.relations[name.replace("-", "_")].description for name in names}


def resource(relation: AnyRelation, key: str, methods: str) -> Iterable[Operation]:
    """The plain operations of a resource. `key` is the name of the id in its path."""
    collection = f"/{relation.name.replace('_', '-')}/"
    one = f"{collection}{{{key}}}"
    for method in methods.split():
        if method == "list":
            yield list_rows(collection, relation, _list_query(relation), v1_2.Page.__class_getitem__(relation.row), v1_2.LIST_PAGE)
        elif method == "get":
            yield get_row(one, relation)
        elif method == "create":
            yield create_row(collection, relation)
        elif method == "update":
            yield update_row(one, relation)
        elif method == "delete":
            yield delete_row(one, relation)
        else:
            raise ValueError(f"no such method: {method}")


def _list_query(relation: AnyRelation) -> Any:
    bases: Any = (Paging, relation.filters)
    return create_model(f"{relation.filters.__name__}AndPaging", __base__=bases)


def _goals_and_milestones(relations: Mapping[str, AnyRelation], functions: Mapping[str, AnyFunction]) -> Iterable[Operation]:
    """The special operations on a goal with its milestones and tasks."""
    structure = functions["create_goal_with_structure"]
    yield get_row("/goals/{goal_id}/full", relations["goals_full"], "get_goal_with_structure", "goal with its milestones and tasks")
    yield perform("POST", "/goals/with-structure", structure, structure.arguments, status=201)


def _tasks(tasks: AnyRelation, functions: Mapping[str, AnyFunction]) -> Iterable[Operation]:
    """The special operations on tasks."""
    calendar = functions["set_calendar_event"]
    (bulk_update,) = (each for name, each in functions.items() if name.startswith("bulk_update_task_"))
    yield ask("/tasks/by-timerange", functions["get_tasks_by_timerange"])
    yield ask("/tasks/statistics", functions["get_task_statistics"])
    yield perform("POST", "/tasks/bulk-update-state", bulk_update, bulk_update.arguments)
    body = changes_of(calendar, tasks, "calendar_event_id")
    yield perform("PATCH", "/tasks/{task_id}/calendar-event", calendar, body, key="task_id", changes=tasks)


def _demo_flags(relations: Mapping[str, AnyRelation], functions: Mapping[str, AnyFunction]) -> Iterable[Operation]:
    put = functions["put_demo_flags"]
    yield get_row("/demo-flags/{user_id}", relations["demo_flags"])
    yield perform("PUT", "/demo-flags/{user_id}", put, arguments_beside(put, "user_id"), key="user_id")


def _shared(schema: Schema) -> Iterable[Operation]:
    """The operations that every contract has, each in its own words."""
    relations, functions = schema.relations, schema.functions

    def plain(name: str, key: str, methods: str = ALL) -> Iterable[Operation]:
        return resource(relations[name], key, methods)

    yield from plain("users", "user_id")
    yield from _demo_flags(relations, functions)
    yield from plain("goals", "goal_id")
    yield from _goals_and_milestones(relations, functions)
    yield from plain("milestones", "milestone_id")
    yield from plain("tasks", "task_id")
    yield from _tasks(relations["tasks"], functions)
    yield from plain("conversations", "conversation_id", "list get create update")


def _on(method: str, path: str, function: AnyFunction, status: int = 200, *, conditional: bool = False) -> Operation:
    """An operation on the row whose id is in the path."""
    key = path.partition("{")[2].partition("}")[0]
    return perform(method, path, function, arguments_without(function, key), key=key, status=status, conditional=conditional)


def _statistics() -> Iterable[Operation]:
    yield ask("/tasks/statistics/weekly", v1_2.GET_WEEKLY_STATISTICS)
    yield ask("/tasks/statistics/daily", v1_2.GET_DAILY_STATISTICS)
    yield ask("/tasks/statistics/streak", v1_2.GET_STREAK)
    yield ask("/tasks/statistics/by-tag", v1_2.GET_STATISTICS_BY_TAG)
    yield ask("/goals/{goal_id}/progress", v1_2.GET_GOAL_PROGRESS, key="goal_id")


def _dispatches() -> Iterable[Operation]:
    schedule, claim, cancel = v1_2.SCHEDULE_DISPATCHES, v1_2.CLAIM_DISPATCHES, v1_2.CANCEL_DISPATCHES
    yield perform("POST", "/dispatches/", schedule, schedule.arguments, status=201)
    yield perform("POST", "/dispatches/claim", claim, claim.arguments, repeatable=False)
    yield perform("POST", "/dispatches/cancel", cancel, cancel.arguments)
    yield _on("POST", "/dispatches/{dispatch_id}/start", v1_2.START_DISPATCH)
    yield _on("POST", "/dispatches/{dispatch_id}/extend", v1_2.EXTEND_DISPATCH)
    yield _on("POST", "/dispatches/{dispatch_id}/finish", v1_2.FINISH_DISPATCH)
    yield from resource(v1_2.DISPATCHES, "dispatch_id", "list get")


_ADDED = {
    "1.2": (
        perform(
            "PUT",
            "/users/{user_id}/sign-in",
            v1_2.LINK_SIGN_IN,
            arguments_beside(v1_2.LINK_SIGN_IN, "user_id"),
            key="user_id",
        ),
        perform(
            "PATCH",
            "/conversations/{conversation_id}/voice",
            v1_2.CLOSE_VOICE_SESSION,
            v1_2.ConversationFunctionUpdate,
            key="conversation_id",
            whole="session",
        ),
        *resource(v1_2.MESSAGES, "message_id", "get create delete"),
        ask("/messages/", v1_2.LIST_MESSAGES, long=True),
        _on("POST", "/conversations/{conversation_id}/messages", v1_2.APPEND_MESSAGES, status=201),
        perform("PUT", "/patterns/by-key", v1_2.PUT_PATTERN, v1_2.PutPatternPattern, whole="pattern"),
        *resource(v1_2.PATTERNS, "pattern_id", ALL),
        perform("POST", "/notification-log/responses", v1_2.RECORD_RESPONSE, v1_2.RECORD_RESPONSE.arguments),
        *resource(v1_2.NOTIFICATION_LOG, "notification_id", ALL),
        *_dispatches(),
        _on("POST", "/tasks/{task_id}/finish", v1_2.FINISH_TASK, conditional=True),
        _on("POST", "/tasks/{task_id}/move", v1_2.MOVE_TASK, conditional=True),
        *_statistics(),
        _on("POST", "/goals/{goal_id}/advance", v1_2.ADVANCE_GOAL),
        ask("/users/{user_id}/export", v1_2.EXPORT_USER, key="user_id", long=True),
    )
}
"""The operations that one contract alone has."""

CONTRACTS = {
    name: Contract(
        name=name,
        schema=schema.name,
        relations=schema.relations,
        constraints=schema.constraints,
        operations=(*_shared(schema), *_ADDED.get(name, ())),
    )
    for name, schema in SCHEMAS.items()
}
SHARED = SCHEMAS[DEFAULT_CONTRACT].functions
"""Where the functions for shared calls are, which serve every contract."""
READINESS = SCHEMAS[DEFAULT_CONTRACT].functions["check_access"]
"""The function that the readiness check calls. Only service_role may."""
WAL_POSITION = SCHEMAS[DEFAULT_CONTRACT].functions["get_wal_position"]
"""The function that tells how far a standby is."""
BACKLOG = SCHEMAS[DEFAULT_CONTRACT].functions["get_dispatch_backlog"]
"""The function that `/metrics` asks how far deliveries are behind."""
