"""Which table column each column of a view shows, from the view's stored query (as PostgREST finds it)."""

import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from .catalog import CannotGenerate, Catalog, Column, Oid

# A pg_node_tree is made of {NODE :key value …}, (list …) and tokens; a backslash takes the meaning from what follows.
_TOKEN = re.compile(r'[{}()]|"(?:\\.|[^"\\])*"|(?:\\.|[^\s{}()\\])+', re.DOTALL)


@dataclass
class Node:
    name: str
    values: dict[str, list[Any]] = field(default_factory=dict)

    def number(self, key: str) -> int:
        return int(self.values[key][0])


def parse_node_tree(text: str) -> list[Any]:
    """The tree as nested lists, Nodes and tokens."""
    open_lists: list[list[Any]] = [[]]
    for part in _TOKEN.findall(text):
        if part in ("(", "{"):
            open_lists.append([])
        elif part in (")", "}"):
            closed = open_lists.pop()
            open_lists[-1].append(_node(closed) if part == "}" else closed)
        else:
            open_lists[-1].append(part)
    if len(open_lists) != 1:
        raise CannotGenerate("a view's stored query ends early")
    return open_lists[0]


def _node(content: list[Any]) -> Node:
    node = Node(content[0])
    values: list[Any] = []
    for each in content[1:]:
        if isinstance(each, str) and each.startswith(":"):
            values = node.values.setdefault(each[1:], [])
        else:
            values.append(each)
    return node


@lru_cache
def direct_origins(rule: str) -> dict[int, tuple[Oid, int]]:
    """Column number of the view to the relation and column that it shows as they are; computed columns are left out."""
    query = parse_node_tree(rule)[0][0]
    origins = {}
    for target in query.values["targetList"][0]:
        if target.number("resorigtbl") and target.number("resorigcol") > 0:
            origins[target.number("resno")] = (target.number("resorigtbl"), target.number("resorigcol"))
    return origins


def columns_shown(catalog: Catalog, column: Column) -> list[Column]:
    """The column, then what it shows as it is, through views over views; a table's column shows only itself."""
    shown = [column]
    while (beneath := _beneath(catalog, shown[-1])) is not None:
        shown.append(beneath)
    return shown


def table_column(catalog: Catalog, column: Column) -> Column | None:
    """The column of a table that the column is or shows; None for a computed one and for a composite type's."""
    last = columns_shown(catalog, column)[-1]
    return last if catalog.relations[last.relation].kind == "table" else None


def _beneath(catalog: Catalog, column: Column) -> Column | None:
    rule = catalog.relations[column.relation].rule
    if rule is None:
        return None
    relation, number = direct_origins(rule).get(column.number, (0, 0))
    if relation not in catalog.relations:
        return None
    return next(each for each in catalog.columns[relation] if each.number == number)
