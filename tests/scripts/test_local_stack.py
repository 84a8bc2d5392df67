"""The commands and the library that start the service on this machine."""

import contextlib
import os
import signal
import socket
import stat
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from local_stack import LocalStack, StackError, free_port
from local_stack.database import fetch_rows
from local_stack.processes import wait_until
from local_stack.project import SUPABASE
from tests.scripts.conftest import StartDev
from tests.scripts.dev import SCRIPTS, new_home, own_environment
from tests.scripts.processes import alive, descendants, needs_proc

pytestmark = pytest.mark.integration

USER = "11111111-1111-4111-8111-111111111111"


@pytest.mark.parametrize("variable", ["PORT", "POSTGREST_PORT", "DB_PORT"])
def test_a_taken_port_is_reported_in_one_line_and_nothing_starts(home: Path, variable: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        environment = own_environment(home, **{variable: str(port)})
        done = subprocess.run([sys.executable, SCRIPTS / "dev"], env=environment, capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert f"port {port} " in done.stderr
    assert f" {variable} " in done.stderr
    assert list(home.iterdir()) == []


@pytest.mark.parametrize("value", ["http", "0", "65536", "-1"])
def test_an_invalid_port_is_reported_in_one_line_that_names_the_variable(home: Path, value: str) -> None:
    environment = own_environment(home, DB_PORT=value)
    done = subprocess.run([sys.executable, SCRIPTS / "dev"], env=environment, capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr.startswith(f"error: DB_PORT={value} ")
    assert done.stderr.count("\n") == 1


@needs_proc
def test_two_run_side_by_side_and_sigterm_leaves_no_process_of_one(home: Path, start_dev: StartDev) -> None:
    with new_home() as other_home:
        first, second = start_dev(home), start_dev(other_home)
        ready = [dev.read_until("ready") for dev in (first, second)]
        assert ready == [f"ready: http://127.0.0.1:{dev.port('PORT')}/docs" for dev in (first, second)]
        started = descendants(first.process.pid)
        assert len(started) >= 4  # Postgres, PostgREST, the gateway, the adapter
        assert first.end(signal.SIGTERM) == 0
        assert alive(started) == {}
        assert httpx.get(f"http://127.0.0.1:{second.port('PORT')}/ready").status_code == 200
        assert second.end(signal.SIGINT) == 0


@needs_proc
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells children of their parent's death")
def test_sigkill_leaves_no_process_and_the_next_start_is_quick_and_keeps_the_data(start_dev: StartDev) -> None:
    dev = start_dev()
    dev.read_until("ready")
    started = descendants(dev.process.pid)
    user = {"email": "kept@example.com"}
    created = httpx.post(f"http://127.0.0.1:{dev.port('PORT')}/api/v1/users/", json=user)
    assert created.status_code == 201
    dev.end(signal.SIGKILL)
    assert wait_until(lambda: not alive(started), 10)
    began = time.monotonic()
    dev = start_dev()
    dev.read_until("ready")
    assert time.monotonic() - began < 10
    kept = httpx.get(f"http://127.0.0.1:{dev.port('PORT')}/api/v1/users/{created.json()['id']}")
    assert kept.json() == created.json()


def test_a_stale_lock_file_with_a_living_process_of_another_program_does_not_stop_postgres(home: Path) -> None:
    with contextlib.ExitStack() as resources:
        stack = resources.enter_context(LocalStack(home, migrate=False).database_first())
        lock = home / "postgres" / "data" / "postmaster.pid"
        runs_as = lock.stat().st_uid if os.geteuid() == 0 else None
        stack.postgres.stop()
        # The id of a process that Postgres would take for its server: alive, and of the same user.
        other = resources.enter_context(subprocess.Popen(["cat"], stdin=subprocess.PIPE, user=runs_as))
        lock.write_text(f"{other.pid}\n{lock.parent}\n1700000000\n{stack.postgres.port}\n")
        stack.postgres.start()
        assert stack.postgres.running
        assert other.poll() is None


def test_only_the_owner_can_read_the_logs(home: Path) -> None:
    logs = home / "logs"
    logs.mkdir(mode=0o755)  # as earlier versions created it
    with LocalStack(home, migrate=False):
        assert "database system is ready" in (logs / "postgres.log").read_text()
    assert stat.S_IMODE(logs.stat().st_mode) == 0o700
    assert {log.name for log in logs.iterdir() if stat.S_IMODE(log.stat().st_mode) != 0o600} == set()


def test_one_home_is_not_shared_by_two(home: Path) -> None:
    with LocalStack(home, migrate=False, schemas=("public",)) as first:
        done = subprocess.run([sys.executable, SCRIPTS / "dev"], env=own_environment(home), capture_output=True, text=True)
        # Not through the gateway, whose open connection would outlive the socket's removal.
        with httpx.Client(transport=httpx.HTTPTransport(uds=first.postgrest_url.removeprefix("unix:"))) as newcomer:
            assert newcomer.get("http://localhost/").status_code == 200
    assert done.returncode == 1
    assert "another stack runs in" in done.stderr
    assert done.stderr.count("\n") == 1


def test_an_unreachable_hosted_project_is_reported_soon_in_one_line(home: Path, start_dev: StartDev) -> None:
    address = f"http://127.0.0.1:{free_port()}"
    began = time.monotonic()
    dev = start_dev(SUPABASE_URL=address, SUPABASE_SERVICE_ROLE_KEY="key")
    assert dev.read_until("error:") == f"error: {address} can't be reached: check SUPABASE_URL"
    assert dev.process.wait() == 1
    assert time.monotonic() - began < 20
    assert "{" not in "".join(dev.lines)


def test_a_hosted_project_can_be_served(stack: LocalStack, start_dev: StartDev) -> None:
    dev = start_dev(SUPABASE_URL=stack.api_url, SUPABASE_SERVICE_ROLE_KEY=stack.service_role_key)
    assert dev.read_until("ready").endswith("/docs")


def test_a_refused_key_of_a_hosted_project_is_reported_in_one_line(stack: LocalStack, start_dev: StartDev) -> None:
    wrong_key = f"{stack.service_role_key[:-4]}AAAA"
    dev = start_dev(SUPABASE_URL=stack.api_url, SUPABASE_SERVICE_ROLE_KEY=wrong_key)
    assert dev.read_until("error:") == f"error: {stack.api_url} refuses the key: check SUPABASE_SERVICE_ROLE_KEY"
    assert dev.process.wait() == 1


def test_another_database_url_is_ignored_with_a_notice(start_dev: StartDev) -> None:
    dev = start_dev(DATABASE_URL=f"postgresql://127.0.0.1:{free_port()}/postgres")
    dev.read_until("ignoring DATABASE_URL")
    dev.read_until("ready")
    assert httpx.get(f"http://127.0.0.1:{dev.port('PORT')}/ready").status_code == 200


def test_a_home_with_a_path_that_is_not_ascii_works(home: Path) -> None:
    with LocalStack(home / "Zoë") as stack, stack.adapter() as adapter:
        assert httpx.get(f"{stack.api_url}/rest/v1/").status_code == 200
        assert httpx.get(f"{adapter.url}/ready").status_code == 200


def test_the_data_api_accepts_minted_tokens_and_keys(stack: LocalStack) -> None:
    def mint(*arguments: str) -> str:
        command: list[str | Path] = [sys.executable, SCRIPTS / "mint-jwt", "--home", stack.home, *arguments]
        return str(subprocess.run(command, check=True, capture_output=True, text=True).stdout).strip()

    assert mint("--key", "anon") == stack.anon_key
    assert mint("--key", "service_role") == stack.service_role_key
    for path in ("/rest/v1/users", "/users"):
        for token in (mint(USER), stack.mint(USER), stack.service_role_key):
            answer = httpx.get(f"{stack.api_url}{path}?limit=1", headers={"Authorization": f"Bearer {token}"})
            assert answer.status_code == 200
            # A user without rows sees none; the service role sees the rows of everyone.
            assert token == stack.service_role_key or answer.json() == []
        forged = stack.mint(USER)[:-4] + "AAAA"
        refused = httpx.get(f"{stack.api_url}{path}", headers={"Authorization": f"Bearer {forged}"})
        assert refused.status_code == 401


def test_the_api_gateway_answers_503_while_postgrest_is_stopped(home: Path) -> None:
    with LocalStack(home, migrate=False) as stack:
        stack.postgrest.kill()
        away = httpx.get(f"{stack.api_url}/rest/v1/")
        assert (away.status_code, away.headers["Retry-After"]) == (503, "1")
        stack.postgrest.start()
        assert httpx.get(f"{stack.api_url}/rest/v1/").status_code == 200


@pytest.fixture
def supabase(tmp_path: Path) -> Path:
    """The project's folder with one migration in place of its own."""
    folder = tmp_path / "supabase"
    (folder / "migrations").mkdir(parents=True)
    (folder / "config.toml").write_text((SUPABASE / "config.toml").read_text())
    (folder / "migrations" / "20260101000000_first.sql").write_text("create table public.first ();")
    return folder


def test_a_database_that_is_ahead_of_the_checkout_is_named_and_used(home: Path, supabase: Path) -> None:
    newer = supabase / "migrations" / "20260102000000_second.sql"
    newer.write_text("create table public.second ();")
    with LocalStack(home, supabase=supabase).database_first():
        pass
    newer.unlink()
    reports: list[str] = []
    with LocalStack(home, supabase=supabase, report=reports.append) as stack:
        assert httpx.get(f"{stack.api_url}/second", headers={"Authorization": f"Bearer {stack.service_role_key}"}).json() == []
    assert [line for line in reports if line.startswith("the database is newer")] == [
        "the database is newer than this checkout, which lacks 20260102000000_second: going on with it as it is"
    ]


def test_a_database_that_is_ahead_and_behind_is_refused(home: Path, supabase: Path) -> None:
    with LocalStack(home, supabase=supabase).database_first():
        pass
    only = supabase / "migrations" / "20260101000000_first.sql"
    only.rename(only.with_name("20260103000000_third.sql"))
    with (
        pytest.raises(StackError, match="only the database has 20260101000000_first, only the checkout has 20260103000000_third"),
        LocalStack(home, supabase=supabase),
    ):
        pass


def _cluster_and_tables(supabase: Path) -> tuple[int, set[str]]:
    """A throw-away stack's cluster, which a copy has in common with its original, and its tables."""
    with LocalStack(supabase=supabase).database_first() as stack:
        (cluster,) = fetch_rows(stack.database_url, "select system_identifier as number from pg_control_system()")
        tables = fetch_rows(stack.database_url, "select tablename::text as name from pg_tables where schemaname = 'public'")
        return cluster["number"], {row["name"] for row in tables}


def test_throw_away_stacks_are_copies_of_one_cluster_until_a_migration_changes(supabase: Path) -> None:
    cluster, tables = _cluster_and_tables(supabase)
    assert tables == {"first"}
    assert _cluster_and_tables(supabase) == (cluster, tables)

    (supabase / "migrations" / "20260101000000_first.sql").write_text("create table public.second ();")
    other, tables = _cluster_and_tables(supabase)
    assert (other != cluster, tables) == (True, {"second"})
