"""The one door to the database in code."""

from typing import NamedTuple, Protocol

from dao_service.bindings import AnyFunction, AnyRelation


class Payload(NamedTuple):
    """A JSON object on its way to the database, and the names of its fields, which have been validated."""

    names: tuple[str, ...]
    json: bytes
    resource: str = ""
    """The name of the relation that a function's call is about, if known: calls on one relation take turns."""


class Gateway(Protocol):
    """Five operations, answering the database's JSON as bytes. Each is one call to it, or goes with others in a call that they
    share; what a shared call leaves out or refuses is asked for alone.

    Keys are canonical UUIDs. All raise the errors of `dao_service.errors`: `NotFoundError` where a key names no row,
    `ConflictError` and `InvalidError` where the database refuses a row, `UnavailableError`, `TimeLimitError` and `DefectError`
    where it can't answer.
    """

    async def select(self, relation: AnyRelation, key: str) -> bytes:
        """The row with this key."""

    async def insert(self, relation: AnyRelation, row: Payload) -> bytes:
        """Create a row; answers it."""

    async def update(self, relation: AnyRelation, key: str, changes: Payload) -> bytes:
        """Change the fields that are given, and no other; answers the row."""

    async def delete(self, relation: AnyRelation, key: str) -> None:
        """Delete the row with this key."""

    async def call(self, function: AnyFunction, arguments: Payload) -> bytes:
        """Call a function; answers its result."""

    async def close(self) -> None:
        """Give back every connection."""
