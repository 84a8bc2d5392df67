"""The classes of callers: one per resource, with a typed method for each operation. How a call travels is left to a subclass.

`client_files` writes the classes of the HTTP client, `in_process_files` those of sessions.
"""

import textwrap
import types
import typing
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Annotated, Any, get_args, get_origin

from pydantic import MISSING, AwareDatetime, BaseModel

from dao_service.generated.contract_1_2 import Page
from dao_service.list_parameters import Paging
from dao_service.operations import Operation

from .names import singular
from .source import Source, docstring

_VERBS = ("get", "create", "update", "delete", "put")
_WHOLE = {"create": "row", "update": "changes"}
_LINE = 120
_ONCE = "With an `idempotency_key`, the write happens once however often it is sent, and its first answer is returned each time."
_IF_MATCH = "With `if_match`, the `updated_at` of the row as it was read, raises `PreconditionFailedError` if it has changed since."


@dataclass(frozen=True)
class Parameter:
    """One argument of a method. `default` and `kind` are source."""

    name: str
    kind: str
    default: str | None = None
    """None if the argument is required."""

    def __str__(self) -> str:
        return f"{self.name}: {self.kind}" + ("" if self.default is None else f" = {self.default}")


class Signatures:
    """Writes annotations and parameters into a module."""

    def __init__(self, source: Source) -> None:
        self.source = source

    def name_of_model(self, model: type) -> str:
        """A model or an enumeration, imported."""
        return self.source.name(model.__module__, model.__name__)

    def type_of(self, kind: Any) -> str:
        """An annotation as source, without its constraints."""
        origin, arguments = get_origin(kind), get_args(kind)
        if kind is None or kind is types.NoneType:
            return "None"
        if kind is Any:
            return self.source.name("typing", "Any")
        if origin is Annotated:
            return self.type_of(arguments[0])
        if origin in (types.UnionType, typing.Union):
            return " | ".join(self.type_of(each) for each in arguments if each is not MISSING)
        if origin is typing.Literal:
            return f"{self.source.name('typing', 'Literal')}[{', '.join(map(repr, arguments))}]"
        if origin in (list, dict):
            return f"{origin.__name__}[{', '.join(self.type_of(each) for each in arguments)}]"
        if isinstance(kind, type) and issubclass(kind, Page):
            return f"{self.name_of_model(Page)}[{self.type_of(row_of(kind))}]"
        if isinstance(kind, type) and issubclass(kind, BaseModel | Enum):
            return self.name_of_model(kind)
        if kind is AwareDatetime:
            return self.source.name("datetime", "datetime")
        return kind.__name__ if kind.__module__ == "builtins" else self.source.name(kind.__module__, kind.__name__)

    def fields_of(self, model: type[BaseModel] | None, leave_out: Iterable[str] = ()) -> list[Parameter]:
        """The fields of an input as parameters, the required ones first. One that may be left out is MISSING then."""
        found = []
        for name, info in (model.model_fields if model else {}).items():
            if name not in leave_out:
                kind = self.type_of(info.annotation)
                if kind == "list[UUID]":
                    kind = f"{self.source.name('collections.abc', 'Sequence')}[{self.id_type()}]"
                missing = "" if info.is_required() else self.source.name("pydantic", "MISSING")
                found.append(Parameter(name, f"{kind} | {missing}", missing) if missing else Parameter(name, kind))
        return _required_first(found)

    def id_type(self) -> str:
        return f"{self.source.name('uuid', 'UUID')} | str"


class ResourceClasses(Signatures, ABC):
    """Writes classes into a module."""

    def write_class(self, name: str, base: str, description: str, operations: Iterable[Operation]) -> None:
        self.source.define(name, description)
        methods = "\n\n".join(self.method(operation) for operation in operations)
        head = f"class {name}({base}):" if base else f"class {name}:"
        self.source.add(f"{head}\n    {docstring(description)}\n\n{textwrap.indent(methods, '    ')}")

    @abstractmethod
    def method(self, operation: Operation) -> str:
        """The source of an operation's method, not indented."""

    def key(self, operation: Operation) -> list[Parameter]:
        """The id in the path."""
        return [Parameter(operation.key_name, self.id_type())] if operation.key_name else []

    def fields(self, operation: Operation) -> list[Parameter]:
        """The fields of the body as parameters."""
        return self.fields_of(operation.body, leave_out=[operation.key_name])

    def query(self, operation: Operation, leave_out: Iterable[str] = ()) -> list[Parameter]:
        """The parameters of the query, the required ones first. One that may be left out is None then."""
        fields = operation.query.model_fields if operation.query else {}
        found = []
        for name, info in fields.items():
            if name not in leave_out:
                kind = self.type_of(info.annotation)
                if kind == "UUID":
                    kind = self.id_type()
                elif kind.startswith("list["):
                    kind = f"{kind.removeprefix('list[').removesuffix(']')} | {kind}"
                optional = f"{kind.removesuffix(' | None')} | None"
                found.append(Parameter(name, kind) if info.is_required() else Parameter(name, optional, "None"))
        return _required_first(found)

    def headers(self, operation: Operation) -> list[Parameter]:
        """What a caller over HTTP sends in headers."""
        found = []
        if operation.conditional:
            found.append(Parameter("if_match", f"{self.source.name('datetime', 'datetime')} | None", "None"))
        if operation.repeatable:
            found.append(Parameter("idempotency_key", f"{self.id_type()} | None", "None"))
        return found


def row_of(page: Any) -> Any:
    """The rows of a page."""
    (row,) = page.__pydantic_generic_metadata__["args"]
    return row


def is_list(operation: Operation) -> bool:
    return operation.query is not None and issubclass(operation.query, Paging)


def whole_body(operation: Operation) -> str | None:
    """The name of the one argument that is the whole body, if the operation creates or changes a row."""
    return _WHOLE.get(short_name(operation)) if operation.body else None


def short_name(operation: Operation) -> str:
    """The name within a class of the resource: `get_goal` as `get`, `bulk_update_task_status` as `bulk_update_status`."""
    resource = operation.resource.replace("-", "_")
    for verb in _VERBS:
        if operation.name == f"{verb}_{singular(resource)}":
            return verb
    for word in (resource, resource.removesuffix("s")):
        if f"_{word}_" in operation.name:
            return operation.name.replace(f"_{word}_", "_")
    return operation.name


def method_docstring(operation: Operation, *more: str) -> str:
    more = (*more, *([_IF_MATCH] if operation.conditional else []), *([_ONCE] if operation.repeatable else []))
    paragraphs = (textwrap.fill(each, _LINE) for each in (operation.description, *more))
    text = "\n\n".join([f"{operation.summary}.", *paragraphs])
    return docstring(textwrap.indent(f"{text}\n", "    ").strip() + "\n    ")


def signature(name: str, parameters: Sequence[str], answer: str) -> str:
    return f"def {name}({', '.join(parameters)}) -> {answer}:"


def names_to_values(parameters: Iterable[Parameter]) -> str:
    """The source of a dict of the arguments."""
    return "{" + ", ".join(f"{each.name!r}: {each.name}" for each in parameters) + "}"


def headers_sent(parameters: Iterable[Parameter]) -> list[str]:
    """The source of keyword arguments of the same names."""
    return [f"{each.name}={each.name}" for each in parameters]


def _required_first(parameters: list[Parameter]) -> list[Parameter]:
    return sorted(parameters, key=lambda parameter: parameter.default is not None)
