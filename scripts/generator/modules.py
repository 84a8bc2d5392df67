"""One module of models and bindings per contract, and the modules that all contracts share."""

from .both_contracts import write_both_contracts
from .catalog import SHARED_SCHEMA, Catalog, Contract, Relation
from .entities import entity_diagram
from .function_bindings import check_overloads, write_arguments, write_function
from .names import constant_name, noun
from .python_types import Homes, PythonTypes, row_class, tally_class
from .rules import Wording, rules_of
from .shapes import Shape, in_order_of_definition, shape_of
from .source import GENERATED, Source, call, docstring, mapping
from .vocabulary import words_of, write_domain
from .write_models import Models, model_name

_VOCABULARY = "vocabulary"


def generate(catalog: Catalog) -> dict[str, str]:
    """Path, from the root of the repository, to the text of each generated file."""
    sources = [_package(catalog), _vocabulary(catalog)]
    homes = Homes(domains={SHARED_SCHEMA: _VOCABULARY}, rows={})
    for contract in catalog.contracts:
        homes.domains.setdefault(contract.schema, contract.module)
        homes.rows[contract.schema] = contract.module
        sources.append(_module(catalog, contract, homes))
    sources.append(write_both_contracts(catalog, homes))
    return {source.path: source.text() for source in sources} | entity_diagram(catalog, SHARED_SCHEMA)


def _package(catalog: Catalog) -> Source:
    source = Source(f"{GENERATED}/__init__.py", "The contracts, as the database declares them, and their models and bindings.")
    schemas = {
        contract.name: call(
            source.binding("Schema"),
            name=repr(contract.schema),
            relations=f"{source.name('dao_service.generated', contract.module)}.RELATIONS",
            functions=f"{contract.module}.FUNCTIONS",
            constraints=f"{contract.module}.CONSTRAINTS",
        )
        for contract in sorted(catalog.contracts, key=lambda each: each.name)
    }
    source.add(f"SCHEMAS = {mapping(schemas)}")
    source.add(f'DEFAULT_CONTRACT = {catalog.contracts[0].name!r}\n"""The contract of schema {SHARED_SCHEMA}."""')
    return source


def _vocabulary(catalog: Catalog) -> Source:
    source = Source(f"{GENERATED}/{_VOCABULARY}.py", "The types of the contracts' fields, from the database's domains.")
    for domain in catalog.domains(SHARED_SCHEMA):
        write_domain(catalog, domain, source)
    _write_tallies(catalog, SHARED_SCHEMA, source)
    return source


def _module(catalog: Catalog, contract: Contract, homes: Homes) -> Source:
    source = Source(f"{GENERATED}/{contract.module}.py", f"Contract {contract.name}: schema {contract.schema}.")
    if homes.domains[contract.schema] == contract.module:
        for domain in catalog.domains(contract.schema):
            write_domain(catalog, domain, source)
        _write_tallies(catalog, contract.schema, source)
    types = PythonTypes(catalog, homes, source, contract.module)
    models = Models(catalog, types, source)
    shapes = in_order_of_definition([shape_of(catalog, relation) for relation in catalog.rows(contract.schema)], catalog)
    for shape in shapes:
        models.write_relation(shape)
    functions = [each for each in catalog.functions if each.schema == contract.schema]
    check_overloads(functions)
    arguments = {
        each.name: models.write_structure(each, shapes) if "structure" in each.tags else write_arguments(catalog, each, models)
        for each in functions
    }

    bound = sorted((each for each in shapes if each.relation.kind != "composite"), key=lambda each: each.relation.name)
    _write_registry(source, "RELATIONS", "AnyRelation", {each.relation.name: _write_relation(each, source) for each in bound})
    callables = {each.name: write_function(catalog, each, arguments[each.name], types, source) for each in functions}
    _write_registry(source, "FUNCTIONS", "AnyFunction", callables)
    _write_registry(source, "CONSTRAINTS", "Constraint", rules_of(catalog, Wording(catalog, shapes)))
    return source


def _write_tallies(catalog: Catalog, schema: str, source: Source) -> None:
    """Define the dicts that the schema's rows have counts in."""
    fields = (field for relation in catalog.rows(schema) for field in shape_of(catalog, relation).fields)
    classes = {
        tally_class(found, may_be_empty=each.tally_may_be_empty): (words_of(catalog, found), each.tally_may_be_empty)
        for each in fields
        if (found := catalog.types.get(each.tally))
    }
    for name, (words, may_be_empty) in sorted(classes.items()):
        source.define(name, f"the dict {name}")
        # The one of typing is not complete before Python 3.12, says Pydantic.
        base = source.name("typing_extensions", "TypedDict") + ", total=False" * may_be_empty
        text = "How many there are of each word" + (", or nothing." if may_be_empty else ".")
        source.add("\n".join([f"class {name}({base}):", f"    {docstring(text)}\n", *(f"    {word}: int" for word in words)]))


def _write_relation(shape: Shape, source: Source) -> str:
    relation: Relation = shape.relation
    name = source.define(constant_name(relation.name), f"{relation.kind} {relation.schema}.{relation.name}")
    bound = call(
        source.binding("Relation"),
        schema=repr(relation.schema),
        name=repr(relation.name),
        noun=repr(noun(relation.name)),
        key=repr(shape.key),
        row=row_class(relation),
        create=model_name(shape, "Create") if shape.creatable else "None",
        update=model_name(shape, "Update") if shape.creatable and shape.updatable else "None",
        filters=model_name(shape, "Filters"),
        comparisons=mapping(_comparisons(shape)) or None,
        column_types=mapping({field.name: repr(field.sql_type) for field in shape.fields}),
        description=repr(relation.comment or ""),
    )
    source.add(f"{name} = {bound}")
    return name


def _comparisons(shape: Shape) -> dict[str, str]:
    """The parameters that are no equalities: name to column and operator."""
    return {
        each.name: f"({field.name!r}, {each.operator!r})"
        for field in shape.fields
        for each in field.filters
        if each.operator in ("or_none", "ignoring_case", "from", "before", "order")
    }


def _write_registry(source: Source, name: str, kind: str, entries: dict[str, str]) -> None:
    source.define(name, name)
    source.add(f"{name}: dict[str, {source.binding(kind)}] = {mapping(entries)}")
