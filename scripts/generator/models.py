"""The Pydantic models of a relation: its rows, what creates and updates one, and what filters a list of them."""

from collections.abc import Iterable
from dataclasses import replace

from .catalog import Catalog
from .defaults import EMPTY_LIST, default_arguments
from .names import class_name, singular
from .python_types import PythonTypes, row_class
from .shapes import Field, Shape
from .source import Source, call, docstring

# A sentence for those who change a row; it says nothing to those who look for one.
_FIXED = "Does not change."


class Models:
    """Writes models into a module."""

    def __init__(self, catalog: Catalog, types: PythonTypes, source: Source) -> None:
        self._catalog = catalog
        self._types = types
        self._source = source

    def write_relation(self, shape: Shape) -> None:
        relation = shape.relation
        self._write_row(shape)
        if relation.kind == "composite":
            return
        if shape.creatable:
            self.write_input(shape, "Create", f"Creates a row of {relation.name}.", map(self.to_create, shape.creatable))
        if shape.creatable and shape.updatable:
            text = f"Changes a row of {relation.name}: the fields that are given and no other."
            self.write_input(shape, "Update", text, map(self._to_change, shape.updatable))
        if shape.creatable and shape.function_updatable:
            text = f"Changes what only a function writes to {relation.name}: the fields that are given and no other."
            self.write_input(shape, "FunctionUpdate", text, map(self._to_change, shape.function_updatable))
        filters = [self._to_filter(field) for field in shape.fields if field.is_filter]
        text = f"Filters of a list of {relation.name}."
        self._write_class(model_name(shape, "Filters"), self._source.binding("Filters"), text, filters)

    def write_input(self, shape: Shape, suffix: str, text: str, lines: Iterable[str]) -> None:
        self._write_class(model_name(shape, suffix), self._source.binding("Input"), text, lines)

    def write_arguments(self, name: str, text: str, fields: Iterable[Field]) -> None:
        self._write_class(name, self._source.binding("Input"), text, map(self.to_create, fields))

    def _write_class(self, name: str, parent: str, text: str, lines: Iterable[str]) -> None:
        self._source.define(name, f"the model {name}")
        self._source.add("\n".join([f"class {name}({parent}):", f"    {docstring(text)}\n", *(f"    {line}" for line in lines)]))

    def _write_row(self, shape: Shape) -> None:
        name, parent = row_class(shape.relation), self._source.binding("Row")
        if any(self._is_generic(shape, field) for field in shape.fields):
            parent = f"{parent}, {self._source.name('typing', 'Generic')}[{self._source.binding('RowT')}]"
        text = shape.relation.comment or f"A row of {shape.relation.name}."
        self._write_class(name, parent, text, [self._to_read(shape, field) for field in shape.fields])

    def _is_generic(self, shape: Shape, field: Field) -> bool:
        """The items of a page are rows of any relation: the composite type can only call them json."""
        return shape.relation.kind == "composite" and (field.name, field.sql_type) == ("items", "json")

    def _type(self, field: Field) -> str:
        return self._types.annotation(field.type, field.place)

    def _to_read(self, shape: Shape, field: Field) -> str:
        if self._is_generic(shape, field):
            return self._line(field, f"list[{self._source.binding('RowT')}]", {})
        if field.may_be_absent:
            return self._optional(field)
        return self._line(field, self._type(field) + (" | None" if field.nullable else ""), {})

    def to_create(self, field: Field) -> str:
        if field.required:
            # A required argument may be null: it has no default, and yet means something.
            null = " | None" if field.nullable and field.is_argument else ""
            return self._line(field, self._type(field) + null, {})
        null = " | None" if field.nullable else ""
        if field.default is None:
            return self._line(field, self._type(field) + null, {"default": "None"})
        arguments = default_arguments(self._catalog, field)
        if arguments is None:
            return self._optional(field)
        return self._line(field, self._type(field) + null, arguments)

    def to_hold(self, name: str, model: str, description: str) -> str:
        """A list of what another model creates; empty where it is not given."""
        arguments = EMPTY_LIST | {"description": repr(description)}
        return f"{name}: list[{model}] = {call(self._source.name('pydantic', 'Field'), **arguments)}"

    def _to_change(self, field: Field) -> str:
        return self._optional(replace(field, nullable=field.nullable and not field.required))

    def _to_filter(self, field: Field) -> str:
        return self._optional(sought(replace(field, nullable=False)))

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


def sought(field: Field) -> Field:
    """The field as something to look for rows by."""
    return replace(field, description=(field.description or "").removesuffix(_FIXED).rstrip() or None)


def model_name(shape: Shape, suffix: str) -> str:
    return class_name(singular(shape.relation.name)) + suffix
