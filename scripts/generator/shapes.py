"""What the columns of a relation are to a caller, a view's columns by the table columns that they show."""

from dataclasses import dataclass

from .catalog import Catalog, Column, Constraint, Oid, Relation
from .errors import CannotGenerate
from .names import field_name
from .view_origins import columns_shown, table_column
from .vocabulary import words_of

# A comment may start with these; they are for the generator and no part of the description.
_TAGS = ("Read-only.", "Required.", "Never null.")


@dataclass(frozen=True)
class Field:
    """A column, or a function's argument."""

    place: str
    """Where it is, for errors: "public.tasks.title"."""
    name: str
    type: Oid
    sql_type: str
    description: str | None
    nullable: bool
    default: str | None
    required: bool
    """To be given when a row is created."""
    may_be_absent: bool = False
    is_reference: bool = False
    is_filter: bool = False
    can_create: bool = False
    can_update: bool = False
    is_argument: bool = False


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
        """What can be updated but not inserted: it is written by functions only."""
        return [field for field in self.fields if field.can_update and not field.can_create]


def split_tags(comment: str | None) -> tuple[frozenset[str], str | None]:
    """The tags that a comment starts with, and the rest."""
    rest, tags = comment or "", set()
    while tag := next((each for each in _TAGS if rest.startswith(each)), None):
        tags.add(tag)
        rest = rest.removeprefix(tag).lstrip()
    return frozenset(tags), rest or None


def shape_of(catalog: Catalog, relation: Relation) -> Shape:
    columns = catalog.columns.get(relation.oid, [])
    key = next((each.name for each in columns if _is_key(catalog, table_column(catalog, each))), None)
    if key is None and relation.kind != "composite":
        raise CannotGenerate(f"{relation.schema}.{relation.name} shows no primary key: there is no way to name one of its rows")
    return Shape(relation, key, tuple(_field(catalog, relation, column) for column in columns))


def naming_column(catalog: Catalog, reference: Constraint) -> int:
    """The column of a foreign key that holds the id of the other row; the rest of it ties both rows to one owner."""
    key = catalog.primary_key(reference.referenced)
    for column, other in zip(reference.columns, reference.referenced_columns, strict=True):
        if (other,) == key:
            return column
    raise CannotGenerate(f"{reference.name} does not refer to {catalog.relations[reference.referenced].name} by its primary key")


def _field(catalog: Catalog, relation: Relation, column: Column) -> Field:
    shown, stored = columns_shown(catalog, column), table_column(catalog, column)
    tags, description = split_tags(next((each.comment for each in shown if each.comment), None))
    found = catalog.types[column.type]
    default = next((each.default for each in shown if each.default is not None), found.default)
    given = default is not None
    if relation.kind == "composite":
        nullable = False
    elif stored is None:
        nullable = not (given or "Never null." in tags or _is_array_of_rows(catalog, column.type))
    else:
        nullable = not (stored.not_null or found.not_null or "Never null." in tags)
    # A key with a default is the database's to give.
    closed = "Read-only." in tags or shown[-1].generated or (given and _is_key(catalog, stored))
    reference = _is_reference(catalog, stored)
    owner = f"{relation.schema}.{relation.name}"
    return Field(
        place=f"{owner}.{column.name}",
        name=field_name(owner, column.name),
        type=column.type,
        sql_type=column.sql_type,
        description=description,
        nullable=nullable,
        default=default,
        required="Required." in tags or not (nullable or given),
        may_be_absent=relation.kind == "composite" and "absent" in (description or ""),
        is_reference=reference,
        is_filter=reference or _is_enumeration(catalog, column.type),
        can_create=column.can_insert and not closed,
        can_update=column.can_update and not closed,
    )


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
