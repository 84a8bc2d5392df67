"""The modules of dao_service.client: a class for each resource of a contract, with a method for each operation."""

import types
import typing
from collections.abc import Iterable
from enum import Enum
from typing import Annotated, Any, get_args, get_origin

from pydantic import MISSING, AwareDatetime, BaseModel

from dao_service.contracts import CONTRACTS, Contract
from dao_service.generated.contract_1_2 import Page
from dao_service.operations import Operation
from dao_service.paging import Paging

from .names import class_name, singular
from .source import GENERATED, Source, docstring

_CONNECTION = "dao_service.client.connection"
_VERBS = ("get", "create", "update", "delete", "put")
_WHOLE = {"create": "row", "update": "changes"}
"""Operations whose body is given as the model that it is; the fields of others are arguments."""


def client_files() -> dict[str, str]:
    """Path, from the root of the repository, to the text of each generated file."""
    sources = [_module(contract) for contract in CONTRACTS.values()]
    return {source.path: source.text() for source in sources}


def _module(contract: Contract) -> Source:
    module = f"client_{contract.name.replace('.', '_')}"
    source = Source(f"{GENERATED}/{module}.py", f"Client of contract {contract.name}.")
    lines = []
    for name, description in contract.resources.items():
        operations = [each for each in contract.operations if each.resource == name]
        row = class_name(name.replace("-", "_"))
        source.define(f"{row}Resource", name)
        methods = "\n\n".join(_method(operation, name.replace("-", "_"), source) for operation in operations)
        source.add(
            f"class {row}Resource({source.name(_CONNECTION, 'Resource')}):\n    {docstring(description)}\n\n{_indented(methods)}"
        )
        lines.append(f"        self.{name.replace('-', '_')} = {row}Resource(connection)")
    text = docstring(f"A client of contract {contract.name}: a resource, and on it a method, for each operation.")
    source.define("FluxClient", "the client")
    source.add(
        f"class FluxClient({source.name(_CONNECTION, 'Client')}):\n    {text}\n\n    contract = {contract.name!r}\n\n"
        f"    def _add_resources(self, connection: {source.name(_CONNECTION, 'Connection')}) -> None:\n" + "\n".join(lines)
    )
    return source


def _method(operation: Operation, resource: str, source: Source) -> str:
    is_list = operation.query is not None and issubclass(operation.query, Paging)
    name = "page" if is_list else _name(operation.name, resource)
    answer = _type(operation.answer, source)
    arguments = ["self"]
    path = repr(operation.path)
    if operation.key_name:
        key = _type_of_key(source)
        arguments.append(f"{operation.key_name}: {key}")
        segment = source.name(_CONNECTION, "segment")
        path = "f" + repr(operation.path.replace(f"{{{operation.key_name}}}", f"{{{segment}({operation.key_name})}}"))
    given = ""
    if operation.body and name in _WHOLE:
        arguments.append(f"{_WHOLE[name]}: {_type(operation.body, source)}")
        given = f", body={_WHOLE[name]}"
    elif operation.body:
        fields = {each: info for each, info in operation.body.model_fields.items() if each != operation.key_name}
        arguments += ["*", *(_argument(each, info, source) for each, info in _required_first(fields))]
        given = f", body={_dict(fields)}"
    if operation.query:
        fields = operation.query.model_fields
        arguments += ["*", *(_parameter(each, info, source) for each, info in _required_first(fields))]
        given = f", query={_dict(fields)}"
    signature = ", ".join(arguments)
    text = (
        f"async def {name}({signature}) -> {answer}:\n    {docstring(operation.description)}\n"
        f"    return await self._connection.ask({answer}, {operation.method!r}, {path}{given})"
    )
    return f"{text}\n\n{_all(operation, source)}" if is_list else text


def _all(operation: Operation, source: Source) -> str:
    """The method that goes through all pages."""
    query: Any = operation.query
    page: Any = operation.answer
    (row,) = page.__pydantic_generic_metadata__["args"]
    filters = {name: info for name, info in query.model_fields.items() if name not in Paging.model_fields}
    arguments = [_parameter(name, info, source) for name, info in filters.items()]
    signature = ", ".join(["self", "*", *arguments, "page_size: int = 100"])
    iterator = source.name("collections.abc", "AsyncIterator")
    text = docstring(f"{operation.description.partition(' One page')[0]} All of them, newest first, page after page.")
    return (
        f"def all({signature}) -> {iterator}[{_type(row, source)}]:\n    {text}\n"
        f"    return self._connection.walk({_type(page, source)}, {operation.path!r}, {_dict([*filters, 'page_size'])})"
    )


def _name(operation: str, resource: str) -> str:
    """`get_goals_full` of goals as `get_full`, `bulk_update_task_status` of tasks as `bulk_update_status`."""
    for verb in _VERBS:
        if operation == f"{verb}_{singular(resource)}":
            return verb
    for word in (resource, resource.removesuffix("s")):
        if f"_{word}_" in operation:
            return operation.replace(f"_{word}_", "_")
    return operation


def _required_first(fields: dict[str, Any]) -> Iterable[tuple[str, Any]]:
    return sorted(fields.items(), key=lambda field: not field[1].is_required())


def _argument(name: str, info: Any, source: Source) -> str:
    """A field of a body; one that may be left out is MISSING then."""
    kind = _type(info.annotation, source)
    if info.is_required():
        return f"{name}: {kind}"
    missing = source.name("pydantic", "MISSING")
    return f"{name}: {kind} | {missing} = {missing}"


def _parameter(name: str, info: Any, source: Source) -> str:
    kind = _type_of_key(source) if name.endswith("_id") else _type(info.annotation, source)
    if info.is_required():
        return f"{name}: {kind}"
    return f"{name}: {kind.removesuffix(' | None')} | None = None"


def _type_of_key(source: Source) -> str:
    return f"{source.name('uuid', 'UUID')} | str"


def _type(kind: Any, source: Source) -> str:
    """The annotation as source, without what only validates."""
    origin, arguments = get_origin(kind), get_args(kind)
    if kind is None or kind is types.NoneType:
        return "None"
    if kind is Any:
        return source.name("typing", "Any")
    if origin is Annotated:
        return _type(arguments[0], source)
    if origin in (types.UnionType, typing.Union):
        return " | ".join(_type(each, source) for each in arguments if each is not MISSING)
    if origin in (list, dict):
        return f"{origin.__name__}[{', '.join(_type(each, source) for each in arguments)}]"
    if isinstance(kind, type) and issubclass(kind, Page):
        (row,) = kind.__pydantic_generic_metadata__["args"]
        return f"{source.name(Page.__module__, 'Page')}[{_type(row, source)}]"
    if isinstance(kind, type) and issubclass(kind, BaseModel | Enum):
        return source.name(kind.__module__, kind.__name__)
    if kind is AwareDatetime:
        return source.name("datetime", "datetime")
    if kind.__module__ == "builtins":
        return str(kind.__name__)
    return source.name(kind.__module__, kind.__name__)


def _dict(names: Iterable[str]) -> str:
    return "{" + ", ".join(f"{name!r}: {name}" for name in names) + "}"


def _indented(text: str) -> str:
    return "\n".join(f"    {line}" if line else line for line in text.splitlines())
