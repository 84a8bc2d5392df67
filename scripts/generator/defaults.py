"""SQL defaults as Python defaults, if they are literals."""

from sqlglot import exp

from .catalog import CannotGenerate, Catalog
from .expressions import Value, parse, value_of
from .names import class_name, constant_name
from .shapes import Field
from .vocabulary import facts_of, words_of


def _made_by(factory: str, empty: str) -> dict[str, str]:
    # Pydantic does not call a factory to document its default.
    return {"default_factory": factory, "json_schema_extra": f"{{'default': {empty}}}"}


EMPTY_LIST = _made_by("list", "[]")
_EMPTY_JSON = {"{}": _made_by("dict", "{}"), "[]": EMPTY_LIST}


def default_arguments(catalog: Catalog, field: Field) -> dict[str, str] | None:
    """The arguments of Field() for the default; None for a default that the database computes."""
    try:
        expression = parse(field.default or "")
        empty_array = isinstance(expression, exp.Array) and not expression.expressions
        value = "{}" if empty_array else value_of(expression)
    except CannotGenerate:
        return None
    if value is None:
        return {"default": "None"}
    found = catalog.types[field.type]
    beneath = facts_of(catalog, found)[0].sql_name if found.kind == "domain" else found.sql_name
    if found.kind == "domain" and value in words_of(catalog, found):
        return {"default": f"{class_name(found.name)}.{constant_name(str(value))}"}
    if beneath in ("json", "jsonb"):
        return _EMPTY_JSON.get(str(value))
    if beneath.endswith("[]"):
        return EMPTY_LIST if value == "{}" else None
    source = _source(beneath, value)
    return None if source is None else {"default": source}


def _source(sql_type: str, value: Value) -> str | None:
    match sql_type, value:
        case "text" | "character varying", str():
            return repr(value)
        case "boolean", bool():
            return repr(value)
        case "integer" | "bigint", int() | str():
            return repr(int(value))
        case "numeric" | "double precision", int() | float() | str():
            return repr(float(value))
    return None
