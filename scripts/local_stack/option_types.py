"""Types of the commands' options. argparse reports a wrong value in one line, with exit code 2."""

import argparse
import math
from datetime import date
from uuid import UUID


def whole_number(text: str) -> int:
    """At least 1."""
    try:
        number = int(text)
    except ValueError:
        number = 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is not a whole number from 1")
    return number


def seconds(text: str) -> float:
    """Above 0."""
    try:
        number = float(text)
    except ValueError:
        number = 0
    if not 0 < number < math.inf:
        raise argparse.ArgumentTypeError(f"{text} is not a number of seconds above 0")
    return number


def user_id(text: str) -> str:
    """A UUID."""
    try:
        return str(UUID(text))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text} is not a UUID, which a user's id is") from None


def day(text: str) -> date:
    """A date."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text} is not a day, such as 2026-01-31") from None
