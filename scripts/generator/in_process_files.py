"""The guides' import paths, for callers in process: DAOs, services, the unit of work, DTOs, sessions."""

from collections.abc import Iterator
from enum import Enum
from typing import Any, get_args

from pydantic import BaseModel

from dao_service.contracts import CONTRACTS, DEFAULT_CONTRACT
from dao_service.generated import both_contracts
from dao_service.generated.contract_1_2 import Page

from .names import class_name, singular
from .session_classes import SessionClasses, counted_field, is_whole
from .source import FROM_CONTRACTS, Source, docstring

_CONTRACT = CONTRACTS[DEFAULT_CONTRACT]
_RESOURCES = {name.replace("-", "_"): description for name, description in _CONTRACT.resources.items()}
_WORDS = {singular(name): name.replace("_", " ") for name in _RESOURCES}
_FOLDERS = {
    "core": "Sessions.",
    "dao": "Data access objects: one class per resource, one method per operation.",
    "repositories": "The unit of work.",
    "schemas": "DTOs, which callers give and get.",
    "services": "The DAOs under the names of services.",
}
_SESSIONS = ("AsyncSessionLocal", "DatabaseSession", "SessionFactory", "SessionStateError")
_ENUMERATIONS = "enums"


def in_process_files() -> dict[str, str]:
    """Path, from the root of the repository, to the text of each generated file."""
    models = _models()
    homes = {model.__name__: module for model, module in models.items()}
    sources = [_source(f"{folder}/__init__", description) for folder, description in _FOLDERS.items()]
    sources += [_sessions(), _pages(), _enumerations(models), *_schemas(models)]
    for resource in _RESOURCES:
        sources += [_dao(resource, homes), _service(resource)]
    sources += [_registry(), _unit_of_work()]
    return {source.path: source.text() for source in sources}


def _source(module: str, description: str) -> Source:
    return Source(f"adapter/dao_service/{module}.py", description, FROM_CONTRACTS)


def _models() -> dict[type, str]:
    """The classes that callers give and get, with the words of both contracts, and their modules in `schemas`.

    A class is in the module of the resource whose operations take or return it, or else of the first that has it inside another.
    """
    found: dict[type, str] = {}
    for walk in (_outermost, _all_within):
        for operation in _CONTRACT.operations:
            answer = None if counted_field(operation) else operation.answer
            body = operation.body if is_whole(operation) else None
            fields = (model.model_fields.values() for model in (operation.query, operation.body) if model)
            for model in walk(answer, body, *(field.annotation for each in fields for field in each)):
                module = _ENUMERATIONS if issubclass(model, Enum) else singular(operation.resource.replace("-", "_"))
                found.setdefault(model, module)
    return found


def _outermost(*kinds: Any) -> Iterator[type]:
    for kind in kinds:
        if isinstance(kind, type) and issubclass(kind, BaseModel | Enum) and not issubclass(kind, Page):
            yield getattr(both_contracts, kind.__name__, kind)
        elif isinstance(kind, type) and issubclass(kind, Page):
            yield from _outermost(*kind.__pydantic_generic_metadata__["args"])
        else:
            yield from _outermost(*get_args(kind))


def _all_within(*kinds: Any) -> Iterator[type]:
    for model in _outermost(*kinds):
        yield model
        if issubclass(model, BaseModel):
            yield from _all_within(*(field.annotation for field in model.model_fields.values()))


def _sessions() -> Source:
    source = _source("core/database", "Sessions.")
    names = [source.name("dao_service.in_process.database", name) for name in _SESSIONS]
    source.add(f"__all__ = {names!r}")
    return source


def _pages() -> Source:
    source = _source("schemas/pagination", "Pages of lists.")
    source.add(f"PaginatedResponse = {source.name(Page.__module__, Page.__name__)}")
    return source


def _enumerations(models: dict[type, str]) -> Source:
    source = _source(f"schemas/{_ENUMERATIONS}", "The words of both contracts.")
    found = [each for each, module in models.items() if module == _ENUMERATIONS]
    names = sorted(source.name(each.__module__, each.__name__) for each in found)
    source.add(f"__all__ = {names!r}")
    return source


def _schemas(models: dict[type, str]) -> Iterator[Source]:
    for module in dict.fromkeys(models.values()):
        if module != _ENUMERATIONS:
            source = _source(f"schemas/{module}", f"The DTOs of {_WORDS[module]}.")
            for model in (each for each, home in models.items() if home == module):
                package, _, origin = model.__module__.rpartition(".")
                source.add(f"{model.__name__}DTO = {source.name(package, origin)}.{model.__name__}")
            yield source


def _dao(resource: str, homes: dict[str, str]) -> Source:
    name = class_name(singular(resource))
    source = _source(f"dao/{singular(resource)}_dao", f"The operations on {_WORDS[singular(resource)]}.")
    operations = [each for each in _CONTRACT.operations if each.resource.replace("-", "_") == resource]
    SessionClasses(source, homes).write_class(f"{name}Dao", "", _RESOURCES[resource], operations)
    return source


def _service(resource: str) -> Source:
    noun, name = singular(resource), class_name(singular(resource))
    source = _source(f"services/dao_{noun}_service", f"The operations on {_WORDS[noun]}.")
    dao = source.name(f"dao_service.dao.{noun}_dao", f"{name}Dao")
    source.add(f'Dao{name}Service = {dao}\n"""The DAO, which has the method names of a service too."""')
    return source


def _registry() -> Source:
    source = _source("dao/dao_registry", "A function for each DAO. A DAO holds nothing, so one is as good as another.")
    for resource in _RESOURCES:
        noun = singular(resource)
        dao = source.name(f"dao_service.dao.{noun}_dao", f"{class_name(noun)}Dao")
        text = docstring(f"Returns the DAO of {_WORDS[noun]}.")
        source.add(f"def get_{noun}_dao() -> {dao}:\n    {text}\n    return {dao}()")
    return source


def _unit_of_work() -> Source:
    source = _source("repositories/dao_unit_of_work", "The unit of work.")
    base = source.name("dao_service.in_process.unit_of_work", "UnitOfWork")
    text = docstring("Steps that are kept or undone together, with the DAO of every resource.")
    lines = [f"class DaoUnitOfWork({base}):", f"    {text}\n"]
    for resource in _RESOURCES:
        noun = singular(resource)
        lines.append(f"    {resource} = {source.name(f'dao_service.dao.{noun}_dao', f'{class_name(noun)}Dao')}()")
    source.add("\n".join(lines))
    return source
