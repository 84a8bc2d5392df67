"""The Dockerfile and the compose file: linters, and agreement with each other and with the code."""

import re
import subprocess
import sys
import tomllib
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from container.compose import COMPOSE_FILE, read_compose
from container.dockerfile import BuildContext, read_stages
from dao_service.settings import Settings
from local_stack.http_servers import DEVELOPMENT_KEYS
from local_stack.installation import _node_and_npm
from local_stack.migrations import supabase_cli
from local_stack.project import NODE_MODULES, ROOT, SUPABASE, api_config

COMPOSE = read_compose()
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
SERVERS = ("db", "postgrest", "flux-dao-service")
JOBS = ("keys", "migrate")
KEY_VOLUMES = {name for name in COMPOSE["volumes"] if name.endswith("-keys")}
# Read by the image's programs, not by Settings.
OF_THE_IMAGE = {"SECRETS_DIR", "WEB_CONCURRENCY", "UVICORN_HOST", "UVICORN_PORT"}

every_service = pytest.mark.parametrize("name", SERVICES)


def mounts(name: str) -> dict[str, tuple[str, list[str]]]:
    """The path and the options of each volume."""
    split = (volume.split(":") for volume in SERVICES[name].get("volumes", []))
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
    files = [COMPOSE_FILE, ROOT / "docker-compose.dao-service.yml"]
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
def test_every_published_port_is_on_the_loopback_interface(name: str) -> None:
    assert all(port.startswith("127.0.0.1:") for port in SERVICES[name].get("ports", []))


def test_only_the_adapter_publishes_a_port_and_the_database_cannot_reach_the_internet() -> None:
    assert [name for name, service in SERVICES.items() if "ports" in service] == ["flux-dao-service"]
    assert SERVICES["flux-dao-service"]["ports"] == ["127.0.0.1:8000:8000"]
    assert COMPOSE["networks"]["data"]["internal"] is True
    assert [name for name, service in SERVICES.items() if service.get("networks") != ["data"]] == ["keys", "flux-dao-service"]


@every_service
def test_no_variable_holds_a_secret(name: str) -> None:
    for variable, value in SERVICES[name].get("environment", {}).items():
        if re.search("KEY|SECRET|PASSWORD|TOKEN|URI", variable) and variable != "REQUIRE_SERVICE_KEY":
            assert value == "" or value.removeprefix("@").startswith("/run/flux"), variable
        assert not re.search(r"//[^/]*:[^/]*@|eyJ|sb_", value), variable


def test_the_adapter_knows_every_setting_that_compose_gives_it() -> None:
    known = {field.upper() for field in Settings.model_fields} | OF_THE_IMAGE
    assert set(SERVICES["flux-dao-service"]["environment"]) <= known
    assert SERVICES["flux-dao-service"]["environment"]["REQUIRE_SERVICE_KEY"] == "false"


def test_each_volume_of_keys_is_mounted_by_one_service_beside_the_job_that_fills_it() -> None:
    assert set(mounts("keys")) == KEY_VOLUMES
    readers = {volume: [name for name in SERVICES if name != "keys" and volume in mounts(name)] for volume in KEY_VOLUMES}
    assert readers == {
        "adapter-keys": ["flux-dao-service"],
        "data-api-keys": ["postgrest"],
        "database-keys": ["db"],
        "migrations-keys": ["migrate"],
    }
    for volume, names in readers.items():
        assert mounts(names[0])[volume] == ("/run/flux", ["ro"])


@every_service
def test_every_service_that_others_wait_for_has_a_health_check(name: str) -> None:
    for other, condition in SERVICES[name].get("depends_on", {}).items():
        if condition == {"condition": "service_healthy"}:
            assert SERVICES[other]["healthcheck"]["test"][0] == "CMD"
        else:
            assert condition == {"condition": "service_completed_successfully"}
            assert SERVICES[other]["restart"] == "no"


def test_services_start_in_the_order_keys_database_migrations_data_api_adapter() -> None:
    order = ["keys", "db", "migrate", "postgrest", "flux-dao-service"]
    waits = {name: list(service.get("depends_on", {})) for name, service in SERVICES.items()}
    assert waits == {"keys": [], **{later: [earlier] for earlier, later in pairwise(order)}}


@every_service
def test_every_service_is_bounded_and_confined(name: str) -> None:
    service = SERVICES[name]
    assert {"mem_limit", "cpus", "logging"} <= set(service)
    assert service.get("pull_policy") == ("build" if "build" in service else None)
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["restart"] == ("no" if name in JOBS else "unless-stopped")
    if name != "db":
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
    if name in SERVERS:
        assert "healthcheck" in service


def test_third_party_images_have_an_exact_tag() -> None:
    bases = {stage.base for stage in read_stages(ROOT / "Dockerfile").values()}
    others = {service["image"] for service in SERVICES.values() if "build" not in service}
    for image in bases | others:
        assert re.fullmatch(r"[a-z/]+:v?\d+\.?[\d.]*(-[a-z]+)*", image), image


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
