"""Fault drills: each breaks something under load, on a stack of its own, and measures what callers notice.

`scripts/drills` runs the long forms and prints a table; `tests/faults/` runs the short forms. A drill is a function that returns
a `Finding`.
"""
