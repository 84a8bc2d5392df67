"""Reading pages of a list."""

from typing import Any

import httpx

Row = dict[str, Any]
ENVELOPE = {"items", "total", "page", "page_size", "has_next", "has_prev"}


async def list_page(caller: httpx.AsyncClient, path: str, **params: object) -> Row:
    """Read a page and check its envelope."""
    response = await caller.get(path, params={name: str(value) for name, value in params.items()})
    assert response.status_code == 200, response.text
    page: Row = response.json()
    assert page.keys() == ENVELOPE | ({"next_cursor"} if page["has_next"] else set())
    return page


def ids_of(page: Row) -> list[str]:
    """The ids of the rows of a page, in its order."""
    return [row["id"] for row in page["items"]]


async def walk(caller: httpx.AsyncClient, path: str, **params: object) -> list[str]:
    """The ids of all pages, by cursor."""
    page = await list_page(caller, path, **params)
    ids = ids_of(page)
    while page["has_next"]:
        page = await list_page(caller, path, **params, after=page["next_cursor"])
        assert page["items"]
        ids += ids_of(page)
    return ids
