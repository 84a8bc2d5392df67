"""The contracts, and how a schema becomes a module."""

from dataclasses import dataclass

from .catalog import Catalog, Relation
from .entities import entity_diagram
from .function_bindings import check_overloads, write_arguments, write_function
from .models import Models, model_name
from .names import constant_name
from .python_types import Homes, PythonTypes, row_class
from .rules import Wording, rules_of
from .shapes import Shape, shape_of
from .source import Source, call, mapping
from .structure import STRUCTURES, write_structure
from .vocabulary import write_domain

_FOLDER = "adapter/dao_service/generated"


@dataclass(frozen=True)
class Contract:
    version: str
    schema: str
    module: str


# Another contract is another line. One may use the rows of those before it.
CONTRACTS = (
    Contract("1.2", "public", "contract_1_2"),
    Contract("1.0", "v1_0", "contract_1_0"),
)


def exposed_schemas() -> list[str]:
    return [contract.schema for contract in CONTRACTS]


# The schema whose domains every contract uses, and the module that holds them.
_SHARED = ("public", "vocabulary")


def generate(catalog: Catalog) -> dict[str, str]:
    """Path, from the root of the repository, to the text of each generated file."""
    package = Source(f"{_FOLDER}/__init__.py", "Models and bindings of the contracts.")
    sources = [package, _vocabulary(catalog)]
    homes = Homes(shared=_SHARED[0], domains=dict([_SHARED]), rows={})
    for contract in CONTRACTS:
        if contract.schema in catalog.schemas:
            homes.domains.setdefault(contract.schema, contract.module)
            homes.rows[contract.schema] = contract.module
            sources.append(_module(catalog, contract, homes))
    return {source.path: source.text() for source in sources} | entity_diagram(catalog, _SHARED[0])


def _vocabulary(catalog: Catalog) -> Source:
    schema, module = _SHARED
    source = Source(f"{_FOLDER}/{module}.py", "The types that the contracts' fields are made of, from the database's domains.")
    for domain in catalog.domains(schema):
        write_domain(catalog, domain, source)
    return source


def _module(catalog: Catalog, contract: Contract, homes: Homes) -> Source:
    source = Source(f"{_FOLDER}/{contract.module}.py", f"Contract {contract.version}: schema {contract.schema}.")
    if homes.domains[contract.schema] == contract.module:
        for domain in catalog.domains(contract.schema):
            write_domain(catalog, domain, source)
    types = PythonTypes(catalog, homes, source, contract.module)
    models = Models(catalog, types, source)
    shapes = _rows_first([shape_of(catalog, relation) for relation in catalog.rows(contract.schema)], catalog)
    for shape in shapes:
        models.write_relation(shape)
    functions = [each for each in catalog.functions if each.schema == contract.schema]
    check_overloads(functions)
    arguments = {
        each.name: write_structure(each, shapes, models) if each.name in STRUCTURES else write_arguments(catalog, each, models)
        for each in functions
    }

    bound = sorted((each for each in shapes if each.relation.kind != "composite"), key=lambda each: each.relation.name)
    _write_registry(source, "RELATIONS", "AnyRelation", {each.relation.name: _write_relation(each, source) for each in bound})
    callables = {each.name: write_function(catalog, each, arguments[each.name], types, source) for each in functions}
    _write_registry(source, "FUNCTIONS", "AnyFunction", callables)
    _write_registry(source, "CONSTRAINTS", "Constraint", rules_of(catalog, Wording(catalog, shapes)))
    return source


def _rows_first(shapes: list[Shape], catalog: Catalog) -> list[Shape]:
    """By name, but what a row is made of before the row."""
    ordered: dict[str, Shape] = {}
    by_oid = {shape.relation.oid: shape for shape in shapes}

    def place(shape: Shape) -> None:
        for field in shape.fields:
            found = catalog.types[field.type]
            inner = catalog.types[found.element] if found.element else found
            if inner.relation in by_oid:
                place(by_oid[inner.relation])
        ordered.setdefault(shape.relation.name, shape)

    for shape in shapes:
        place(shape)
    return list(ordered.values())


def _write_relation(shape: Shape, source: Source) -> str:
    relation: Relation = shape.relation
    name = source.define(constant_name(relation.name), f"{relation.kind} {relation.schema}.{relation.name}")
    bound = call(
        source.binding("Relation"),
        schema=repr(relation.schema),
        name=repr(relation.name),
        key=repr(shape.key),
        row=row_class(relation),
        create=model_name(shape, "Create") if shape.creatable else "None",
        update=model_name(shape, "Update") if shape.creatable and shape.updatable else "None",
        filters=model_name(shape, "Filters"),
        column_types=mapping({field.name: repr(field.sql_type) for field in shape.fields}),
        description=repr(relation.comment or ""),
    )
    source.add(f"{name} = {bound}")
    return name


def _write_registry(source: Source, name: str, kind: str, entries: dict[str, str]) -> None:
    source.define(name, name)
    source.add(f"{name}: dict[str, {source.binding(kind)}] = {mapping(entries)}")
