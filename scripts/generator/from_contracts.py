"""The second half of scripts/generate: what is made from the contracts. A process of its own, to import what the first wrote."""

import argparse
import json
import sys
from typing import Any

from .compatibility import breaking_changes
from .files import check_files, write_files
from .openapi import documents, snapshot_path, text_of
from .resource_classes import client_files
from .source import ROOT


def main() -> int:
    """Write or check the files. Answers the exit code."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--accept-breaking", action="store_true")
    options = parser.parse_args()
    found = documents()
    problems = [] if options.accept_breaking else broken_promises(found)
    for problem in problems:
        print(problem, file=sys.stderr)
    if problems:
        print("This breaks callers. Where that is meant: scripts/generate --accept-breaking.", file=sys.stderr)
        return 1
    files = {str(snapshot_path(name).relative_to(ROOT)): text_of(document) for name, document in found.items()}
    files |= client_files()
    return check_files(ROOT, files) if options.check else write_files(ROOT, files)


def broken_promises(found: dict[str, dict[str, Any]]) -> list[str]:
    """What the committed documents promise and these don't keep."""
    problems = []
    for name, document in found.items():
        path = snapshot_path(name)
        if path.exists():
            problems += [f"contract {name}: {each}" for each in breaking_changes(json.loads(path.read_text()), document)]
    return problems


if __name__ == "__main__":
    sys.exit(main())
