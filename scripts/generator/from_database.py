"""The first half of scripts/generate: what is made from the migrated database."""

import asyncio
import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path

from local_stack import LocalStack

from .catalog import CannotGenerate
from .files import check_files, write_files
from .introspection import read_catalog
from .modules import generate
from .seed_rows import read_examples, write_examples
from .source import FROM_DATABASE, ROOT
from .typescript import typescript_files


def run(database_url: str | None = None, *, check: bool = False, root: Path = ROOT) -> int:
    """Generate from a migrated database, by default from a throw-away one. Returns the exit code."""
    try:
        with _database(database_url) as url:
            files = asyncio.run(_generate(url))
    except CannotGenerate as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return (check_files if check else write_files)(root, files, FROM_DATABASE)


async def _generate(url: str) -> dict[str, str]:
    catalog = await read_catalog(url)
    return generate(catalog) | write_examples(await read_examples(url, catalog)) | typescript_files(catalog)


@contextlib.contextmanager
def _database(url: str | None) -> Iterator[str]:
    if url is not None:
        yield url
        return
    stack = LocalStack()
    try:
        stack.start_database()
        yield stack.database_url
    finally:
        stack.stop()
