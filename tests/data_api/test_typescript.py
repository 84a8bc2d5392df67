"""supabase/types/flux.ts with supabase-js, under TypeScript's strict rules."""

import os
import re
import subprocess
from pathlib import Path
from uuid import uuid4

import pytest

from dao_service.bindings import RESULT
from dao_service.generated import SCHEMAS
from local_stack import LocalStack
from local_stack.project import ROOT
from tests.data_api.test_supabase_js import NODE

TYPED = ROOT / "tests" / "data_api" / "typed"
TSC = ROOT / "node_modules" / "typescript" / "bin" / "tsc"


@pytest.fixture(scope="module")
def compiled() -> tuple[Path, str]:
    """The compiled program, and what the compiler said of both files. It writes into the checkout, where supabase-js is found."""
    folder = ROOT / ".local" / "typed"
    result = subprocess.run(
        [NODE, TSC, "--project", TYPED, "--outDir", folder, "--pretty", "false"], capture_output=True, text=True, check=False
    )
    (program,) = folder.rglob("program.js")
    return program, result.stdout


def test_a_program_that_uses_everything_compiles_and_runs(stack: LocalStack, compiled: tuple[Path, str]) -> None:
    program, said = compiled
    assert [line for line in said.splitlines() if "mistakes.ts" not in line and not line.startswith(" ")] == []

    environment = os.environ | {"API_URL": stack.api_url, "KEY": stack.service_role_key, "USER_ID": str(uuid4())}
    run = subprocess.run([NODE, program], capture_output=True, text=True, check=False, env=environment)
    assert run.returncode == 0, run.stderr


def test_the_compiler_finds_ten_mistakes_and_no_other(compiled: tuple[Path, str]) -> None:
    lines = (TYPED / "mistakes.ts").read_text().splitlines()
    marked = [number for number, line in enumerate(lines, 1) if line.endswith("// mistake")]

    found = re.findall(r"mistakes\.ts\((\d+),", compiled[1])

    assert len(marked) == 10
    assert sorted({int(line) for line in found}) == marked


def test_the_program_names_every_resource_and_function() -> None:
    text = (TYPED / "program.ts").read_text()
    for schema in SCHEMAS.values():
        client = "flux" if schema.name == "public" else schema.name
        used = set(re.findall(rf"{client}\s*\.(?:from|rpc)\(\"(\w+)\"", text))
        functions = {name for name, each in schema.functions.items() if each.media_type == RESULT}
        assert used == schema.relations.keys() | functions
