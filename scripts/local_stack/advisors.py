"""Runs `supabase db advisors` and compares its findings with those that supabase/advisors.toml accepts, each with a reason.

    [[accepted]]
    finding = "unused_index_*"
    reason = "A new database has used no index yet."

`finding` is a finding's cache key, with `*` for any text. A finding that isn't accepted is a problem, and so is an entry
that matches no finding.
"""

import json
import tomllib
from fnmatch import fnmatchcase
from pathlib import Path

from .errors import StackError
from .migrations import supabase_cli
from .project import SUPABASE

ACCEPTED = SUPABASE / "advisors.toml"


def problems(database_url: str, accepted: Path = ACCEPTED) -> list[str]:
    """What to fix, in the database or in the list. Empty if every finding is accepted."""
    entries = tomllib.loads(accepted.read_text()).get("accepted", []) if accepted.exists() else []
    found = _findings(database_url)
    patterns = [entry["finding"] for entry in entries]
    new = [
        f"{finding['level']} {finding['cacheKey']}: {finding['detail']}"
        for finding in found
        if not any(fnmatchcase(finding["cacheKey"], pattern) for pattern in patterns)
    ]
    gone = [
        f"{accepted.name} accepts {pattern}, which is no longer found: remove the entry"
        for pattern in patterns
        if not any(fnmatchcase(finding["cacheKey"], pattern) for finding in found)
    ]
    unexplained = [f"{accepted.name} accepts {entry['finding']} without a reason" for entry in entries if not entry.get("reason")]
    return new + gone + unexplained


def _findings(database_url: str) -> list[dict[str, str]]:
    arguments = ["--type", "all", "--level", "info", "--output-format", "json", f"--remote={database_url}?sslmode=disable"]
    output = supabase_cli("db", "advisors", *arguments, check="supabase db advisors")
    for line in output.splitlines():
        if line.startswith("{"):
            results: list[dict[str, str]] = json.loads(line)["results"]
            return results
    raise StackError(f"supabase db advisors answered without JSON:\n{output}")
