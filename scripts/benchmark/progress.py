"""The terminal's output while it runs: a bar, and a line for each measurement."""

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from .contenders import TITLES
from .measurement import Measurement
from .work import WORK

_DISTURBED = 0.1
"""Cores that other programs may use without a warning."""


class Shown:
    """The bar and the lines. Without a terminal, only the lines."""

    def __init__(self, progress: Progress, steps: int) -> None:
        self._progress = progress
        self._task = progress.add_task("", total=steps)

    def say(self, line: str) -> None:
        self._progress.console.print(line, highlight=False, markup=False, soft_wrap=True)

    def now(self, what: str) -> None:
        self._progress.update(self._task, description=what)

    def step(self, line: str) -> None:
        self.say(line)
        self._progress.advance(self._task)

    def measured(self, each: Measurement) -> None:
        cpu = f", {sum(each.cpu_ms.values()):6.2f} ms CPU" if each.cpu_ms else ""
        disturbed = f"  (others used {each.disturbance:.1f} cores)" if each.disturbance > _DISTURBED else ""
        self.step(
            f"{each.tasks:>9,}  {TITLES[each.contender]:23} {WORK[each.work].title:24} {each.per_second:>8,.0f}/s  "
            f"p50 {each.p50_ms:7.2f} ms, p99 {each.p99_ms:7.2f} ms{cpu}{disturbed}"
        )


@contextmanager
def progress(steps: int) -> Iterator[Shown]:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn())
    console = Console()
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        yield Shown(bar, steps)
