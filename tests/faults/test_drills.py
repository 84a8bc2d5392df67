"""The fault drills of docs/reliability.md in their short form. scripts/drills runs the long ones."""

import pytest

from fault_drills.draining import stop_under_load
from fault_drills.pieces import bodies_in_pieces
from fault_drills.reading import answers_that_nobody_reads, many_large_answers
from local_stack import LocalStack
from tests.conftest import GATEWAYS, gateway_environment

pytestmark = pytest.mark.faults


@pytest.mark.parametrize(("gateway", "workers"), [(GATEWAYS[0], 2), (GATEWAYS[1], 1)])
def test_no_request_fails_if_the_service_is_stopped_under_load(gateway: str, workers: int, stack: LocalStack) -> None:
    found = stop_under_load(stack, gateway_environment(stack, gateway), workers=workers, callers=30, seconds=0.5)

    assert found.holds, found


def test_callers_who_do_not_read_their_answers_fill_no_memory(stack: LocalStack) -> None:
    found = answers_that_nobody_reads(stack, {}, readers=25, tasks=6_000)

    assert found.holds, found


def test_a_body_in_very_many_pieces_does_not_delay_others(stack: LocalStack) -> None:
    found = bodies_in_pieces(stack, {}, bodies=8, pieces=100_000)

    assert found.holds, found


def test_the_largest_answers_take_turns(stack: LocalStack) -> None:
    found = many_large_answers(stack, {}, callers=6, tasks=6_000)

    assert found.holds, found
