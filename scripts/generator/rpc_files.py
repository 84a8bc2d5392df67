"""dao_service.rpc: a typed function for each function of the database, and a typed table for each relation."""

import textwrap
from dataclasses import replace
from typing import Any

from dao_service.bindings import RESULT, AnyFunction, AnyRelation, Schema
from dao_service.generated import DEFAULT_CONTRACT, SCHEMAS

from .names import constant_name
from .resource_classes import Parameter, Signatures, names_to_values, signature
from .source import FROM_CONTRACTS, Source, docstring

_DATA_API = "dao_service.client.data_api"
_COMPARISONS = ("at_least", "at_most", "less_than", "more_than", "not_equal", "one_of")


def rpc_files() -> dict[str, str]:
    """Path, from the root of the repository, to the text of each generated file."""
    sources = [_module(contract, schema) for contract, schema in SCHEMAS.items()]
    return {source.path: source.text() for source in sources}


def _module(contract: str, schema: Schema) -> Source:
    module = "__init__" if contract == DEFAULT_CONTRACT else schema.name
    text = f"Contract {contract} for supabase-py: the functions and relations of schema {schema.name}. Needs the extra `supabase`."
    source = Source(f"adapter/dao_service/rpc/{module}.py", text, FROM_CONTRACTS)
    home = f"contract_{contract.replace('.', '_')}"
    source.name("dao_service.generated", home)
    for name in _COMPARISONS:
        source.export(_DATA_API, name)
    writer = _Rpc(source, home)
    for relation in schema.relations.values():
        writer.write_table(relation)
    for function in schema.functions.values():
        if function.media_type == RESULT:  # the others are the adapter's: they write JSON for it
            writer.write_function(function)
    return source


class _Rpc(Signatures):
    def __init__(self, source: Source, home: str) -> None:
        super().__init__(source)
        self._home = home

    def write_function(self, function: AnyFunction) -> None:
        client = Parameter("client", self.source.name(_DATA_API, "Client"))
        arguments = [self._given(each) for each in self.fields_of(function.arguments)]
        answer = self.type_of(function.result)
        parameters = [str(client), *(["*", *map(str, arguments)] if arguments else [])]
        call = self.source.name(_DATA_API, "call")
        bound = f"{self._home}.{constant_name(function.name)}"
        self.source.define(function.name, f"function {function.schema}.{function.name}")
        text = docstring(textwrap.indent(textwrap.fill(function.description, 120), "    ").strip())
        self.source.add(
            f"async {signature(function.name, parameters, answer)}\n    {text}\n"
            f"    return await {call}(client, {answer}, {bound}, {names_to_values(arguments)})"
        )

    def _given(self, parameter: Parameter) -> Parameter:
        """An id may be given as text."""
        name, rest = parameter.kind[:4], parameter.kind[4:]
        return replace(parameter, kind=self.id_type() + rest) if name == "UUID" else parameter

    def write_table(self, relation: AnyRelation) -> None:
        row = self.name_of_model(relation.row)
        table, where = f"{row}Table", f"{row}Where"
        self._write_where(where, relation)
        self.source.define(table, f"the table of {relation.name}")
        columns = ", ".join(map(repr, relation.row.model_fields))
        order = f"{self.source.name('typing', 'Literal')}[{columns}] | None = None"
        filters = f"**where: {self.source.name('typing', 'Unpack')}[{where}]"
        limits = [f"order: {order}", "descending: bool = False", "limit: int | None = None", "offset: int = 0"]
        text = docstring("The rows whose columns have these values; None stands for null.")
        head = signature("select", ["self", "*", *limits, filters], f"list[{row}]")
        call = "self._select(where, order, descending=descending, limit=limit, offset=offset)"
        methods = [f"async {head}\n        {text}\n        return await {call}"]
        if relation.create:
            create = self.name_of_model(relation.create)
            methods.append(
                f"async {signature('insert', ['self', f'*rows: {create}'], f'list[{row}]')}\n"
                f"        {docstring('Insert rows, all or none.')}\n"
                f"        return await self._insert(rows)"
            )
        if relation.update:
            update = self.name_of_model(relation.update)
            methods.append(
                f"async {signature('update', ['self', f'changes: {update}', filters], f'list[{row}]')}\n"
                f"        {docstring('Change the fields that are given in every row whose columns have these values.')}\n"
                f"        return await self._update(changes, where)"
            )
        if relation.create:
            methods.append(
                f"async {signature('delete', ['self', filters], f'list[{row}]')}\n"
                f"        {docstring('Delete every row whose columns have these values.')}\n"
                f"        return await self._delete(where)"
            )
        base = f"{self.source.name(_DATA_API, 'Table')}[{row}]"
        body = "\n\n".join(f"    {each}" for each in methods)
        self.source.add(f"class {table}({base}):\n    {docstring(relation.description)}\n\n{body}")
        self.source.define(relation.name, f"the table of {relation.name}")
        client = self.source.name(_DATA_API, "Client")
        self.source.add(
            f"{signature(relation.name, [f'client: {client}'], table)}\n    {docstring(relation.description)}\n"
            f"    return {table}(client, {self._home}.{constant_name(relation.name)}, {row})"
        )

    def _write_where(self, name: str, relation: AnyRelation) -> None:
        self.source.define(name, f"the filters of {relation.name}")
        lines = [f"    {field}: {self._where(info.annotation)}" for field, info in relation.row.model_fields.items()]
        base = self.source.name("typing", "TypedDict")
        text = docstring(f"Columns of {relation.name}, and what they are compared with.")
        self.source.add(f"class {name}({base}, total=False):\n    {text}\n\n" + "\n".join(lines))

    def _where(self, annotation: Any) -> str:
        kind = self.type_of(annotation).removesuffix(" | None")
        if kind == "UUID":
            kind = self.id_type()
        return f"{kind} | {self.source.name(_DATA_API, 'Compare')}[{kind}] | None"
