"""What a drill has measured."""

from typing import NamedTuple


class Finding(NamedTuple):
    """One row of the table."""

    drill: str
    figure: str
    right: str
    """What the figure has to be."""
    holds: bool
    """Whether it is."""
