"""Signing up through Supabase Auth, and what an account can do afterwards."""

import asyncio
from uuid import uuid4

import asyncpg
import httpx
import pytest
from postgrest.exceptions import APIError

from dao_service.tests.conftest import make_user_data
from local_stack import LocalStack
from tests.conftest import create
from tests.locks import Database
from tests.owners import answer, sign_up, signed_in


@pytest.fixture
async def account(database: Database) -> str:
    """The id of an account that has just signed up and confirmed its address."""
    account = str(uuid4())
    await sign_up(database, account)
    return account


async def test_a_deleted_user_is_made_again_with_the_confirmed_address(stack: LocalStack, database: Database, account: str) -> None:
    async with signed_in(stack, account) as client:
        await client.table("users").delete().eq("id", account).execute()

        made = await answer(client.rpc("ensure_user"))
        again = await answer(client.rpc("ensure_user"))

        assert (made["id"], made["email"]) == (account, f"{account}@example.com")
        assert again == made
        assert await answer(client.table("users").select("*").single()) == made


async def test_a_token_of_a_deleted_account_makes_no_user(stack: LocalStack, database: Database, account: str) -> None:
    await database.execute("delete from auth.users where id = $1", account)

    async with signed_in(stack, account) as client:
        with pytest.raises(APIError) as refused:
            await client.rpc("ensure_user").execute()

        assert refused.value.code == "PT404"
        assert await answer(client.table("users").select("*")) == []


async def test_deleting_the_account_deletes_its_rows_and_frees_the_address(
    client_1_2: httpx.AsyncClient, database: Database, account: str
) -> None:
    task = await create(client_1_2, "tasks", {"user_id": account, "title": "Run"})

    await database.execute("delete from auth.users where id = $1", account)

    assert (await client_1_2.get(f"/api/v1/tasks/{task['id']}")).status_code == 404
    await create(client_1_2, "users", make_user_data(email=f"{account}@example.com"))


async def test_an_address_is_free_until_it_is_confirmed(client_1_2: httpx.AsyncClient, database: Database) -> None:
    account = str(uuid4())
    await sign_up(database, account, confirmed=False)
    registered = await create(client_1_2, "users", make_user_data(email=f"{account}@example.com"))

    await database.execute("update auth.users set email_confirmed_at = now() where id = $1", account)

    assert (await client_1_2.get(f"/api/v1/users/{account}")).json()["email"] == f"{account}@users.invalid"
    assert (await client_1_2.get(f"/api/v1/users/{registered['id']}")).json() == registered


@pytest.mark.parametrize("contract", ["1.0", "1.2"])
async def test_agents_cannot_change_the_address_of_an_account(
    contract: str, clients: dict[str, httpx.AsyncClient], account: str
) -> None:
    path = f"/api/v1/users/{account}"

    refused = await clients[contract].patch(path, json={"email": f"other-{account}@example.com"})
    unchanged = await clients[contract].patch(path, json={"email": f"{account}@example.com", "name": "Ada"})

    assert refused.status_code == 409
    assert refused.json()["errors"][0]["field"] == "email"
    assert (unchanged.status_code, unchanged.json()["name"]) == (200, "Ada")


# The sign-in of a user whom an agent registered ----------------------------------------------------------------------


async def test_a_linked_account_reads_and_writes_the_rows_of_its_user(
    client_1_2: httpx.AsyncClient, stack: LocalStack, account: str
) -> None:
    user = await create(client_1_2, "users", make_user_data())
    goal = await create(client_1_2, "goals", {"user_id": user["id"], "title": "Run"})

    linked = await client_1_2.put(f"/api/v1/users/{user['id']}/sign-in", json={"auth_user_id": account})

    assert linked.status_code == 200
    assert linked.json()["id"] == user["id"]
    assert linked.json()["email"] == f"{account}@example.com"
    async with signed_in(stack, account) as client:
        assert await answer(client.table("goals").select("id")) == [{"id": goal["id"]}]
        assert await answer(client.table("users").select("id")) == [{"id": user["id"]}]
        assert (await answer(client.rpc("ensure_user")))["id"] == user["id"]
        task = {"user_id": user["id"], "goal_id": goal["id"], "title": "Run 3 km"}
        [written] = await answer(client.table("tasks").insert(task))
        assert written["user_id"] == user["id"]
        with pytest.raises(APIError):
            await client.table("tasks").insert({"user_id": account, "title": "x"}).execute()


async def test_a_sign_in_is_given_once(client_1_2: httpx.AsyncClient, database: Database, account: str) -> None:
    user, other = [await create(client_1_2, "users", make_user_data()) for _ in range(2)]
    second = str(uuid4())
    await sign_up(database, second)
    await create(client_1_2, "tasks", {"user_id": second, "title": "x"})

    async def put(user_id: str, account_id: str) -> int:
        response = await client_1_2.put(f"/api/v1/users/{user_id}/sign-in", json={"auth_user_id": account_id})
        return response.status_code

    assert await put(str(uuid4()), account) == 404
    assert await put(user["id"], str(uuid4())) == 422
    assert await put(user["id"], second) == 409, "the account has data"
    assert await put(second, account) == 409, "the user has an account"
    assert await put(user["id"], account) == 200
    assert await put(user["id"], account) == 200, "the same again"
    assert await put(other["id"], account) == 409, "the account has another user"


async def test_users_cannot_give_sign_ins(stack: LocalStack, account: str) -> None:
    async with signed_in(stack, account) as client:
        with pytest.raises(APIError) as refused:
            await client.rpc("link_sign_in", {"user_id": account, "auth_user_id": str(uuid4())}).execute()

    assert refused.value.code == "42501"


# At once -------------------------------------------------------------------------------------------------------------


async def test_sign_ups_and_a_registration_of_one_address_at_once(stack: LocalStack, database: Database) -> None:
    address, accounts = f"{uuid4()}@example.com", [str(uuid4()) for _ in range(6)]
    connections = [await asyncpg.connect(stack.database_url) for _ in range(7)]

    async def sign_up_by_sso(connection: Database, account: str) -> None:
        await connection.execute(
            "insert into auth.users (id, email, email_confirmed_at, is_sso_user) values ($1, $2, now(), true)", account, address
        )

    *signed_up, registered = await asyncio.gather(
        *(sign_up_by_sso(connection, account) for connection, account in zip(connections, accounts, strict=False)),
        connections[-1].execute("insert into public.users (email) values ($1)", address),
        return_exceptions=True,
    )
    for connection in connections:
        await connection.close()

    assert signed_up == [None] * 6
    assert registered == "INSERT 0 1" or isinstance(registered, asyncpg.UniqueViolationError)
    emails = [row["email"] for row in await database.fetch("select email from public.users where id = any($1)", accounts)]
    assert len(emails) == 6
    assert emails.count(address) == (0 if registered == "INSERT 0 1" else 1)
    assert await database.fetchval("select count(*) from public.users where email = $1", address) == 1


async def test_a_sign_up_does_not_wait_long_for_an_agent_that_holds_its_address(database: Database, holder: Database) -> None:
    account = str(uuid4())
    await holder.execute("insert into public.users (email) values ($1)", f"{account}@example.com")

    async with asyncio.timeout(4):
        await sign_up(database, account)

    assert await database.fetchval("select email from public.users where id = $1", account) == f"{account}@users.invalid"
