"""The constraints in a domain's checks, from the definitions that Postgres prints."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from sqlglot import exp

from .catalog import CannotGenerate, DomainCheck
from .expressions import parse, value_of

_SIGNS: dict[type, str] = {exp.GTE: "ge", exp.GT: "gt", exp.LTE: "le", exp.LT: "lt"}
_VALUE = parse("VALUE")
_LENGTH = parse("char_length(VALUE)")
_SIZE = parse("cardinality(VALUE)")
_SIZED_AS_JSON = (_VALUE, parse("to_jsonb(VALUE)"))
_JSON_TYPES = {parse(f"jsonb_typeof(VALUE) = '{name}'"): name for name in ("object", "array")}
_FLAT = {parse("coalesce(array_ndims(VALUE), 1) = 1"), parse("array_position(VALUE, null) is null")}


@dataclass
class Facts:
    """All checks of one domain together."""

    words: tuple[str, ...] = ()
    json_type: str | None = None
    flat: bool = False
    """Whether an array has one dimension and no nulls."""
    bounds: dict[str, int | float | str] = field(default_factory=dict)
    """Of the value, by "ge", "gt", "le", "lt"; a string is the literal of a type other than a number."""
    length: dict[str, int] = field(default_factory=dict)
    """Of a text, in characters, by "min" and "max"."""
    size: dict[str, int] = field(default_factory=dict)
    """Of an array, in elements, by "min" and "max"."""
    pattern: str | None = None
    """Of a text: a regular expression."""
    json_bytes: int | None = None
    """The most bytes of the value as JSON text."""


def read_checks(checks: Iterable[DomainCheck]) -> Facts:
    """Leaves a check with a comment to the database, but for its limit of size. Raises CannotGenerate for any other that Facts
    can't hold.
    """
    facts = Facts()
    flat: set[exp.Expr] = set()
    for check in checks:
        conditions = _conditions(parse(check.definition.removeprefix("CHECK ").removesuffix(" NOT VALID")))
        if check.comment is not None:
            for condition in conditions:
                _add_json_bytes(facts, condition)
            continue
        for condition in conditions:
            if condition in _FLAT:
                flat.add(condition)
            elif condition in _JSON_TYPES:
                facts.json_type = _JSON_TYPES[condition]
            elif not any(add(facts, condition) for add in (_add_bound, _add_words, _add_pattern, _add_json_bytes)):
                raise CannotGenerate(f"can't express the check {check.name} in Python: {check.definition}")
    if flat and flat != _FLAT:
        raise CannotGenerate("an array domain checks only one of: one dimension, no nulls")
    facts.flat = bool(flat)
    return facts


def _conditions(expression: exp.Expr) -> Iterable[exp.Expr]:
    return expression.flatten() if isinstance(expression, exp.And) else [expression]


def _add_bound(facts: Facts, condition: exp.Expr) -> bool:
    sign = _SIGNS.get(type(condition))
    if sign is None:
        return False
    subject, bound = condition.this, value_of(condition.expression)
    if bound is None or isinstance(bound, bool):
        return False
    if subject == _VALUE:
        known = facts.bounds.get(sign)
        facts.bounds[sign] = bound if known is None else _tighter(sign, known, bound)
        return True
    if subject in (_LENGTH, _SIZE) and isinstance(bound, int):
        measure = facts.length if subject == _LENGTH else facts.size
        end, limit = ("min", bound + (sign == "gt")) if sign in ("ge", "gt") else ("max", bound - (sign == "lt"))
        measure[end] = (max if end == "min" else min)(measure.get(end, limit), limit)
        return True
    return False


def _tighter(sign: str, one: float | str, other: float | str) -> int | float | str:
    """The bound that counts if a domain over a domain sets the same one again."""
    if isinstance(one, str) or isinstance(other, str):
        raise CannotGenerate(f"can't tell which is tighter: {sign} {one} or {sign} {other}")
    return max(one, other) if sign in ("ge", "gt") else min(one, other)


def _add_words(facts: Facts, condition: exp.Expr) -> bool:
    match condition:
        case exp.EQ(this=subject, expression=exp.Any(this=exp.Array(expressions=[_, *_] as elements))) if subject == _VALUE:
            pass
        case exp.EQ(this=subject, expression=exp.Literal() as word) if subject == _VALUE:
            elements = [word]
        case _:
            return False
    words = tuple(value for value in map(value_of, elements) if isinstance(value, str))
    facts.words = tuple(word for word in facts.words if word in words) if facts.words else words
    return len(words) == len(elements)


def _add_pattern(facts: Facts, condition: exp.Expr) -> bool:
    match condition:
        case exp.RegexpLike(this=subject, expression=exp.Literal() as pattern) if subject == _VALUE and facts.pattern is None:
            facts.pattern = pattern.name
            return True
    return False


def _add_json_bytes(facts: Facts, condition: exp.Expr) -> bool:
    match condition:
        case exp.Dot(expression=exp.Anonymous(this="fits_json_limits", expressions=[sized, exp.Literal() as most])):
            if sized not in _SIZED_AS_JSON:
                return False
            facts.json_bytes = int(most.name)
            return True
    return False
