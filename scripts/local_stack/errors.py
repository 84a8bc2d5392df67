"""Errors that the person at the keyboard can act on."""

import contextlib
import sys
from collections.abc import Callable

from .stopping import Stopped, heed_signals


class StackError(Exception):
    """One readable sentence. The commands print it without a traceback and exit with 1."""


class PortTaken(StackError):
    """Another program uses a port of the stack."""


def exit_code_of(command: Callable[[], int]) -> int:
    """Run a command. A StackError becomes one line on standard error and exit code 1; a signal stops the command in order."""
    heed_signals()
    try:
        return command()
    except StackError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except Stopped as stopped:
        with contextlib.suppress(OSError):  # the terminal may be gone
            print("stopped", file=sys.stderr)
        return stopped.exit_code
