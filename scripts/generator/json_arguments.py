"""What the JSON arguments of a function hold, as its tags say."""

from dataclasses import dataclass, field, replace

from .catalog import CannotGenerate, Catalog, Function
from .names import noun
from .shapes import Field, Shape, shape_of


@dataclass(frozen=True)
class JsonObject:
    """An object, or a list of objects, with these fields."""

    relation: Shape
    fields: tuple[Field, ...]
    is_list: bool = False
    only_functions_write: bool = False
    parts: dict[str, "JsonObject"] = field(default_factory=dict)
    """The rows of other relations that a structure's row has, by field."""


def json_arguments(catalog: Catalog, function: Function) -> dict[str, JsonObject]:
    """Argument to what it holds. An argument without a tag is any JSON."""
    if "structure" in function.tags:
        return _structure([_shape(catalog, function, name) for name in function.tags["structure"].split(",")])
    found = {}
    for tag in function.tags.keys() & {"object", "objects", "changes"}:
        argument, _, rest = function.tags[tag].partition(":")
        name, *changes = rest.split(",")
        shape = _shape(catalog, function, name)
        fields = _changed(shape) if tag == "changes" else _fields(shape, changes)
        found[argument] = JsonObject(shape, fields, is_list=tag == "objects", only_functions_write=tag == "changes")
    return found


def _structure(levels: list[Shape]) -> dict[str, JsonObject]:
    """Rows that are created together. Those of a level belong to one of the level before it, so their references are left out."""
    parts: dict[str, JsonObject] = {}
    for part in reversed(levels[1:]):
        own = tuple(each for each in part.creatable if not each.is_reference)
        parts = {part.relation.name: JsonObject(part, own, is_list=True, parts=parts)}
    return {noun(levels[0].relation.name): JsonObject(levels[0], tuple(levels[0].creatable)), **parts}


def _fields(shape: Shape, changes: list[str]) -> tuple[Field, ...]:
    """The fields that can be created, all optional. `!title` makes a field required, `-status` leaves it out."""
    required = {each[1:] for each in changes if each.startswith("!")}
    left_out = {each[1:] for each in changes if each.startswith("-")}
    if unknown := (required | left_out) - {each.name for each in shape.fields}:
        raise CannotGenerate(f"a tag names {min(unknown)}, which {shape.relation.name} does not have")
    fields = [each for each in shape.creatable if each.name not in left_out]
    needed = [replace(each, required=True, nullable=False) for each in fields if each.name in required]
    return (*needed, *(replace(each, may_be_absent=True) for each in fields if each.name not in required))


def _changed(shape: Shape) -> tuple[Field, ...]:
    return tuple(replace(each, may_be_absent=True) for each in shape.function_updatable)


def _shape(catalog: Catalog, function: Function, name: str) -> Shape:
    for relation in catalog.rows(function.schema):
        if relation.name == name:
            return shape_of(catalog, relation)
    raise CannotGenerate(f"a tag of {function.schema}.{function.name} names {name}, which is no relation of its schema")
