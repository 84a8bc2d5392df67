"""The Dockerfile and the compose files: linters, and agreement with each other and with the code."""

import configparser
import re
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from container.compose import COMPOSE_FILE, SCALE_FILE, read_compose, read_scaled
from container.dockerfile import BuildContext, read_stages
from dao_service.settings import Settings
from local_stack.http_servers import DEVELOPMENT_KEYS
from local_stack.installation import _node_and_npm
from local_stack.migrations import supabase_cli
from local_stack.project import NODE_MODULES, ROOT, SUPABASE, api_config

COMPOSE = read_compose()
Services = Mapping[str, dict[str, Any]]
SERVICES: Services = COMPOSE["services"]
SCALED = read_scaled()
ALL_SERVICES: Services = SCALED["services"]
ADAPTERS = ("flux-dao-service", "flux-dao-service-2")
SERVERS = ("db", "standby", "pooler", "postgrest", *ADAPTERS)
DATABASES = ("db", "standby")
JOBS = ("keys", "migrate", "logins")
# Read by the image's programs, not by Settings.
OF_THE_IMAGE = {"SECRETS_DIR", "WEB_CONCURRENCY", "UVICORN_HOST", "UVICORN_PORT"}

every_service = pytest.mark.parametrize(
    ("services", "name"), [pytest.param(services, name, id=name) for services in (SERVICES, ALL_SERVICES) for name in services]
)


def mounts(service: dict[str, Any]) -> dict[str, tuple[str, list[str]]]:
    """The path and the options of each volume."""
    split = (volume.split(":") for volume in service.get("volumes", []))
    return {volume: (path, options) for volume, path, *options in split}


def seconds(duration: str) -> float:
    number, unit = re.fullmatch(r"(\d+)(s|m)", duration).groups()  # type: ignore[union-attr]
    return timedelta(**{{"s": "seconds", "m": "minutes"}[unit]: int(number)}).total_seconds()


def option(command: list[str], name: str) -> float:
    return float(command[command.index(name) + 1])


def test_hadolint_finds_nothing_in_the_dockerfile() -> None:
    hadolint = Path(sys.prefix) / "bin" / "hadolint"
    found = subprocess.run([hadolint, ROOT / "Dockerfile"], capture_output=True, text=True)
    assert (found.returncode, found.stdout, found.stderr) == (0, "", "")


def test_dclint_finds_nothing_in_the_compose_files_and_they_fit_the_schema(tmp_path: Path) -> None:
    node, _ = _node_and_npm()
    program = NODE_MODULES / "dclint" / "bin" / "dclint.cjs"
    dclint: list[str | Path] = [node, program, "--max-warnings", "0", "--config", ROOT / ".dclintrc.yaml"]
    files = [COMPOSE_FILE, SCALE_FILE, ROOT / "docker-compose.dao-service.yml"]
    found = subprocess.run([*dclint, *files], capture_output=True, text=True, cwd=ROOT)
    assert (found.returncode, (found.stdout + found.stderr).strip()) == (0, "")
    wrong = tmp_path / "docker-compose.yml"
    wrong.write_text(COMPOSE_FILE.read_text().replace("cpus: 2", "cpu: 2", 1))
    assert "invalid-schema" in subprocess.run([*dclint, wrong], capture_output=True, text=True, cwd=ROOT).stdout


def test_the_supabase_cli_accepts_the_configuration_without_an_error_or_a_warning(tmp_path: Path) -> None:
    def said(supabase: Path) -> str:
        # It reads the configuration before it connects; nothing listens there.
        nowhere = "--remote=postgresql://postgres@127.0.0.1:1/postgres?sslmode=disable"
        return supabase_cli("db", "push", "--yes", nowhere, supabase=supabase)

    assert said(SUPABASE).startswith("Target: custom Postgres (127.0.0.1:1)\nfailed to connect")
    wrong = tmp_path / "supabase"
    wrong.mkdir()
    (wrong / "config.toml").write_text((SUPABASE / "config.toml").read_text().replace("max_rows", "max_rowz"))
    assert "does not recognize and ignores: api.max_rowz" in said(wrong)


@every_service
def test_every_published_port_is_on_the_loopback_interface(services: Services, name: str) -> None:
    assert all(port.startswith("127.0.0.1:") for port in services[name].get("ports", []))


def test_only_the_adapter_publishes_a_port_and_the_database_cannot_reach_the_internet() -> None:
    assert [name for name, service in SERVICES.items() if "ports" in service] == ["flux-dao-service"]
    assert SERVICES["flux-dao-service"]["ports"] == ["127.0.0.1:8000:8000"]
    assert COMPOSE["networks"]["data"]["internal"] is True
    assert [name for name, service in SERVICES.items() if service.get("networks") != ["data"]] == ["keys", "flux-dao-service"]


@every_service
def test_no_variable_holds_a_secret(services: Services, name: str) -> None:
    for variable, value in services[name].get("environment", {}).items():
        if re.search("KEY|SECRET|PASSWORD|TOKEN|URI", variable) and variable != "REQUIRE_SERVICE_KEY":
            assert value == "" or value.removeprefix("@").startswith("/run/flux"), variable
        assert not re.search(r"//[^/]*:[^/]*@|eyJ|sb_", value), variable


def test_the_adapter_knows_every_setting_that_compose_gives_it() -> None:
    known = {field.upper() for field in Settings.model_fields} | OF_THE_IMAGE
    assert set(SERVICES["flux-dao-service"]["environment"]) <= known
    assert SERVICES["flux-dao-service"]["environment"]["REQUIRE_SERVICE_KEY"] == "false"


def test_each_volume_of_keys_is_mounted_by_one_service_beside_the_job_that_fills_it() -> None:
    readers = {
        "adapter-keys": ["flux-dao-service"],
        "data-api-keys": ["postgrest"],
        "database-keys": ["db"],
        "migrations-keys": ["migrate"],
    }
    _assert_readers(SERVICES, readers)
    own = {"logins-keys": ["logins"], "pooler-keys": ["pooler"], "standby-keys": ["standby"], "scaled-adapter-keys": [*ADAPTERS]}
    _assert_readers(ALL_SERVICES, readers | {"adapter-keys": []} | own)


def _assert_readers(services: Services, readers: Mapping[str, list[str]]) -> None:
    assert set(mounts(services["keys"])) == set(readers)
    for volume, names in readers.items():
        assert [name for name in services if name != "keys" and volume in mounts(services[name])] == names
        assert all(mounts(services[name])[volume] == ("/run/flux", ["ro"]) for name in names)


def test_the_second_adapter_is_the_first_on_another_port() -> None:
    first, second = (ALL_SERVICES[name] for name in ADAPTERS)
    own = {"container_name": "flux-dao-service-2", "ports": ["127.0.0.1:8001:8000"]}
    assert second == first | own


def test_the_standby_is_the_primary_with_another_folder_and_start() -> None:
    differs = {"entrypoint", "environment", "volumes", "depends_on"}
    primary, standby = ({name: value for name, value in ALL_SERVICES[each].items() if name not in differs} for each in DATABASES)
    assert standby == primary
    assert primary["command"][: len(SERVICES["db"]["command"])] == SERVICES["db"]["command"]
    assert ALL_SERVICES["logins"]["image"] == primary["image"]
    assert not {"db-data"} & set(mounts(ALL_SERVICES["standby"]))


def test_the_pooler_has_room_for_the_adapters_and_postgres_for_the_pooler() -> None:
    ini = configparser.ConfigParser()
    ini.read(ROOT / "docker" / "pgbouncer.ini")
    pooler = ini["pgbouncer"]
    most = int(re.search("max_connections=(\\d+)", str(ALL_SERVICES["db"]["command"]))[1])  # type: ignore[index]
    clients = len(ADAPTERS) * 4 * int(Settings.model_fields["gateway_connections"].default)
    assert clients < int(pooler["max_client_conn"])
    assert int(pooler["default_pool_size"]) + int(SERVICES["postgrest"]["environment"]["PGRST_DB_POOL"]) < most - 20
    assert pooler["pool_mode"] == "transaction"


@pytest.mark.parametrize("name", SCALED["services"])
def test_every_mounted_file_exists(name: str) -> None:
    assert all((ROOT / source).is_file() for source in mounts(ALL_SERVICES[name]) if source.startswith("."))


@every_service
def test_every_service_that_others_wait_for_has_a_health_check(services: Services, name: str) -> None:
    for other, condition in services[name].get("depends_on", {}).items():
        if condition == {"condition": "service_healthy"}:
            assert services[other]["healthcheck"]["test"][0] == "CMD"
        else:
            assert condition == {"condition": "service_completed_successfully"}
            assert services[other]["restart"] == "no"


def test_services_start_in_the_order_keys_database_migrations_data_api_adapter() -> None:
    order = ["keys", "db", "migrate", "postgrest", "flux-dao-service"]
    waits = {name: list(service.get("depends_on", {})) for name, service in SERVICES.items()}
    assert waits == {"keys": [], **{later: [earlier] for earlier, later in pairwise(order)}}
    scaled = {name: set(service.get("depends_on", {})) for name, service in ALL_SERVICES.items()}
    own = {"logins": {"migrate"}, "pooler": {"logins"}, "standby": {"logins"}}
    assert scaled == {name: set(waits[name]) for name in order} | own | {
        name: {"pooler", "postgrest", "standby"} for name in ADAPTERS
    }


@every_service
def test_every_service_is_bounded_and_confined(services: Services, name: str) -> None:
    service = services[name]
    assert {"mem_limit", "cpus", "logging"} <= set(service)
    assert service.get("pull_policy") == ("build" if "build" in service else None)
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["restart"] == ("no" if name in JOBS else "unless-stopped")
    if name not in DATABASES:
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
    if name in SERVERS:
        assert "healthcheck" in service


def test_third_party_images_have_an_exact_tag() -> None:
    bases = {stage.base for stage in read_stages(ROOT / "Dockerfile").values()}
    others = {service["image"] for service in ALL_SERVICES.values() if "build" not in service}
    for image in bases | others:
        assert re.fullmatch(r"[a-z/]+:v?\d+\.?[\d.]*(-[a-z]+\d*)*", image), image


def test_postgrest_is_set_as_supabase_config_says() -> None:
    environment, api = SERVICES["postgrest"]["environment"], api_config()
    assert environment["PGRST_DB_SCHEMAS"] == ",".join(api.schemas)
    assert environment["PGRST_DB_EXTRA_SEARCH_PATH"] == ",".join(api.extra_search_path)
    assert environment["PGRST_DB_MAX_ROWS"] == str(api.max_rows)
    major = tomllib.loads((ROOT / "supabase" / "config.toml").read_text())["db"]["major_version"]
    assert SERVICES["db"]["image"].startswith(f"supabase/postgres:{major}.")


def test_the_stop_grace_period_is_longer_than_the_longest_request() -> None:
    adapter = read_stages(ROOT / "Dockerfile")["adapter"]
    start = adapter.last("CMD")
    assert start is not None
    graceful = option(start.json(), "--timeout-graceful-shutdown")
    longest: float = Settings.model_fields["gateway_timeout_seconds"].default
    draining: float = Settings.model_fields["drain_seconds"].default
    assert longest < graceful
    assert draining + graceful < seconds(SERVICES["flux-dao-service"]["stop_grace_period"])


def test_the_adapter_image_is_the_last_stage_and_runs_without_root() -> None:
    stages = read_stages(ROOT / "Dockerfile")
    assert list(stages)[-1] == "adapter"
    for name in ("adapter", "jobs"):
        user = stages[name].last("USER")
        assert user is not None
        assert user.text == "10001:10001"


def test_the_build_context_has_the_copied_files_and_no_tests_settings_or_keys() -> None:
    context = BuildContext(ROOT)
    assert Path("adapter/dao_service/main.py") in context.files("adapter/dao_service/")
    for left_out in (".env", ".env.local", ".local/jwt-secret", "tests/conftest.py", "supabase/.temp/x", ".git/config"):
        assert not context._sees(Path(left_out))
    assert not context._sees(Path("adapter/dao_service/__pycache__/main.cpython-313.pyc"))


def test_the_guides_paths_lead_to_these_files() -> None:
    assert (ROOT / "backend").resolve() == ROOT
    guides = read_compose(ROOT / "docker-compose.dao-service.yml")
    assert guides == {"name": COMPOSE["name"], "include": [{"path": "docker-compose.yml", "env_file": "docker/guides.env"}]}
    assert f"SERVICE_API_KEYS='{DEVELOPMENT_KEYS}'" in (ROOT / "docker" / "guides.env").read_text().splitlines()
    assert SERVICES["flux-dao-service"]["environment"]["SERVICE_API_KEYS"] == ""
    keys = read_compose(environment={"SERVICE_API_KEYS": DEVELOPMENT_KEYS.replace(" ", "")})
    assert keys["services"]["flux-dao-service"]["environment"]["SERVICE_API_KEYS"]
