"""One and two worker processes side by side."""

from collections.abc import Callable, Sequence
from statistics import median

from .contenders import Contender
from .dataset import Dataset, restore
from .measurement import Bench, running
from .results import WorkersResult
from .work import WORK

CONNECTIONS = 64
"""As many as it takes to keep two of them busy."""
_WORK = ("get", "list", "create", "day")


def measure_workers(
    bench: Bench, contenders: Sequence[Contender], dataset: Dataset, rounds: int, say: Callable[[str], None]
) -> list[WorkersResult]:
    """Requests a second of each contender with one worker and with two, medians of interleaved rounds."""
    speeds: dict[tuple[str, str, int], list[float]] = {}
    cores: dict[tuple[str, str], list[float]] = {}
    for _ in range(rounds):
        for contender in contenders:
            for workers in (1, 2):
                with running(contender, workers):
                    for name in _WORK:
                        requests = bench.requests(contender, dataset, WORK[name])
                        each = bench.measure(contender, dataset, WORK[name], requests)
                        speeds.setdefault((contender.name, name, workers), []).append(each.per_second)
                        if workers == 2:
                            used = sum(each.cpu_ms.values()) * each.per_second / 1000
                            cores.setdefault((contender.name, name), []).append(used)
                        say(f"{contender.title:23} {workers} workers  {WORK[name].title:16} {each.per_second:>8,.0f}/s")
                restore(contender.stack.database_url)
    return [
        WorkersResult(
            contender.name,
            name,
            bench.wrk.connections,
            round(median(speeds[contender.name, name, 1]), 1),
            round(median(speeds[contender.name, name, 2]), 1),
            round(median(cores[contender.name, name]), 2),
        )
        for contender in contenders
        for name in _WORK
    ]
