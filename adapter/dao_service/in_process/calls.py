"""One call of a caller in process: the operation of the contract whose words it uses, and the answer as a DTO."""

from collections.abc import Mapping
from datetime import datetime
from functools import cache, partial
from typing import Any, NamedTuple, TypeVar, get_args
from uuid import UUID

from pydantic import BaseModel, TypeAdapter
from typing_extensions import TypeForm

from dao_service.bindings import Input
from dao_service.contracts import CONTRACTS, DEFAULT_CONTRACT, SHARED
from dao_service.gateway.guarded import GuardedGateway, IfMatch, once
from dao_service.gateway.protocol import Gateway
from dao_service.generated.both_contracts import SHOWN_IN_BOTH
from dao_service.in_process.database import DatabaseSession
from dao_service.in_process.which_contract import as_json, in_newest_contract
from dao_service.operations import Operation, Request
from dao_service.validation import NO_FIELD, NO_PARAMETER, read_body, read_key

Answer = TypeVar("Answer")


class _Offer(NamedTuple):
    """What a contract has for a method and a path."""

    schema: str
    operation: Operation


_OFFERS: dict[tuple[str, str], dict[str, _Offer]] = {}
"""By method and path, then by contract, the default contract first."""
for _contract in sorted(CONTRACTS.values(), key=lambda contract: contract.name != DEFAULT_CONTRACT):
    for _operation in _contract.operations:
        offers = _OFFERS.setdefault((_operation.method, _operation.path), {})
        offers[_contract.name] = _Offer(_contract.schema, _operation)


async def ask(
    db: DatabaseSession,
    answer: TypeForm[Answer],
    method: str,
    path: str,
    *,
    key: UUID | str | None = None,
    query: Mapping[str, Any] | None = None,
    body: BaseModel | Mapping[str, Any] | None = None,
    if_match: datetime | None = None,
    idempotency_key: UUID | str | None = None,
) -> Answer:
    """Call an operation by its method and path. Parameters that are None, and fields that are MISSING, are not sent.

    `if_match` is the version, `updated_at`, that the row has to have. With an `idempotency_key` the write happens once: its
    answer is kept with it, and returned each time.

    The values become the JSON that a caller over HTTP would send, so both ways accept and refuse the same. Raises the errors of
    `dao_service.errors`, with the `detail`, `errors` and `status` of the REST API.
    """
    sent = None if query is None else as_json({name: value for name, value in query.items() if value is not None})
    given = None if body is None else as_json(body)
    offers = _OFFERS[method, path]
    readers = {contract: partial(_read, offer, key, sent, given) for contract, offer in offers.items()}
    (schema, operation), request = in_newest_contract(readers)
    kind: Any = answer
    gateway: Gateway = db
    row = _row_of(kind)
    if row in SHOWN_IN_BOTH and row is not _row_of(operation.answer):
        gateway = db.showing_both_contracts(SHOWN_IN_BOTH[row], schema)
    if if_match is not None or idempotency_key is not None:
        condition = None if if_match is None else IfMatch([if_match.isoformat()])
        sent_once = None
        if idempotency_key is not None:
            same = (method, schema, path, request.key)
            sent_once = once(b"", read_key("idempotency_key", str(idempotency_key)), *map(str.encode, same), given or b"")
        gateway = GuardedGateway(gateway, SHARED, request.key, condition, sent_once)
    found = await operation.run(gateway, request)
    read: Answer = _reader(kind).validate_json(found or b"null")
    return read


def _read(offer: _Offer, key: UUID | str | None, query: bytes | None, body: bytes | None) -> tuple[_Offer, Request]:
    operation = offer.operation
    read_query = None if query is None else read_body(_declared(operation.query), query, unknown=NO_PARAMETER)[0]
    read, raw = (None, b"") if body is None else read_body(_declared(operation.body), body, operation.answer, NO_FIELD)
    return offer, Request("" if key is None else read_key(operation.key_name, str(key)), read_query, read, raw)


def _declared(model: type[Input] | None) -> type[Input]:
    if model is None:
        raise TypeError("The operation takes no such values.")
    return model


@cache
def _row_of(answer: Any) -> Any:
    """The row in a list or a page of rows, or the answer itself."""
    arguments = getattr(answer, "__pydantic_generic_metadata__", {}).get("args") or get_args(answer)
    return arguments[0] if arguments else answer


@cache
def _reader(answer: Any) -> TypeAdapter[Any]:
    return TypeAdapter(answer)
