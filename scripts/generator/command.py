"""scripts/generate: writes the generated files, or lists those that are stale."""

import argparse
import os
import sys

from local_stack.installation import enter_environment
from local_stack.processes import pass_through
from local_stack.project import ROOT

_HELP = """\
Writes adapter/dao_service/generated, the models and bindings of each contract, from a throw-away Postgres with
supabase/migrations and supabase/seed.sql. Then writes what is made from the contracts: their OpenAPI documents in docs/, and
the client.
"""


def main() -> int:
    options = _options()
    enter_environment()
    from .from_database import run  # noqa: PLC0415 - needs the packages that enter_environment installs

    failed = run(check=options.check)
    return failed or _run_from_contracts(check=options.check, accept_breaking=options.accept_breaking)


def _run_from_contracts(*, check: bool, accept_breaking: bool) -> int:
    options = [*(["--check"] if check else []), *(["--accept-breaking"] if accept_breaking else [])]
    environment = os.environ | {"PYTHONPATH": str(ROOT / "scripts")}
    command = [sys.executable, "-m", "generator.from_contracts", *options]
    return pass_through(command, cwd=ROOT, env=environment)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/generate", description=_HELP)
    parser.add_argument("--check", action="store_true", help="write nothing; fail, and show the difference, if a file is stale")
    parser.add_argument("--accept-breaking", action="store_true", help="write an OpenAPI document even if it breaks callers")
    return parser.parse_args()
