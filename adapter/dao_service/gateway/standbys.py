"""Reads on standbys: a read goes to a standby that is far enough, else to the primary.

Rules. Positions are bytes of the primary's write-ahead log. A caller learns the position after its write, and sends it with later
reads. Such a read begins on a standby only once that has replayed the position, so it is never older than the write. A read without
a position may be as old as the standby is behind.

Theory of operation. A standby's position only grows, so a known one is enough for most reads; it is asked for if the read needs a
later one, or if the last answer is older than `_HEARD_WITHIN_SECONDS`. (A standby that was made anew may have gone back, and one
that hangs is found out before it gets a read.) A standby that does not reach a position within `_WAIT_SECONDS` is not waited for
again for a while. One that fails is left alone, twice as long each time. Half of a read's time is for standbys, the rest for the
primary.

Each URL has to lead to one standby: a position says nothing about the others behind a load balancer.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from dao_service.bindings import AnyFunction, AnyRelation
from dao_service.errors import SATURATED, DataServiceError, InternalError, UnavailableError, UnknownOutcomeError
from dao_service.gateway.protocol import Gateway, Payload

Answer = TypeVar("Answer")
Read = Callable[[Gateway], Awaitable[bytes]]

ANYWHERE = 0
"""The position of a read that any standby may answer."""
PRIMARY = 2**64 - 1
"""A position that no standby reaches: of a write whose own is not known, so that what follows it is read from the primary."""

_HEARD_WITHIN_SECONDS = 1.0
_ANSWERS_WITHIN_SECONDS = 0.5
_WAIT_SECONDS = 0.05
_ASK_AGAIN_SECONDS = 0.002
_BEHIND_SECONDS = 1.0
_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 1.0, 30.0
_PART_FOR_STANDBYS = 0.5


class Standby:
    """One standby and what is known of it."""

    def __init__(self, name: str, gateway: Gateway, get_position: AnyFunction) -> None:
        """`name` is what the log calls it."""
        self.gateway = gateway
        self._name = name
        self._get_position = get_position
        self._position = 0
        self._heard_at = self._behind_until = self._paused_until = float("-inf")
        self._pause = _FIRST_PAUSE_SECONDS

    @property
    def is_paused(self) -> bool:
        return time.monotonic() < self._paused_until

    async def reaches(self, position: int) -> bool:
        """Whether it has replayed this position, or does so within `_WAIT_SECONDS`."""
        begun = time.monotonic()
        if begun < self._heard_at + _HEARD_WITHIN_SECONDS and (position <= self._position or begun < self._behind_until):
            return position <= self._position
        while True:
            asked_at = time.monotonic()
            async with asyncio.timeout(_ANSWERS_WITHIN_SECONDS):
                self._position = await ask_position(self.gateway, self._get_position)
            self._heard_at, self._pause = asked_at, _FIRST_PAUSE_SECONDS
            if position <= self._position:
                return True
            if time.monotonic() > begun + _WAIT_SECONDS:
                self._behind_until = time.monotonic() + _BEHIND_SECONDS
                return False
            await asyncio.sleep(_ASK_AGAIN_SECONDS)

    def failed(self, why: str) -> None:
        """Leave it alone for a while. Calls that were under way together count as one failure."""
        if self.is_paused:
            return
        logging.getLogger("dao_service").warning("%s is left alone for %.0f s: %s", self._name, self._pause, why)
        self._paused_until = time.monotonic() + self._pause
        self._heard_at = float("-inf")
        self._pause = min(self._pause * 2, _LONGEST_PAUSE_SECONDS)


class Standbys:
    """The primary and its standbys, in turn."""

    def __init__(
        self,
        primary: Gateway,
        standbys: Sequence[Gateway],
        get_position: AnyFunction,
        *,
        timeout_seconds: float,
        count_read: Callable[[str], None],
    ) -> None:
        """`count_read` is called with "standby" or "primary" for each read."""
        self.primary = primary
        self._standbys = [Standby(f"Standby {number}", gateway, get_position) for number, gateway in enumerate(standbys, 1)]
        self._get_position = get_position
        self._timeout_seconds = timeout_seconds
        self._count_read = count_read

    async def read(self, position: int, read: Read) -> bytes:
        """The answer of a standby that has replayed this position, or of the primary."""
        loop = asyncio.get_running_loop()
        begun = loop.time()
        if position != PRIMARY:
            self._standbys.append(self._standbys.pop(0))
            for standby in [each for each in self._standbys if not each.is_paused]:
                try:
                    async with asyncio.timeout_at(begun + self._timeout_seconds * _PART_FOR_STANDBYS):
                        if await standby.reaches(position):
                            self._count_read("standby")
                            return await read(standby.gateway)
                except (UnavailableError, InternalError, TimeoutError) as error:
                    standby.failed(getattr(error, "cause_code", "") or getattr(error, "detail", "") or SATURATED)
        self._count_read("primary")
        try:
            async with asyncio.timeout_at(begun + self._timeout_seconds):
                return await read(self.primary)
        except TimeoutError:
            raise UnavailableError(SATURATED) from None

    async def position(self) -> int:
        """The primary's position now; `PRIMARY` if it does not say."""
        try:
            async with asyncio.timeout(_ANSWERS_WITHIN_SECONDS):
                return await ask_position(self.primary, self._get_position)
        except (DataServiceError, TimeoutError):
            return PRIMARY

    async def close(self) -> None:
        for standby in self._standbys:
            await standby.gateway.close()


class StandbyGateway:
    """The gateway of one request. `written_at` is the position after its write, if it writes."""

    def __init__(self, standbys: Standbys, position: int) -> None:
        """`position` is the one that reads have to see."""
        self._standbys = standbys
        self._position = position
        self.written_at: int | None = None

    async def select(self, relation: AnyRelation, key: str) -> bytes:
        return await self._read(lambda gateway: gateway.select(relation, key))

    async def insert(self, relation: AnyRelation, row: Payload) -> bytes:
        return await self._write(self._standbys.primary.insert(relation, row))

    async def update(self, relation: AnyRelation, key: str, changes: Payload) -> bytes:
        return await self._write(self._standbys.primary.update(relation, key, changes))

    async def delete(self, relation: AnyRelation, key: str) -> None:
        await self._write(self._standbys.primary.delete(relation, key))

    async def call(self, function: AnyFunction, arguments: Payload) -> bytes:
        if function.read_only:
            return await self._read(lambda gateway: gateway.call(function, arguments))
        return await self._write(self._standbys.primary.call(function, arguments))

    async def close(self) -> None:
        """The connections are those of every request."""

    async def _read(self, read: Read) -> bytes:
        answer = await self._standbys.read(self._position, read)
        if self._position == PRIMARY:
            self.written_at = await self._standbys.position()
        return answer

    async def _write(self, write: Awaitable[Answer]) -> Answer:
        try:
            answer = await write
        except UnknownOutcomeError:
            self.written_at = PRIMARY
            raise
        self.written_at = await self._standbys.position()
        return answer


async def ask_position(gateway: Gateway, get_position: AnyFunction) -> int:
    return int(await gateway.call(get_position, Payload((), b"{}")))
