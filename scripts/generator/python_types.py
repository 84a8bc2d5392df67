"""SQL types as Python annotations."""

from collections.abc import Container
from dataclasses import dataclass

from .catalog import SHARED_SCHEMA, CannotGenerate, Catalog, Oid, Relation, Type
from .names import class_name, singular
from .source import Source

# SQL type to the module and name of a Python type.
_PLAIN = {
    "uuid": ("uuid", "UUID"),
    "text": ("", "str"),
    "character varying": ("", "str"),
    "boolean": ("", "bool"),
    "integer": ("dao_service.bindings", "Integer"),
    "bigint": ("dao_service.bindings", "BigInteger"),
    "numeric": ("dao_service.bindings", "Number"),
    "double precision": ("dao_service.bindings", "Number"),
    "date": ("datetime", "date"),
    "timestamp with time zone": ("dao_service.bindings", "Timestamp"),
    "json": ("typing", "Any"),
    "jsonb": ("typing", "Any"),
    "void": ("", "None"),
}


@dataclass(frozen=True)
class Homes:
    """The modules of dao_service.generated, by schema: of its domains, and of the rows of its relations."""

    domains: dict[str, str]
    rows: dict[str, str]


class PythonTypes:
    """Annotations within one module."""

    def __init__(self, catalog: Catalog, homes: Homes, source: Source, module: str, local: Container[str] = frozenset()) -> None:
        """`local` are the classes that the module defines although their schema has another home."""
        self._catalog = catalog
        self._homes = homes
        self._source = source
        self._module = module
        self._local = local
        self._aliases: set[str] = set()

    def annotation(self, oid: Oid, user: str) -> str:
        """The Python type, imported. `user` names in an error what has the SQL type."""
        found = self._catalog.types[oid]
        if found.element:
            return f"list[{self.annotation(found.element, user)}]"
        if found.kind == "domain" and found.schema in self._homes.domains:
            name = class_name(found.name)
            return name if name in self._local else self._imported(self._homes.domains[found.schema], name)
        if found.relation:
            return self._row(found, user)
        if found.sql_name not in _PLAIN:
            raise CannotGenerate(f"{user} has the type {found.sql_name}, which the generator does not know")
        module, name = _PLAIN[found.sql_name]
        return self._source.name(module, name) if module else name

    def tally(self, enumeration: Oid, *, may_be_empty: bool) -> str:
        """The dict with a count for each word of the enumeration, imported."""
        found = self._catalog.types[enumeration]
        return self._imported(self._homes.domains[found.schema], tally_class(found, may_be_empty=may_be_empty))

    def shared_row(self, name: str) -> str:
        """The row of a composite type of the shared schema."""
        for relation in self._catalog.rows(SHARED_SCHEMA):
            if relation.name == name:
                return self._row_of(relation, self._homes.rows[SHARED_SCHEMA])
        raise CannotGenerate(f"there is no composite type {SHARED_SCHEMA}.{name}")

    def _row(self, found: Type, user: str) -> str:
        relation = self._catalog.relations.get(found.relation)
        home = self._homes.rows.get(found.schema)
        if relation is None or home is None or not relation.readable:
            raise CannotGenerate(f"{user} has the type {found.sql_name}, which is a row of no contract")
        return self._row_of(relation, home)

    def _row_of(self, relation: Relation, home: str) -> str:
        name = row_class(relation)
        if home != self._module and name not in self._local and name not in self._aliases:
            origin = self._source.name("dao_service.generated", home)
            self._source.define(name, f"{relation.kind} {relation.schema}.{relation.name}")
            self._source.add(f"{name} = {origin}.{name}")
            self._aliases.add(name)
        return name

    def _imported(self, home: str, name: str) -> str:
        return name if home == self._module else self._source.name(f"dao_service.generated.{home}", name)


def tally_class(enumeration: Type, *, may_be_empty: bool) -> str:
    return f"{class_name(enumeration.name)}Tally{'OrEmpty' * may_be_empty}"


def row_class(relation: Relation) -> str:
    """The singular of a table's or view's name; a composite type is named in the singular already."""
    return class_name(relation.name if relation.kind == "composite" else singular(relation.name))
