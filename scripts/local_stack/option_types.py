"""Numbers as the commands' options take them. Anything else is one line that names the option, and exit code 2."""

import argparse
import math


def whole_number(text: str) -> int:
    """From 1."""
    try:
        number = int(text)
    except ValueError:
        number = 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is not a whole number from 1")
    return number


def seconds(text: str) -> float:
    """More than none."""
    try:
        number = float(text)
    except ValueError:
        number = 0
    if not 0 < number < math.inf:
        raise argparse.ArgumentTypeError(f"{text} is not a number of seconds above 0")
    return number
