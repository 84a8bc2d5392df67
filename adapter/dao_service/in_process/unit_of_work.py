"""What units of work have in every contract."""

from typing import Any, Self

from dao_service.in_process.database import DatabaseSession


class UnitOfWork:
    """Steps in a session that stand or fall together.

    Where its body raises, what was done in it is undone, and the session stays usable. It commits nothing: that is the session's
    part. Units of work can be nested.
    """

    def __init__(self, db: DatabaseSession) -> None:
        self._steps = db.savepoint()

    async def __aenter__(self) -> Self:
        await self._steps.__aenter__()
        return self

    async def __aexit__(self, *raised: Any) -> None:
        await self._steps.__aexit__(*raised)
