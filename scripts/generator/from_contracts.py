"""The second half of scripts/generate: what is made from the contracts. Its own process imports what the first half wrote."""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from dao_service.contracts import CONTRACTS
from dao_service.draining import Draining
from dao_service.gateway.postgrest import PostgrestGateway
from dao_service.health import operational_endpoints
from dao_service.observing.metrics import Metrics
from dao_service.openapi.document import openapi_document

from .client_files import client_files
from .compatibility import breaking_changes
from .files import check_files, write_files
from .in_process_files import in_process_files
from .rpc_files import rpc_files
from .source import FROM_CONTRACTS, ROOT


def main() -> int:
    """Write or check the files. Returns the exit code."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--accept-breaking", action="store_true")
    options = parser.parse_args()
    found = documents()
    problems = [] if options.accept_breaking else broken_promises(found)
    for problem in problems:
        print(problem, file=sys.stderr)
    if problems:
        print("This breaks callers. If that is intended: scripts/generate --accept-breaking.", file=sys.stderr)
        return 1
    files = {str(snapshot_path(name).relative_to(ROOT)): _text(document) for name, document in found.items()}
    files |= client_files() | in_process_files() | rpc_files()
    return (check_files if options.check else write_files)(ROOT, files, FROM_CONTRACTS)


def documents() -> dict[str, dict[str, Any]]:
    """Each contract's OpenAPI document, as a service that requires a key serves it."""
    never_called = PostgrestGateway("http://localhost", "", {})
    operational = operational_endpoints(never_called, Metrics(), Draining(0))
    return {name: openapi_document(contract, operational, key_required=True) for name, contract in CONTRACTS.items()}


def snapshot_path(contract: str) -> Path:
    """Where a document is committed."""
    return ROOT / "docs" / f"openapi-{contract}.json"


def broken_promises(found: dict[str, dict[str, Any]]) -> list[str]:
    """What the committed documents promise and these don't keep."""
    problems = []
    for name, document in found.items():
        path = snapshot_path(name)
        if path.exists():
            problems += [f"contract {name}: {each}" for each in breaking_changes(json.loads(path.read_text()), document)]
    return problems


def _text(document: dict[str, Any]) -> str:
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.exit(main())
