"""A function's arguments as a model, and the object that binds it."""

import re
from dataclasses import replace

from .catalog import Argument, CannotGenerate, Catalog, Function
from .json_arguments import JsonObject, json_arguments
from .names import class_name, constant_name, field_name, singular
from .python_types import PythonTypes
from .shapes import Field, shape_of
from .source import Source, call, mapping
from .write_models import Models, model_name

# The JSON of a composite type of the shared schema, "rows" of any relation as lines of JSON, or any "answer".
_MEDIA_TYPE = re.compile(r"application/vnd\.flux\.(?P<shape>\w+)\+(nd)?json")


def write_arguments(catalog: Catalog, function: Function, models: Models) -> str:
    """Define the model of the arguments and return its name."""
    name = f"{class_name(function.name)}Arguments"
    contents = json_arguments(catalog, function)
    fields = [
        replace(field, holds=_held(function, field.name, contents[field.name], models)) if field.name in contents else field
        for field in arguments_of(catalog, function)
    ]
    models.write_arguments(name, function.comment or f"The arguments of {function.name}.", fields)
    return name


def arguments_of(catalog: Catalog, function: Function) -> list[Field]:
    """The arguments, each with what the result's column of its name says."""
    alike = _columns_of_result(catalog, function)
    return [_field(function, argument, alike.get(argument.name)) for argument in function.arguments]


def write_function(catalog: Catalog, function: Function, arguments: str, types: PythonTypes, source: Source) -> str:
    """Define the binding and return its name. `arguments` is the name of the arguments' model."""
    name = source.define(constant_name(function.name), f"function {function.schema}.{function.name}")
    media_type = catalog.types[function.result].media_type
    bound = call(
        source.binding("Function"),
        schema=repr(function.schema),
        name=repr(function.name),
        arguments=arguments,
        result=_result(function, media_type, types, source),
        argument_types=mapping({each.name: repr(each.sql_type) for each in function.arguments}),
        read_only=repr(not function.writes),
        small=repr("small" in function.tags and not function.writes),
        media_type=source.binding("RESULT") if media_type is None else repr(media_type),
        description=repr(function.comment or ""),
    )
    source.add(f"{name} = {bound}")
    return name


def _result(function: Function, media_type: str | None, types: PythonTypes, source: Source) -> str:
    if media_type is not None:
        known = _MEDIA_TYPE.fullmatch(media_type)
        if known is None:
            raise CannotGenerate(f"function {function.schema}.{function.name} returns {media_type}, whose shape is unknown")
        anything = source.name("typing", "Any")
        if known["shape"] == "answer":
            return anything
        shape = "list" if known["shape"] == "rows" else types.shared_row(known["shape"])
        return f"{shape}[{anything}]"
    result = types.annotation(function.result, f"the result of {function.schema}.{function.name}")
    return f"list[{result}]" if function.returns_set else result


def check_overloads(functions: list[Function]) -> None:
    names = [function.name for function in functions]
    for function in functions:
        if names.count(function.name) > 1:
            raise CannotGenerate(f"function {function.schema}.{function.name} is overloaded, which a binding can't be")


def _held(function: Function, argument: str, content: JsonObject, models: Models) -> str:
    """The Python type of a JSON argument. Defines its model, unless it is that of a row's changes."""
    if content.only_functions_write:
        return model_name(content.relation, "FunctionUpdate")
    model = class_name(function.name) + class_name(singular(argument))
    models.write_object(model, content)
    return f"list[{model}]" if content.is_list else model


def _columns_of_result(catalog: Catalog, function: Function) -> dict[str, Field]:
    found = catalog.types[function.result]
    found = catalog.types[found.element] if found.element else found
    relation = catalog.relations.get(found.relation)
    return {field.name: field for field in shape_of(catalog, relation).fields} if relation else {}


def _field(function: Function, argument: Argument, alike: Field | None) -> Field:
    """An argument is described by the result's column of the same name, if the function writes it or if it is an id.

    Postgres knows only the type and the default of an argument.
    """
    if alike and not (function.writes or alike.sql_type == argument.sql_type == "uuid"):
        alike = None
    owner = f"function {function.schema}.{function.name}"
    return Field(
        place=f"{owner}, argument {argument.name},",
        name=field_name(owner, argument.name),
        type=argument.type,
        sql_type=argument.sql_type,
        description=alike.description if alike else None,
        nullable=(
            bool(alike and alike.nullable and alike.type == argument.type and function.writes)
            or (argument.default or "").upper().startswith("NULL")
            or argument.name in function.tags.get("nullable", "").split(",")
        ),
        default=argument.default,
        required=argument.default is None,
        is_argument=True,
        is_batch=argument.name == function.tags.get("batch"),
    )
