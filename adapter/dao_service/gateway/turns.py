"""Turns: calls that wait for one lock can't use up every connection.

A call that waits in the database for a locked table or row holds its connection. So at most three of four connections go to calls
on one relation, and one to writes of one row: later calls wait here, without a connection. They are refused when half of their
time is over, because a call that began with little time left would have an unknown outcome.
"""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from dao_service.errors import SATURATED, UnavailableError

_PART_TO_WAIT = 0.5
"""Of a call's time. The rest is longer than the database lets a call wait for a lock. So no call gives up, and passes its turn on,
while the database still holds a connection for it."""


@dataclass(slots=True)
class _Line:
    places: asyncio.Semaphore
    users: int = 0
    """How many calls hold a place or wait for one. A line without users is forgotten."""


class Turn(NamedTuple):
    """The places that a call holds, and the names of the lines that it is in."""

    names: tuple[tuple[str, str], ...]
    held: list[_Line]


class Turns:
    """Who may use a connection: first come, first served."""

    def __init__(self, connections: int) -> None:
        self._most = max(1, connections * 3 // 4)
        self._lines: dict[tuple[str, str], _Line] = {}

    async def take(self, resource: str, key: str, within_seconds: float) -> Turn:
        """For a call on a relation, and of the row with this key unless it is "". Raises `UnavailableError` if it does not come.

        The caller gives it back.
        """
        # The row first: a call that waits for a row takes no turn of its relation.
        names = ((resource, key), (resource, "")) if key else ((resource, ""),)
        lines = [self._join(name) for name in names]
        turn = Turn(names, [])
        try:
            if any(line.places.locked() for line in lines):
                async with asyncio.timeout(within_seconds * _PART_TO_WAIT):
                    await _acquire(lines, turn)
            else:
                await _acquire(lines, turn)
        except BaseException as error:
            self.give_back(turn)
            if isinstance(error, TimeoutError):
                raise UnavailableError(SATURATED) from None
            raise
        return turn

    def give_back(self, turn: Turn) -> None:
        for line in turn.held:
            line.places.release()
        for name in turn.names:
            self._leave(name)

    def _join(self, name: tuple[str, str]) -> _Line:
        line = self._lines.get(name)
        if line is None:
            line = self._lines[name] = _Line(asyncio.Semaphore(1 if name[1] else self._most))
        line.users += 1
        return line

    def _leave(self, name: tuple[str, str]) -> None:
        line = self._lines[name]
        line.users -= 1
        if not line.users:
            del self._lines[name]


async def _acquire(lines: Iterable[_Line], turn: Turn) -> None:
    for line in lines:
        await line.places.acquire()
        turn.held.append(line)
