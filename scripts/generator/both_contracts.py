"""The module of models for callers in process, who use the words of either contract: the fields of both, in one class.

It has the models that differ from those of the default contract. The description of a field that only one contract has says so, and
an input may lack it.
"""

from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass, replace

from .catalog import Catalog, Contract, Function
from .names import class_name
from .python_types import Homes, PythonTypes, row_class
from .shapes import Field, Shape, contained, in_order_of_definition, shape_of
from .source import GENERATED, Source, mapping
from .vocabulary import words_of, write_enumeration
from .write_models import Models, model_name

_MODULE = "both_contracts"


def write_both_contracts(catalog: Catalog, homes: Homes) -> Source:
    """The models of the relations that the default contract and an older one have, if they differ."""
    source = Source(f"{GENERATED}/{_MODULE}.py", "The models that have the words of both contracts.")
    newer, *others = catalog.contracts
    shown: dict[str, str] = {}
    for older in others:
        shown |= _write(catalog, homes, source, (newer, older))
    rows = ", ".join(f"{row}: {relation!r}" for row, relation in shown.items())
    source.define("SHOWN_IN_BOTH", "the rows that have the words of both contracts")
    source.add(
        f"SHOWN_IN_BOTH: dict[type[{source.binding('Row')}], str] = {{{rows}}}\n"
        '"""The rows that `private.show_both_contracts` completes, and their relations."""'
    )
    return source


@dataclass(frozen=True)
class _Pair:
    """A relation of the default contract, and the one of its name in an older contract."""

    newer: Shape
    older: Shape
    contracts: tuple[Contract, Contract]
    retyped: bool
    """Whether a field has other words in the older contract."""

    @property
    def relation(self) -> str:
        return self.newer.relation.name

    def row(self) -> Shape:
        return replace(self.newer, fields=(*self.newer.fields, *self._added()))

    def input(self) -> Shape:
        """For callers who write rows: they may leave out what one contract alone has or requires."""
        known = {field.name: field for field in self.older.fields}
        fields = []
        for field in self.newer.fields:
            if field.name in known:
                fields.append(replace(field, may_be_absent=field.required and not known[field.name].required))
            else:
                fields.append(replace(_only_in(self.contracts[0], field), may_be_absent=True))
        return replace(self.newer, fields=(*fields, *(replace(field, may_be_absent=True) for field in self._added())))

    def differs_in(self, fields: Iterable[Field]) -> bool:
        """Whether the older contract adds to these fields."""
        return self.retyped or not {field.name for field in fields} <= {field.name for field in self.newer.fields}

    def creates_differently(self) -> bool:
        """Whether the older contract adds fields, or does without one that the default contract requires."""
        fields, required = self.input().creatable, {field.name for field in self.newer.fields if field.required}
        return bool(fields) and (self.differs_in(fields) or any(each.may_be_absent and each.name in required for each in fields))

    def _added(self) -> list[Field]:
        known = {field.name for field in self.newer.fields}
        return [_only_in(self.contracts[1], field) for field in self.older.fields if field.name not in known]


class _Models(Models):
    """Inputs that know the models of the contracts that they are made of."""

    def __init__(self, catalog: Catalog, types: PythonTypes, source: Source, contracts: tuple[Contract, Contract]) -> None:
        super().__init__(catalog, types, source)
        self._contracts = contracts

    def write_inputs(self, pair: _Pair, *, create: bool) -> None:
        """Write the inputs that differ: `create` says whether the contracts create such a row differently."""
        shape = pair.input()
        if create:
            self.write_create(shape)
        if shape.updatable and pair.differs_in(shape.updatable):
            self.write_update(shape)

    def _write_input(self, shape: Shape, suffix: str, text: str, lines: Iterable[str]) -> None:
        name = model_name(shape, suffix)
        parts = {each.name: f"{self._module(each)}.{name}" for each in self._contracts}
        contracts = f"contracts: {self._source.name('typing', 'ClassVar')} = {mapping(parts)}\n"
        parent = self._source.name("dao_service.in_process.which_contract", "InEitherContract")
        self._write_class(name, parent, f"{text} All fields are of one contract.", [contracts, *lines])

    def _module(self, contract: Contract) -> str:
        return self._source.name("dao_service.generated", contract.module)


def _write(catalog: Catalog, homes: Homes, source: Source, contracts: tuple[Contract, Contract]) -> dict[str, str]:
    """Returns the rows that the contracts write or show differently, and their relations."""
    newer, older = contracts
    enumerations = dict(_enumerations(catalog, newer, older))
    pairs = list(_pairs(catalog, contracts, enumerations))
    rows = _differing_rows(catalog, pairs)
    local = {*enumerations, *(row_class(pair.newer.relation) for pair in pairs if pair.relation in rows)}
    models = _Models(catalog, PythonTypes(catalog, homes, source, _MODULE, local), source, contracts)
    for name, words in enumerations.items():
        write_enumeration(source.define(name, f"the words of {name}"), "The words of both contracts.", words, source)
    created = {pair.relation for pair in pairs if pair.creates_differently()}
    structures = [function for function, levels in _structures(catalog, newer) if created.intersection(levels)]
    # A structure holds the first row as it is created on its own.
    created |= {levels[0] for function, levels in _structures(catalog, newer) if function in structures}
    for pair in pairs:
        if pair.relation in rows:
            models.write_row(pair.row())
        models.write_inputs(pair, create=pair.relation in created)
    for function in structures:
        models.write_structure(function, [pair.input() for pair in pairs])
    shown = [pair for pair in pairs if pair.relation in rows | created]
    return {("" if pair.relation in rows else f"{newer.module}.") + row_class(pair.newer.relation): pair.relation for pair in shown}


def _structures(catalog: Catalog, contract: Contract) -> Iterator[tuple[Function, list[str]]]:
    for function in catalog.functions:
        if function.schema == contract.schema and "structure" in function.tags:
            yield function, function.tags["structure"].split(",")


def _pairs(catalog: Catalog, contracts: tuple[Contract, Contract], enumerations: Container[str]) -> Iterator[_Pair]:
    newer, older = contracts
    known = {relation.name: relation for relation in catalog.rows(older.schema)}
    shapes = [shape_of(catalog, relation) for relation in catalog.rows(newer.schema) if relation.name in known]
    for shape in in_order_of_definition(shapes, catalog):
        types = (catalog.types[field.type] for field in shape.fields)
        retyped = any(found.kind == "domain" and class_name(found.name) in enumerations for found in types)
        yield _Pair(shape, shape_of(catalog, known[shape.relation.name]), contracts, retyped)


def _enumerations(catalog: Catalog, newer: Contract, older: Contract) -> Iterator[tuple[str, list[str]]]:
    """Those of one name in both contracts, with the words of both."""
    domains = {domain.name: domain for domain in catalog.domains(newer.schema)}
    for domain in catalog.domains(older.schema):
        words = words_of(catalog, domain)
        if words and domain.name in domains:
            yield class_name(domain.name), list(dict.fromkeys((*words_of(catalog, domains[domain.name]), *words)))


def _differing_rows(catalog: Catalog, pairs: list[_Pair]) -> set[str]:
    """The relations whose rows differ, or contain rows that do."""
    differing: dict[int, str] = {}
    for pair in pairs:  # in the order of definition
        if pair.differs_in(pair.older.fields) or differing.keys() & set(contained(pair.newer, catalog)):
            differing[pair.newer.relation.oid] = pair.relation
    return set(differing.values())


def _only_in(contract: Contract, field: Field) -> Field:
    return replace(field, description=f"{field.description or ''} A word of contract {contract.name}.".lstrip())
