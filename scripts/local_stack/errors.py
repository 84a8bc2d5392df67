"""What goes wrong for a reason that the person at the keyboard can act on."""

import sys
from collections.abc import Callable


class StackError(Exception):
    """One readable sentence; the commands print it without a traceback and exit with 1."""


class PortTaken(StackError):
    """A port of the stack is in use by another program."""


def exit_code_of(command: Callable[[], int]) -> int:
    """Run a command, turning a StackError into one line on standard error and exit code 1."""
    try:
        return command()
    except StackError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
