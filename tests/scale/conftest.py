"""A stack with a standby."""

from collections.abc import Iterator

import pytest

from local_stack import LocalStack
from tests.scale.standby import Standby, standby_of


@pytest.fixture(scope="package")
def primary() -> Iterator[LocalStack]:
    with LocalStack() as stack:
        yield stack


@pytest.fixture(scope="package")
def standby(primary: LocalStack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standby]:
    home = tmp_path_factory.mktemp("standby")
    (home / "logs").mkdir()
    with standby_of(primary, home) as running:
        yield running
