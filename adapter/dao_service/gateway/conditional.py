"""A gateway that changes one row, and only if it has a version that the caller knows.

Each write becomes a call of `write_if_match`, which locks the row, compares and writes, and so goes alone.
"""

from collections.abc import Sequence

import orjson

from dao_service.bindings import AnyFunction, AnyRelation
from dao_service.gateway.protocol import Gateway, Payload


class ConditionalGateway:
    """Writes raise `PreconditionFailedError` if the row has none of the versions."""

    def __init__(self, gateway: Gateway, write_if_match: AnyFunction, key: str, versions: Sequence[str] | None) -> None:
        """`key` is the row's, `versions` its possible times of change; None stands for any."""
        self._gateway = gateway
        self._write_if_match = write_if_match
        self._key = key
        self._versions = versions

    async def select(self, relation: AnyRelation, key: str) -> bytes:
        """The row, which a body without changes asks for."""
        return await self._write("update", relation, key, Payload((), b"{}", relation.name))

    async def insert(self, relation: AnyRelation, row: Payload) -> bytes:
        raise NotImplementedError("A new row has no version.")

    async def update(self, relation: AnyRelation, key: str, changes: Payload) -> bytes:
        return await self._write("update", relation, key, changes._replace(resource=relation.name))

    async def delete(self, relation: AnyRelation, key: str) -> None:
        await self._write("delete", relation, key, Payload((), b"{}", relation.name))

    async def call(self, function: AnyFunction, arguments: Payload) -> bytes:
        return await self._write("call", function, self._key, arguments)

    async def close(self) -> None:
        await self._gateway.close()

    async def _write(self, verb: str, target: AnyRelation | AnyFunction, key: str, arguments: Payload) -> bytes:
        values = {
            "resource": f"{target.schema}.{arguments.resource}",
            "row_id": key,
            "versions": self._versions,
            "operation": f"{verb} {target.schema}.{target.name}",
        }
        # Spliced, not decoded: the caller's bytes reach the database unchanged.
        raw = b'%b,"arguments":%b}' % (orjson.dumps(values)[:-1], arguments.json)
        return await self._gateway.call(self._write_if_match, Payload((*values, "arguments"), raw, arguments.resource, key))
