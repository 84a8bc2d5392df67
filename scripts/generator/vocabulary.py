"""Domains as Python types: enumerations as StrEnum, the others as Annotated aliases with the constraints of their checks."""

from collections.abc import Iterable
from datetime import UTC, datetime

from .catalog import CannotGenerate, Catalog, DomainCheck, Type
from .checks import Facts, read_checks
from .names import class_name, constant_name
from .source import Source, call, docstring

# The types of JSON domains that their checks don't tell.
_JSON_TYPES = {"tally": "dict[str, int]"}

_INTEGERS = {"integer": (-(2**31), 2**31 - 1), "bigint": (-(2**63), 2**63 - 1)}


def facts_of(catalog: Catalog, domain: Type) -> tuple[Type, Facts]:
    """The first type beneath a domain that is no domain, and the checks of all domains on the way."""
    checks: list[DomainCheck] = []
    beneath = domain
    while beneath.kind == "domain":
        checks += catalog.checks.get(beneath.oid, [])
        beneath = catalog.types[beneath.base]
    try:
        return beneath, read_checks(checks)
    except CannotGenerate as error:
        raise CannotGenerate(f"domain {domain.sql_name}: {error}") from None


def words_of(catalog: Catalog, domain: Type) -> tuple[str, ...]:
    """The values of an enumeration; empty for any other domain."""
    return facts_of(catalog, domain)[1].words


def write_domain(catalog: Catalog, domain: Type, source: Source) -> None:
    """Define the domain's type in the module."""
    beneath, facts = facts_of(catalog, domain)
    name = source.define(class_name(domain.name), f"domain {domain.sql_name}")
    if facts.words and beneath.sql_name == "text":
        write_enumeration(name, domain.comment, facts.words, source)
        return
    parts = [*_parts(domain, beneath, facts, source)]
    if domain.comment:
        parts.append(call(source.name("pydantic", "Field"), description=repr(domain.comment)))
    annotated = f"{source.name('typing', 'Annotated')}[{', '.join(parts)}]" if len(parts) > 1 else parts[0]
    source.add(f"{name} = {annotated}")


def write_enumeration(name: str, comment: str | None, words: Iterable[str], source: Source) -> None:
    members = [f"    {constant_name(word)} = {word!r}" for word in words]
    head = f"class {name}({source.name('enum', 'StrEnum')}):"
    source.add("\n".join([head, *([f"    {docstring(comment)}\n"] if comment else []), *members]))


def _parts(domain: Type, beneath: Type, facts: Facts, source: Source) -> list[str]:
    """The type and its constraints."""
    sql_type = beneath.sql_name
    said = {name for name, value in vars(facts).items() if value}
    if sql_type == "text" and said <= {"length", "pattern"}:
        return ["str", *_lengths(source, "StringConstraints", facts.length, facts.pattern)]
    if sql_type in _INTEGERS and said <= {"bounds"}:
        lowest, highest = _INTEGERS[sql_type]
        return ["int", *_field(source, domain, {"ge": lowest, "le": highest} | facts.bounds)]
    if sql_type in ("numeric", "double precision") and said <= {"bounds"}:
        bounds = {sign: bound for sign, bound in facts.bounds.items() if (sign, bound) != ("lt", "Infinity")}
        return ["float", *_field(source, domain, {**bounds, "allow_inf_nan": False})]
    if sql_type == "timestamp with time zone" and said <= {"bounds"}:
        # Before the validator in Python, so that Pydantic's compiled one checks the bounds.
        return [source.name("pydantic", "AwareDatetime"), *_instants(source, facts), source.binding("AS_TIMESTAMP")]
    json_bytes = [f"{source.binding('JsonBytes')}({facts.json_bytes})"] if facts.json_bytes else []
    if sql_type == "jsonb" and facts.json_type and said <= {"json_type", "json_bytes"}:
        plain = "dict[str, {}]" if facts.json_type == "object" else "list[{}]"
        return [_JSON_TYPES.get(domain.name) or plain.format(source.name("typing", "Any")), *json_bytes]
    if sql_type in ("uuid[]", "text[]") and facts.flat and said <= {"flat", "size", "json_bytes"}:
        element = "str" if sql_type == "text[]" else source.name("uuid", "UUID")
        return [f"list[{element}]", *_lengths(source, "Field", facts.size), *json_bytes]
    if sql_type == "uuid" and not said:
        return [source.name("uuid", "UUID")]
    if sql_type == "boolean" and not said:
        return ["bool"]
    raise CannotGenerate(f"domain {domain.sql_name} is over {sql_type} with checks on {sorted(said)}, which has no Python type yet")


def _field(source: Source, domain: Type, constraints: dict[str, int | float | str]) -> list[str]:
    said = {name: repr(_number(domain, value)) for name, value in constraints.items()}
    return [call(source.name("pydantic", "Field"), **said)]


def _number(domain: Type, value: float | str) -> int | float:
    """A bound; Postgres prints a negative one as a string with a cast."""
    try:
        if isinstance(value, str):
            return float(value) if "." in value else int(value)
    except ValueError:
        raise CannotGenerate(f"domain {domain.sql_name} compares a number with {value!r}") from None
    return value


def _lengths(source: Source, function: str, measure: dict[str, int], pattern: str | None = None) -> list[str]:
    limits = {f"{end}_length": repr(measure[end]) for end in ("min", "max") if end in measure}
    if pattern is not None:
        limits["pattern"] = repr(pattern)
    return [call(source.name("pydantic", function), **limits)] if limits else []


def _instants(source: Source, facts: Facts) -> list[str]:
    constraints = {}
    for sign, bound in facts.bounds.items():
        moment = _moment(str(bound))
        if moment is None and sign in ("lt", "le"):
            # Python's calendar ends with the year 9999.
            constraints["le"] = f"{source.name('datetime', 'datetime')}.max.replace(tzinfo={source.name('datetime', 'UTC')})"
        elif moment is None:
            raise CannotGenerate(f"Python has no time after {bound}")
        else:
            source.name("datetime", "UTC")
            numbers = ", ".join(str(part) for part in moment.timetuple()[:6])
            constraints[sign] = f"{source.name('datetime', 'datetime')}({numbers}, tzinfo=UTC)"
    return [call(source.name("pydantic", "Field"), **constraints)] if constraints else []


def _moment(literal: str) -> datetime | None:
    """None if it is after the year 9999. The connection prints in UTC."""
    year = literal.partition("-")[0]
    return datetime.fromisoformat(literal).astimezone(UTC) if len(year) == len("9999") else None
