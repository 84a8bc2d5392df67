"""Ctrl-C, SIGTERM and a closed terminal, as one exception that unwinds to whoever has to clean up."""

import signal
from types import FrameType

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Stopped(BaseException):
    """Somebody asked this command to stop."""

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        # What a shell reports for a program that the signal ended.
        self.exit_code = 128 + number


def raise_when_asked_to_stop() -> None:
    """From now on the first such signal raises Stopped in the main thread; later ones don't disturb the cleaning up."""
    for number in _SIGNALS:
        signal.signal(number, _stop)


def _stop(number: int, _frame: FrameType | None) -> None:
    for other in _SIGNALS:
        signal.signal(other, signal.SIG_IGN)
    raise Stopped(number)
