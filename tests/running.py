"""How the suite runs: `--thorough`, and which files are begun first."""

import pytest

# The longest first. Each file stays in one process, and the last minute is short if no long file is among the last.
BEGUN_FIRST = (
    "openapi/test_openapi.py",
    "scripts/test_local_stack.py",
    "scripts/test_stopping.py",
    "scripts/test_benchmark.py",
    "docs/test_guide_commands.py",
    "openapi/test_docs_pages.py",
    "scripts/test_supervisor.py",
    "deployment/test_image.py",
    "docs/test_examples.py",
    "generator/test_generate.py",
    "scale/test_standby.py",
    "contract/test_fields.py",
    "test_settings.py",
    "rest/test_callers.py",
    "database/test_row_level_security.py",
)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--thorough", action="store_true", help="schemathesis sends more requests: all phases, 25 examples of each")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    rank = {name: number for number, name in enumerate(BEGUN_FIRST)}
    items.sort(key=lambda item: rank.get(item.nodeid.partition("::")[0].removeprefix("tests/"), len(rank)))
