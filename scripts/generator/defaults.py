"""SQL defaults as Python defaults, where they are literals."""

from .catalog import CannotGenerate, Catalog
from .expressions import Array, Expression, Literal, parse
from .names import class_name, constant_name
from .shapes import Field
from .vocabulary import facts_of, words_of

_EMPTY = {"dict": "{}", "list": "[]"}


def _made_by(factory: str) -> dict[str, str]:
    # Pydantic does not call a factory to document it.
    return {"default_factory": factory, "json_schema_extra": f"{{'default': {_EMPTY[factory]}}}"}


EMPTY_LIST = _made_by("list")


def default_arguments(catalog: Catalog, field: Field) -> dict[str, str] | None:
    """The arguments for Field() that say the default; None for one that the database computes."""
    if field.default is None:
        return None
    try:
        expression = parse(field.default)
    except CannotGenerate:
        return None
    if expression == Literal(None):
        return {"default": "None"}
    factory = _factory(catalog, field, expression)
    if factory is not None:
        return _made_by(factory)
    if not isinstance(expression, Literal):
        return None
    value = _value(catalog, field, expression.value)
    return None if value is None else {"default": value}


def _beneath(catalog: Catalog, field: Field) -> str:
    found = catalog.types[field.type]
    return facts_of(catalog, found)[0].sql_name if found.kind == "domain" else found.sql_name


def _factory(catalog: Catalog, field: Field, expression: Expression) -> str | None:
    beneath = _beneath(catalog, field)
    if beneath in ("json", "jsonb"):
        return {"{}": "dict", "[]": "list"}.get(str(expression.value)) if isinstance(expression, Literal) else None
    return "list" if beneath.endswith("[]") and expression in (Literal("{}"), Array(())) else None


def _value(catalog: Catalog, field: Field, value: str | int | float | bool | None) -> str | None:
    found, beneath = catalog.types[field.type], _beneath(catalog, field)
    if found.kind == "domain" and value in words_of(catalog, found):
        return f"{class_name(found.name)}.{constant_name(str(value))}"
    if beneath in ("text", "character varying") and isinstance(value, str):
        return repr(value)
    if beneath == "boolean" and isinstance(value, bool):
        return repr(value)
    if beneath in ("integer", "bigint") and isinstance(value, int | str):
        return repr(int(value))
    if beneath in ("numeric", "double precision") and isinstance(value, int | float | str):
        return repr(float(value))
    return None
