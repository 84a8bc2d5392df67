"""A home for a stack, and `scripts/dev` in it."""

import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.scripts.dev import Dev, new_home

StartDev = Callable[..., Dev]


@pytest.fixture
def home() -> Iterator[Path]:
    """A new folder for a stack."""
    with new_home() as directory:
        yield directory


@pytest.fixture
def start_dev(home: Path) -> Iterator[StartDev]:
    """Starts `scripts/dev`, by default in `home`; ends it after the test."""
    started: list[Dev] = []

    def start(at: Path = home, **environment: str) -> Dev:
        started.append(Dev(at, **environment))
        return started[-1]

    yield start
    for dev in started:
        dev.end(signal.SIGTERM)
