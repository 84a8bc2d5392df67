"""One turn of a contender: its answers are compared, each work is driven and timed."""

import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import median
from typing import Any

from local_stack.errors import StackError

from .contenders import OTHER, Contender
from .dataset import Dataset
from .processes import busy_seconds, cpu_seconds, own_children_seconds
from .traffic import Answer, Request, send, write_requests
from .work import Asked, Work
from .wrk import Wrk

_NOT_OFFERED = (404, 422)
_COMPARED = 3
"""Requests of each work whose answers are compared."""


@dataclass(frozen=True)
class Measurement:
    """One contender doing one work on one data set, once."""

    tasks: int
    contender: str
    work: str
    per_second: float
    p50_ms: float
    p99_ms: float
    bytes_per_answer: float
    cpu_ms: dict[str, float]
    """CPU milliseconds per request, by process."""
    disturbance: float
    """Cores that other programs of this machine used meanwhile."""


def median_of(measurements: Sequence[Measurement]) -> Measurement:
    """Each number's median, over rounds of the same measurement."""

    def of(values: Iterable[float]) -> float:
        return round(median(values), 4)

    names = ("per_second", "p50_ms", "p99_ms", "bytes_per_answer", "disturbance")
    medians: dict[str, Any] = {name: of(getattr(each, name) for each in measurements) for name in names}
    first = measurements[0]
    return replace(first, **medians, cpu_ms={part: of(each.cpu_ms[part] for each in measurements) for part in first.cpu_ms})


@dataclass
class Answers:
    """The answers of the first contender, which all others must give too. Those of another checkout are compared among themselves:
    its rows may have other fields."""

    _first: dict[tuple[str, int, bool], tuple[str, object]] = field(default_factory=dict)

    def compare(self, contender: Contender, work: Work, requests: Sequence[Request]) -> None:
        """Send the first few requests. A StackError if an answer is no success or differs from the first contender's."""
        for number, request in enumerate(requests[:_COMPARED]):
            answer = ask(contender, request)
            gist = request.gist(answer)
            reference, expected = self._first.setdefault(
                (work.name, number, contender.name.endswith(OTHER)), (contender.name, gist)
            )
            if gist != expected:
                raise StackError(
                    f"{contender.name} and {reference} answer differently to {work.title}:\n"
                    f"  {contender.name}: {str(gist)[:500]}\n  {reference}: {str(expected)[:500]}"
                )


def ask(contender: Contender, request: Request) -> Answer:
    """The answer. A StackError unless it is a success."""
    answer = send(contender.url, request)
    if not 200 <= answer.status < 300:
        raise StackError(
            f"{contender.name} answers {answer.status} to {request.method} {request.path}: "
            f"{answer.body[:500].decode(errors='replace')}\n{contender.log()}"
        )
    return answer


@contextmanager
def running(contender: Contender, workers: int = 1) -> Iterator[Contender]:
    try:
        contender.start(workers)
        yield contender
    finally:
        contender.stop()


@dataclass(frozen=True)
class Bench:
    """How to measure."""

    wrk: Wrk
    seconds: float
    warm_up: float
    directory: Path
    """Where the files of requests are."""
    native: bool = False
    """Whether a profile looks into extension modules."""

    def requests(self, contender: Contender, dataset: Dataset, work: Work) -> list[Request]:
        return work.requests(Asked(dataset, contender.dialect, lambda request: ask(contender, request)))

    def measure(self, contender: Contender, dataset: Dataset, work: Work, requests: Sequence[Request]) -> Measurement:
        """Drive a running contender."""
        file = self.directory / "requests.tsv"
        write_requests(file, requests)
        try:
            self.wrk.warm_up(contender.url, file, self.warm_up)
            before, at_first = cpu_seconds(contender.processes), _used_by_others(contender)
            drive = self.wrk.drive(contender.url, file, self.seconds)
            after, at_last = cpu_seconds(contender.processes), _used_by_others(contender)
        except StackError as error:
            raise StackError(f"{contender.name}, {work.title}: {error}\n{contender.log()}") from None
        return Measurement(
            dataset.tasks,
            contender.name,
            work.name,
            drive.per_second,
            drive.p50_ms,
            drive.p99_ms,
            drive.bytes / drive.requests,
            {part: (after[part] - before[part]) * 1000 / drive.requests for part in before},
            max(at_last - at_first, 0) / drive.seconds,
        )

    def turn(self, contender: Contender, dataset: Dataset, works: Sequence[Work], answers: Answers) -> Iterator[Measurement]:
        """Start a contender, measure it at each work, stop it. An older version may not offer a work."""
        with running(contender):
            for work in works:
                requests = self.requests(contender, dataset, work)
                if contender.name.endswith(OTHER) and send(contender.url, requests[0]).status in _NOT_OFFERED:
                    continue
                answers.compare(contender, work, requests)
                yield self.measure(contender, dataset, work, requests)


def _used_by_others(contender: Contender) -> float:
    """CPU seconds used so far by everything but the contender, wrk and this program."""
    ours = sum(cpu_seconds(contender.processes).values()) + own_children_seconds() + time.process_time()
    return busy_seconds() - ours
