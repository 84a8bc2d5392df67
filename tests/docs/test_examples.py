"""Each code block of the pages runs as printed, or is listed with the reason why it does not.

The blocks run against a stack as `scripts/dev` starts it, with the example data. Only addresses are replaced.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import pytest

from local_stack import LocalStack
from local_stack.database import execute_script, fetch_rows
from local_stack.project import ROOT
from tests.data_api.test_supabase_js import NODE
from tests.docs.pages import BLOCKS, Block

RUN = {
    # page, a text that only this block of the page has: what each run prints, one after the other
    ("README.md", "curl -X POST"): [r'"email":"jane@example\.com".*"page_size" ?: ?10\b'],
    ("README.md", "rest/v1/goals"): [r'"title":"Order dinner in Spanish","tasks":\[\{'],
    ("README.md", "AsyncSessionLocal"): [r"^Learn Spanish active\n$"],
    ("README.md", "scripts/supabase"): [r"Remote database is up to date"],
    ("docs/user_guide_dao.md", "httpx.AsyncClient"): [r"^1 2026-03-01T08:00:00(Z|\+00:00)\n422 \[\{'field': 'status', "],
    ("docs/user_guide_dao.md", "create_client"): [r"^Order dinner in Spanish 3\n\[\{'state': 'completed'\}.*\n\d+\n$"],
    ("docs/user_guide_dao.md", "AsyncSessionLocal"): [r"scheduled\n$", r"email"],
    ("docs/user_guide_dao.md", "If-Match: $etag"): [r'"profile":\{"runs": 7\}', r'"profile":\{"runs": 7\}'],
    ("docs/client.md", "import FluxClient\n"): [r"^Run 3 km 20", r"email"],
    ("docs/client.md", "import FluxClient_1_0"): [r"^\['Two hundred words'\]\n$"],
    ("docs/notifier.md", "/api/v1/dispatches/ "): [r'"scheduled_count":1.*"dedupe_key":"reminder"', r'"scheduled_count":0'],
    ("docs/notifier.md", "/responses"): [r'"result":"repeated"'],
    ("docs/notifier.md", "/finish"): [
        r'"occurrence_at":"2099-12-03T07:00:00\+00:00"',
        r'"occurrence_at":"2099-12-03T07:00:00\+00:00"',
    ],
    ("docs/direct-door.md", "brokenRule"): [r"Order dinner in Spanish: 3.*\['?.*2026-11-23: \d+ of \d+.*\n1 0\n2\n.*[Tt]itle"],
    ("docs/direct-door.md", "import rpc"): [r"^\d\n2 [\d.]+\n1\n0\n1 0\nTrue\nThis user may not do that\.\n$"],
    ("docs/watching.md", "/ready"): [r'"ready".*flux_request_seconds'],
}
ROLE_FOR_POOLERS = ("docs/hosted-supabase.md", "create role flux_adapter")
_DOCKER = "needs a Docker engine; tests/deployment/ tests the same files without one"
NOT_RUN = {
    ("README.md", "scripts/dev "): "tests/scripts/ tests scripts/dev, and scripts/test would run itself",
    ("docs/langgraph.md", "create schema"): "tests/docs/test_langgraph.py runs it, in a transaction that it rolls back",
    ("docs/notifier.md", "claim_dispatches"): "never ends; tests/docs/test_notifier.py runs it, and kills it",
    ("docs/changing.md", "migration new"): "adds a file to the checkout; its other lines are scripts/test's own steps",
    ("docs/changing.md", "scripts/test -k"): "scripts/test would run itself",
    ("docs/deployment.md", "docker build"): _DOCKER,
    ("docs/deployment.md", "docker compose up"): _DOCKER,
    ("docs/deployment.md", "docker-compose.scale.yml"): _DOCKER,
    ("docs/deployment.md", "cron.schedule"): "needs pg_cron; supabase/tests/perform_once.sql tests the function that it calls",
    ("docs/deployment.md", "pg_dump"): "needs two databases and a pg_dump; tests/database/test_restore.py does the same",
    ("docs/direct-door.md", "npm --prefix"): "installs from npm's registry; the test runs the example in the same way",
    ("docs/direct-door.md", "python3 -m venv"): "installs from PyPI; the test runs the example in the checkout's environment",
    ("docs/direct-door.md", "on_broadcast"): "needs a project of hosted Supabase; tests/data_api/test_realtime.py tests the SQL",
    ("docs/direct-door.md", "flux.realtime"): "needs a project of hosted Supabase; tests/data_api/test_realtime.py tests the SQL",
    ("docs/reliability.md", "scripts/delete-user"): "deletes a user; tests/faults/test_deletion.py runs it",
    ("docs/scale.md", "scripts/archive"): "moves tasks; tests/scripts/test_archive.py runs it",
    ("docs/hosted-supabase.md", "scripts/supabase login"): "needs a project of hosted Supabase",
    ("docs/hosted-supabase.md", "SUPABASE_URL="): "settings, not commands; tests/test_settings.py tests their forms",
}


UNTYPED = "create_client"
"""What an example has whose rows are plain JSON to a type checker: the synchronous client of supabase-py."""


class Local(NamedTuple):
    """Where the stack of this module is, and what the examples call it."""

    addresses: Mapping[str, str]
    environment: Mapping[str, str]


@pytest.fixture(scope="module")
def seeded() -> Iterator[LocalStack]:
    with LocalStack(seed=True) as stack:
        yield stack


@pytest.fixture(scope="module")
def local(seeded: LocalStack) -> Iterator[Local]:
    with seeded.adapter() as adapter:
        database = f"127.0.0.1:{seeded.postgres.port}"
        addresses = {
            "http://localhost:8000": adapter.url,
            "http://127.0.0.1:54321": seeded.api_url,
            "127.0.0.1:54322": database,
        }
        inherited = {name: value for name, value in os.environ.items() if name in ("HOME", "LANG")}
        here = {
            "PATH": f"{ROOT / '.venv' / 'bin'}:{os.environ['PATH']}",
            "FLUX_HOME": str(seeded.home),
            "DATABASE_URL": f"postgresql://postgres:postgres@{database}/postgres",
        }
        yield Local(addresses, inherited | here)


def _found(page: str, text: str) -> Block:
    (block,) = [block for block in BLOCKS if block.page == page and text in block.source]
    return block


def _printed(block: Block, local: Local) -> str:
    source = block.source
    for printed, actual in local.addresses.items():
        source = source.replace(printed, actual)
    command = _command(block.language, source)
    done = subprocess.run(command, env=local.environment, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def _command(language: str, source: str) -> list[str]:
    if language == "python":
        return [sys.executable, "-c", source]
    if language == "ts":  # in the checkout, where supabase-js is found
        folder = ROOT / ".local" / "typed"
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / "supabase" / "types" / "flux.ts", folder)
        (folder / "example.ts").write_text(source)
        return [str(NODE), "--no-warnings", str(folder / "example.ts")]
    return ["bash", "-euo", "pipefail", "-c", source]


def test_every_block_is_run_or_says_why_not() -> None:
    listed = [_found(page, text) for page, text in [*RUN, *NOT_RUN, ROLE_FOR_POOLERS]]

    assert sorted(listed) == sorted(BLOCKS)


@pytest.mark.parametrize(("page", "text"), RUN)
def test_a_block_does_what_its_page_says(page: str, text: str, local: Local) -> None:
    for expected in RUN[page, text]:
        assert re.search(expected, _printed(_found(page, text), local), re.DOTALL)


def test_the_python_examples_pass_the_type_checker(tmp_path: Path) -> None:
    typed = [block for block in BLOCKS if block.language == "python" and UNTYPED not in block.source]
    files = [tmp_path / f"example_{number}.py" for number, _ in enumerate(typed)]
    for file, block in zip(files, typed, strict=True):
        file.write_text(block.source)

    checked = subprocess.run([sys.executable, "-m", "mypy", *files], cwd=ROOT, capture_output=True, text=True, check=False)

    assert checked.returncode == 0, checked.stdout


def test_the_role_for_poolers_logs_in_as_the_service_role_with_its_limits(seeded: LocalStack) -> None:
    execute_script(seeded.database_url, _found(*ROLE_FOR_POOLERS).source)

    login = seeded.database_url.replace("postgres:postgres@", "flux_adapter:PASSWORD@")
    limits = ("statement_timeout", "lock_timeout")
    (found,) = fetch_rows(
        login, "select current_user::text as role, current_setting($1) as statement, current_setting($2) as lock", *limits
    )
    (intended,) = fetch_rows(login, "select rolconfig as settings from pg_roles where rolname = 'service_role'")
    assert found["role"] == "service_role"
    assert {f"statement_timeout={found['statement']}", f"lock_timeout={found['lock']}"} <= set(intended["settings"])
