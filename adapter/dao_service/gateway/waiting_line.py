"""A line of requests of one kind that share calls: what `shared_calls` puts into it, one call or several take out of it."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Coroutine
from contextvars import Context, copy_context
from typing import Any, NamedTuple

from dao_service.errors import DataServiceError, InternalError, LockTimeLimitError, TimeLimitError, UnavailableError
from dao_service.gateway.protocol import Payload

_PATIENCE_SECONDS = 0.02
_MOST = 50
"""Requests per call."""


class Item(NamedTuple):
    """One request: a key and what is sent.

    The key is the row's id, a number if the row is to be created, or a digest of a function's arguments.
    """

    key: str
    fields: Payload = Payload((), b"{}")


Alone = Callable[[Item], Awaitable[bytes]]
Together = Callable[[Collection[Item]], Awaitable[dict[str, bytes]]]
"""Takes requests for different rows; gives rows by key."""
Waiting = list[tuple[Item, asyncio.Future[bytes], Context]]
"""The context is the caller's: a call is made in that of the first who shares it, so that its span belongs to a trace."""


class WaitingLine:
    """The requests of one kind."""

    def __init__(self, alone: Alone, together: Together, *, read_only: bool, at_once: int = 1, most: int = _MOST) -> None:
        """With `read_only`, requests for the same row share one answer.

        A request waits if `at_once` calls are under way. A call is of `most` requests at most.
        """
        self._alone = alone
        self._together = together
        self._read_only = read_only
        self._at_once = at_once
        self._most = most
        self._under_way = 0
        self._waiting: Waiting = []
        self._impatience: asyncio.TimerHandle | None = None
        self._calls: set[asyncio.Task[None]] = set()

    async def ask(self, item: Item) -> bytes:
        """Returns the row."""
        if self._under_way >= self._at_once:
            loop = asyncio.get_running_loop()
            answer: asyncio.Future[bytes] = loop.create_future()
            if not self._waiting:
                self._impatience = loop.call_later(_PATIENCE_SECONDS, self._send)
            self._waiting.append((item, answer, copy_context()))
            return await answer
        self._under_way += 1
        try:
            return await self._alone(item)
        finally:
            self._ended()

    async def close(self) -> None:
        """Cancel every wait."""
        for _, answer, _ in self._waiting:
            answer.cancel()
        for call in self._calls:
            call.cancel()
        await asyncio.gather(*self._calls, return_exceptions=True)

    def _ended(self) -> None:
        self._under_way -= 1
        if self._under_way < self._at_once and self._waiting:
            self._send()

    def _send(self) -> None:
        """Start calls for all waiting requests."""
        if self._impatience is not None:
            self._impatience.cancel()
        waiting, self._waiting = [each for each in self._waiting if not each[1].done()], []
        for first in range(0, len(waiting), self._most):
            self._under_way += 1
            self._start(self._ask_together(waiting[first : first + self._most]), waiting[first][2])

    def _start(self, call: Coroutine[Any, Any, None], context: Context) -> None:
        task = asyncio.get_running_loop().create_task(call, context=context)
        self._calls.add(task)
        task.add_done_callback(self._calls.discard)

    async def _ask_together(self, waiting: Waiting) -> None:
        different = _first_of_each_row(waiting)
        rows: dict[str, bytes] = {}
        try:
            if len(different) > 1:
                rows = await self._together(different.values())
            elif self._read_only:
                rows = {key: await self._alone(item) for key, item in different.items()}
        except BaseException as error:
            if len(different) == 1 or not _undone(error):
                for _, answer, _ in waiting:
                    _fail(answer, error)
                if not isinstance(error, Exception):
                    raise
                return
        finally:
            self._ended()
        for item, answer, context in waiting:
            row = rows.get(item.key) if self._read_only else rows.pop(item.key, None)
            if row is None:
                self._start(self._ask_alone(item, answer), context)
            elif not answer.done():
                answer.set_result(row)

    async def _ask_alone(self, item: Item, answer: asyncio.Future[bytes]) -> None:
        # Not counted as under way: later requests need not wait for it.
        try:
            row = await self._alone(item)
        except BaseException as error:
            _fail(answer, error)
            if not isinstance(error, Exception):
                raise
        else:
            if not answer.done():
                answer.set_result(row)


def _first_of_each_row(waiting: Waiting) -> dict[str, Item]:
    first: dict[str, Item] = {}
    for item, _, _ in waiting:
        first.setdefault(item.key, item)
    return first


def _fail(answer: asyncio.Future[bytes], error: BaseException) -> None:
    if not isinstance(error, Exception):
        answer.cancel()
    elif not answer.done():
        answer.set_exception(error)


def _undone(error: BaseException) -> bool:
    """Whether a failed call certainly did nothing, so that each of its requests may be retried.

    A statement that ran into its time limit is not retried: the database has too much to do already.
    """
    if isinstance(error, InternalError):
        return error.of_the_database
    if isinstance(error, TimeLimitError):
        return isinstance(error, LockTimeLimitError)
    return isinstance(error, DataServiceError) and not isinstance(error, UnavailableError)
