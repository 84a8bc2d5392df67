"""What docker-compose.scale.yml mounts, run without a container engine: the keys, the logins, the pooler, the standby, an adapter.

Debian's Postgres 15 stands in for the image where pg_basebackup is needed. Only addresses and folders are replaced in the files.
"""

import os
import shlex
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from container.compose import read_scaled
from container.jobs import make_scale_keys
from local_stack import LocalStack, Postgres, free_port
from local_stack.account import server_account
from local_stack.database import execute_script, fetch_rows
from local_stack.debian import DebianPostgres, debian_postgres, debian_program
from local_stack.postgres import THROW_AWAY_SETTINGS
from local_stack.processes import run, wait_until
from local_stack.project import ROOT
from tests.conftest import make_user_data

pytestmark = pytest.mark.scale
SERVICES = read_scaled()["services"]
INCLUDED = "include /etc/postgresql/pg_hba.conf"
# The image's rules for TCP, with passwords on the loopback interface too.
RULES = "host all all 127.0.0.1/32 scram-sha-256\n"


@dataclass
class Scaled:
    stack: LocalStack
    debian: DebianPostgres
    keys: Path

    def write(self, name: str, *replaced: tuple[str, str]) -> Path:
        """A file of docker/ with these replacements, each of which it must need."""
        content = (ROOT / "docker" / name).read_text()
        for old, new in replaced:
            assert old in content
            content = content.replace(old, new)
        file = self.stack.home / name
        file.write_text(content)
        return file

    def psql(self, service: str, *words: str | Path) -> subprocess.CompletedProcess[str]:
        environment = self.debian.environment() | {"PGSERVICEFILE": str(self.keys / service / "pg_service.conf")}
        return subprocess.run([self.debian.psql(), *words], env=environment, capture_output=True, text=True, check=False)


def _prepared(stack: LocalStack, owner: str, rules: str) -> Scaled:
    """After the jobs `scale-keys` and `logins`, each run twice, under an owner with these attributes."""
    here = Scaled(stack, debian_postgres(), stack.home / "keys")
    for volume in SERVICES["keys"]["volumes"]:
        (stack.home / volume.split(":")[1].removeprefix("/")).mkdir(parents=True)
    make_scale_keys(here.keys)
    make_scale_keys(here.keys)
    password = (here.keys / "database" / "postgres-password").read_text()
    create_owner = f"create role flux_owner login {owner} password '{password}'"
    execute_script(stack.database_url, f"{create_owner}; grant service_role to flux_owner with admin option")
    for service in ("logins", "standby"):
        _replace(here.keys / service / "pg_service.conf", ("host=db\nport=5432", f"host=127.0.0.1\nport={stack.postgres.port}"))
    _replace(here.keys / "logins" / "pg_service.conf", ("user=postgres", "user=flux_owner"))
    (stack.postgres.data / "pg_hba.conf").write_text(here.write("pg_hba.conf", (INCLUDED, rules)).read_text())
    execute_script(stack.database_url, "select pg_reload_conf()")
    script = here.write("logins.sql", ("/run/flux", str(here.keys / "logins")))
    words = [word.replace("/etc/flux/logins.sql", str(script)) for word in SERVICES["logins"]["entrypoint"][1:]]
    for _ in range(2):
        done = here.psql("logins", *words, f"service={SERVICES['logins']['environment']['PGSERVICE']}")
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    return here


def _replace(file: Path, *replaced: tuple[str, str]) -> None:
    content = file.read_text()
    for old, new in replaced:
        assert old in content
        content = content.replace(old, new)
    file.unlink()
    file.write_text(content)


@contextmanager
def _pooler(here: Scaled) -> Iterator[int]:
    program, port = debian_program("pgbouncer", "pgbouncer", directory=Path("usr/sbin")), free_port()
    config = here.write(
        "pgbouncer.ini",
        ("host=db port=5432", f"host=127.0.0.1 port={here.stack.postgres.port}"),
        ("listen_addr = *", "listen_addr = 127.0.0.1"),
        ("listen_port = 6432", f"listen_port = {port}"),
        ("/run/flux", str(here.keys / "pooler")),
    )
    account = server_account(here.stack.postgres.data)
    user = ["--user", account.name] if account else []
    environment = os.environ | {"LD_LIBRARY_PATH": program.library_path}
    with subprocess.Popen([program.path, *user, config], env=environment, stderr=subprocess.DEVNULL) as pgbouncer:
        try:
            yield port
        finally:
            pgbouncer.terminate()


@contextmanager
def _standby(here: Scaled) -> Iterator[Postgres]:
    home = here.stack.home / "standby"
    (home / "logs").mkdir(parents=True)
    standby = Postgres(home, here.debian.programs, free_port(), THROW_AWAY_SETTINGS)
    standby._find_reachable_places()
    account = server_account(here.stack.postgres.data)
    standby.data.mkdir(mode=0o700)
    if account:
        os.chown(standby.data, account.uid, account.gid)
    script = (ROOT / "docker" / "standby.sh").read_text()
    words = shlex.split(
        script.partition("gosu postgres pg_basebackup ")[2].partition("\n")[0].replace("$PGDATA", str(standby.data))
    )
    environment = here.debian.environment() | {"PGSERVICEFILE": str(here.keys / "standby" / "pg_service.conf")}
    run([standby._programs.command("pg_basebackup"), *words], account=account, env=environment, cwd=home, check="pg_basebackup")
    assert (standby.data / "backup_manifest").stat().st_size
    try:
        standby.start()
        yield standby
    finally:
        standby.remove()


@pytest.fixture(scope="module")
def with_basebackup() -> Iterator[LocalStack]:
    with LocalStack(postgres_programs=debian_postgres().programs).database_first() as stack:
        yield stack


def test_an_adapter_writes_through_the_pooler_and_reads_from_the_standby(with_basebackup: LocalStack) -> None:
    # In Postgres 15 only a superuser makes logins for replication, and pg_hba.conf cannot include a file.
    stack, here = with_basebackup, _prepared(with_basebackup, "superuser", RULES)
    slot = "select active from pg_replication_slots where slot_name = 'standby'"
    with _pooler(here) as pooler, _standby(here) as standby:
        assert wait_until(lambda: fetch_rows(stack.database_url, slot) == [{"active": True}], 10)
        folder = here.keys / "scaled-adapter"
        _replace(folder / "database_url", ("pooler:6432", f"127.0.0.1:{pooler}"))
        _replace(folder / "database_replica_urls", ("standby:5432", f"127.0.0.1:{standby.port}"))
        with (
            stack.adapter(environment={"SECRETS_DIR": str(folder)}) as adapter,
            httpx.Client(base_url=f"{adapter.url}/api/v1/users", timeout=10) as caller,
        ):
            created = caller.post("/", json=make_user_data())
            one = f"/{created.json()['id']}"
            position = {"X-Flux-Written-At": created.headers["X-Flux-Written-At"]}
            assert caller.get(one, headers=position).json() == created.json()
            assert wait_until(lambda: caller.get(one).status_code == 200, 5)
            reads = httpx.get(f"{adapter.url}/metrics").text
        assert 'flux_reads_total{place="standby"} 0.0' not in reads
        assert 'flux_reads_total{place="standby"}' in reads


def test_an_owner_without_superuser_rights_makes_the_logins_and_only_the_standbys_may_replicate(migrated: LocalStack) -> None:
    rules = migrated.postgres.data / "rules.conf"
    rules.write_text(RULES)
    rules.chmod(0o644)
    here = _prepared(migrated, "nosuperuser createrole replication", INCLUDED.replace("/etc/postgresql/pg_hba.conf", str(rules)))

    allowed = here.psql("standby", "--command", "IDENTIFY_SYSTEM", "service=primary replication=true")
    refused = here.psql("logins", "--command", "IDENTIFY_SYSTEM", "service=owner replication=true")

    assert allowed.returncode == 0, allowed.stderr
    assert "no pg_hba.conf entry for replication connection" in refused.stderr
    more = "select rolname from pg_roles where rolname like 'flux_%' and (rolsuper or rolbypassrls or rolcreaterole)"
    assert [row["rolname"] for row in fetch_rows(migrated.database_url, more)] == ["flux_owner"]
