"""Keeps the parts of the stack running. A part that ended or hangs is started again, after a delay that doubles each time."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NoReturn, Protocol

from .errors import StackError
from .stopping import pause

_LOOK_EVERY_SECONDS = 0.2
_PROBE_EVERY_SECONDS = 5.0
_PROBE_AGAIN_AFTER_SECONDS = 1.0
_PROBES = 3
"""A part hangs if this many probes in a row get no answer."""
_FIRST_DELAY_SECONDS = 0.5
_LONGEST_DELAY_SECONDS = 30.0
_RECOVERED_AFTER_SECONDS = 60.0
"""After this long, the next delay is the first one again."""


class Part(Protocol):
    """A server that can be watched."""

    @property
    def name(self) -> str: ...

    @property
    def running(self) -> bool: ...

    def answers(self) -> bool:
        """Whether it answers soon, even if a part that it needs does not."""

    def log_of_this_run(self, lines: int) -> str: ...

    def kill(self) -> None: ...


@dataclass
class Watched:
    """A part, and how to start it again."""

    part: Part
    start: Callable[[], None]
    _delay: float = field(default=_FIRST_DELAY_SECONDS, init=False)
    _runs_since: float = field(default_factory=time.monotonic, init=False)
    _start_at: float | None = field(default=None, init=False)
    _probe_at: float = field(default=0, init=False)
    _unanswered: int = field(default=0, init=False)

    def look(self, report: Callable[[str], None]) -> None:
        now = time.monotonic()
        if self._start_at is not None:
            if now >= self._start_at:
                self._start_again(report)
        elif not self.part.running:
            self._ended(report, "ended unexpectedly")
        elif now >= self._probe_at:
            self._probe(report)

    def _probe(self, report: Callable[[str], None]) -> None:
        self._unanswered = 0 if self.part.answers() else self._unanswered + 1
        self._probe_at = time.monotonic() + (_PROBE_AGAIN_AFTER_SECONDS if self._unanswered else _PROBE_EVERY_SECONDS)
        if self._unanswered == _PROBES:
            self.part.kill()
            self._ended(report, "does not answer")

    def _ended(self, report: Callable[[str], None], how: str) -> None:
        if time.monotonic() - self._runs_since > _RECOVERED_AFTER_SECONDS:
            self._delay = _FIRST_DELAY_SECONDS
        self._start_later(report, f"{self.part.name} {how}", self.part.log_of_this_run(lines=1))

    def _start_later(self, report: Callable[[str], None], reason: str, last_line: str) -> None:
        ending = f"; its log ends with: {last_line}" if last_line else ""
        report(f"{reason}: starting it again in {self._delay:g} s{ending}")
        self._start_at = time.monotonic() + self._delay
        self._delay = min(self._delay * 2, _LONGEST_DELAY_SECONDS)

    def _start_again(self, report: Callable[[str], None]) -> None:
        try:
            self.start()
        except StackError as error:
            self.part.kill()
            # The reason, and then the end of its log.
            reason, *log = str(error).splitlines()
            self._start_later(report, reason.rstrip(":"), log[-1] if log else "")
            return
        self._start_at, self._unanswered = None, 0
        self._runs_since = time.monotonic()
        report(f"{self.part.name} is back")


def watch(parts: list[Watched], report: Callable[[str], None]) -> NoReturn:
    """Until a signal raises Stopped."""
    while True:
        for part in parts:
            part.look(report)
        pause(_LOOK_EVERY_SECONDS)
