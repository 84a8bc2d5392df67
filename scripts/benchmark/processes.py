"""CPU and memory of processes and their descendants, from Linux's /proc."""

import os
import resource
from pathlib import Path

_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
_PROC = Path("/proc")
AVAILABLE = (_PROC / "self" / "stat").exists()


def _all() -> dict[int, tuple[int, int]]:
    """Parent and clock ticks of every process. The ticks include those of children that have ended."""
    found = {}
    for entry in _PROC.iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:  # it has just ended
                continue
            found[int(entry.name)] = int(fields[1]), sum(map(int, fields[11:15]))
    return found


def running() -> set[int]:
    """Every process of this machine."""
    return set(_all())


def tree(root: int) -> set[int]:
    """A process and its descendants."""
    parents = {pid: parent for pid, (parent, _) in _all().items()} if AVAILABLE else {}
    return _descendants(root, parents)


def _descendants(root: int, parents: dict[int, int]) -> set[int]:
    found, level = {root}, {root}
    while level:
        level = {pid for pid, parent in parents.items() if parent in level} - found
        found |= level
    return found


def cpu_seconds(roots: dict[str, int]) -> dict[str, float]:
    """CPU time so far of each process with its descendants."""
    if not AVAILABLE:
        return {}
    processes = _all()
    parents = {pid: parent for pid, (parent, _) in processes.items()}
    return {
        name: sum(processes[pid][1] for pid in _descendants(root, parents) if pid in processes) / _TICKS_PER_SECOND
        for name, root in roots.items()
    }


def busy_seconds() -> float:
    """CPU time so far of the whole machine."""
    if not AVAILABLE:
        return 0.0
    # user, nice, system, idle, iowait, irq, softirq, steal
    ticks = list(map(int, (_PROC / "stat").read_text().split("\n", 1)[0].split()[1:9]))
    return (sum(ticks) - ticks[3] - ticks[4]) / _TICKS_PER_SECOND


def own_children_seconds() -> float:
    """CPU time of our own children that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def resident_bytes(root: int) -> int:
    """Resident memory of a process and its descendants."""
    return sum(_status(pid, "VmRSS") for pid in tree(root))


def peak_bytes(root: int) -> int:
    """The peak of their resident memory since `forget_peak`."""
    return sum(_status(pid, "VmHWM") for pid in tree(root))


def forget_peak(root: int) -> None:
    for pid in tree(root):
        (_PROC / str(pid) / "clear_refs").write_text("5")


def _status(pid: int, field: str) -> int:
    try:
        lines = (_PROC / str(pid) / "status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{field}:")), 0)
