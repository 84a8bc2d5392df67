"""Runs pgTAP files through psql, as `supabase test db` does, and reads their output (TAP, the Test Anything Protocol)."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from .database import execute_script
from .debian import DebianPostgres
from .processes import Command, run

_RESULT = re.compile(r"^(?P<failed>not )?ok (?P<number>\d+)(?: - (?P<description>.*))?$")
_PLAN = re.compile(r"^1\.\.(?P<count>\d+)$")


@dataclass
class FileResult:
    """The result of one test file. It passed if it has no problem."""

    file: Path
    passed: int = 0
    problems: list[str] = field(default_factory=list)


def run_files(files: Iterable[Path], database_url: str, debian: DebianPostgres) -> list[FileResult]:
    execute_script(database_url, "create extension if not exists pgtap with schema extensions")
    options = ["--no-psqlrc", "--no-align", "--quiet", "--tuples-only", "--set", "ON_ERROR_STOP=1", "--pset", "pager=off"]
    results = []
    for file in files:
        command: Command = [debian.psql(), database_url, *options, "--file", file]
        done = run(command, env=debian.environment(), cwd=file.parent)
        results.append(read_tap(file, done.stdout, done.returncode))
    return results


def read_tap(file: Path, output: str, exit_code: int = 0) -> FileResult:
    """A failed test is a problem unless it is marked TODO. So are a wrong plan and a file without tests."""
    result = FileResult(file)
    planned: int | None = None
    seen = 0
    failing = False
    for line in output.splitlines():
        if plan := _PLAN.match(line):
            planned = int(plan["count"])
        elif test := _RESULT.match(line):
            seen += 1
            failing = bool(test["failed"]) and not re.search(r"# TODO\b", line, re.IGNORECASE)
            if failing:
                result.problems.append(f"{test['number']} {test['description'] or ''}")
            else:
                result.passed += 1
        elif failing and line.startswith("#"):
            result.problems[-1] += f"\n      {line}"
    if exit_code != 0:
        result.problems.append(f"psql ended with {exit_code}:\n{_indented(output)}")
    elif planned is None:
        result.problems.append("has no plan")
    elif planned == 0 or seen == 0:
        result.problems.append("runs no test")
    elif planned != seen:
        result.problems.append(f"planned {planned} tests and ran {seen}")
    return result


def _indented(output: str, lines: int = 15) -> str:
    return "\n".join(f"      {line}" for line in output.splitlines()[-lines:])
