"""The adapter's memory: steady at full speed, and in proportion for a large answer."""

from collections.abc import Callable, Sequence

from local_stack.errors import StackError

from . import processes
from .contenders import Contender
from .dataset import TASKS_OF_THE_HEAVY_USER, Dataset, restore
from .measurement import Bench, ask, running
from .results import MemoryResult
from .traffic import write_requests
from .work import WORK

_REQUESTS = 200_000
_REQUESTS_QUICK = 10_000
_PIECE_SECONDS = 2.0


def measure_memory(
    bench: Bench, contenders: Sequence[Contender], dataset: Dataset, say: Callable[[str], None], *, quick: bool
) -> list[MemoryResult]:
    if not processes.AVAILABLE:
        raise StackError("memory is read from Linux's /proc, and there is none here")
    return [_measure(bench, each, dataset, _REQUESTS_QUICK if quick else _REQUESTS, say) for each in contenders]


def _measure(bench: Bench, contender: Contender, dataset: Dataset, wanted: int, say: Callable[[str], None]) -> MemoryResult:
    file = bench.directory / "memory.tsv"
    with running(contender):
        service = contender.processes["service"]
        write_requests(file, bench.requests(contender, dataset, WORK["day"]))
        bench.wrk.warm_up(contender.url, file, _PIECE_SECONDS)
        seen = [(0, processes.resident_bytes(service))]
        while seen[-1][0] < wanted:
            done = seen[-1][0] + bench.wrk.drive(contender.url, file, _PIECE_SECONDS).requests
            seen.append((done, processes.resident_bytes(service)))
            say(f"{contender.title:23} {done:>9,} requests  {seen[-1][1] / 1e6:8.1f} MB")
        half_way = next(held for done, held in seen if done >= seen[-1][0] / 2)
        answer, peak_above = _large_answer(contender, dataset, service)
        say(f"{contender.title:23} an answer of {answer / 1e6:.1f} MB takes {peak_above / 1e6:.1f} MB more")
    restore(contender.stack.database_url)
    return MemoryResult(contender.name, seen[-1][0], seen[0][1], half_way, seen[-1][1], answer, peak_above)


def _large_answer(contender: Contender, dataset: Dataset, service: int) -> tuple[int, int]:
    """Of all the heavy user's tasks: its size, and how much memory more than before the service held at most."""
    window = dataset.window(0, TASKS_OF_THE_HEAVY_USER)
    processes.forget_peak(service)
    before = processes.resident_bytes(service)
    answer = ask(contender, contender.dialect.time_range(dataset.heavy_user, *window))
    return len(answer.body), max(processes.peak_bytes(service) - before, 0)
