"""The long forms of all drills, in the order in which they are run."""

from collections.abc import Callable, Iterator
from functools import partial

from local_stack import LocalStack

from .alerts import every_alert_fires
from .deletion import delete_a_large_user
from .deliveries import deliver_once, deliver_while_killed
from .draining import stop_under_load
from .failover import FAULTS, failover
from .finding import Finding
from .locks import a_locked_table, a_migration_behind_a_reader
from .pieces import bodies_in_pieces
from .reading import answers_that_nobody_reads, many_large_answers
from .soak import soak
from .stopping import stop_at_random_moments

Drill = Callable[[LocalStack, dict[str, str]], Finding]

_DRILLS: dict[str, Drill] = {
    "stop with 1 worker": partial(stop_under_load, workers=1, callers=150, seconds=5, drain_seconds=3),
    "stop with 2 workers": partial(stop_under_load, workers=2, callers=60, seconds=5, drain_seconds=3),
    "locked table": partial(a_locked_table, callers=60, seconds=15),
    "slow readers": partial(answers_that_nobody_reads, readers=40, tasks=10_000),
    "large answers": partial(many_large_answers, callers=15, tasks=20_000),
    "pieces": partial(bodies_in_pieces, bodies=16, pieces=1_000_000),
    "deletion": lambda stack, _: delete_a_large_user(stack, rows=800_000),
    "alerts": every_alert_fires,
    "migration": partial(a_migration_behind_a_reader, reader_seconds=12),
    "deliveries": lambda stack, _: deliver_once(stack, workers=4, due=1200),
    "deliveries of killed workers": lambda stack, _: deliver_while_killed(stack, killed=40, due=300, resend=False),
    "deliveries that are sent again": lambda stack, _: deliver_while_killed(stack, killed=40, due=300, resend=True),
}
_OVER_NO_GATEWAY = ("deletion", "deliveries", "deliveries of killed workers", "deliveries that are sent again", "random stops")


def drills(minutes: int) -> Iterator[tuple[str, str, Callable[[], Finding]]]:
    """For each drill: the gateway, its name, and what runs it on a stack of its own."""
    every = _DRILLS | {"soak": partial(soak, seconds=minutes * 60, kill_every=60, writers=8, readers=8)}
    every["random stops"] = lambda *_: stop_at_random_moments(stops=200)
    for name, drill in every.items():
        for gateway in ("PostgREST", "Postgres"):
            if gateway == "Postgres" or name not in _OVER_NO_GATEWAY:
                yield gateway, name, partial(_run, drill, straight=gateway == "Postgres")
    for fault in FAULTS:
        yield "both", f"failover: {fault}", partial(_fail_over, fault, synchronous=True)
    yield "both", "failover: asynchronous control", partial(_fail_over, "machine gone", synchronous=False)


def _run(drill: Drill, *, straight: bool) -> Finding:
    with LocalStack() as stack:
        return drill(stack, {"DATABASE_URL": stack.database_url} if straight else {})


def _fail_over(fault: str, *, synchronous: bool) -> Finding:
    stack = LocalStack()
    try:
        return failover(stack, fault, synchronous=synchronous)
    finally:
        stack.stop()
