"""The HTTP client's modules: the classes of a contract's resources, and the client that has one of each."""

from dao_service.contracts import CONTRACTS, Contract
from dao_service.list_parameters import Paging
from dao_service.operations import Operation

from .names import class_name
from .resource_classes import (
    Parameter,
    ResourceClasses,
    headers_sent,
    is_list,
    method_docstring,
    names_to_values,
    row_of,
    short_name,
    signature,
    whole_body,
)
from .source import FROM_CONTRACTS, GENERATED, Source, docstring

_CONNECTION = "dao_service.client.connection"


def client_files() -> dict[str, str]:
    """Path, from the root of the repository, to the text of each generated file."""
    sources = [_module(contract) for contract in CONTRACTS.values()]
    return {source.path: source.text() for source in sources}


def _module(contract: Contract) -> Source:
    module = f"client_{contract.name.replace('.', '_')}"
    source = Source(f"{GENERATED}/{module}.py", f"Client of contract {contract.name}.", FROM_CONTRACTS)
    classes, lines = _ClientClasses(source), []
    base = source.name(_CONNECTION, "Resource")
    for name, description in contract.resources.items():
        resource = name.replace("-", "_")
        row = class_name(resource)
        classes.write_class(f"{row}Resource", base, description, [each for each in contract.operations if each.resource == name])
        lines.append(f"        self.{resource} = {row}Resource(connection)")
    text = docstring(f"A client of contract {contract.name}: a resource, and on it a method, for each operation.")
    source.define("FluxClient", "the client")
    source.add(
        f"class FluxClient({source.name(_CONNECTION, 'Client')}):\n    {text}\n\n    contract = {contract.name!r}\n\n"
        f"    def _add_resources(self, connection: {source.name(_CONNECTION, 'Connection')}) -> None:\n" + "\n".join(lines)
    )
    return source


class _ClientClasses(ResourceClasses):
    """A method sends one request on the client's connection."""

    def method(self, operation: Operation) -> str:
        answer, whole, query = self.type_of(operation.answer), whole_body(operation), self.query(operation)
        key, fields = self.key(operation), [] if whole else self.fields(operation)
        given = [Parameter(whole, self.type_of(operation.body))] if whole else []
        path, sent = repr(operation.path), ""
        if key:
            segment = self.source.name(_CONNECTION, "segment")
            path = "f" + repr(operation.path.replace(f"{{{operation.key_name}}}", f"{{{segment}({operation.key_name})}}"))
        if operation.query:
            sent = f", query={names_to_values(query)}"
        elif operation.body:
            sent = f", body={whole or names_to_values(fields)}"
        headers = self.headers(operation)
        sent += "".join(f", {each}" for each in headers_sent(headers))
        sent += ", repeatable=True" if operation.repeatable else ""
        named = ["*", *map(str, (*fields, *query, *headers))] if fields or query or headers else []
        name = "page" if is_list(operation) else short_name(operation)
        text = (
            f"async {signature(name, ['self', *map(str, (*key, *given)), *named], answer)}\n"
            f"    {method_docstring(operation)}\n"
            f"    return await self._connection.ask({answer}, {operation.method!r}, {path}{sent})"
        )
        return f"{text}\n\n{self._all(operation)}" if is_list(operation) else text

    def _all(self, operation: Operation) -> str:
        """The method that walks through all pages."""
        filters = self.query(operation, leave_out=Paging.model_fields)
        size = Parameter("page_size", "int", "100")
        iterator = self.source.name("collections.abc", "AsyncIterator")
        answer = f"{iterator}[{self.type_of(row_of(operation.answer))}]"
        text = docstring(f"{operation.summary}, page after page: all of them, newest first.")
        return (
            f"{signature('all', ['self', '*', *map(str, (*filters, size))], answer)}\n    {text}\n"
            f"    return self._connection.walk({self.type_of(operation.answer)}, {operation.path!r}, "
            f"{names_to_values((*filters, size))})"
        )
