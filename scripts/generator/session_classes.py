"""The DAOs' classes: the methods of a resource, on a session, in the words of every contract."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from enum import Enum
from typing import NamedTuple

from pydantic import BaseModel

from dao_service.contracts import CONTRACTS, DEFAULT_CONTRACT
from dao_service.generated.contract_1_2 import Page
from dao_service.operations import Operation

from .resource_classes import (
    Parameter,
    ResourceClasses,
    headers_sent,
    is_list,
    method_docstring,
    names_to_values,
    short_name,
    signature,
)
from .source import Source

_GUIDE_NAMES = {
    "get": "get_by_id",
    "/tasks/by-timerange": "get_tasks_by_user_and_timerange",
    "/tasks/bulk-update-state": "bulk_update_state",
    "/tasks/statistics": "get_task_statistics",
    "/goals/with-structure": "create_goal_with_structure",
}
"""The guides' names for methods, by short name or by path. Each method has its operation's name too."""


class _Arguments(NamedTuple):
    placed: list[Parameter]
    named: list[Parameter]
    """By keyword only."""

    def __str__(self) -> str:
        return ", ".join(map(str, [*self.placed, *(["*", *self.named] if self.named else [])]))


class SessionClasses(ResourceClasses):
    """A method is one call in the session's transaction."""

    def __init__(self, source: Source, homes: Mapping[str, str]) -> None:
        """`homes` are the modules of `dao_service.schemas`, by the names of the contracts' models and enumerations."""
        super().__init__(source)
        self._homes = homes

    def name_of_model(self, model: type) -> str:
        name = model.__name__
        if issubclass(model, Page):
            return self.source.name("dao_service.schemas.pagination", "PaginatedResponse")
        return self.source.name(f"dao_service.schemas.{self._homes[name]}", name if issubclass(model, Enum) else f"{name}DTO")

    def method(self, operation: Operation) -> str:
        name = "get_all" if is_list(operation) else short_name(operation)
        name = _GUIDE_NAMES.get(operation.path) or _GUIDE_NAMES.get(name, name)
        own = self._arguments(operation)
        known = {each.name for each in (*own.placed, *own.named)}
        others = {older: self._arguments(older) for older in _older(operation)}
        added = [each for theirs in others.values() for each in (*theirs.placed, *theirs.named) if each.name not in known]
        text = ""
        if any(each.default is None for each in added):
            # The contracts require different arguments, so each has a signature of its own.
            text = self._overload(name, operation, own)
            for older, theirs in others.items():
                placed = [each for each in theirs.placed if each.name in known]
                text += self._overload(name, older, _Arguments(placed, [each for each in theirs.placed if each not in placed]))
            everywhere = [each for each in own.placed if all(each in theirs.placed for theirs in others.values())]
            own = _Arguments([each if each in everywhere else self._optional(operation, each) for each in own.placed], own.named)
        arguments = _Arguments(own.placed, [*own.named, *(self._optional(operation, each) for each in added)])
        text += self._definition(name, operation, arguments)
        return text if name == operation.name else f"{text}\n\n{operation.name} = {name}"

    def _arguments(self, operation: Operation) -> _Arguments:
        if is_whole(operation):
            return _Arguments([*self.key(operation), Parameter("dto", self.type_of(operation.body))], self.headers(operation))
        found = [*self.key(operation), *self.fields(operation), *self.query(operation), *self.headers(operation)]
        placed = [each for each in found if each.default is None or each.name in ("skip", "limit")]
        return _Arguments(placed, [each for each in found if each not in placed])

    def _optional(self, operation: Operation, parameter: Parameter) -> Parameter:
        if parameter.default is not None:
            return parameter
        nothing = self.source.name("pydantic", "MISSING") if operation.body else "None"
        return replace(parameter, kind=f"{parameter.kind} | {nothing}", default=nothing)

    def _overload(self, name: str, operation: Operation, arguments: _Arguments) -> str:
        decorator = self.source.name("typing", "overload")
        return f"@{decorator}\n{self._head(name, operation, arguments)}\n    {method_docstring(operation)}\n\n"

    def _head(self, name: str, operation: Operation, arguments: _Arguments) -> str:
        session = self.source.name("dao_service.in_process.database", "DatabaseSession")
        counted = counted_field(operation)
        answer = self.type_of(operation.answer.model_fields[counted].annotation if counted else operation.answer)
        return f"async {signature(name, ['self', f'db: {session}', str(arguments)], answer)}"

    def _definition(self, name: str, operation: Operation, arguments: _Arguments) -> str:
        ask = self.source.name("dao_service.in_process.calls", "ask")
        headers = self.headers(operation)
        given = [each for each in (*arguments.placed, *arguments.named) if each.name != operation.key_name and each not in headers]
        sent = [f"key={operation.key_name}"] if operation.key_name else []
        if is_whole(operation):
            sent.append("body=dto")
        elif operation.body:
            sent.append(f"body={names_to_values(given)}")
        elif operation.query:
            sent.append(f"query={names_to_values(given)}")
        counted, before = counted_field(operation), ""
        if counted:
            lists = [each.name for each in given if each.kind.startswith("Sequence[")]
            before = "".join(f"    if not {each}:\n        return 0\n" for each in lists)
            answer = self.source.name(operation.answer.__module__, operation.answer.__name__)
        else:
            answer = self.type_of(operation.answer)
        sent += headers_sent(headers)
        call = f"await {ask}({', '.join(['db', answer, repr(operation.method), repr(operation.path), *sent])})"
        return (
            f"{self._head(name, operation, arguments)}\n    {method_docstring(operation)}\n{before}"
            f"    return {f'({call}).{counted}' if counted else call}"
        )


def is_whole(operation: Operation) -> bool:
    """Whether the body is a DTO: the model of a row, or of several."""
    model = operation.body
    return model is not None and model.__module__.startswith("dao_service.generated") and not model.__name__.endswith("Arguments")


def counted_field(operation: Operation) -> str | None:
    """The field of an answer that is nothing but a count: the method returns the count itself."""
    fields = operation.answer.model_fields if isinstance(operation.answer, type) and issubclass(operation.answer, BaseModel) else ()
    return next(iter(fields)) if len(fields) == 1 else None


def _older(operation: Operation) -> Iterator[Operation]:
    """The operations of other contracts with the same method and path."""
    for contract in CONTRACTS.values():
        if contract.name != DEFAULT_CONTRACT:
            for other in contract.operations:
                if (other.method, other.path) == (operation.method, operation.path):
                    yield other
