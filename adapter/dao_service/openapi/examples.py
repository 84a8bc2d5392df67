"""Examples of what a contract's operations take and return, made of the rows of `supabase/seed.sql`.

Every request can be sent as it is to a service that holds those rows.
"""

from collections.abc import Mapping
from enum import Enum
from typing import Any, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from dao_service.contracts import Contract
from dao_service.generated.contract_1_2 import Page
from dao_service.generated.seed_rows import ROWS
from dao_service.operations import Operation, resource_of

Json = dict[str, Any]

# What no row holds.
_OTHERS: Json = {
    "start_at": "2026-11-23T00:00:00+01:00",
    "end_at": "2026-11-29T23:59:59+01:00",
    "start_date": "2026-11-01T00:00:00Z",
    "end_date": "2026-11-30T23:59:59Z",
    "total_tasks": 8,
    "by_status": {"pending": 2, "done": 4, "missed": 1, "rescheduled": 1, "cancelled": 0},
    "by_state": {"scheduled": 2, "drifted": 1, "completed": 4, "missed": 1},
    "completion_rate": 0.5,
    "updated_count": 1,
    "auth_user_id": "11111111-1111-4111-8111-111111111111",
    "week": "2026-11-23",
    "day": "2026-11-24",
    "tag": "health",
    "current": 3,
    "longest": 12,
    "worker": "notifier-1",
    "attempt": 1,
    "lease_seconds": 60,
    "occurrence_at": "2026-12-01T07:00:00Z",
    "scheduled_count": 2,
    "cancelled_count": 2,
    "result": "recorded",
    "task_status": "done",
}


class Examples:
    """The examples of one contract."""

    def __init__(self, contract: Contract) -> None:
        relations, constraints = contract.relations, contract.constraints.values()
        self._rows = ROWS[contract.schema]
        self._keys = {name: each.key for name, each in relations.items()}
        self._by_model: dict[Any, Json] = {each.row: self._rows[name] for name, each in relations.items()}
        self._by_model |= {each.create: self._rows[name] for name, each in relations.items()}
        self._updates = {each.update for each in relations.values()}
        self._unique = {each.field for each in constraints if each.kind == "unique"}
        self._unique -= {each.field for each in constraints if each.kind == "reference"}

    def parameter(self, operation: Operation, name: str) -> Any:
        """A required parameter of the path or query."""
        resource = resource_of(operation.path)
        column = self._keys[resource] if name == operation.key_name else name
        return self._rows[resource].get(column, _OTHERS.get(name))

    def body(self, operation: Operation, body: type[BaseModel]) -> Json:
        """The fields that a caller would send; two of them to change a row."""
        sent = self._sent(body, self._rows[resource_of(operation.path)])
        if operation.status == 201:  # a new row
            return {name: f"new-{value}" if name in self._unique else value for name, value in sent.items()}
        if body not in self._updates:
            return sent
        words = {name: _words(body.model_fields[name]) for name in sent}
        telling = [name for name in sent if name == "title" or words[name]] or list(sent)
        return {name: words[name][1] if words[name] else sent[name] for name in telling[:2]}

    def answer(self, kind: Any) -> Any:
        """What an operation returns if its declaration says `kind`."""
        if get_origin(kind) is list:
            return [self.answer(*get_args(kind))]
        if kind in self._by_model:
            return self._by_model[kind]
        if issubclass(kind, Page):
            numbers = {"total": 1, "page": 1, "page_size": 100, "has_next": False, "has_prev": False}
            return {"items": [self.answer(*kind.__pydantic_generic_metadata__["args"])], **numbers}
        row = max(self._rows.values(), key=lambda each: len(each.keys() & kind.model_fields.keys()))
        return {name: self._part(name, info.annotation, row) for name, info in kind.model_fields.items()}

    def _part(self, name: str, kind: Any, row: Mapping[str, Any]) -> Any:
        """A field of an answer: a row, a list of rows, or a plain value."""
        model = next((each for each in (kind, *get_args(kind)) if isinstance(each, type) and issubclass(each, BaseModel)), None)
        if model is None:
            return _OTHERS.get(name, row.get(name))
        return self.answer(list[model] if get_origin(kind) is list else model)  # type: ignore[valid-type]

    def _sent(self, body: type[BaseModel], row: Mapping[str, Any]) -> Json:
        """The fields that have a value in the row other than their default, or are required."""
        values = {name: self._value(name, info, row) for name, info in body.model_fields.items()}
        defaults = {name: info.get_default(call_default_factory=True) for name, info in body.model_fields.items()}
        return {name: value for name, value in values.items() if value is not None and value != defaults[name]}

    def _value(self, name: str, info: FieldInfo, row: Mapping[str, Any]) -> Any:
        for kind in (info.annotation, *get_args(info.annotation)):
            if isinstance(kind, type) and issubclass(kind, BaseModel):  # part of a structure
                known = self._by_model.get(kind) or self._rows.get(name)
                if known is None and not info.is_required():
                    return None
                value = self._sent(kind, known or row)
                return value if kind is info.annotation else [value]
        if (name in row and row[name] is not None) or not info.is_required():
            return row.get(name)
        if name.startswith("expected_"):
            return row.get(name.removeprefix("expected_"))
        words = _words(info)
        return words[1] if words else _OTHERS.get(name, [row["id"]])


def _words(info: FieldInfo) -> list[str]:
    """The values of a field's enumeration."""
    kinds = (info.annotation, *get_args(info.annotation))
    return [word.value for kind in kinds if isinstance(kind, type) and issubclass(kind, Enum) for word in kind]
