"""What callers can do with the columns of a relation. A view's column inherits from the table column that it shows."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from .catalog import CannotGenerate, Catalog, Column, Constraint, Oid, Relation
from .names import field_name
from .view_origins import columns_shown, table_column
from .vocabulary import words_of


@dataclass(frozen=True)
class Filter:
    """A parameter of a list that compares a column."""

    name: str
    operator: str = "equal"
    """How `private.write_condition` compares: "equal", "any" of several, "or_none" (those, or no value), and the others by name.

    "order": it does not filter, but orders the list by the column.
    """
    word: str = ""
    """What a caller writes for "order"."""


@dataclass(frozen=True)
class Field:
    """A column, or a function's argument."""

    place: str
    """For errors: "public.tasks.title"."""
    name: str
    type: Oid
    sql_type: str
    description: str | None
    nullable: bool
    default: str | None
    required: bool
    """Whether a row can't be created without it."""
    may_be_absent: bool = False
    is_reference: bool = False
    filters: tuple[Filter, ...] = ()
    can_create: bool = False
    can_update: bool = False
    is_argument: bool = False
    tally: Oid = 0
    """The enumeration whose words JSON has counts of."""
    tally_may_be_empty: bool = False
    holds: str = ""
    """The Python type of JSON whose content is known."""
    is_batch: bool = False
    """Whether it is a list of 1 to 100 entries."""
    is_fixed: bool = False
    """Whether creating a row sets it and no update changes it."""


@dataclass(frozen=True)
class Shape:
    relation: Relation
    key: str | None
    fields: tuple[Field, ...]

    @property
    def creatable(self) -> list[Field]:
        return [field for field in self.fields if field.can_create]

    @property
    def updatable(self) -> list[Field]:
        return [field for field in self.fields if field.can_create and field.can_update]

    @property
    def function_updatable(self) -> list[Field]:
        """What can be updated but not inserted: only functions write it."""
        return [field for field in self.fields if field.can_update and not field.can_create]


def shape_of(catalog: Catalog, relation: Relation) -> Shape:
    columns = catalog.columns.get(relation.oid, [])
    key = next((each.name for each in columns if _is_key(catalog, table_column(catalog, each))), None)
    if key is None and relation.kind != "composite":
        raise CannotGenerate(f"{relation.schema}.{relation.name} shows no primary key, which would identify a row")
    fields = [_field(catalog, relation, column) for column in columns]
    if any(field.can_create and field.can_update for field in fields):
        fields = [replace(field, is_fixed=field.can_create and not field.can_update) for field in fields]
    return Shape(relation, key, tuple(fields))


def naming_column(catalog: Catalog, reference: Constraint) -> int:
    """The column of a foreign key that holds the id of the other row. Its other columns compare the owners of both rows."""
    key = catalog.primary_key(reference.referenced)
    for column, other in zip(reference.columns, reference.referenced_columns, strict=True):
        if (other,) == key:
            return column
    raise CannotGenerate(f"{reference.name} does not refer to {catalog.relations[reference.referenced].name} by its primary key")


def _field(catalog: Catalog, relation: Relation, column: Column) -> Field:
    shown, stored = columns_shown(catalog, column), table_column(catalog, column)
    described = next((each for each in shown if each.comment or each.tags), column)
    tags = described.tags
    found = catalog.types[column.type]
    default = next((each.default for each in shown if each.default is not None), found.default)
    given = default is not None
    if relation.kind == "composite":
        nullable = "nullable" in tags
    elif stored is None:
        nullable = not (given or "notnull" in tags or _is_array_of_rows(catalog, column.type))
    else:
        nullable = not (stored.not_null or found.not_null or "notnull" in tags)
    # The database gives out keys that have a default.
    closed = "readonly" in tags or shown[-1].generated or (given and _is_key(catalog, stored))
    reference = _is_reference(catalog, stored)
    owner = f"{relation.schema}.{relation.name}"
    counted, _, empty = tags.get("tally", "").partition(",")
    return Field(
        place=f"{owner}.{column.name}",
        name=field_name(owner, column.name),
        type=column.type,
        sql_type=column.sql_type,
        description=described.comment,
        nullable=nullable,
        default=default or ("" if "filled" in tags else None),
        required="required" in tags or not (nullable or given or "filled" in tags),
        may_be_absent="optional" in tags,
        is_reference=reference,
        filters=tuple(_filters(catalog, column, is_reference=reference)),
        can_create=column.can_insert and not closed,
        can_update=column.can_update and not closed,
        tally=_enumeration(catalog, relation.schema, counted) if counted else 0,
        tally_may_be_empty=empty == "empty",
    )


def _enumeration(catalog: Catalog, schema: str, name: str) -> Oid:
    for domain in catalog.domains(schema):
        if domain.name == name and words_of(catalog, domain):
            return domain.oid
    raise CannotGenerate(f"a tag names {schema}.{name}, which is no domain with words")


def _filters(catalog: Catalog, column: Column, *, is_reference: bool) -> Iterator[Filter]:
    tags = {tag: value for each in reversed(columns_shown(catalog, column)) for tag, value in each.tags.items()}
    if _is_enumeration(catalog, column.type):
        yield Filter(column.name, "or_none" if tags.get("filter") == "or_none" else "any")
    elif is_reference or "filter" in tags:
        yield Filter(column.name, tags.get("filter") or "equal")
    if prefix := tags.get("range"):
        yield Filter(f"{prefix}_from", "from")
        yield Filter(f"{prefix}_before", "before")
    if word := tags.get("order"):
        yield Filter("order", "order", word)


def _is_key(catalog: Catalog, stored: Column | None) -> bool:
    return stored is not None and stored.number in catalog.primary_key(stored.relation)


def _is_reference(catalog: Catalog, stored: Column | None) -> bool:
    return stored is not None and any(
        stored.number == naming_column(catalog, each)
        for each in catalog.constraints.get(stored.relation, [])
        if each.kind == "reference"
    )


def _is_enumeration(catalog: Catalog, oid: Oid) -> bool:
    found = catalog.types[oid]
    return found.kind == "domain" and bool(words_of(catalog, found))


def _is_array_of_rows(catalog: Catalog, oid: Oid) -> bool:
    element = catalog.types[oid].element
    return bool(element and catalog.types[element].relation)


def in_order_of_definition(shapes: list[Shape], catalog: Catalog) -> list[Shape]:
    """By name, but a row that another row contains comes before it."""
    ordered: dict[str, Shape] = {}
    by_oid = {shape.relation.oid: shape for shape in shapes}

    def place(shape: Shape) -> None:
        for oid in contained(shape, catalog):
            if oid in by_oid:
                place(by_oid[oid])
        ordered.setdefault(shape.relation.name, shape)

    for shape in shapes:
        place(shape)
    return list(ordered.values())


def contained(shape: Shape, catalog: Catalog) -> Iterator[Oid]:
    """The relations whose rows are in a row of this one."""
    for field in shape.fields:
        found = catalog.types[field.type]
        yield (catalog.types[found.element] if found.element else found).relation
