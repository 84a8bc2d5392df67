"""What it costs to be watched: the adapter as it ships, without its metrics, and without its log line a request."""

from collections.abc import Callable
from dataclasses import replace
from statistics import median

from local_stack import LocalStack
from local_stack.project import ROOT

from .contenders import CONTENDERS, Application, Contender
from .dataset import Dataset
from .measurement import Bench, running
from .results import WatchingResult
from .work import WORK

_WORK = ("get", "list")
_LEAST_ROUNDS = 5
"""It is a matter of a few percent."""
_HTTP = ["--http", "dao_service.rest.http_protocol:LimitedHttpProtocol"]
_UNCOUNTED = ["uvicorn", "uncounted_adapter:app", "--app-dir", str(ROOT / "tests" / "bench"), *_HTTP]


def measure_watching(
    bench: Bench, stack: LocalStack, dataset: Dataset, rounds: int, say: Callable[[str], None]
) -> list[WatchingResult]:
    """Requests a second of the faster adapter, medians of interleaved rounds."""
    shipped = CONTENDERS["adapter-postgres"](stack)
    variants = {
        "as it ships": shipped,
        "without metrics": _variant(shipped, _UNCOUNTED, {}),
        "without log lines": _variant(shipped, ["dao_service"], {"LOG_LEVEL": "error"}),
    }
    speeds: dict[tuple[str, str], list[float]] = {}
    for _ in range(max(rounds, _LEAST_ROUNDS)):
        for name, contender in variants.items():
            with running(contender):
                for work in _WORK:
                    requests = bench.requests(contender, dataset, WORK[work])
                    each = bench.measure(contender, dataset, WORK[work], requests)
                    speeds.setdefault((name, work), []).append(each.per_second)
                    say(f"{contender.title:23} {name:18} {WORK[work].title:16} {each.per_second:>8,.0f}/s")
    return [WatchingResult(shipped.name, work, *(round(median(speeds[name, work]), 1) for name in variants)) for work in _WORK]


def _variant(shipped: Contender, command: list[str], environment: dict[str, str]) -> Contender:
    inherited = shipped.application.environment if shipped.application else {}
    application = Application("a variant of the adapter", command, inherited | environment, shipped.stack.home)
    return replace(shipped, application=application)
