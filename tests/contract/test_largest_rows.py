"""The largest rows that each resource takes: a page of them is listed, whatever a caller stored.

The suite lists a few of each. `LARGEST_ROWS=100 scripts/test tests/contract/test_largest_rows.py -s` fills whole pages and prints
their sizes and times; `docs/security.md` has the figures.
"""

import os
import time
from typing import Any
from uuid import uuid4

import httpx
import pytest

from local_stack import LocalStack
from tests.conftest import Clients, create, make_goal_data, make_task_data, make_user_data
from tests.contract.kinds import Anything, Email, Object, Reference, Text, Texts, Uuids, resolve
from tests.contract.resources import LISTED, NOTE, Field, Resource
from tests.locks import Database
from tests.owners import signed_in

ROWS = int(os.environ.get("LARGEST_ROWS", "3"))
MOST_BYTES = 512 * 1024
IN_BOTH = {resource.name for resource in LISTED if resource.contract == "1.0"}
_COLUMNS = "select array_agg(quote_ident(attname)) from pg_attribute where attrelid = $1::text::regclass and attnum > 0"
Row = dict[str, Any]


def _largest(field: Field) -> Any:
    """A control character takes 6 bytes in JSON, more than any other."""
    kind = field.kind
    if isinstance(kind, Text):
        return "\x01" * (kind.longest - 8) + uuid4().hex[:8]
    return resolve(kind.accepted[-1 if isinstance(kind, Object | Anything | Texts | Email) else 0], {})


async def _create(client: httpx.AsyncClient, resource: Resource) -> tuple[str, Row]:
    """A new user, and the largest row that this user can have."""
    user = (await create(client, "users", make_user_data()))["id"]
    goal = (await create(client, "goals", make_goal_data(user)))["id"]
    owners = {"user_id": user, "goal_id": goal, "task_id": (await create(client, "tasks", make_task_data(user)))["id"]}
    row = {field.name: _largest(field) for field in resource.fields if not isinstance(field.kind, Reference | Uuids)}
    row |= {field.name: owners[field.name] for field in resource.fields if field.name in owners}
    row |= {field.name: [goal] * 1000 for field in resource.fields if isinstance(field.kind, Uuids)}
    created = await create(client, resource.name, row | dict(resource.full))
    if resource.name == "conversations":
        session = {"extracted_intent": "\x01" * NOTE.longest, "intent_payload": Object().accepted[-1]}
        created = (await client.patch(f"{resource.path}{created['id']}/voice", json=session)).json()
    return user, created


async def _copy(database: Database, resource: Resource, row: Row) -> None:
    """As many rows as this one as a page has."""
    table = f"public.{resource.name.replace('-', '_')}"
    own = dict.fromkeys(("id", "series_id", "langgraph_thread_id"), "gen_random_uuid()") | {"email": "gen_random_uuid() || email"}
    own |= {name: f"left({name}, 219) || gen_random_uuid()" for name in ("external_id", "response_id", "pattern_key")}
    columns = await database.fetchval(_COLUMNS, table)
    copied = ", ".join(own.get(column, column) for column in columns)
    if resource.name == "users":
        copied = copied.replace(" || email", f" || '@{row['id']}'")
    copies = f"select {copied} from {table}, generate_series(2, {ROWS}) where id = '{row['id']}'"
    await database.execute(f"insert into {table} ({', '.join(columns)}) {copies}")


@pytest.mark.parametrize("resource", [each for each in LISTED if each.contract == "1.2"], ids=str)
async def test_a_page_of_the_largest_rows_is_listed_through_every_door(
    resource: Resource, clients: Clients, database: Database, stack: LocalStack
) -> None:
    user, row = await _create(clients["1.2"], resource)
    await _copy(database, resource, row)
    filters = {"limit": str(ROWS)} | ({resource.owner: row[resource.owner]} if resource.filters else {})

    for contract in ("1.2", "1.0") if resource.name in IN_BOTH else ("1.2",):
        began = time.monotonic()
        page = await clients[contract].get(resource.path, params=filters)
        seconds = time.monotonic() - began
        print(f"\n{contract} {resource.name}: {len(page.content) / 2**20:.1f} MiB in {seconds:.2f} s")
        assert page.status_code == 200, page.text[:500]
        assert len(page.json()["items"]) == ROWS
        assert len(page.content) <= ROWS * MOST_BYTES
        assert seconds < 1 + ROWS * 0.1
    async with signed_in(stack, user) as browser:
        for schema in ("public", "v1_0") if resource.name in IN_BOTH else ("public",):
            listed = await browser.schema(schema).table(resource.name.replace("-", "_")).select("*").limit(ROWS).execute()
            assert len(listed.data) >= (1 if resource.name == "users" else ROWS)
    await database.execute("delete from public.users where id = $1 or id = $2 or email like '%@' || $2", user, row["id"])
