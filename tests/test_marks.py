"""Integration tests are those that need Postgres; all others are unit tests."""

from pathlib import Path

import httpx
import pytest

from local_stack import Postgres, free_port
from local_stack.programs import embedded_postgres


def test_a_unit_test_that_starts_postgres_fails(tmp_path: Path) -> None:
    with pytest.raises(pytest.fail.Exception, match="a unit test starts Postgres"):
        Postgres(tmp_path, embedded_postgres(), free_port()).start()


async def test_a_test_that_has_a_stack_through_its_fixtures_is_an_integration_test(
    client_1_2: httpx.AsyncClient, request: pytest.FixtureRequest
) -> None:
    assert request.node.get_closest_marker("integration")
