"""pyproject.toml declares every package that the adapter imports: a transitive dependency may disappear."""

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions

import pytest

from local_stack.project import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
# Used without an import: uvicorn's event loop, and the files of the API docs.
_FOUND_BY_NAME = {"uvloop", "fastapi-standalone-docs"}


def _declared(requirements: list[str]) -> set[str]:
    return {re.split(r"[^A-Za-z0-9_.-]", requirement)[0] for requirement in requirements}


def _imported() -> Iterator[str]:
    for module in (ROOT / "adapter").rglob("*.py"):
        for node in ast.walk(ast.parse(module.read_text())):
            if isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                yield node.module


@pytest.fixture(scope="module")
def imported() -> set[str]:
    """The distributions that the adapter's import statements lead to."""
    known = packages_distributions()
    names = {module.partition(".")[0] for module in _imported()} - {"dao_service"} - sys.stdlib_module_names
    # Several distributions share the namespace opentelemetry; code that creates spans needs the API.
    several = {"opentelemetry": "opentelemetry-api"}
    return {several.get(name, known[name][0]).lower().replace("_", "-") for name in names}


def test_every_import_is_of_a_declared_package(imported: set[str]) -> None:
    assert imported - _declared(PROJECT["dependencies"]) == {"asyncpg", "postgrest"}


def test_every_declared_package_is_imported(imported: set[str]) -> None:
    assert _declared(PROJECT["dependencies"]) - imported == _FOUND_BY_NAME
