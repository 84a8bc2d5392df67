"""The fault drills of docs/reliability.md in their short form. scripts/drills runs the long ones."""

import pytest

from drills.draining import stop_under_load
from local_stack import LocalStack
from tests.conftest import GATEWAYS, gateway_environment

pytestmark = pytest.mark.faults


@pytest.mark.parametrize(("gateway", "workers"), [(GATEWAYS[0], 2), (GATEWAYS[1], 1)])
def test_no_request_fails_if_the_service_is_stopped_under_load(gateway: str, workers: int, stack: LocalStack) -> None:
    found = stop_under_load(stack, gateway_environment(stack, gateway), workers=workers, callers=30, seconds=0.5)

    assert found.holds, found
