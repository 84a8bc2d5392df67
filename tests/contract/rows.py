"""Reading and changing an existing row."""

from typing import Any

import httpx

Row = dict[str, Any]


async def read_row(caller: httpx.AsyncClient, resource: str, row: Row) -> Row:
    """The row as this client sees it."""
    response = await caller.get(f"/api/v1/{resource}/{row['id']}")
    assert response.status_code == 200, response.text
    answer: Row = response.json()
    return answer


async def change_row(caller: httpx.AsyncClient, resource: str, row: Row, **fields: Any) -> Row:
    """Change a row and return it."""
    response = await caller.patch(f"/api/v1/{resource}/{row['id']}", json=fields)
    assert response.status_code == 200, response.text
    answer: Row = response.json()
    return answer
