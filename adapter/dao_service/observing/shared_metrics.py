"""Where the workers of one service count together: a folder in which each of them keeps a file.

Workers of uvicorn find it by the process that started them. Where it can't be made, or isn't ours alone, nothing is shared: a
scrape then shows the one worker that answers it.
"""

import contextlib
import json
import multiprocessing
import os
import shutil
import stat
import tempfile
from pathlib import Path

Counts = dict[str, dict[tuple[str, ...], list[float]]]
"""By name and labels, numbers that add up."""
Gauges = dict[str, float]

_PREFIX = "flux-metrics-"


class Shared:
    """The folder, as one worker sees it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._own = folder / f"flux-{os.getpid()}-{_started(os.getpid())}.json"

    def write(self, counts: Counts, gauges: Gauges) -> None:
        """Let the others see what this worker has counted. A full disk is no reason to stop."""
        listed = {name: list(each.items()) for name, each in counts.items()}
        half = self._own.with_suffix(".half")
        with contextlib.suppress(OSError):
            half.write_text(json.dumps({"counts": listed, "gauges": gauges}))
            half.replace(self._own)

    def add_others(self, counts: Counts, gauges: Gauges, length: int) -> tuple[Counts, Gauges]:
        """These and those of the other workers: what they counted even if they are gone, what they see only if they live.

        `length` is that of each list of numbers: a worker that was started again after an update may count other things.
        """
        total = {name: {labels: list(numbers) for labels, numbers in each.items()} for name, each in counts.items()}
        shown = dict(gauges)
        for file in self._folder.glob("flux-*.json"):
            if file == self._own:
                continue
            with contextlib.suppress(OSError, ValueError):
                other = json.loads(file.read_text())
                for name, known in total.items():
                    for labels, numbers in other.get("counts", {}).get(name, []):
                        if len(numbers) == length:
                            sums = known.setdefault(tuple(labels), [0.0] * length)
                            sums[:] = map(sum, zip(sums, numbers, strict=True))
                pid, _, started = file.stem.removeprefix("flux-").partition("-")
                if _started(int(pid)) == started:
                    shown = {name: value + other.get("gauges", {}).get(name, 0) for name, value in shown.items()}
        return total, shown


def shared_between_workers() -> Shared | None:
    """The folder of this process, or None where it counts alone."""
    supervisor = multiprocessing.parent_process()
    if supervisor is None or supervisor.pid is None:
        return None
    try:
        # Raises where nothing can be written, as on a read-only root without a /tmp.
        folder = Path(tempfile.gettempdir()) / f"{_PREFIX}{supervisor.pid}-{_started(supervisor.pid)}"
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.lstat()
    except OSError:
        return None
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or stat.S_IMODE(found.st_mode) != 0o700:
        return None
    _remove_left_over(folder)
    return Shared(folder)


def _remove_left_over(own: Path) -> None:
    for folder in own.parent.glob(f"{_PREFIX}*"):
        pid, _, started = folder.name.removeprefix(_PREFIX).partition("-")
        if pid.isdigit() and _started(int(pid)) != started:
            shutil.rmtree(folder, ignore_errors=True)


def _started(pid: int) -> str:
    """When the process started, as its system says it; "" where there is no such process. A later one of the same id differs."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except OSError:
        pass
    if Path("/proc/self").exists():
        return ""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return ""
    except PermissionError:
        pass
    return "alive"
