"""Behind PgBouncer in transaction mode: right as a login that is service_role by itself, refused at start as any other."""

import asyncio
import os
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import asyncpg
import httpx
import pytest

from local_stack import LocalStack, free_port
from local_stack.account import server_account
from local_stack.database import execute_script, fetch_rows
from local_stack.debian import debian_program
from local_stack.http_servers import Adapter
from tests.conftest import make_user_data

pytestmark = pytest.mark.scale

LOGIN = """
create role flux_adapter login noinherit password 'postgres';
grant service_role to flux_adapter;
alter role flux_adapter set role to 'service_role';
alter role flux_adapter set statement_timeout = '8s';
alter role flux_adapter set lock_timeout = '4s';
create table public.statements (ran_as text, statement_timeout text);
grant insert on public.statements to public;
create function private.note_statement() returns trigger language plpgsql security invoker set search_path = '' as $$
begin
  insert into public.statements values (current_user, current_setting('statement_timeout'));
  return null;
end;
$$;
create trigger note_statement after insert on public.users for each row execute function private.note_statement();
"""
CONFIG = """
[databases]
postgres = host=127.0.0.1 port={postgres} dbname=postgres user=postgres password=postgres
flux = host=127.0.0.1 port={postgres} dbname=postgres user=flux_adapter password=postgres
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 2
"""


@pytest.fixture(scope="module")
def pooled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[LocalStack, int]]:
    """A database, and the port of a PgBouncer in front of it."""
    program = debian_program("pgbouncer", "pgbouncer", directory=Path("usr/sbin"))
    with LocalStack().database_first() as stack:
        execute_script(stack.database_url, LOGIN)
        port, account = free_port(), server_account(stack.postgres.data)
        config = tmp_path_factory.mktemp("pgbouncer") / "pgbouncer.ini"
        config.write_text(CONFIG.format(postgres=stack.postgres.port, port=port))
        # It refuses to run as root.
        user = ["--user", account.name] if account else []
        environment = os.environ | {"LD_LIBRARY_PATH": program.library_path}
        with subprocess.Popen([program.path, *user, config], env=environment, stderr=subprocess.DEVNULL) as pgbouncer:
            yield stack, port
            pgbouncer.terminate()


@pytest.fixture(scope="module")
def login(pooled: tuple[LocalStack, int]) -> str:
    """The URL of the login that is the service by its own settings, through the pooler."""
    return f"postgresql://anyone@127.0.0.1:{pooled[1]}/flux"


@pytest.fixture(scope="module")
def adapter(pooled: tuple[LocalStack, int], login: str) -> Iterator[Adapter]:
    with pooled[0].adapter(environment={"DATABASE_URL": login}) as running:
        yield running


@asynccontextmanager
async def _resetting(url: str) -> AsyncIterator[None]:
    """Another client of the same pool, which resets role and settings all the time."""

    async def reset() -> None:
        connection = await asyncpg.connect(url, statement_cache_size=0)
        try:
            while True:
                await connection.execute("reset role; reset all")
        finally:
            connection.terminate()

    task = asyncio.create_task(reset())
    try:
        yield
        assert not task.done()
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def test_every_statement_runs_as_the_service_role_with_its_limits(
    pooled: tuple[LocalStack, int], adapter: Adapter, login: str
) -> None:
    async with _resetting(login), httpx.AsyncClient(base_url=f"{adapter.url}/api/v1", timeout=10) as caller:
        created = await asyncio.gather(*(caller.post("/users/", json={"email": f"{nth}@example.com"}) for nth in range(40)))

    assert Counter(response.status_code for response in created) == {201: 40}
    seen = fetch_rows(pooled[0].database_url, "select distinct ran_as, statement_timeout from public.statements")
    assert [dict(row) for row in seen] == [{"ran_as": "service_role", "statement_timeout": "8s"}]


@pytest.mark.parametrize("contract", ["1.0", "1.2"])
def test_a_resource_is_served_as_without_a_pooler(contract: str, adapter: Adapter) -> None:
    new, header = make_user_data(name="Jane"), {"X-Flux-Contract": contract}
    with httpx.Client(base_url=f"{adapter.url}/api/v1/users", headers=header, timeout=10) as caller:
        created = caller.post("/", json=new)
        one = f"/{created.json()['id']}"
        read, listed = caller.get(one), caller.get("/", params={"page_size": 100})
        renamed, again = caller.patch(one, json={"name": "Joan"}), caller.post("/", json=new)
        wrong = caller.post("/", json=new | {"email": "nobody"})
        deleted, gone = caller.delete(one), [caller.get(one), caller.patch(one, json={"name": "Jo"}), caller.delete(one)]

    assert (created.status_code, read.status_code, read.json()) == (201, 200, created.json())
    assert created.json() in listed.json()["items"]
    assert (renamed.status_code, renamed.json()["name"]) == (200, "Joan")
    assert (again.status_code, wrong.status_code, deleted.status_code) == (409, 422, 204)
    assert [response.status_code for response in gone] == [404, 404, 404]


def test_another_login_is_refused_at_start_with_a_sentence(pooled: tuple[LocalStack, int]) -> None:
    stack, port = pooled
    environment = os.environ | stack.adapter_environment() | {"DATABASE_URL": f"postgresql://anyone@127.0.0.1:{port}/postgres"}
    service = [sys.executable, "-m", "dao_service", "--port", str(free_port())]

    ended = subprocess.run(service, env=environment, capture_output=True, text=True, timeout=30, check=False)

    assert ended.returncode != 0
    assert 'through a connection pooler as the role "postgres"' in ended.stdout + ended.stderr
    assert "Log in as flux_adapter" in ended.stdout + ended.stderr
