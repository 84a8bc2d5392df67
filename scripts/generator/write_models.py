"""The Pydantic models of a relation: its rows, the bodies that create and update one, and the filters of a list."""

from collections.abc import Iterable
from dataclasses import replace
from itertools import pairwise

from .catalog import Catalog, Function
from .defaults import EMPTY_LIST, default_arguments
from .json_arguments import JsonObject
from .names import class_name, noun, singular
from .python_types import PythonTypes, row_class
from .shapes import Field, Filter, Shape
from .source import Source, call, docstring

_BATCH = {"min_length": "1", "max_length": "100"}
_RANGE = {"from": "at or after this time", "before": "before this time"}


class Models:
    """Writes models into a module."""

    def __init__(self, catalog: Catalog, types: PythonTypes, source: Source) -> None:
        self._catalog = catalog
        self._types = types
        self._source = source

    def write_relation(self, shape: Shape) -> None:
        relation = shape.relation
        if relation.kind == "composite" and self._catalog.is_argument(relation):
            self._write_input(shape, "", relation.comment or f"A value of {relation.name}.", map(self._to_create, shape.fields))
            return
        self.write_row(shape)
        if relation.kind == "composite":
            return
        if shape.creatable:
            self.write_create(shape)
        if shape.creatable and shape.updatable:
            self.write_update(shape)
        if shape.creatable and shape.function_updatable:
            text = f"Changes the fields of {relation.name} that only a function writes: those that are given and no other."
            self._write_input(shape, "FunctionUpdate", text, map(self._to_change, shape.function_updatable))
        filters = [self._to_filter(field, each) for field in shape.fields for each in field.filters]
        text = f"Filters of a list of {relation.name}."
        self._write_class(model_name(shape, "Filters"), self._source.binding("Filters"), text, filters)

    def write_create(self, shape: Shape) -> None:
        self._write_input(shape, "Create", f"Creates a row of {shape.relation.name}.", map(self._to_create, shape.creatable))

    def write_update(self, shape: Shape) -> None:
        text = f"Changes a row of {shape.relation.name}: the fields that are given and no other."
        self._write_input(shape, "Update", text, map(self._to_change, shape.updatable))

    def _write_input(self, shape: Shape, suffix: str, text: str, lines: Iterable[str]) -> None:
        self._write_class(model_name(shape, suffix), self._source.binding("Input"), text, lines)

    def write_arguments(self, name: str, text: str, fields: Iterable[Field]) -> None:
        self._write_class(name, self._source.binding("Input"), text, map(self._to_create, fields))

    def write_structure(self, function: Function, shapes: list[Shape]) -> str:
        """Define the models of a structure and return the name of the outermost, the function's arguments.

        A structure is a row that is created together with its rows in other tables: `@structure=goals,milestones,tasks` names
        the tables, each belonging to the one before it. The arguments are the first row, and a list of rows per further table,
        under the table's name. A row leaves out its references: its place decides them.
        """
        by_name = {shape.relation.name: shape for shape in shapes}
        levels = [by_name[name] for name in function.tags["structure"].split(",")]
        parts: list[str] = []
        for owner, part in reversed(list(pairwise(levels))):
            own = [self._to_create(field) for field in part.creatable if not field.is_reference]
            self._write_input(part, "Structure", f"Creates a row of {part.relation.name} within a structure.", own + parts)
            description = f"The {noun(owner.relation.name)}'s {part.relation.name}."
            field = call(self._source.name("pydantic", "Field"), **EMPTY_LIST, description=repr(description))
            parts = [f"{part.relation.name}: list[{model_name(part, 'Structure')}] = {field}"]
        top = levels[0]
        whole = f"{noun(top.relation.name)}: {model_name(top, 'Create')}"
        self._write_input(top, "StructureCreate", function.comment or f"The arguments of {function.name}.", [whole, *parts])
        return model_name(top, "StructureCreate")

    def write_object(self, name: str, content: JsonObject) -> None:
        """Define the model of an object that a function takes as JSON."""
        lines = [self._optional(each) if each.may_be_absent else self._to_create(each) for each in content.fields]
        self._write_class(name, self._source.binding("Input"), f"Fields of {noun(content.relation.relation.name)}.", lines)

    def _write_class(self, name: str, parent: str, text: str, lines: Iterable[str]) -> None:
        self._source.define(name, f"the model {name}")
        self._source.add("\n".join([f"class {name}({parent}):", f"    {docstring(text)}\n", *(f"    {line}" for line in lines)]))

    def write_row(self, shape: Shape) -> None:
        name, parent = row_class(shape.relation), self._source.binding("Row")
        if any(self._is_generic(shape, field) for field in shape.fields):
            parent = f"{parent}, {self._source.name('typing', 'Generic')}[{self._source.binding('RowT')}]"
        text = shape.relation.comment or f"A row of {shape.relation.name}."
        self._write_class(name, parent, text, [self._to_read(shape, field) for field in shape.fields])

    def _is_generic(self, shape: Shape, field: Field) -> bool:
        """A page's items are rows of any relation, which SQL can only declare as json."""
        return shape.relation.kind == "composite" and (field.name, field.sql_type) == ("items", "json")

    def _type(self, field: Field) -> str:
        if field.tally:
            return self._types.tally(field.tally, may_be_empty=field.tally_may_be_empty)
        return field.holds or self._types.annotation(field.type, field.place)

    def _to_read(self, shape: Shape, field: Field) -> str:
        if self._is_generic(shape, field):
            return self._line(field, f"list[{self._source.binding('RowT')}]", {})
        if field.may_be_absent:
            return self._optional(field)
        return self._line(_told_if_fixed(field), self._type(field) + (" | None" if field.nullable else ""), {})

    def _to_create(self, field: Field) -> str:
        field = _told_if_fixed(field)
        if field.may_be_absent:
            return self._optional(field)
        if field.required:
            # For a required argument, null is a value.
            null = " | None" if field.nullable and field.is_argument else ""
            return self._line(field, self._type(field) + null, _BATCH if field.is_batch else {})
        null = " | None" if field.nullable else ""
        if field.default is None:
            return self._line(field, self._type(field) + null, {"default": "None"})
        arguments = default_arguments(self._catalog, field)
        if arguments is None:
            return self._optional(field)
        return self._line(field, self._type(field) + null, arguments)

    def _to_change(self, field: Field) -> str:
        return self._optional(replace(field, nullable=field.nullable and not field.required))

    def _to_filter(self, field: Field, filtering: Filter) -> str:
        kind, description = self._type(field), field.description
        if filtering.operator in ("any", "or_none"):
            or_none = filtering.operator == "or_none"
            read = f"{self._source.binding('comma_separated')}({kind}{', or_none=True' if or_none else ''})"
            word = f" | {self._source.name('typing', 'Literal')}['none']" if or_none else ""
            kind = f"{self._source.name('typing', 'Annotated')}[list[{kind}{word}], {read}]"
            none = " `none` finds rows without a value." if or_none else ""
            description = f"{description or ''} Separate several words by commas.{none}".lstrip()
        elif filtering.operator == "order":
            kind = f"{self._source.name('typing', 'Literal')}[{filtering.word!r}]"
            description = f"Orders the list by `{field.name}`, the latest first."
        elif filtering.operator in _RANGE:
            description = f"Rows with `{field.name}` {_RANGE[filtering.operator]}."
        missing = self._source.name("pydantic", "MISSING")
        return self._line(replace(field, name=filtering.name, description=description), f"{kind} | {missing}", {"default": missing})

    def _optional(self, field: Field) -> str:
        missing = self._source.name("pydantic", "MISSING")
        null = " | None" if field.nullable else ""
        return self._line(field, f"{self._type(field)}{null} | {missing}", {"default": missing})

    def _line(self, field: Field, annotation: str, arguments: dict[str, str]) -> str:
        if field.description is not None:
            arguments = arguments | {"description": repr(field.description)}
        if not arguments:
            return f"{field.name}: {annotation}"
        if list(arguments) == ["default"]:
            return f"{field.name}: {annotation} = {arguments['default']}"
        return f"{field.name}: {annotation} = {call(self._source.name('pydantic', 'Field'), **arguments)}"


def _told_if_fixed(field: Field) -> Field:
    return replace(field, description=f"{field.description or ''} Does not change.".lstrip()) if field.is_fixed else field


def model_name(shape: Shape, suffix: str) -> str:
    return class_name(singular(shape.relation.name)) + suffix
