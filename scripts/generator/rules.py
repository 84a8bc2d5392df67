"""The constraints of a contract's tables, each with the message for callers who break it."""

from collections.abc import Iterator
from itertools import chain

from .catalog import CannotGenerate, Catalog, Constraint, Oid
from .names import noun, with_article
from .shapes import Shape, naming_column
from .source import call
from .view_origins import table_column


class Wording:
    """The words of one contract for tables and their columns."""

    def __init__(self, catalog: Catalog, shapes: list[Shape]) -> None:
        self._fields: dict[tuple[Oid, int], str] = {}
        self._nouns: dict[Oid, str] = {}
        relations = [shape for shape in shapes if shape.relation.kind != "composite"]
        # If several relations show a table, the writable one names it.
        for shape in sorted(relations, key=lambda each: not each.creatable):
            for column in catalog.columns.get(shape.relation.oid, []):
                stored = table_column(catalog, column)
                if stored is not None:
                    self._fields.setdefault((stored.relation, stored.number), column.name)
                    self._nouns.setdefault(stored.relation, noun(shape.relation.name))

    def field(self, table: Oid, column: int) -> str | None:
        """None if the contract does not show the column."""
        return self._fields.get((table, column))

    def noun(self, catalog: Catalog, table: Oid) -> str:
        return self._nouns.get(table) or noun(catalog.relations[table].name)

    @property
    def tables(self) -> list[Oid]:
        return sorted({table for table, _ in self._fields})


Said = tuple[str, str, str]
"""Kind, field and message of a rule."""


def rules_of(catalog: Catalog, wording: Wording) -> dict[str, str]:
    """Constraint name to the source of its Constraint, sorted."""
    return {
        name: call("Constraint", kind=repr(kind), field=repr(field), message=repr(message))
        for name, (kind, field, message) in messages_of(catalog, wording).items()
    }


def messages_of(catalog: Catalog, wording: Wording) -> dict[str, Said]:
    """The rules by the names of their constraints, sorted."""
    rules: dict[str, Said] = {}
    for name, said in _all_said(catalog, wording):
        if said is None:
            continue
        if name in rules:
            raise CannotGenerate(f"two constraints are called {name}: their names tell a caller's errors apart")
        rules[name] = said
    return dict(sorted(rules.items()))


def _all_said(catalog: Catalog, wording: Wording) -> Iterator[tuple[str, Said | None]]:
    for table in wording.tables:
        for constraint in catalog.constraints.get(table, []):
            yield constraint.name, _said(catalog, wording, constraint)
    # Postgres doesn't report which field a domain's check rejected. It is known if only one field has the domain.
    for check in chain.from_iterable(catalog.checks.values()):
        columns = (each for table in wording.tables for each in catalog.columns[table] if each.type == check.domain)
        fields = {field for each in columns if (field := wording.field(each.relation, each.number))}
        yield check.name, None if check.comment is None else ("check", fields.pop() if len(fields) == 1 else "", check.comment)


def _said(catalog: Catalog, wording: Wording, constraint: Constraint) -> Said | None:
    table = constraint.relation
    if constraint.kind == "check":
        return _check(catalog, wording, constraint)
    if constraint.kind == "reference":
        field = wording.field(table, naming_column(catalog, constraint))
        return None if field is None else ("reference", field, _reference_message(catalog, wording, constraint, field))
    if constraint.kind == "unique" and not set(catalog.primary_key(table)) <= set(constraint.columns):
        fields = [wording.field(table, column) for column in constraint.columns]
        if None in fields or not fields:
            return None
        field, colon, message = (constraint.comment or "").partition(": ")
        if colon:
            return "unique", field, message
        message = f"{with_article(wording.noun(catalog, table))} with this {' and '.join(map(str, fields))} exists already."
        return "unique", str(fields[0]), message
    return None


def _check(catalog: Catalog, wording: Wording, constraint: Constraint) -> Said | None:
    table = catalog.relations[constraint.relation]
    column_name, colon, message = (constraint.comment or "").partition(": ")
    numbers = [each.number for each in catalog.columns[table.oid] if each.name == column_name]
    if not (colon and numbers):
        raise CannotGenerate(f"the check {constraint.name} of {table.schema}.{table.name} needs a comment: '<column>: <message>'")
    field = wording.field(table.oid, numbers[0])
    return None if field is None else ("check", field, message)


def _reference_message(catalog: Catalog, wording: Wording, constraint: Constraint, field: str) -> str:
    owners = [
        each.name.removesuffix("_id")
        for each in catalog.columns[constraint.relation]
        if each.number in constraint.columns and wording.field(constraint.relation, each.number) != field
    ]
    names_no = f"{field} names no {wording.noun(catalog, constraint.referenced)}"
    return " of this ".join([names_no, *owners]) + "."
