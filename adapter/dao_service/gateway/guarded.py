"""A gateway for one guarded request: a change of a version that the caller knows (`If-Match`), or a write that happens once however
often it is sent (`Idempotency-Key`).

Each write becomes one call of `write_if_match` or `perform_once`, which checks and writes in one transaction, and so goes alone.
"""

from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import NamedTuple

import orjson

from dao_service.bindings import AnyFunction, AnyRelation
from dao_service.gateway.protocol import Gateway, Payload


class IfMatch(NamedTuple):
    """The versions that a row may have; None stands for any."""

    versions: Sequence[str] | None


class Once(NamedTuple):
    """Which caller's which key this request is sent under, and what the request is."""

    caller: str
    key: str
    digest: str


def once(service_key: bytes, key: str, *request: bytes) -> Once:
    """`request` is everything that has to be the same if the key is used again."""
    return Once(sha256(service_key).hexdigest(), key, sha256(b"\n".join(request)).hexdigest())


class GuardedGateway:
    """Passes writes on, guarded.

    They raise `PreconditionFailedError` if the row has another version, and `InvalidError` if the key was used for another request.
    """

    def __init__(
        self, gateway: Gateway, functions: Mapping[str, AnyFunction], key: str, if_match: IfMatch | None, once: Once | None
    ) -> None:
        """`functions`, by name, have the two; `key` is the id of the row that is changed."""
        self._gateway = gateway
        self._function = functions["perform_once" if once else "write_if_match"]
        self._key = key
        self._if_match = if_match
        self._once = once

    async def select(self, relation: AnyRelation, key: str) -> bytes:
        """The row, which a body without changes asks for."""
        return await self._write("update", relation, key, Payload((), b"{}", relation.name))

    async def insert(self, relation: AnyRelation, row: Payload) -> bytes:
        return await self._write("insert", relation, "", row._replace(resource=relation.name))

    async def update(self, relation: AnyRelation, key: str, changes: Payload) -> bytes:
        return await self._write("update", relation, key, changes._replace(resource=relation.name))

    async def delete(self, relation: AnyRelation, key: str) -> None:
        await self._write("delete", relation, key, Payload((), b"{}", relation.name))

    async def call(self, function: AnyFunction, arguments: Payload) -> bytes:
        return await self._write("call", function, self._key, arguments)

    async def close(self) -> None:
        await self._gateway.close()

    async def _write(self, verb: str, target: AnyRelation | AnyFunction, key: str, arguments: Payload) -> bytes:
        values: dict[str, object] = {"operation": f"{verb} {target.schema}.{target.name}"}
        if self._once:
            values |= self._once._asdict()
        if self._if_match:
            values |= {"resource": f"{target.schema}.{arguments.resource}", "row_id": key, "versions": self._if_match.versions}
        # Spliced, not decoded: the caller's bytes reach the database unchanged.
        raw = b'%b,"arguments":%b}' % (orjson.dumps(values)[:-1], arguments.json)
        return await self._gateway.call(self._function, Payload((*values, "arguments"), raw, arguments.resource, key))
