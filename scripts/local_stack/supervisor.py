"""Keeps the parts of the stack running: one that ends by itself is started again, more slowly each time."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NoReturn, Protocol

from .errors import StackError
from .stopping import pause

_LOOK_EVERY_SECONDS = 0.2
_FIRST_DELAY_SECONDS = 0.5
_LONGEST_DELAY_SECONDS = 30.0
# A part that lasted this long has recovered: the next time counts as the first.
_RECOVERED_AFTER_SECONDS = 60.0


class Part(Protocol):
    """A server that can be asked whether it runs."""

    @property
    def running(self) -> bool: ...


@dataclass
class Watched:
    """A part, and how to start it again."""

    name: str
    part: Part
    start: Callable[[], None]
    _delay: float = field(default=_FIRST_DELAY_SECONDS, init=False)
    _started_at: float = field(default_factory=time.monotonic, init=False)
    _start_at: float | None = field(default=None, init=False)

    def look(self, report: Callable[[str], None]) -> None:
        if self._start_at is None:
            if not self.part.running:
                self._schedule(report, f"{self.name} ended unexpectedly")
        elif time.monotonic() >= self._start_at:
            self._start_again(report)

    def _schedule(self, report: Callable[[str], None], reason: str) -> None:
        now = time.monotonic()
        if now - self._started_at > _RECOVERED_AFTER_SECONDS:
            self._delay = _FIRST_DELAY_SECONDS
        self._start_at = now + self._delay
        report(f"{reason}: starting it again in {self._delay:g} s")
        self._delay = min(self._delay * 2, _LONGEST_DELAY_SECONDS)

    def _start_again(self, report: Callable[[str], None]) -> None:
        try:
            self.start()
        except StackError as error:
            # The rest is the end of its log.
            self._schedule(report, str(error).splitlines()[0].rstrip(":"))
            return
        self._start_at = None
        self._started_at = time.monotonic()
        report(f"{self.name} is back")


def watch(parts: list[Watched], report: Callable[[str], None]) -> NoReturn:
    """Until an exception, the one of a signal, ends it."""
    while True:
        for part in parts:
            part.look(report)
        pause(_LOOK_EVERY_SECONDS)
