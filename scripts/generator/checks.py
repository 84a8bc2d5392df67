"""What a domain's checks say, read from the definitions that Postgres gives."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from .catalog import CannotGenerate, DomainCheck
from .expressions import Array, Call, Expression, Literal, Name, parse

_MEASURES = {"char_length": "length", "length": "length", "character_length": "length", "cardinality": "size"}
_BOUNDS = {">=": "ge", ">": "gt", "<=": "le", "<": "lt"}


@dataclass
class Facts:
    """All that the checks of one domain say together."""

    words: tuple[str, ...] = ()
    json_type: str | None = None
    flat: bool = False
    """Of an array: one dimension, no nulls."""
    bounds: dict[str, int | float | str] = field(default_factory=dict)
    """On the value itself, by "ge", "gt", "le", "lt"; a string is the literal of some other type than a number."""
    length: dict[str, int] = field(default_factory=dict)
    """Of a text, in characters, by "min" and "max"."""
    size: dict[str, int] = field(default_factory=dict)
    """Of an array, in elements, by "min" and "max"."""


def read_checks(checks: Iterable[DomainCheck]) -> Facts:
    """Raises CannotGenerate for a check that says something else than these facts can hold, and has no comment."""
    facts = Facts()
    flat: set[str] = set()
    for check in checks:
        if check.comment is not None:
            continue
        definition = check.definition
        expression = parse(definition.removeprefix("CHECK ").removesuffix(" NOT VALID"))
        for condition in _conditions(expression):
            if not (_add_bound(facts, condition) or _add_words(facts, condition) or _add_shape(facts, flat, condition)):
                raise CannotGenerate(f"can't say in Python what the check {check.name} says: {definition}")
    if flat and flat != {"dimensions", "nulls"}:
        raise CannotGenerate("an array domain says only half of being flat: one dimension, and no nulls")
    facts.flat = bool(flat)
    return facts


def _conditions(expression: Expression) -> Iterable[Expression]:
    if isinstance(expression, Call) and expression.name == "and":
        for part in expression.arguments:
            yield from _conditions(part)
    else:
        yield expression


_VALUE = Name("VALUE")


def _add_bound(facts: Facts, condition: Expression) -> bool:
    match condition:
        case Call(sign, (subject, Literal(bound))) if sign in _BOUNDS and bound is not None and not isinstance(bound, bool):
            pass
        case _:
            return False
    if subject == _VALUE:
        known = facts.bounds.get(_BOUNDS[sign])
        facts.bounds[_BOUNDS[sign]] = bound if known is None else _tighter(sign, known, bound)
        return True
    if isinstance(subject, Call) and subject.name in _MEASURES and subject.arguments == (_VALUE,) and isinstance(bound, int):
        measure = facts.length if _MEASURES[subject.name] == "length" else facts.size
        end, limit = "min" if sign in (">=", ">") else "max", bound + {">": 1, "<": -1}.get(sign, 0)
        measure[end] = max(measure.get(end, limit), limit) if end == "min" else min(measure.get(end, limit), limit)
        return True
    return False


def _tighter(sign: str, one: float | str, other: float | str) -> int | float | str:
    """Where a domain over a domain bounds the same side once more."""
    if isinstance(one, str) or isinstance(other, str):
        raise CannotGenerate(f"can't tell which is tighter: {sign} {one} or {sign} {other}")
    return max(one, other) if sign in (">=", ">") else min(one, other)


def _add_words(facts: Facts, condition: Expression) -> bool:
    match condition:
        case Call("= any", (Name("VALUE"), Array(elements))):
            words = tuple(each.value for each in elements if isinstance(each, Literal) and isinstance(each.value, str))
            facts.words = tuple(word for word in facts.words if word in words) if facts.words else words
            return len(words) == len(elements) > 0
        case Call("=", (Name("VALUE"), Literal(str() as word))):
            facts.words = (word,)
            return True
    return False


def _add_shape(facts: Facts, flat: set[str], condition: Expression) -> bool:
    match condition:
        case Call("=", (Call("jsonb_typeof", (Name("VALUE"),)), Literal("object" | "array" as json_type))):
            facts.json_type = str(json_type)
        case Call("=", (Call("coalesce", (Call("array_ndims", (Name("VALUE"),)), Literal(1))), Literal(1))):
            flat.add("dimensions")
        case Call("is null", (Call("array_position", (Name("VALUE"), Literal(None))),)):
            flat.add("nulls")
        case _:
            return False
    return True
