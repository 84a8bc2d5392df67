"""Where the workers of one service count together: a folder, which Prometheus's client finds in PROMETHEUS_MULTIPROC_DIR.

Workers of uvicorn get one without being told, named after the process that started them. In a folder that can't be made, or that
is not ours alone, nothing is counted together: a scrape then shows the one worker that answers it.
"""

import multiprocessing
import os
import shutil
import stat
import tempfile
from pathlib import Path

_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
_PREFIX = "flux-metrics-"


def share_between_workers() -> bool:
    """Whether this process counts together with others. Called before Prometheus's client is imported."""
    if given := os.environ.get(_VARIABLE):
        Path(given).mkdir(parents=True, exist_ok=True)
        return True
    supervisor = multiprocessing.parent_process()
    if supervisor is None or supervisor.pid is None:
        return False
    folder = Path(tempfile.gettempdir()) / f"{_PREFIX}{supervisor.pid}-{_started(supervisor.pid)}"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        ours = folder.lstat()
    except OSError:
        return False
    if not stat.S_ISDIR(ours.st_mode) or ours.st_uid != os.geteuid() or stat.S_IMODE(ours.st_mode) != 0o700:
        return False
    os.environ[_VARIABLE] = str(folder)
    _remove_left_over(folder)
    return True


def forget_dead_workers() -> None:
    """Remove what dead workers said of the moment. What they counted stays."""
    for file in Path(os.environ[_VARIABLE]).glob("gauge_live*.db"):
        pid = file.stem.rpartition("_")[2]
        if pid.isdigit() and not _started(int(pid)):
            file.unlink(missing_ok=True)


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
