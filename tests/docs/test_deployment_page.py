"""docs/deployment.md and docs/connections.md agree with the code."""

import ast
import inspect
import re
from itertools import pairwise
from typing import Any, get_args

from container.compose import read_compose
from dao_service import settings
from dao_service.settings import Settings
from local_stack.project import ROOT

PAGE = (ROOT / "docs" / "deployment.md").read_text()
CONNECTIONS = (ROOT / "docs" / "connections.md").read_text()


def meanings() -> dict[str, str]:
    """The docstring of each field."""
    body = next(node for node in ast.parse(inspect.getsource(settings)).body if getattr(node, "name", "") == "Settings")
    assert isinstance(body, ast.ClassDef)
    found = {}
    for field, after in pairwise(body.body):
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name):
            found[field.target.id] = ast.literal_eval(after.value) if isinstance(after, ast.Expr) else ""
    return found


def row(name: str, default: Any, allowed: tuple[Any, ...], meaning: str) -> str:
    shown = "" if default in (None, {}, ()) else f"`{str(default).lower() if isinstance(default, bool) else default}`"
    if not meaning:
        meaning = "One of " + ", ".join(f"`{value}`" for value in allowed) + "."
    return f"| `{name.upper()}` | {shown} | {meaning} |"


def test_the_table_of_settings_lists_every_setting() -> None:
    said = meanings()
    rows = [row(name, field.default, get_args(field.annotation), said[name]) for name, field in Settings.model_fields.items()]
    table = "\n".join(["| variable | default | |", "|---|---|---|", *rows])
    on_the_page = re.search(r"<!-- settings: .*?-->\n(.*?)<!-- /settings -->", PAGE, re.DOTALL)
    assert on_the_page is not None
    assert on_the_page[1].strip() == table


def test_the_connection_counts_of_the_page_add_up() -> None:
    postgrest = read_compose()["services"]["postgrest"]["environment"]
    pool = int(postgrest["PGRST_DB_POOL"]) + 1
    most = int(re.search(r"max_connections=(\d+)", " ".join(read_compose()["services"]["db"]["command"]))[1])  # type: ignore[index]
    rows = [
        [int(cell) for cell in each.groups()]
        for each in re.finditer(r"^\| (\d+) \| (\d+) \| (\d+) \| (\d+) \| (\d+) \|$", CONNECTIONS, re.MULTILINE)
    ]
    assert [workers for workers, *_ in rows] == [1, 4, 16]
    for workers, connections, to_postgrest, through_it, straight in rows:
        assert workers * connections == to_postgrest == straight
        assert through_it == pool
        assert straight < most - 3
    assert rows[0][1] == rows[1][1] == Settings.model_fields["gateway_connections"].default
