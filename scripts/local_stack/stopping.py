"""Ctrl-C, SIGTERM and a closed terminal end a command in order.

The signal handler only notes the signal. The next `pause` raises Stopped, which unwinds to whoever cleans up; every wait of ours is
made of pauses. A handler that raised would raise in any line: inside `Popen.poll`, say, which then keeps a lock for ever that
`Popen.wait` needs.

Cleaning up has a deadline. When it has passed, or at a second signal, every child is killed and this process exits at once.
"""

import contextlib
import os
import select
import signal
import time
from dataclasses import dataclass
from types import FrameType
from typing import NoReturn

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_ONE_STOP_SECONDS = 0.5
"""Signals so close together count as one: a closed terminal sends SIGHUP twice."""

process_groups: set[int] = set()
"""The children to kill when time is up, each the leader of its own group."""


class Stopped(BaseException):
    """Somebody asked this command to stop."""

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        # What a shell reports for a program that the signal ended.
        self.exit_code = 128 + number


@dataclass
class _Note:
    """What is known of the signals so far."""

    deadline_seconds: int = 0
    number: int = 0
    taken_at: float = 0.0
    raised: bool = False
    wakeup: int | None = None
    """The pipe's end that a signal makes readable."""


_note = _Note()


def heed_signals(deadline_seconds: int = 30) -> None:
    """From now on the first signal stops this command in order, within that time. Children start with the default handlers."""
    _note.deadline_seconds = deadline_seconds
    _note.wakeup, writer = os.pipe()
    os.set_blocking(writer, False)
    signal.set_wakeup_fd(writer)
    for number in _SIGNALS:
        signal.signal(number, _take_note)
    signal.signal(signal.SIGALRM, _end_at_once)


def _take_note(number: int, frame: FrameType | None) -> None:
    now = time.monotonic()
    if not _note.number:
        _note.number, _note.taken_at = number, now
        signal.alarm(_note.deadline_seconds)
    elif now - _note.taken_at > _ONE_STOP_SECONDS:
        _end_at_once(number, frame)


def _end_at_once(_number: int, _frame: FrameType | None) -> NoReturn:
    with contextlib.suppress(OSError):  # the terminal may be gone
        os.write(2, b"error: killed what had not stopped yet\n")
    for group in tuple(process_groups):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(group, signal.SIGKILL)
    os._exit(128 + _note.number)


def asked_to_stop() -> bool:
    return bool(_note.number)


def raise_if_asked() -> None:
    """Raise Stopped after a signal, once: nothing interrupts the cleaning up."""
    if _note.number and not _note.raised:
        _note.raised = True
        raise Stopped(_note.number)


def pause(seconds: float) -> None:
    """Sleep. A signal ends the sleep and raises Stopped."""
    wakeup = [] if _note.wakeup is None or _note.raised else [_note.wakeup]
    select.select(wakeup, [], [], seconds)
    raise_if_asked()


def become(command: list[str]) -> NoReturn:
    """Run another program in our place. We have no children then, so a signal may simply end us."""
    for number in _SIGNALS:
        signal.signal(number, signal.SIG_DFL)
    raise_if_asked()
    os.execv(command[0], command)  # noqa: S606 - no shell is the point
