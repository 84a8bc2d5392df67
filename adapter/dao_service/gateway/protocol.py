"""The interface to the database."""

from typing import NamedTuple, Protocol

from dao_service.bindings import AnyFunction, AnyRelation


class Payload(NamedTuple):
    """A JSON object on its way to the database, and the names of its fields, which have been validated."""

    names: tuple[str, ...]
    json: bytes
    resource: str = ""
    """The name of the relation that a function's call is about, if known: calls on one relation take turns."""
    key: str = ""
    """The id of the row that a function's call writes, if it is one: such calls take turns."""


class Gateway(Protocol):
    """Five operations that return the database's JSON as bytes. Each makes one call to the database, or shares one with others.

    Keys are canonical UUIDs. All operations raise the errors of `dao_service.errors`: `NotFoundError` if no row has the key,
    `ConflictError` or `InvalidError` if the database rejects a row, `UnavailableError`, `TimeLimitError` or `InternalError` if it
    cannot answer.
    """

    async def select(self, relation: AnyRelation, key: str) -> bytes:
        """Return the row with this key."""

    async def insert(self, relation: AnyRelation, row: Payload) -> bytes:
        """Create a row and return it."""

    async def update(self, relation: AnyRelation, key: str, changes: Payload) -> bytes:
        """Change these fields and no other, and return the row."""

    async def delete(self, relation: AnyRelation, key: str) -> None:
        """Delete the row with this key."""

    async def call(self, function: AnyFunction, arguments: Payload) -> bytes:
        """Call a function and return its result."""

    async def close(self) -> None:
        """Close every connection."""
