"""Every command of docs/guide_commands.md works."""

import os
import re
import subprocess
from collections.abc import Mapping

import pytest

from local_stack import LocalStack
from local_stack.project import ROOT
from tests.docs.pages import PAGES

_ONLY_PRINT = " --dry-run"
_ONLY_COLLECT = " --collect-only -n0 -q tests/test_settings.py"
_HELP = " --help"

RUN = {
    # command: the arguments that make it change nothing, and its output
    "cd backend && make dev": (_ONLY_PRINT, r"^scripts/dev$"),
    "cd backend && make install-dev": (_ONLY_PRINT, r"local_stack\.setup$"),
    "make install-dev": (_ONLY_PRINT, r"local_stack\.setup$"),
    "cd backend && make test": (_ONLY_PRINT, r"^scripts/test$"),
    "cd backend && make test-unit": (_ONLY_PRINT, r'^scripts/test -m "not integration"$'),
    "cd backend && make test-integration": (_ONLY_PRINT, r"^scripts/test -m integration$"),
    "bash scripts/supabase_setup.sh": ("", r"the migrations are applied"),
    ".venv/bin/uvicorn dao_service.main:app --reload --port 8001": (_HELP, r"--reload"),
    "scripts/dev": (_HELP, r"Postgres, applies the migrations"),
    "scripts/dev --fresh": (_HELP, r"--fresh"),
    "pip install '.[direct]'": (" --dry-run --no-deps --no-index --no-build-isolation", r"Would install flux-dao-service"),
    "scripts/test -v": (_ONLY_COLLECT, r"tests collected"),
    'scripts/test -m "not integration" -v': (_ONLY_COLLECT, r"tests collected"),
    "scripts/test -m integration -v": (_ONLY_COLLECT.replace("settings", "shutdown"), r"tests collected"),
    "scripts/test --cov=dao_service --cov-report=html": (_ONLY_COLLECT, r"tests collected"),
}
NOT_RUN = {
    "docker build -t flux-dao-service backend/": "needs a Docker engine; tests/deployment/ follows the Dockerfile",
    "docker compose -f backend/docker-compose.dao-service.yml up -d": "needs a Docker engine; tests/deployment/ checks the file",
    "bash scripts/build_and_test.sh": "runs all tests",
}


def _commands() -> set[str]:
    table = re.search(r"<!-- commands: .*?-->\n(.*?)<!-- /commands -->", PAGES["docs/guide_commands.md"], re.DOTALL)
    assert table is not None
    rows = re.findall(r"^\| `(.*)` \| (?:as printed|`(.*)`) \|$", table[1], re.MULTILINE)
    assert len(rows) == len(table[1].strip().splitlines()) - 2
    return {instead or printed for printed, instead in rows}


def test_every_command_of_the_page_is_run_or_says_why_not() -> None:
    assert _commands() == {*RUN, *NOT_RUN}


@pytest.fixture
def environment(stack: LocalStack, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("SUPABASE_", "PYTEST_", "COV_"))}
    settings = {
        "PATH": f"{ROOT / '.venv' / 'bin'}:{os.environ['PATH']}",
        "DB_PORT": str(stack.postgres.port),
        "COVERAGE_FILE": str(tmp_path_factory.mktemp("coverage") / "data"),
    }
    return inherited | settings


@pytest.mark.parametrize("command", RUN)
def test_a_command_works(command: str, environment: Mapping[str, str]) -> None:
    harmless, expected = RUN[command]

    done = subprocess.run(
        ["bash", "-ec", command + harmless], env=environment, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(expected, done.stdout, re.MULTILINE)
