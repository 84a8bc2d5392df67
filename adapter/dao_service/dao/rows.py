"""What a DAO offers for the rows of any resource. Each method is one operation of the contract, by its name.

`db` is a session, or any other gateway, where each call stands for itself. Ids are UUIDs or their text. All methods raise the
errors of `dao_service.errors`, with the `detail`, `errors` and `status` of the REST door: `InvalidError` for values that the
contract does not have, `NotFoundError` for an id that names no row, `ConflictError` for a unique value that is taken.
"""

from collections.abc import Mapping
from typing import Any, ClassVar, Generic, TypeVar

from dao_service.bindings import Input, RowT
from dao_service.calls import Key, Values, call
from dao_service.gateway import Gateway
from dao_service.generated.contract_1_2 import Page
from dao_service.operations import Operation

CreateT = TypeVar("CreateT", bound=Input)
UpdateT = TypeVar("UpdateT", bound=Input)


class Rows(Generic[RowT]):
    """The resource, and one row of it."""

    operations: ClassVar[Mapping[str, Operation]]
    """The contract's, by name."""
    resource: ClassVar[str]
    """Its relation's name."""

    async def _call(
        self, db: Gateway, name: str, *, key: Key | None = None, query: Values | None = None, body: Values | None = None
    ) -> Any:
        return await call(db, self.operations[name], key=key, query=query, body=body)

    async def get_by_id(self, db: Gateway, key: Key) -> RowT:
        """The row with this id."""
        row: RowT = await self._call(db, f"get_{self.resource}", key=key)
        return row


class Listed(Rows[RowT]):
    """Lists."""

    async def get_all(
        self, db: Gateway, /, skip: int = 0, limit: int = 100, *, after: str | None = None, **filters: Any
    ) -> Page[RowT]:
        """A page of at most 100 rows, newest first. `filters` are columns and their values; `after` is a page's `next_cursor`."""
        # A cursor says where the page starts, so "skip" goes with it only where a caller insists, and is refused.
        start = {"skip": skip} if skip or after is None else {}
        query = {**filters, **start, "limit": limit, "after": after}
        page: Page[RowT] = await self._call(db, f"list_{self.resource}", query=query)
        return page


class Created(Rows[RowT], Generic[RowT, CreateT]):
    """Creates."""

    async def create(self, db: Gateway, dto: CreateT) -> RowT:
        """The new row, as it was stored."""
        row: RowT = await self._call(db, f"create_{self.resource}", body=dto)
        return row


class Updated(Rows[RowT], Generic[RowT, UpdateT]):
    """Updates."""

    async def update(self, db: Gateway, key: Key, dto: UpdateT) -> RowT:
        """Changes the fields that the DTO was given and no other; the row as it is now."""
        row: RowT = await self._call(db, f"update_{self.resource}", key=key, body=dto)
        return row


class Deleted(Rows[RowT]):
    """Deletes."""

    async def delete(self, db: Gateway, key: Key) -> None:
        """Deletes the row, and what belongs to it."""
        await self._call(db, f"delete_{self.resource}", key=key)


class Dao(Listed[RowT], Created[RowT, CreateT], Updated[RowT, UpdateT], Deleted[RowT], Generic[RowT, CreateT, UpdateT]):
    """All of it, which is what most resources have."""
