"""The steps of the image and the services of the compose file, run as written, without a container engine.

scripts/container/stand_in.py says what replaces the engine. All other parts are real: the keys that the job creates,
the migrations under an owner who is no superuser, PostgREST reading its secrets from files.
"""

import base64
import contextlib
import json
import os
import re
import signal
import subprocess
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import asyncpg
import httpx
import pytest

from container.compose import ComposedService, read_compose
from container.stand_in import Builder, why_not
from local_stack import LocalStack, free_port
from local_stack.database import execute_script, fetch_rows
from local_stack.processes import wait_until
from local_stack.project import ROOT

_OBSTACLE = why_not()
pytestmark = [pytest.mark.integration, pytest.mark.skipif(bool(_OBSTACLE), reason=_OBSTACLE)]

# The role `postgres` as in Supabase's image: it owns the database and runs the migrations.
OWNER_OF_THE_IMAGE = """
  create role flux_owner login password 'flux_owner' nosuperuser createdb createrole replication bypassrls;
  grant anon, authenticated, service_role to flux_owner with admin option;
  grant all on schema auth, extensions to flux_owner with grant option;
  grant all on all tables in schema auth to flux_owner;
  grant all on all routines in schema auth to flux_owner;
  alter database postgres owner to flux_owner;
"""
NOBODY = 10001


@pytest.fixture(scope="module")
def builder() -> Builder:
    return Builder()


@pytest.fixture(scope="module")
def volumes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """New, empty volumes that belong to root, as the engine creates them."""
    home = tmp_path_factory.mktemp("volumes")
    folders = {name: home / name for name in read_compose()["volumes"]}
    for folder in folders.values():
        folder.mkdir(mode=0o755)
    return folders


@pytest.fixture(scope="module")
def services(builder: Builder, volumes: dict[str, Path]) -> dict[str, ComposedService]:
    """The services with an image of this project."""
    defined = read_compose(environment={"WEB_CONCURRENCY": "2"})["services"]
    return {name: ComposedService(name, service, builder, volumes) for name, service in defined.items() if "build" in service}


def run(service: ComposedService, command: list[str] | None = None, **environment: str) -> subprocess.CompletedProcess[str]:
    command = command or service.command()
    return subprocess.run(command, env=service.environment | environment, capture_output=True, text=True)


@pytest.fixture(scope="module")
def keys(services: dict[str, ComposedService], volumes: dict[str, Path]) -> dict[str, Path]:
    """The volumes, filled by the job `keys`."""
    done = run(services["keys"])
    assert (done.returncode, done.stdout + done.stderr) == (0, "")
    return volumes


@pytest.fixture(scope="module")
def stack(keys: dict[str, Path], services: dict[str, ComposedService]) -> Iterator[LocalStack]:
    """Postgres as the image creates it, after the job `migrate`, and PostgREST with the settings of the compose file."""
    settings = {
        name: re.sub("^@/run/flux", f"@{keys['data-api-keys']}", value)
        for name, value in read_compose()["services"]["postgrest"]["environment"].items()
        if "SERVER" not in name
    }
    with LocalStack(migrate=False, postgrest_settings=settings).database_first() as running:
        execute_script(running.database_url, OWNER_OF_THE_IMAGE)
        execute_script(running.database_url, database_script((keys["database-keys"] / "authenticator-password").read_text()))
        execute_script(running.database_url, "alter database postgres owner to flux_owner")
        here = f"127.0.0.1:{running.postgres.port}"
        for file in (keys["data-api-keys"] / "database-url", keys["migrations-keys"] / "database-url"):
            url = file.read_text().replace("db:5432", here)
            replace(file, re.sub("//postgres:[^@]*@", "//flux_owner:flux_owner@", url))
        done = run(services["migrate"])
        assert done.returncode == 0, done.stderr
        running.start_data_api()
        yield running


def database_script(authenticator_password: str) -> str:
    """docker/database.sql without psql's own commands."""
    script = (ROOT / "docker" / "database.sql").read_text()
    script = re.sub(r"(?m)^\\set .*$", "", script)
    return script.replace(":'authenticator_password'", f"'{authenticator_password}'")


def replace(file: Path, content: str) -> None:
    file.unlink()
    file.write_text(content)


@dataclass
class Running:
    """A service that runs in the stand-in."""

    service: ComposedService
    environment: Mapping[str, str]
    process: subprocess.Popen[str]
    port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def first_process(self) -> int:
        """The id, outside the container, of its process 1."""
        return children(self.process.pid)[0]

    def health(self) -> subprocess.CompletedProcess[str]:
        return run(self.service, self.service.health_check(), UVICORN_PORT=str(self.port))

    def answers(self, path: str) -> bool:
        with contextlib.suppress(httpx.HTTPError):
            return httpx.get(self.url + path).status_code == 200
        return False

    def output_after_end(self, seconds: float) -> str:
        output, _ = self.process.communicate(timeout=seconds)
        return output


def children(process: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{process}/task/{process}/children").read_text().split()]


@pytest.fixture(scope="module")
def adapter(stack: LocalStack, services: dict[str, ComposedService]) -> Iterator[Running]:
    """The adapter as the compose file starts it, with two workers; ready."""
    with started(services["flux-dao-service"], POSTGREST_URL=f"{stack.api_url}/rest/v1") as running:
        assert wait_until(lambda: running.process.poll() is not None or running.answers("/ready"), 30)
        assert running.process.poll() is None, running.output_after_end(1)
        yield running


def workers_of(running: Running) -> list[int]:
    """The processes that serve."""
    found = children(running.first_process)
    return [child for child in found if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes()]


@contextlib.contextmanager
def started(service: ComposedService, **changes: str) -> Iterator[Running]:
    port = free_port()
    environment = service.environment | {"UVICORN_HOST": "127.0.0.1", "UVICORN_PORT": str(port), "DRAIN_SECONDS": "0.5"} | changes
    process = subprocess.Popen(
        service.command(), env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
    )
    try:
        yield Running(service, environment, process, port)
    finally:
        process.kill()  # and by --kill-child everything inside
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


@pytest.fixture
async def database(stack: LocalStack) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    connection = await asyncpg.connect(stack.database_url)
    yield connection
    await connection.close()


def test_the_first_start_creates_the_keys_and_the_next_one_keeps_them(
    keys: dict[str, Path], services: dict[str, ComposedService]
) -> None:
    files = [file for name in keys if name.endswith("-keys") for file in keys[name].iterdir()]
    assert sorted(file.relative_to(file.parents[1]).as_posix() for file in files) == [
        "adapter-keys/supabase_service_role_key",
        "data-api-keys/database-url",
        "data-api-keys/jwt-secret",
        "database-keys/authenticator-password",
        "database-keys/postgres-password",
        "migrations-keys/database-url",
    ]
    assert {oct(file.stat().st_mode & 0o777) for file in files if file.name != "database-url"} == {"0o444"}
    made = {file: file.read_text() for file in files if file.name != "database-url"}
    assert len(set(made.values())) == len(made)
    assert run(services["keys"]).returncode == 0
    assert {file: file.read_text() for file in made} == made
    # Restore what the tests changed. The test is that the output of the job is derived anew.
    claims = made[keys["adapter-keys"] / "supabase_service_role_key"].split(".")[1]
    assert json.loads(base64.urlsafe_b64decode(claims + "=="))["role"] == "service_role"


def test_an_owner_without_superuser_rights_can_migrate_twice(
    stack: LocalStack, services: dict[str, ComposedService], keys: dict[str, Path]
) -> None:
    tables = "select tableowner::text as owner from pg_tables where schemaname = 'public'"
    assert {row["owner"] for row in fetch_rows(stack.database_url, tables)} == {"flux_owner"}
    url = keys["migrations-keys"] / "database-url"
    replace(url, f"postgresql://flux_owner:flux_owner@127.0.0.1:{stack.postgres.port}/postgres")
    done = run(services["migrate"])
    assert done.returncode == 0, done.stderr


def test_a_failing_job_prints_one_line_and_exits_with_1(services: dict[str, ComposedService]) -> None:
    done = run(services["migrate"], services["migrate"].run("python", "-m", "container.jobs", "nonsense"))
    assert (done.returncode, done.stderr) == (1, "error: usage: python -m container.jobs keys|scale-keys|migrate FOLDER\n")


def test_the_adapter_serves_without_root_from_a_read_only_file_system_with_two_workers(adapter: Running) -> None:
    workers = workers_of(adapter)
    assert len(workers) == 2
    for process in (adapter.first_process, *workers):
        status = Path(f"/proc/{process}/status").read_text()
        assert re.search(r"^Uid:\s+(\d+)", status, re.MULTILINE)[1] == str(NOBODY)  # type: ignore[index]
        assert re.search(r"^CapEff:\s+0+$", status, re.MULTILINE)
    assert re.search(r"^NSpid:.*\t1$", Path(f"/proc/{adapter.first_process}/status").read_text(), re.MULTILINE)
    done = run(adapter.service, adapter.service.run("sh", "-c", "touch /opt/flux/x || touch /opt/venv/x"))
    assert done.stderr.count("Read-only file system") == 2
    done = run(
        adapter.service, adapter.service.run("sh", "-c", "ls /usr/local/bin /opt/venv/bin; python -m pip; python -m ensurepip")
    )
    assert "pip" not in done.stdout
    assert done.stderr.count("No module named") == 2


def test_a_row_can_be_written_and_read_through_both_contracts(adapter: Running) -> None:
    made = httpx.post(f"{adapter.url}/api/v1/users/", json={"email": f"{uuid4()}@example.com"})
    assert made.status_code == 201
    assert httpx.get(f"{adapter.url}/api/v1/users/{made.json()['id']}").json() == made.json()
    older = httpx.get(f"{adapter.url}/api/v1/users/{made.json()['id']}", headers={"X-Flux-Contract": "1.0"})
    assert older.json()["demo_mode"] is False


def test_the_health_checks_distinguish_a_running_service_from_a_stopped_one(adapter: Running, stack: LocalStack) -> None:
    image_check = adapter.service.builder.stages["adapter"].last("HEALTHCHECK")
    assert image_check is not None
    of_the_image = json.loads(image_check.text.partition("CMD ")[2])
    healthy = run(adapter.service, adapter.service.run(*of_the_image), UVICORN_PORT=str(adapter.port))
    assert (healthy.returncode, healthy.stdout) == (0, '200 {"status":"ok"}\n')
    assert (adapter.health().returncode, adapter.health().stdout) == (0, '200 {"status":"ready"}\n')
    stack.postgrest.kill()
    try:
        away = adapter.health()
        assert away.returncode == 1
        assert away.stdout.startswith("503 ")
        assert run(adapter.service, adapter.service.run(*of_the_image), UVICORN_PORT=str(adapter.port)).returncode == 0
    finally:
        stack.postgrest.start()
    nowhere = run(adapter.service, adapter.service.run(*of_the_image), UVICORN_PORT=str(free_port()))
    assert (nowhere.returncode, nowhere.stderr) == (1, "")
    assert "refused" in nowhere.stdout


async def test_a_request_in_progress_finishes_after_sigterm_and_the_service_exits_with_0(
    adapter: Running, database: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    async with httpx.AsyncClient(base_url=adapter.url) as caller:
        user = (await caller.post("/api/v1/users/", json={"email": f"{uuid4()}@example.com"})).json()
    waiting = "select count(*) from pg_stat_activity where usename = 'authenticator' and wait_event_type = 'Lock'"
    with ThreadPoolExecutor() as pool:
        transaction = database.transaction()
        await transaction.start()
        await database.execute("lock table public.users in access exclusive mode")
        answer = pool.submit(httpx.get, f"{adapter.url}/api/v1/users/{user['id']}", timeout=20)
        while not await database.fetchval(waiting):
            await database.execute("select pg_stat_clear_snapshot()")
        os.kill(adapter.first_process, signal.SIGTERM)
        # The idle worker ends; the other one runs until the lock is released.
        assert wait_until(lambda: len(workers_of(adapter)) == 1, 5)
        assert not answer.done()
        await transaction.rollback()
        assert answer.result().json() == user
    began = time.monotonic()
    output = adapter.output_after_end(10)
    assert adapter.process.returncode == 0, output
    assert time.monotonic() - began < 5
    assert "Traceback" not in output


def test_the_service_exits_with_0_on_sigterm_while_it_starts(services: dict[str, ComposedService]) -> None:
    with started(services["flux-dao-service"]) as early:
        assert wait_until(lambda: bool(children(early.process.pid)), 5)
        inside = early.first_process
        # Process 1 ignores a signal without a handler. From here on it has one.
        assert wait_until(lambda: catches_sigterm(inside), 10)
        os.kill(inside, signal.SIGTERM)
        output = early.output_after_end(10)
        assert (early.process.returncode, "Traceback" in output) == (0, False), output


def test_an_idle_worker_exits_with_0_on_sigterm(services: dict[str, ComposedService]) -> None:
    with started(services["flux-dao-service"], WEB_CONCURRENCY="1") as idle:
        assert wait_until(lambda: idle.answers("/health"), 30)
        os.kill(idle.first_process, signal.SIGTERM)
        output = idle.output_after_end(10)
        assert (idle.process.returncode, "Traceback" in output) == (0, False), output


def catches_sigterm(process: int) -> bool:
    with contextlib.suppress(OSError):
        status = Path(f"/proc/{process}/status").read_text()
        caught = re.search(r"^SigCgt:\s+([0-9a-f]+)", status, re.MULTILINE)
        return caught is not None and bool(int(caught[1], 16) & 1 << (signal.SIGTERM - 1))
    return False


def test_a_wrong_setting_stops_the_service_with_one_line_for_any_number_of_workers(services: dict[str, ComposedService]) -> None:
    with started(services["flux-dao-service"], MAX_BODY_BYTES="many") as wrong:
        output = wrong.output_after_end(10)
        assert wrong.process.returncode == 1
        assert output.startswith("flux-dao-service: MAX_BODY_BYTES: ")
        assert output.count("\n") == 1
