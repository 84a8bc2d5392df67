"""What stops the generator."""


class CannotGenerate(Exception):
    """The database holds something that the generator can't say in Python; the message names it."""
